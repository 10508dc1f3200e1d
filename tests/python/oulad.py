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


for name in ["studentVle", "studentAssessment", "assessments"]:
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


WEEK = "date_trunc('week', DATE '2013-10-01' + CAST(date AS integer))::date"
COURSE = "code_module = 'AAA' AND code_presentation = '2013J'"

(totals,) = rows(
    """SELECT (SELECT count(*) FROM studentVle) AS clicks,
              (SELECT sum(sum_click)::bigint FROM studentVle) AS clicks_sum,
              (SELECT count(*) + count(score) FROM studentAssessment) AS assessments"""
)
answers = {
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
