-- The reports as PostgreSQL is asked for them over its event tables.
--
-- They do less than those of `schemas/reports`: seconds that were watched twice count
-- twice, only spans count as watching, lengths of videos are taken as they come, and there
-- are no tutoring, attendance and active minutes of sections. {condition} says of which
-- section or video; of all it is `true`, for a materialised view.

-- student_day: section_id
WITH activity AS (
    SELECT occurred_at, student_key, course_id, section_id, school_id, event_type,
           least(greatest(coalesce(count, 1), 0), 1000000000) AS times,
           NULL AS content_id, 0.0::float8 AS watched, NULL AS item, false AS correct
    FROM clickstream
    WHERE {condition} AND event_type NOT IN ('notification.sent', 'enrollment.changed')
    UNION ALL
    SELECT occurred_at, student_key, course_id, section_id, school_id, event_type, 1,
           CASE WHEN event_type IN ('video.played', 'video.progressed') THEN content_id END,
           CASE WHEN event_type = 'video.progressed' THEN to_seconds - from_seconds ELSE 0 END,
           NULL, false
    FROM video
    WHERE {condition}
    UNION ALL
    SELECT occurred_at, student_key, course_id, section_id, school_id, event_type, 1,
           NULL, 0,
           CASE WHEN event_type = 'item.answered' THEN assessment_id || '/' || item_id END,
           coalesce(correct, score >= max_score)
    FROM assessment
    WHERE {condition} AND event_type NOT IN ('assessment.graded', 'grade.changed')
),
days AS (
    SELECT *, (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM activity
),
paces AS (
    SELECT *, occurred_at - lag(occurred_at) OVER (
               PARTITION BY section_id, student_key, day ORDER BY occurred_at) AS pause
    FROM days
)
SELECT day, student_key, course_id, section_id, max(school_id) AS school_id,
       coalesce(sum(times) FILTER (WHERE event_type = 'page.viewed'), 0) AS page_views,
       coalesce(sum(times) FILTER (WHERE event_type IN ('content.opened', 'resource.downloaded')), 0)
           AS contents_opened,
       coalesce(sum(times) FILTER (WHERE event_type = 'content.completed'), 0)
           AS contents_completed,
       count(DISTINCT content_id) AS videos_watched,
       sum(watched) AS seconds_watched,
       count(DISTINCT item) AS items_attempted,
       count(DISTINCT item) FILTER (WHERE correct) AS items_correct,
       coalesce(sum(times) FILTER (WHERE event_type = 'discussion.posted'), 0) AS posts,
       count(*) FILTER (WHERE pause IS NULL OR pause > interval '30 minutes') AS sessions,
       coalesce(extract(epoch FROM sum(pause) FILTER (WHERE pause <= interval '30 minutes')), 0) / 60
           + count(*) FILTER (WHERE pause IS NULL OR pause > interval '30 minutes')
           AS active_minutes
FROM paces
GROUP BY section_id, course_id, student_key, day;

-- section_day: section_id
WITH activity AS (
    SELECT occurred_at, student_key, course_id, section_id, 'clickstream' AS family,
           least(greatest(coalesce(count, 1), 0), 1000000000) AS times,
           event_type NOT IN ('notification.sent', 'enrollment.changed') AS active
    FROM clickstream
    WHERE {condition}
    UNION ALL
    SELECT occurred_at, student_key, course_id, section_id, 'video', 1, true
    FROM video
    WHERE {condition}
    UNION ALL
    SELECT occurred_at, student_key, course_id, section_id, 'assessment', 1,
           event_type NOT IN ('assessment.graded', 'grade.changed')
    FROM assessment
    WHERE {condition}
),
days AS (
    SELECT *, (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM activity
),
students AS (
    SELECT section_id, student_key, day,
           min(day) OVER (PARTITION BY section_id, student_key) AS first_day
    FROM days
    WHERE active
    GROUP BY section_id, student_key, day
)
SELECT e.day, e.course_id, e.section_id,
       coalesce(s.active_students, 0) AS active_students,
       e.clickstream_events, e.video_events, e.assessment_events,
       coalesce(s.new_students, 0) AS new_students,
       coalesce(s.active_students - s.new_students, 0) AS returning_students
FROM (SELECT day, course_id, section_id,
             coalesce(sum(times) FILTER (WHERE family = 'clickstream'), 0) AS clickstream_events,
             count(*) FILTER (WHERE family = 'video') AS video_events,
             count(*) FILTER (WHERE family = 'assessment') AS assessment_events
      FROM days
      GROUP BY day, course_id, section_id) e
LEFT JOIN (SELECT section_id, day, count(*) AS active_students,
                  count(*) FILTER (WHERE day = first_day) AS new_students
           FROM students
           GROUP BY section_id, day) s ON s.section_id = e.section_id AND s.day = e.day;

-- video_retention: content_id
SELECT content_id, second, count(DISTINCT student_key) AS viewers, count(*) AS views
FROM video
CROSS JOIN LATERAL generate_series(floor(from_seconds)::int, ceil(to_seconds)::int - 1) AS second
WHERE {condition} AND event_type = 'video.progressed' AND from_seconds BETWEEN 0 AND to_seconds
GROUP BY content_id, second;
