-- What analysts ask, in SQL that Chalkline, DuckDB, ClickHouse and PostgreSQL take as it is.
--
-- Before each: its name, `dashboard` (few rows are looked for) or `wide` (all of a term or
-- more are read), and the roles whose policy is measured with it. In braces stands what is
-- chosen when it is asked; {scope} is nothing, or the policy of a role as a condition.

-- section_week: dashboard; teacher, school_admin
SELECT date_trunc('day', occurred_at) AS day, count(*) AS events,
       count(DISTINCT student_key) AS students
FROM clickstream
WHERE section_id = '{section}' AND occurred_at >= TIMESTAMP '{monday} 00:00:00'
  AND occurred_at < TIMESTAMP '{next_monday} 00:00:00' {scope}
GROUP BY 1
ORDER BY 1;

-- section_students: dashboard; teacher, school_admin
SELECT student_key, count(*) AS events, max(occurred_at) AS last_seen
FROM clickstream
WHERE section_id = '{section}' {scope}
GROUP BY student_key
ORDER BY events DESC, student_key
LIMIT 50;

-- student_history: dashboard; teacher, school_admin
SELECT occurred_at, event_type, content_id
FROM clickstream
WHERE student_key = '{student}' {scope}
ORDER BY occurred_at DESC, event_id
LIMIT 100;

-- item_scores: dashboard; teacher, school_admin
SELECT item_id, count(*) AS answers, avg(CASE WHEN correct THEN 1.0 ELSE 0.0 END) AS correct
FROM assessment
WHERE assessment_id = '{assessment}' AND event_type = 'item.answered' {scope}
GROUP BY item_id
ORDER BY item_id;

-- course_videos: dashboard; school_admin
SELECT content_id, count(DISTINCT student_key) AS viewers, count(*) AS events
FROM video
WHERE course_id = '{course}' AND event_type = 'video.progressed' {scope}
GROUP BY content_id
ORDER BY viewers DESC, content_id
LIMIT 20;

-- day_hours: dashboard; school_admin, analyst
SELECT date_trunc('hour', occurred_at) AS hour, event_type, count(*) AS events
FROM clickstream
WHERE occurred_at >= TIMESTAMP '{monday} 00:00:00'
  AND occurred_at < TIMESTAMP '{tuesday} 00:00:00' {scope}
GROUP BY 1, 2
ORDER BY 1, 2;

-- top_pages: dashboard; school_admin
SELECT url, count(*) AS views, count(DISTINCT student_key) AS students
FROM clickstream
WHERE school_id = '{school}' AND event_type = 'page.viewed'
  AND occurred_at >= TIMESTAMP '{monday} 00:00:00'
  AND occurred_at < TIMESTAMP '{next_monday} 00:00:00' {scope}
GROUP BY url
ORDER BY views DESC, url
LIMIT 20;

-- term_days: wide; school_admin, analyst
SELECT date_trunc('day', occurred_at) AS day, count(*) AS events,
       count(DISTINCT student_key) AS students
FROM clickstream
WHERE occurred_at >= TIMESTAMP '{term_start} 00:00:00' {scope}
GROUP BY 1
ORDER BY 1;

-- course_students: wide; school_admin, analyst
SELECT course_id, count(DISTINCT student_key) AS students, count(*) AS events
FROM clickstream
WHERE event_type <> 'notification.sent' {scope}
GROUP BY course_id
ORDER BY course_id;

-- score_percentiles: wide; school_admin
SELECT course_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY score) AS half,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY score) AS best
FROM assessment
WHERE event_type = 'assessment.graded' {scope}
GROUP BY course_id
ORDER BY course_id;

-- course_attendance: wide; school_admin
SELECT s.course_id, sum(e.enrolled) AS enrolled, sum(a.active) AS active
FROM sections s
JOIN (SELECT section_id, count(*) AS enrolled
      FROM enrollments
      WHERE role = 'student' {scope}
      GROUP BY section_id) e ON e.section_id = s.section_id
JOIN (SELECT section_id, count(DISTINCT student_key) AS active
      FROM clickstream
      WHERE occurred_at >= TIMESTAMP '{term_start} 00:00:00' {scope}
      GROUP BY section_id) a ON a.section_id = s.section_id
GROUP BY s.course_id
ORDER BY s.course_id;

-- retention: wide; school_admin
WITH weeks AS (
    SELECT DISTINCT student_key, date_trunc('week', occurred_at) AS week
    FROM clickstream
    WHERE occurred_at >= TIMESTAMP '{term_start} 00:00:00' {scope}
),
firsts AS (
    SELECT student_key, min(week) AS first_week
    FROM weeks
    GROUP BY student_key
)
SELECT f.first_week, w.week, count(*) AS students
FROM weeks w
JOIN firsts f ON f.student_key = w.student_key
GROUP BY f.first_week, w.week
ORDER BY f.first_week, w.week;
