-- How soon events could be read: of those received in a minute, how long it took
-- from their time until they were received, and from there until they were
-- published. The time of an event is by the sender's clock as it was corrected;
-- what was collected offline took as long as that lasted. `published_at` is noted
-- when the rows are about to be written, for it stands in the files: SQL sees them
-- when the commit has succeeded, a fraction of a second later as a rule, and as
-- much later as the store is away. Rows of before it was noted are counted and not
-- measured.
-- A record that was entered again by `chalkline replay` was received when it was
-- received first. The percentiles are close to what a sort would give, and take
-- no more memory for many events. How far the reports are behind is told with
-- each answer, and by `chalkline_report_lag_seconds` in `/metrics`.
--
-- kind: view
-- grain: minute, family
-- slice: none
-- sources: clickstream, video, assessment, attendance, tutoring
-- visibility: tenant
-- minimum_cell: none
-- thresholds: none
-- clock: none
--
-- columns:
--   minute                 timestamp  the minute in which the events were received
--   family                 text       the family: each has a table of its own
--   events                 bigint     rows of the family's table
--   accepted_seconds_p50   double     from the event's time until it was received: for half of them at most
--   accepted_seconds_p95   double     the same, for 95 %
--   accepted_seconds_p99   double     the same, for 99 %
--   published_seconds_p50  double     from then until it was published: for half of them at most
--   published_seconds_p95  double     the same, for 95 %
--   published_seconds_p99  double     the same, for 99 %
WITH placed AS (
    SELECT 'clickstream' AS family, occurred_at, received_at, published_at FROM clickstream
    UNION ALL
    SELECT 'video', occurred_at, received_at, published_at FROM video
    UNION ALL
    SELECT 'assessment', occurred_at, received_at, published_at FROM assessment
    UNION ALL
    SELECT 'attendance', occurred_at, received_at, published_at FROM attendance
    UNION ALL
    SELECT 'tutoring', occurred_at, received_at, published_at FROM tutoring
),
-- In microseconds: whole numbers.
waits AS (
    SELECT
        date_trunc('minute', received_at) AS minute,
        family,
        CAST(received_at AS bigint) - CAST(occurred_at AS bigint) AS accepted,
        CAST(published_at AS bigint) - CAST(received_at AS bigint) AS published
    FROM placed
)
SELECT
    minute,
    family,
    count(*) AS events,
    approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY accepted) / 1000000.0 AS accepted_seconds_p50,
    approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY accepted) / 1000000.0 AS accepted_seconds_p95,
    approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY accepted) / 1000000.0 AS accepted_seconds_p99,
    approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY published) / 1000000.0 AS published_seconds_p50,
    approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY published) / 1000000.0 AS published_seconds_p95,
    approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY published) / 1000000.0 AS published_seconds_p99
FROM waits
GROUP BY minute, family
