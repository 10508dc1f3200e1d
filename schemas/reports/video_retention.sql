-- How many students watched every second of every video, and how often. Of a
-- video longer than an hour every second, third, ... second has a row: no curve
-- has more than 3,600, however long a player says that a video is.
--
-- kind: table
-- grain: term, course_id, content_id, content_version, second
-- slice: term, content_id
-- sources: video
-- include: watching.sql
-- visibility: tenant
-- minimum_cell: viewers
-- thresholds: shortest_view_seconds = 0.25, overrun_seconds = 1, longest_video_seconds = 36000, most_points = 3600
-- clock: none
--
-- columns:
--   term             text not null  the academic term
--   course_id        text           the course in which the video was watched
--   content_id       text           the video
--   content_version  bigint         the version of the video, where the sender tells
--   second           bigint         the second of the video, from 0: [second, second + 1)
--   viewers          bigint         students who watched any of that second
--   views            bigint         how often it was watched: once a session at least, and every repeat
--   retention_rate   double         viewers by the students who watched any of the video
--   replay_index     double         views by viewers; null where nobody watched
WITH
seconds AS (
    -- The seconds that a stretch touches: those whole in it, and at either end
    -- one that other stretches of the session may share. Such a second was
    -- watched as often as its busiest instant: a pause makes no repeat.
    SELECT
        term, course_id, content_id, content_version, student_key, session_id,
        part['second'] AS second,
        part['until'] AS until,
        max(times) AS times
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key, session_id, times,
            unnest([
                named_struct('second', starts / 1000000, 'until', (starts + 999999) / 1000000),
                named_struct('second', (starts + 999999) / 1000000, 'until', ends / 1000000),
                named_struct('second', ends / 1000000, 'until', (ends + 999999) / 1000000)
            ]) AS part
        FROM watched
    )
    WHERE part['second'] < part['until']
    GROUP BY
        term, course_id, content_id, content_version, student_key, session_id,
        part['second'], part['until']
),
student_boundaries AS (
    -- Every student begins at second 0, so that the curve does.
    SELECT
        term, course_id, content_id, content_version, student_key,
        boundary['second'] AS second,
        sum(boundary['sessions']) AS sessions,
        sum(boundary['views']) AS views
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key,
            unnest([
                named_struct('second', 0, 'sessions', 0, 'views', 0),
                named_struct('second', second, 'sessions', 1, 'views', times),
                named_struct('second', until, 'sessions', -1, 'views', -times)
            ]) AS boundary
        FROM seconds
    )
    GROUP BY term, course_id, content_id, content_version, student_key, boundary['second']
),
student_changes AS (
    -- A student becomes a viewer when the first session covers the second, and
    -- is none any more when the last one ends.
    SELECT
        term, course_id, content_id, content_version, second, views,
        CAST(sum(sessions) OVER of_student > 0 AS bigint)
            - CAST(sum(sessions) OVER of_student - sessions > 0 AS bigint) AS viewers,
        CAST(second = 0 AS bigint) AS students
    FROM student_boundaries
    WINDOW of_student AS (
        PARTITION BY term, course_id, content_id, content_version, student_key
        ORDER BY second
    )
),
changes AS (
    SELECT
        term, course_id, content_id, content_version, second,
        sum(viewers) AS viewers,
        sum(views) AS views,
        sum(students) AS students
    FROM student_changes
    GROUP BY term, course_id, content_id, content_version, second
),
curve AS (
    -- Between two changes the curve is level; after the last it goes on to the
    -- end of the video.
    SELECT
        changes.term, changes.course_id, changes.content_id, changes.content_version,
        changes.second,
        coalesce(
            lead(changes.second) OVER of_video,
            -- `least` would take the longest for an unknown length.
            CASE WHEN durations.duration_seconds IS NOT NULL THEN CAST(ceil(
                least(durations.duration_seconds, $longest_video_seconds)) AS bigint)
            END
        ) AS until,
        sum(changes.viewers) OVER of_video AS viewers,
        sum(changes.views) OVER of_video AS views,
        sum(changes.students) OVER of_video AS students
    FROM changes
    LEFT JOIN durations
        ON changes.term = durations.term
        AND changes.content_id = durations.content_id
        AND (changes.content_version IS NOT DISTINCT FROM durations.content_version)
    WINDOW of_video AS (
        PARTITION BY changes.term, changes.course_id, changes.content_id, changes.content_version
        ORDER BY changes.second
    )
),
paced AS (
    SELECT
        *,
        greatest((max(until) OVER of_video + $most_points - 1) / $most_points, 1) AS step
    FROM curve
    WINDOW of_video AS (PARTITION BY term, course_id, content_id, content_version)
),
points AS (
    SELECT
        term, course_id, content_id, content_version, viewers, views, students,
        unnest(range((second + step - 1) / step * step, until, step)) AS point
    FROM paced
)
SELECT
    term,
    course_id,
    content_id,
    CAST(content_version AS bigint) AS content_version,
    point AS second,
    viewers,
    views,
    round(CAST(viewers AS double) / students, 6) AS retention_rate,
    round(CAST(views AS double) / nullif(viewers, 0), 6) AS replay_index
FROM points
