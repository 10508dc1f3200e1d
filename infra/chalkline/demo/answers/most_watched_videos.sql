SELECT
    content_id,
    count(*) AS viewers,
    round(avg(watched_rate) * 100, 1) AS mean_watched_percent,
    round(sum(replayed_seconds) / 3600, 1) AS hours_replayed
FROM video_watch
WHERE course_id = 'course-v1:FUN-MOOC+00001+session01' AND distinct_seconds > 0
GROUP BY content_id
ORDER BY viewers DESC, content_id
