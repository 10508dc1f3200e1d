-- Queries that took more than a second, or were cut: by their time, their memory, the length
-- of their answer, or since their reader went away.
--
-- kind: view
-- grain: query_id
-- slice: none
-- sources: audit
-- include: queries.sql
-- visibility: steward
-- minimum_cell: none
-- thresholds: none
-- clock: none
--
-- columns:
--   query_id       text       which query, as in query_audit
--   asked_at       timestamp  when it was asked
--   role           text       what the asker is
--   credential_id  text       what the asker showed
--   door           text       where it was asked
--   statement      text       what was asked, each literal a keyed hash
--   tables         text[]     what it names
--   outcome        text       how it ended
--   rows           bigint     rows that went out
--   bytes          bigint     bytes that went out, before they were compressed
--   queued_ms      bigint     milliseconds until its turn came
--   duration_ms    bigint     milliseconds until its end
SELECT
    query_id, asked_at, role, credential_id, door, statement, tables, outcome, rows, bytes,
    queued_ms, duration_ms
FROM queries
WHERE duration_ms > 1000
    OR outcome IN (
        'cancelled', 'query_cancelled', 'query_timeout', 'query_out_of_memory',
        'result_too_large'
    )
