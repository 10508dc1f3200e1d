-- What every student did on every day, by section.
--
-- kind: table
-- grain: term, day, course_id, section_id, student_key
-- slice: term, day
-- sources: clickstream, video, assessment
-- include: watching.sql, session = day section_id, video = day
-- visibility: student
-- minimum_cell: none
-- thresholds: session_timeout_seconds = 1800, session_tail_seconds = 60, shortest_view_seconds = 0.25, overrun_seconds = 1, longest_video_seconds = 36000, most_times = 1000000000
-- clock: none
--
-- columns:
--   term                text not null  the academic term
--   day                 date           the day in the tenant's time zone
--   student_key         text           the student
--   course_id           text           the course
--   section_id          text           the section
--   school_id           text           the school
--   page_views          bigint         pages viewed
--   contents_opened     bigint         times that content was opened or downloaded
--   contents_completed  bigint         times that content was completed
--   videos_watched      bigint         videos of which anything was played
--   seconds_watched     double         seconds of video watched, in each session each second once
--   items_attempted     bigint         different items answered
--   items_correct       bigint         different items answered correctly, at whichever try
--   posts               bigint         posts to discussions
--   prompts             bigint         prompts to a tutor; none until events of tutoring exist
--   sessions            bigint         sittings: midnight and longer pauses than the timeout end one
--   active_minutes      double         time in sittings, with one tail for each
WITH activity AS (
    -- What students did themselves. What was done to them (sent, enrolled,
    -- graded) makes nobody active.
    SELECT
        term, day, course_id, section_id, student_key, school_id, event_type, occurred_at,
        -- A row may stand for several, but not for so many that a sum leaves 63
        -- bits: that takes 9,000,000,000 rows of one student and day.
        least(greatest(coalesce(count, 1), 0), $most_times) AS times,
        CAST(NULL AS text) AS assessment_id,
        CAST(NULL AS text) AS item_id,
        CAST(NULL AS boolean) AS correct
    FROM clickstream
    WHERE event_type NOT IN ('notification.sent', 'enrollment.changed')
    UNION ALL
    SELECT
        term, day, course_id, section_id, student_key, school_id, event_type, occurred_at,
        1, NULL, NULL, NULL
    FROM video
    UNION ALL
    SELECT
        term, day, course_id, section_id, student_key, school_id, event_type, occurred_at,
        1, assessment_id, item_id, coalesce(correct, score >= max_score)
    FROM assessment
    WHERE event_type NOT IN ('assessment.graded', 'grade.changed')
),
paces AS (
    -- A timestamp is a whole number of microseconds; so is its distance from the
    -- one before it.
    SELECT
        *,
        CAST(occurred_at AS bigint) - lag(CAST(occurred_at AS bigint)) OVER (
            PARTITION BY term, day, course_id, section_id, student_key
            ORDER BY occurred_at
        ) AS pause
    FROM activity
),
days AS (
    SELECT
        term, day, course_id, section_id, student_key,
        max(school_id) AS school_id,
        sum(times) FILTER (WHERE event_type = 'page.viewed') AS page_views,
        sum(times) FILTER (WHERE event_type IN ('content.opened', 'resource.downloaded'))
            AS contents_opened,
        sum(times) FILTER (WHERE event_type = 'content.completed') AS contents_completed,
        sum(times) FILTER (WHERE event_type = 'discussion.posted') AS posts,
        count(*) FILTER (WHERE pause IS NULL OR pause > $session_timeout_seconds * 1000000)
            AS sessions,
        sum(pause) FILTER (WHERE pause <= $session_timeout_seconds * 1000000) AS active_time
    FROM paces
    GROUP BY term, day, course_id, section_id, student_key
),
items AS (
    -- An item's name may mean another item in another assessment.
    SELECT
        term, day, course_id, section_id, student_key,
        count(*) AS items_attempted,
        count(*) FILTER (WHERE correct) AS items_correct
    FROM (
        SELECT
            term, day, course_id, section_id, student_key, assessment_id, item_id,
            bool_or(correct) AS correct
        FROM activity
        WHERE event_type = 'item.answered'
        GROUP BY term, day, course_id, section_id, student_key, assessment_id, item_id
    )
    GROUP BY term, day, course_id, section_id, student_key
),
videos AS (
    SELECT
        term, day, course_id, section_id, student_key,
        count(DISTINCT content_id) AS videos_watched,
        sum(watched_time) AS watched_time
    FROM (
        -- Told from the day's events alone: a list that goes on after midnight
        -- repeats there what was watched before it.
        SELECT
            term, day, course_id, section_id, student_key, content_id,
            ends - starts AS watched_time
        FROM watched
        UNION ALL
        SELECT term, day, course_id, section_id, student_key, content_id, 0
        FROM video
        WHERE event_type = 'video.played'
    )
    GROUP BY term, day, course_id, section_id, student_key
)
SELECT
    days.term,
    days.day,
    days.student_key,
    days.course_id,
    days.section_id,
    days.school_id,
    coalesce(days.page_views, 0) AS page_views,
    coalesce(days.contents_opened, 0) AS contents_opened,
    coalesce(days.contents_completed, 0) AS contents_completed,
    coalesce(videos.videos_watched, 0) AS videos_watched,
    coalesce(videos.watched_time, 0) / 1000000.0 AS seconds_watched,
    coalesce(items.items_attempted, 0) AS items_attempted,
    coalesce(items.items_correct, 0) AS items_correct,
    coalesce(days.posts, 0) AS posts,
    -- Nothing prompts a tutor yet; the column is part of the contract.
    CAST(0 AS bigint) AS prompts,
    days.sessions,
    round(
        (coalesce(days.active_time, 0) + days.sessions * $session_tail_seconds * 1000000) / 60000000.0,
        6
    ) AS active_minutes
FROM days
LEFT JOIN items
    ON days.term = items.term
    AND days.day = items.day
    AND days.student_key = items.student_key
    AND (days.course_id IS NOT DISTINCT FROM items.course_id)
    AND (days.section_id IS NOT DISTINCT FROM items.section_id)
LEFT JOIN videos
    ON days.term = videos.term
    AND days.day = videos.day
    AND days.student_key = videos.student_key
    AND (days.course_id IS NOT DISTINCT FROM videos.course_id)
    AND (days.section_id IS NOT DISTINCT FROM videos.section_id)
