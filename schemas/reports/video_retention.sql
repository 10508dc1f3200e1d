-- How many students watched every second of every video, and how often.
--
-- kind: table
-- grain: term, course_id, content_id, content_version, second
-- slice: term, content_id
-- sources: video
-- visibility: tenant
-- minimum_cell: tenant
-- thresholds: shortest_view_seconds = 0.25, overrun_seconds = 1, longest_video_seconds = 36000
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
WITH durations AS (
    -- A video is as long as most of its events say, else the longer: one player
    -- that is wrong moves nothing.
    SELECT term, content_id, content_version, duration_seconds
    FROM (
        SELECT
            term, content_id, content_version, duration_seconds,
            row_number() OVER (
                PARTITION BY term, content_id, content_version
                ORDER BY count(*) DESC, duration_seconds DESC
            ) AS place
        FROM video
        WHERE duration_seconds > 0
        GROUP BY term, content_id, content_version, duration_seconds
    )
    WHERE place = 1
),
-- Seconds become whole microseconds as soon as they are read, so that sums do
-- not depend on the order of rows. What ends beyond the longest video is a
-- player's mistake and left out.
listed AS (
    SELECT
        term, course_id, content_id, content_version, student_key, session_id, event_id,
        CAST(round(piece['from_seconds'] * 1000000) AS bigint) AS starts,
        CAST(round(piece['to_seconds'] * 1000000) AS bigint) AS ends
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key, session_id, event_id,
            unnest(played_segments) AS piece
        FROM video
        WHERE content_id IS NOT NULL
    )
    WHERE piece['to_seconds'] <= $longest_video_seconds
),
fullest_lists AS (
    -- Lists are cumulative, and players join a piece to the one before it when
    -- playing goes on: a piece of an early list is a part of one in a later
    -- list, not a repeat. So only the fullest list of a session counts repeats.
    SELECT first_value(event_id ORDER BY listed_time DESC, event_id DESC) AS event_id
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key, session_id, event_id,
            sum(ends - starts) AS listed_time
        FROM listed
        GROUP BY term, course_id, content_id, content_version, student_key, session_id, event_id
    )
    GROUP BY term, course_id, content_id, content_version, student_key, session_id
),
spans AS (
    SELECT
        term, course_id, content_id, content_version, student_key, session_id,
        CAST(round(from_seconds * 1000000) AS bigint) AS starts,
        CAST(round(to_seconds * 1000000) AS bigint) AS ends
    FROM video
    WHERE content_id IS NOT NULL
        AND event_type = 'video.progressed'
        AND to_seconds <= $longest_video_seconds
),
turns AS (
    -- Where playing may have begun or ended: a jump ends at `from` what was
    -- playing, which goes on at `to`.
    SELECT
        term, course_id, content_id, content_version, student_key, session_id,
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
        PARTITION BY term, course_id, content_id, content_version, student_key, session_id
        ORDER BY occurred_at, event_id
    )
),
edges AS (
    -- What was playing when the next play arrived has no known end.
    SELECT
        turns.term, turns.course_id, turns.content_id, turns.content_version,
        turns.student_key, turns.session_id,
        CAST(round(turns.starts * 1000000) AS bigint) AS starts,
        CAST(round(turns.ends * 1000000) AS bigint) AS ends
    FROM turns
    LEFT JOIN durations
        ON turns.term = durations.term
        AND turns.content_id = durations.content_id
        AND (turns.content_version IS NOT DISTINCT FROM durations.content_version)
    WHERE turns.state = 'video.played'
        AND turns.next_type <> 'video.played'
        AND turns.ends - turns.starts >= $shortest_view_seconds
        AND turns.ends <= least(
            durations.duration_seconds + $overrun_seconds, $longest_video_seconds)
),
pieces AS (
    SELECT
        listed.term, listed.course_id, listed.content_id, listed.content_version,
        listed.student_key, listed.session_id, 1 AS source, listed.starts, listed.ends,
        count(fullest_lists.event_id) AS times
    FROM listed
    LEFT JOIN fullest_lists ON listed.event_id = fullest_lists.event_id
    GROUP BY
        listed.term, listed.course_id, listed.content_id, listed.content_version,
        listed.student_key, listed.session_id, listed.starts, listed.ends
    UNION ALL
    SELECT
        term, course_id, content_id, content_version, student_key, session_id, 2, starts, ends, 1
    FROM spans
    UNION ALL
    SELECT
        term, course_id, content_id, content_version, student_key, session_id, 3, starts, ends, 1
    FROM edges
),
best_pieces AS (
    -- Of each session the best source it has: the player's own lists, else spans,
    -- else edges. A list that says that nothing was watched is a source too.
    SELECT
        *,
        min(source) OVER (
            PARTITION BY term, course_id, content_id, content_version, student_key, session_id
        ) AS best_source
    FROM pieces
),
session_boundaries AS (
    SELECT
        term, course_id, content_id, content_version, student_key, session_id,
        boundary['at'] AS at,
        sum(boundary['pieces']) AS pieces,
        sum(boundary['times']) AS times
    FROM (
        SELECT
            term, course_id, content_id, content_version, student_key, session_id,
            unnest([
                named_struct('at', starts, 'pieces', 1, 'times', times),
                named_struct('at', ends, 'pieces', -1, 'times', -times)
            ]) AS boundary
        FROM best_pieces
        WHERE source = best_source AND starts < ends
    )
    GROUP BY
        term, course_id, content_id, content_version, student_key, session_id, boundary['at']
),
session_stretches AS (
    -- From boundary to boundary nothing changes: how many pieces cover the
    -- stretch, and how many of those count.
    SELECT
        term, course_id, content_id, content_version, student_key, session_id,
        at AS starts,
        lead(at) OVER in_session AS ends,
        sum(pieces) OVER in_session AS pieces,
        sum(times) OVER in_session AS times
    FROM session_boundaries
    WINDOW in_session AS (
        PARTITION BY term, course_id, content_id, content_version, student_key, session_id
        ORDER BY at
    )
),
watched AS (
    SELECT
        term, course_id, content_id, content_version, student_key, session_id, starts, ends,
        greatest(times, 1) AS times
    FROM session_stretches
    WHERE pieces > 0
),
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
points AS (
    SELECT
        term, course_id, content_id, content_version, viewers, views, students,
        unnest(range(second, until)) AS point
    FROM curve
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
