-- How much of every video each student watched: the union of everything watched, and the repeats.
--
-- kind: table
-- grain: term, course_id, content_id, content_version, student_key
-- slice: term, content_id
-- sources: video
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
        first_value(coalesce(position_seconds, to_seconds) ORDER BY occurred_at DESC, event_id DESC)
            FILTER (WHERE coalesce(position_seconds, to_seconds) IS NOT NULL)
            AS last_position_seconds,
        count(DISTINCT coalesce(session_id, '')) AS sessions
    FROM video
    WHERE content_id IS NOT NULL
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
