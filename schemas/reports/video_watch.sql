-- How much of every video each student watched: the union of everything watched, and the repeats.
--
-- kind: table
-- grain: term, course_id, content_id, content_version, student_key
-- slice: term, content_id
-- sources: video
-- include: watching.sql
-- visibility: student
-- minimum_cell: none
-- thresholds: completed_rate = 0.95, shortest_view_seconds = 0.25, overrun_seconds = 1, longest_video_seconds = 36000
-- clock: none
--
-- columns:
--   term                   text not null  the academic term
--   course_id              text           the course in which the video was watched
--   content_id             text           the video
--   content_version        bigint         the version of the video, where the sender tells
--   student_key            text           the student
--   section_id             text           the section of the student's latest event of the video
--   school_id              text           the school of the student's latest event of the video
--   distinct_seconds       double         seconds of the video watched at least once
--   total_seconds          double         seconds watched, repeats included
--   replayed_seconds       double         total_seconds less distinct_seconds
--   watched_rate           double         distinct_seconds by the video's length, at most 1; null while the length is unknown
--   completed              boolean        whether at least 95 % was watched; null while the length is unknown
--   last_position_seconds  double         where the playhead was last known to be
--   sessions               bigint         sessions with the video; events without a session count as one
WITH
-- The same again for a student's sessions together: stretches of one are joined
-- with those of another.
student_boundaries AS (
    SELECT
        term, course_id, content_id, content_version, student_key,
        boundary['at'] AS at,
        sum(boundary['sessions']) AS sessions,
        sum(boundary['total_time']) AS total_time
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key,
            unnest([
                named_struct('at', starts, 'sessions', 1, 'total_time', (ends - starts) * times),
                named_struct('at', ends, 'sessions', -1, 'total_time', 0)
            ]) AS boundary
        FROM watched
    )
    GROUP BY term, course_id, content_id, content_version, student_key, boundary['at']
),
student_stretches AS (
    SELECT
        term, course_id, content_id, content_version, student_key, total_time,
        lead(at) OVER of_student - at AS stretch_time,
        sum(sessions) OVER of_student AS sessions
    FROM student_boundaries
    WINDOW of_student AS (
        PARTITION BY term, course_id, content_id, content_version, student_key
        ORDER BY at
    )
),
watch_times AS (
    SELECT
        term, course_id, content_id, content_version, student_key,
        sum(stretch_time) FILTER (WHERE sessions > 0) AS distinct_time,
        sum(total_time) AS total_time
    FROM student_stretches
    GROUP BY term, course_id, content_id, content_version, student_key
),
students AS (
    -- Everyone with an event of the video, also who has not watched yet.
    SELECT
        term, course_id, content_id, content_version, student_key,
        first_value(section_id ORDER BY occurred_at DESC, event_id DESC) AS section_id,
        first_value(school_id ORDER BY occurred_at DESC, event_id DESC) AS school_id,
        first_value(position ORDER BY occurred_at DESC, event_id DESC)
            FILTER (WHERE position IS NOT NULL)
            AS last_position_seconds,
        count(*) FILTER (WHERE place_in_session = 1) AS sessions
    FROM (
        -- A distinct count beside the values above would keep 8 KiB for each student.
        SELECT
            term, course_id, content_id, content_version, student_key, section_id, school_id,
            occurred_at, event_id,
            coalesce(position_seconds, to_seconds) AS position,
            row_number() OVER (
                PARTITION BY
                    term, course_id, content_id, content_version, student_key,
                    coalesce(session_id, '')
                ORDER BY occurred_at, event_id
            ) AS place_in_session
        FROM video
        WHERE content_id IS NOT NULL
    )
    GROUP BY term, course_id, content_id, content_version, student_key
)
SELECT
    students.term,
    students.course_id,
    students.content_id,
    CAST(students.content_version AS bigint) AS content_version,
    students.student_key,
    students.section_id,
    students.school_id,
    coalesce(watch_times.distinct_time, 0) / 1000000.0 AS distinct_seconds,
    coalesce(watch_times.total_time, 0) / 1000000.0 AS total_seconds,
    (coalesce(watch_times.total_time, 0) - coalesce(watch_times.distinct_time, 0)) / 1000000.0
        AS replayed_seconds,
    -- `least` would take the 1 for an unknown length.
    CASE WHEN durations.duration_seconds IS NOT NULL THEN round(least(
        coalesce(watch_times.distinct_time, 0) / round(durations.duration_seconds * 1000000), 1), 6)
    END AS watched_rate,
    coalesce(watch_times.distinct_time, 0) / round(durations.duration_seconds * 1000000)
        >= $completed_rate AS completed,
    students.last_position_seconds,
    students.sessions
FROM students
LEFT JOIN watch_times
    ON students.term = watch_times.term
    AND students.content_id = watch_times.content_id
    AND students.student_key = watch_times.student_key
    AND (students.course_id IS NOT DISTINCT FROM watch_times.course_id)
    AND (students.content_version IS NOT DISTINCT FROM watch_times.content_version)
LEFT JOIN durations
    ON students.term = durations.term
    AND students.content_id = durations.content_id
    AND (students.content_version IS NOT DISTINCT FROM durations.content_version)
