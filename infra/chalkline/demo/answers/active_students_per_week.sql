SELECT
    CAST(date_trunc('week', day) AS DATE) AS week,
    count(DISTINCT student_key) AS students
FROM student_day
WHERE section_id = 'aaa-2013j'
GROUP BY 1
ORDER BY 1
