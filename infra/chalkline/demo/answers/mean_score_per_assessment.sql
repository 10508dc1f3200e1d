SELECT
    assessment_id,
    category,
    count(*) AS scores,
    round(avg(score), 2) AS mean_score
FROM assessment
WHERE event_type = 'assessment.graded' AND section_id = 'aaa-2013j'
GROUP BY 1, 2
ORDER BY 1
