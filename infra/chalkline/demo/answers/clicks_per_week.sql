SELECT
    CAST(date_trunc('week', occurred_at) AS DATE) AS week,
    sum("count") AS clicks
FROM clickstream
WHERE event_type = 'content.opened' AND section_id = 'aaa-2013j'
GROUP BY 1
ORDER BY 1
