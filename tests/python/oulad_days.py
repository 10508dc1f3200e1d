"""Days of one course from the CSV files themselves.

usage: oulad_days.py FOLDER SECRET    (the tenant's secret, under which students are keys)

Day n of AAA 2013J is the n-th day after 1 October 2013. Clicks and submissions
are what students do; scores are given to them.
"""

import datetime
import json
import sys

import duckdb

import students

_, folder, secret = sys.argv
student_key = students.keys(secret)


for name in ["studentVle", "studentAssessment", "assessments"]:
    # Compressed or not.
    path = f"{folder}/{name}.csv*"
    duckdb.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', header = true)")

duckdb.execute(
    """
    CREATE VIEW clicks AS
    SELECT id_student::varchar AS student, DATE '2013-10-01' + date::integer AS day, sum_click
    FROM studentVle
    WHERE code_module = 'AAA' AND code_presentation = '2013J';

    CREATE VIEW submissions AS
    SELECT id_student::varchar AS student, DATE '2013-10-01' + date_submitted::integer AS day,
           id_assessment::varchar AS assessment_id, score
    FROM studentAssessment JOIN assessments USING (id_assessment)
    WHERE code_module = 'AAA' AND code_presentation = '2013J';

    CREATE VIEW active AS
    SELECT student, day FROM clicks UNION SELECT student, day FROM submissions
    """
)


def rows(sql):
    """Rows as the query API writes them."""
    relation = duckdb.sql(sql)
    plain = lambda v: v.isoformat() if isinstance(v, datetime.date) else v
    return [
        {name: plain(value) for name, value in zip(relation.columns, row)}
        for row in relation.fetchall()
    ]


answers = {
    "student_days": [
        {"student_key": student_key(row.pop("actor"))} | row for row in rows(
        """SELECT student AS actor, day, coalesce(sum(sum_click), 0)::bigint AS contents_opened
           FROM active LEFT JOIN clicks USING (student, day)
           GROUP BY ALL"""
        )
    ],
    "section_days": rows(
        """SELECT day,
                  (SELECT count(*) FROM active a WHERE a.day = days.day) AS active_students,
                  (SELECT coalesce(sum(sum_click), 0)::bigint FROM clicks c WHERE c.day = days.day)
                      AS clickstream_events,
                  (SELECT count(*) + count(score) FROM submissions s WHERE s.day = days.day)
                      AS assessment_events,
                  (SELECT count(*) FROM (SELECT min(day) AS first FROM active GROUP BY student)
                   WHERE first = days.day) AS new_students
           FROM (SELECT DISTINCT day FROM active) AS days ORDER BY day"""
    ),
    "active_students_per_week": rows(
        """SELECT date_trunc('week', day)::date AS week, count(DISTINCT student) AS students
           FROM active GROUP BY 1 ORDER BY 1"""
    ),
    "submissions_per_assessment": rows(
        """SELECT assessment_id, count(*) AS submissions, count(score) AS scores,
                  round(avg(score), 2) AS mean_score
           FROM submissions GROUP BY 1 ORDER BY 1"""
    ),
}
print(json.dumps(answers))
