SELECT week,
       sum(joined) AS joined,
       sum("left") AS "left",
       sum(sum(joined) - sum("left")) OVER (ORDER BY week) AS enrolled
FROM (
    SELECT CAST(date_trunc('week', begin_date) AS DATE) AS week, 1 AS joined, 0 AS "left"
    FROM enrollments WHERE section_id = 'aaa-2013j' AND role = 'student'
    UNION ALL
    -- The last day is one of them.
    SELECT CAST(date_trunc('week', end_date + INTERVAL '1 day') AS DATE), 0, 1
    FROM enrollments WHERE section_id = 'aaa-2013j' AND role = 'student' AND end_date IS NOT NULL
)
GROUP BY week
ORDER BY week
