SELECT
    content_id AS video,
    count(*) AS viewers,
    round(100 * avg(watched_rate)) AS mean_percent_watched,
    round(sum(replayed_seconds) / 3600, 1) AS hours_replayed
FROM video_watch
WHERE course_id = 'course-v1:FUN-MOOC+00001+session01' AND distinct_seconds > 0
GROUP BY content_id
ORDER BY viewers DESC, video
