-- What became of every event, by hour of receipt and family. `accepted` comes
-- from a count of the log itself, the columns after it from the tables; they
-- balance when each counted record has exactly one row. Rows at or above a
-- partition's counted end are left out: their records are not counted yet. The
-- front door notes once a minute what it answered. What it had not noted when
-- it was killed is missing: then `received` is NULL, and `rejected`,
-- `request_duplicate`, `ignored` and `retry` are what is known. A record of the
-- quarantine that was entered again by `chalkline replay` is a record of the
-- log once more, in the hour in which it was received first: its row of
-- quarantine stays, and what becomes of it now is another row. It was accepted
-- once, so it is counted apart, as `replayed`. One that was entered again
-- because its row was gone takes that row's place and is counted nowhere.
--
-- kind: view
-- grain: hour, family
-- slice: none
-- sources: clickstream, video, assessment, attendance, tutoring, duplicates, quarantine, tallies, log_counts
-- visibility: tenant
-- minimum_cell: none
-- thresholds: none
-- clock: none
--
-- columns:
--   hour               timestamp  the hour in which the events were received
--   family             text       the family; NULL when the sender's words did not tell
--   received           bigint     events that were sent; NULL where the front door's counts do not hold all that were accepted
--   rejected           bigint     events that were refused
--   rejected_reasons   text       why, and how many for each reason
--   request_duplicate  bigint     events that were twice in one request
--   ignored            bigint     events that are valid and make no row
--   retry              bigint     events that the sender was asked to send again
--   accepted           bigint     events that were taken: records of the log
--   replayed           bigint     records of the quarantine that were entered again
--   stored             bigint     of accepted and replayed, rows of the family's table
--   table_duplicate    bigint     of these, rows of duplicates
--   quarantined        bigint     of these, rows of quarantine, also of those that were entered again since
--   erased             bigint     of these, erased since
--   balanced           boolean    whether the last four add up to accepted and replayed
WITH counted_ends AS (
    SELECT log_id, log_partition, max(end_position) AS end_position
    FROM log_counts
    GROUP BY log_id, log_partition
),
placed AS (
    SELECT 'clickstream' AS family, 'stored' AS place, received_at, log_id, log_partition, log_position
    FROM clickstream
    UNION ALL
    SELECT 'video', 'stored', received_at, log_id, log_partition, log_position
    FROM video
    UNION ALL
    SELECT 'assessment', 'stored', received_at, log_id, log_partition, log_position
    FROM assessment
    UNION ALL
    SELECT 'attendance', 'stored', received_at, log_id, log_partition, log_position
    FROM attendance
    UNION ALL
    SELECT 'tutoring', 'stored', received_at, log_id, log_partition, log_position
    FROM tutoring
    UNION ALL
    SELECT
        family,
        'table_duplicate',
        coalesce(received_at, arrow_cast(0, 'Timestamp(Microsecond, Some("UTC"))')),
        log_id,
        log_partition,
        log_position
    FROM duplicates
    UNION ALL
    -- A record that does not say when it was received is counted at the start of
    -- time; one that is no event is not counted.
    SELECT
        family,
        'quarantined',
        coalesce(received_at, arrow_cast(0, 'Timestamp(Microsecond, Some("UTC"))')),
        log_id,
        log_partition,
        log_position
    FROM quarantine
    WHERE coalesce(headers, '') NOT LIKE '%"kind":"tally"%'
        AND coalesce(headers, '') NOT LIKE '%"kind":"audit"%'
),
entries AS (
    SELECT hour, family, 'accepted' AS entry, CAST(NULL AS text) AS reason, accepted AS events
    FROM log_counts
    UNION ALL
    SELECT hour, family, 'replayed', NULL, replayed
    FROM log_counts
    UNION ALL
    SELECT date_trunc('hour', placed.received_at), placed.family, placed.place, NULL, count(*)
    FROM placed
    JOIN counted_ends
        ON placed.log_id = counted_ends.log_id
        AND placed.log_partition = counted_ends.log_partition
    WHERE placed.log_position < counted_ends.end_position
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT date_trunc('hour', minute), family, 'answered_' || outcome, reason, sum(events)
    FROM tallies
    GROUP BY 1, 2, 3, 4
),
rejections AS (
    SELECT hour, family, string_agg(reason || ' ' || events, ', ' ORDER BY reason) AS reasons
    FROM (
        SELECT hour, family, reason, sum(events) AS events
        FROM entries
        WHERE entry = 'answered_rejected' AND reason IS NOT NULL
        GROUP BY hour, family, reason
    )
    GROUP BY hour, family
),
sums AS (
    SELECT
        hour,
        family,
        coalesce(sum(events) FILTER (WHERE starts_with(entry, 'answered_')), 0) AS received,
        coalesce(sum(events) FILTER (WHERE entry = 'answered_accepted'), 0) AS answered_accepted,
        coalesce(sum(events) FILTER (WHERE entry = 'answered_rejected'), 0) AS rejected,
        coalesce(sum(events) FILTER (WHERE entry = 'answered_duplicate'), 0) AS request_duplicate,
        coalesce(sum(events) FILTER (WHERE entry = 'answered_ignored'), 0) AS ignored,
        coalesce(sum(events) FILTER (WHERE entry = 'answered_retry'), 0) AS retry,
        coalesce(sum(events) FILTER (WHERE entry = 'accepted'), 0) AS accepted,
        coalesce(sum(events) FILTER (WHERE entry = 'replayed'), 0) AS replayed,
        coalesce(sum(events) FILTER (WHERE entry = 'stored'), 0) AS stored,
        coalesce(sum(events) FILTER (WHERE entry = 'table_duplicate'), 0) AS table_duplicate,
        coalesce(sum(events) FILTER (WHERE entry = 'quarantined'), 0) AS quarantined,
        -- Nothing erases rows yet; the column is part of the contract.
        CAST(0 AS bigint) AS erased
    FROM entries
    GROUP BY hour, family
)
SELECT
    sums.hour,
    sums.family,
    CASE WHEN sums.answered_accepted >= sums.accepted THEN sums.received END AS received,
    sums.rejected,
    rejections.reasons AS rejected_reasons,
    sums.request_duplicate,
    sums.ignored,
    sums.retry,
    sums.accepted,
    sums.replayed,
    sums.stored,
    sums.table_duplicate,
    sums.quarantined,
    sums.erased,
    sums.accepted + sums.replayed
        = sums.stored + sums.table_duplicate + sums.quarantined + sums.erased AS balanced
FROM sums
LEFT JOIN rejections
    ON (sums.hour IS NOT DISTINCT FROM rejections.hour)
    AND (sums.family IS NOT DISTINCT FROM rejections.family)
