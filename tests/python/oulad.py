"""Answers the demo's questions from the CSV files themselves.

usage: oulad.py FOLDER

Day n of a presentation is the n-th day after the first of its month: February
for B, October for J.
"""

import datetime
import json
import sys

import duckdb

folder = sys.argv[1]


for name in ["studentVle", "studentAssessment", "assessments", "studentRegistration"]:
    # Compressed or not.
    path = f"{folder}/{name}.csv*"
    duckdb.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', header = true)")


def rows(sql):
    """Rows as the query API writes them."""
    relation = duckdb.sql(sql)
    plain = lambda v: v.isoformat() if isinstance(v, datetime.date) else v
    return [
        {name: plain(value) for name, value in zip(relation.columns, row)}
        for row in relation.fetchall()
    ]


# Who is enrolled on a day: from the day of registration to that of unregistration.
duckdb.execute(
    """CREATE VIEW enrolled AS
       SELECT lower(code_module || '-' || code_presentation) AS section,
              make_date(CAST(code_presentation[1:4] AS integer),
                        CASE code_presentation[5:5] WHEN 'B' THEN 2 ELSE 10 END, 1)
                  + CAST(date_registration AS integer) AS first,
              make_date(CAST(code_presentation[1:4] AS integer),
                        CASE code_presentation[5:5] WHEN 'B' THEN 2 ELSE 10 END, 1)
                  + CAST(date_unregistration AS integer) AS last
       FROM studentRegistration WHERE date_registration IS NOT NULL"""
)
ENROLLED = """(SELECT count(*) FROM enrolled AS e
    WHERE e.section = days.section AND first <= days.day AND coalesce(last, days.day) >= days.day)"""

WEEK = "date_trunc('week', DATE '2013-10-01' + CAST(date AS integer))::date"
COURSE = "code_module = 'AAA' AND code_presentation = '2013J'"

(totals,) = rows(
    """SELECT (SELECT count(*) FROM studentVle) AS clicks,
              (SELECT sum(sum_click)::bigint FROM studentVle) AS clicks_sum,
              (SELECT count(*) + count(score) FROM studentAssessment) AS assessments"""
)
answers = {
    "enrolled_per_day": rows(
        f"""SELECT section AS section_id, day, {ENROLLED} AS enrolled
            FROM (SELECT section, first AS day FROM enrolled WHERE coalesce(last, first) >= first
                  UNION SELECT section, last + 1 FROM enrolled WHERE last >= first) AS days
            ORDER BY 1, 2"""
    ),
    "enrolled_per_week": rows(
        f"""WITH changes AS (
                SELECT first AS day, 1 AS joined, 0 AS "left" FROM enrolled
                WHERE section = 'aaa-2013j' AND coalesce(last, first) >= first
                UNION ALL SELECT last + 1, 0, 1 FROM enrolled
                WHERE section = 'aaa-2013j' AND last >= first),
            weeks AS (
                SELECT date_trunc('week', day)::date AS week,
                       sum(joined)::bigint AS joined, sum("left")::bigint AS "left"
                FROM changes GROUP BY 1),
            days AS (SELECT *, 'aaa-2013j' AS section, week + 6 AS day FROM weeks)
            SELECT week, joined, "left", {ENROLLED} AS enrolled FROM days ORDER BY 1"""
    ),
    "clicks_per_week": rows(
        f"""SELECT {WEEK} AS week, sum(sum_click)::bigint AS clicks
            FROM studentVle WHERE {COURSE} GROUP BY 1 ORDER BY 1"""
    ),
    "active_students_per_week": rows(
        f"""SELECT {WEEK} AS week, count(DISTINCT id_student) AS students
            FROM (SELECT date, id_student FROM studentVle WHERE {COURSE}
                  UNION ALL
                  SELECT date_submitted, id_student
                  FROM studentAssessment JOIN assessments USING (id_assessment) WHERE {COURSE})
            GROUP BY 1 ORDER BY 1"""
    ),
    "mean_score_per_assessment": rows(
        f"""SELECT id_assessment::varchar AS assessment_id, assessment_type AS category,
                   count(score) AS scores, round(avg(score), 2) AS mean_score
            FROM studentAssessment JOIN assessments USING (id_assessment)
            WHERE {COURSE} AND score IS NOT NULL GROUP BY 1, 2 ORDER BY 1"""
    ),
}
print(json.dumps({**totals, **answers}))
