-- What every student did on every day, by section.
--
-- kind: table
-- grain: term, day, course_id, section_id, student_key
-- slice: term, day
-- sources: clickstream, video, assessment
-- visibility: student
-- minimum_cell: none
-- thresholds: session_timeout_seconds = 1800, session_tail_seconds = 60, shortest_view_seconds = 0.25, overrun_seconds = 1, longest_video_seconds = 36000
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
        coalesce(count, 1) AS times,
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
durations AS (
    -- A video is as long as most of its events of the day say, else the longer.
    SELECT term, day, content_id, content_version, duration_seconds
    FROM (
        SELECT
            term, day, content_id, content_version, duration_seconds,
            row_number() OVER (
                PARTITION BY term, day, content_id, content_version
                ORDER BY count(*) DESC, duration_seconds DESC
            ) AS place
        FROM video
        WHERE duration_seconds > 0
        GROUP BY term, day, content_id, content_version, duration_seconds
    )
    WHERE place = 1
),
-- What was watched is told from lists, spans or edges as in video_watch, here
-- from the day's events alone. A list that goes on after midnight repeats there
-- what was watched before it.
listed AS (
    SELECT
        term, day, course_id, section_id, student_key, content_id, content_version, session_id,
        1 AS source,
        CAST(round(piece['from_seconds'] * 1000000) AS bigint) AS starts,
        CAST(round(piece['to_seconds'] * 1000000) AS bigint) AS ends
    FROM (
        SELECT
            term, day, course_id, section_id, student_key, content_id, content_version, session_id,
            unnest(played_segments) AS piece
        FROM video
        WHERE content_id IS NOT NULL
    )
    WHERE piece['to_seconds'] <= $longest_video_seconds
),
spans AS (
    SELECT
        term, day, course_id, section_id, student_key, content_id, content_version, session_id,
        2 AS source,
        CAST(round(from_seconds * 1000000) AS bigint) AS starts,
        CAST(round(to_seconds * 1000000) AS bigint) AS ends
    FROM video
    WHERE content_id IS NOT NULL
        AND event_type = 'video.progressed'
        AND to_seconds <= $longest_video_seconds
),
turns AS (
    SELECT
        term, day, course_id, section_id, student_key, content_id, content_version, session_id,
        CASE event_type WHEN 'video.seeked' THEN to_seconds ELSE position_seconds END AS starts,
        lead(CASE event_type WHEN 'video.seeked' THEN from_seconds ELSE position_seconds END)
            OVER in_session AS ends,
        lead(event_type) OVER in_session AS next_type,
        last_value(CASE WHEN event_type <> 'video.seeked' THEN event_type END) IGNORE NULLS
            OVER in_session AS state
    FROM video
    WHERE content_id IS NOT NULL
        AND event_type IN ('video.played', 'video.paused', 'video.stopped', 'video.seeked')
    WINDOW in_session AS (
        PARTITION BY
            term, day, course_id, section_id, student_key, content_id, content_version, session_id
        ORDER BY occurred_at, event_id
    )
),
edges AS (
    SELECT
        turns.term, turns.day, turns.course_id, turns.section_id, turns.student_key,
        turns.content_id, turns.content_version, turns.session_id,
        3 AS source,
        CAST(round(turns.starts * 1000000) AS bigint) AS starts,
        CAST(round(turns.ends * 1000000) AS bigint) AS ends
    FROM turns
    LEFT JOIN durations
        ON turns.term = durations.term
        AND turns.day = durations.day
        AND turns.content_id = durations.content_id
        AND (turns.content_version IS NOT DISTINCT FROM durations.content_version)
    WHERE turns.state = 'video.played'
        AND turns.next_type <> 'video.played'
        AND turns.ends - turns.starts >= $shortest_view_seconds
        AND turns.ends <= least(
            durations.duration_seconds + $overrun_seconds, $longest_video_seconds)
),
pieces AS (
    -- Cumulative lists say most pieces many times.
    SELECT
        *,
        min(source) OVER (
            PARTITION BY
                term, day, course_id, section_id, student_key, content_id, content_version, session_id
        ) AS best_source
    FROM (
        SELECT DISTINCT * FROM listed
        UNION ALL
        SELECT * FROM spans
        UNION ALL
        SELECT * FROM edges
    )
),
boundaries AS (
    SELECT
        term, day, course_id, section_id, student_key, content_id, content_version, session_id,
        boundary['at'] AS at,
        sum(boundary['pieces']) AS pieces
    FROM (
        SELECT
            term, day, course_id, section_id, student_key, content_id, content_version, session_id,
            unnest([
                named_struct('at', starts, 'pieces', 1),
                named_struct('at', ends, 'pieces', -1)
            ]) AS boundary
        FROM pieces
        WHERE source = best_source AND starts < ends
    )
    GROUP BY
        term, day, course_id, section_id, student_key, content_id, content_version, session_id,
        boundary['at']
),
stretches AS (
    SELECT
        term, day, course_id, section_id, student_key, content_id,
        lead(at) OVER in_session - at AS stretch_time,
        sum(pieces) OVER in_session AS pieces
    FROM boundaries
    WINDOW in_session AS (
        PARTITION BY
            term, day, course_id, section_id, student_key, content_id, content_version, session_id
        ORDER BY at
    )
),
videos AS (
    SELECT
        term, day, course_id, section_id, student_key,
        count(DISTINCT content_id) AS videos_watched,
        sum(watched_time) AS watched_time
    FROM (
        SELECT
            term, day, course_id, section_id, student_key, content_id,
            stretch_time AS watched_time
        FROM stretches
        WHERE pieces > 0
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
