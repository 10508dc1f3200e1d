-- What was watched of every video, in each session of each student: stretches
-- `starts` to `ends` in microseconds, and how many `times`. Reads video, and the
-- thresholds shortest_view_seconds, overrun_seconds and longest_video_seconds.
-- {session} is what divides sessions besides what is named here, {video} what
-- divides videos.
durations AS (
    -- A video is as long as most of its events say, else the longer: one player
    -- that is wrong moves nothing.
    SELECT term, {video}content_id, content_version, duration_seconds
    FROM (
        SELECT
            term, {video}content_id, content_version, duration_seconds,
            row_number() OVER (
                PARTITION BY term, {video}content_id, content_version
                ORDER BY count(*) DESC, duration_seconds DESC
            ) AS place
        FROM video
        WHERE duration_seconds > 0
        GROUP BY term, {video}content_id, content_version, duration_seconds
    )
    WHERE place = 1
),
-- Seconds become whole microseconds as soon as they are read, so that sums do
-- not depend on the order of rows. What ends beyond the longest video is a
-- player's mistake and left out. So a piece is at most 36,000,000,000
-- microseconds, and a sum of times leaves 63 bits only with more than 256,000,000
-- pieces of one student and video; an event has at most 10,000.
listed AS (
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id, event_id,
        CAST(round(piece['from_seconds'] * 1000000) AS bigint) AS starts,
        CAST(round(piece['to_seconds'] * 1000000) AS bigint) AS ends
    FROM (
        SELECT
            term, {session}course_id, content_id, content_version, student_key, session_id, event_id,
            unnest(played_segments) AS piece
        FROM video
        WHERE content_id IS NOT NULL
    )
    WHERE piece['from_seconds'] BETWEEN 0 AND piece['to_seconds']
        AND piece['to_seconds'] <= $longest_video_seconds
),
fullest_lists AS (
    -- Lists are cumulative, and players join a piece to the one before it when
    -- playing goes on: a piece of an early list is a part of one in a later
    -- list, not a repeat. So only the fullest list of a session counts repeats.
    SELECT first_value(event_id ORDER BY listed_time DESC, event_id DESC) AS fullest_id
    FROM (
        SELECT
            term, {session}course_id, content_id, content_version, student_key, session_id, event_id,
            sum(ends - starts) AS listed_time
        FROM listed
        GROUP BY term, {session}course_id, content_id, content_version, student_key, session_id, event_id
    )
    GROUP BY term, {session}course_id, content_id, content_version, student_key, session_id
),
spans AS (
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        CAST(round(from_seconds * 1000000) AS bigint) AS starts,
        CAST(round(to_seconds * 1000000) AS bigint) AS ends
    FROM video
    WHERE content_id IS NOT NULL
        AND event_type = 'video.progressed'
        AND from_seconds BETWEEN 0 AND to_seconds
        AND to_seconds <= $longest_video_seconds
),
turns AS (
    -- Where playing may have begun or ended: a jump ends at `from` what was
    -- playing, which goes on at `to`.
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        -- As a text, so that no version equals that of videos without one.
        coalesce(CAST(content_version AS text), '') AS version,
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
        PARTITION BY term, {session}course_id, content_id, content_version, student_key, session_id
        ORDER BY occurred_at, event_id
    )
),
edges AS (
    -- What was playing when the next play arrived has no known end.
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        CAST(round(starts * 1000000) AS bigint) AS starts,
        CAST(round(ends * 1000000) AS bigint) AS ends
    FROM turns
    LEFT JOIN (
        SELECT
            term, {video}content_id, coalesce(CAST(content_version AS text), '') AS version,
            duration_seconds
        FROM durations
    ) AS lengths
    USING (term, {video}content_id, version)
    WHERE state = 'video.played'
        AND next_type <> 'video.played'
        AND starts >= 0
        AND ends - starts >= $shortest_view_seconds
        AND ends <= least(duration_seconds + $overrun_seconds, $longest_video_seconds)
),
pieces AS (
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        1 AS source, starts, ends,
        count(fullest_id) AS times
    FROM listed
    LEFT JOIN fullest_lists ON event_id = fullest_id
    GROUP BY
        term, {session}course_id, content_id, content_version, student_key, session_id,
        starts, ends
    UNION ALL
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        2, starts, ends, 1
    FROM spans
    UNION ALL
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        3, starts, ends, 1
    FROM edges
),
best_pieces AS (
    -- Of each session the best source it has: the player's own lists, else spans,
    -- else edges. A list that says that nothing was watched is a source too.
    SELECT
        *,
        min(source) OVER (
            PARTITION BY term, {session}course_id, content_id, content_version, student_key, session_id
        ) AS best_source
    FROM pieces
),
session_boundaries AS (
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        boundary['at'] AS at,
        sum(boundary['pieces']) AS pieces,
        sum(boundary['times']) AS times
    FROM (
        SELECT
            term, {session}course_id, content_id, content_version, student_key, session_id,
            unnest([
                named_struct('at', starts, 'pieces', 1, 'times', times),
                named_struct('at', ends, 'pieces', -1, 'times', -times)
            ]) AS boundary
        FROM best_pieces
        WHERE source = best_source AND starts < ends
    )
    GROUP BY
        term, {session}course_id, content_id, content_version, student_key, session_id, boundary['at']
),
session_stretches AS (
    -- From boundary to boundary nothing changes: how many pieces cover the
    -- stretch, and how many of those count.
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id,
        at AS starts,
        lead(at) OVER in_session AS ends,
        sum(pieces) OVER in_session AS pieces,
        sum(times) OVER in_session AS times
    FROM session_boundaries
    WINDOW in_session AS (
        PARTITION BY term, {session}course_id, content_id, content_version, student_key, session_id
        ORDER BY at
    )
),
watched AS (
    SELECT
        term, {session}course_id, content_id, content_version, student_key, session_id, starts, ends,
        greatest(times, 1) AS times
    FROM session_stretches
    WHERE pieces > 0
)
