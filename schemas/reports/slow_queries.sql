-- Queries that took more than a second, or were cut: by their time, their memory, the length
-- of their answer, or since their reader went away.
--
-- kind: view
-- grain: query_id
-- slice: none
-- sources: audit
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
    query_id,
    min(occurred_at) AS asked_at,
    first_value(role ORDER BY event_type DESC) AS role,
    first_value(credential_id ORDER BY event_type DESC) AS credential_id,
    first_value(door ORDER BY event_type DESC) AS door,
    first_value(statement ORDER BY event_type DESC) AS statement,
    first_value(tables ORDER BY event_type DESC) AS tables,
    max(outcome) AS outcome,
    max(rows) AS rows,
    max(bytes) AS bytes,
    max(queued_ms) AS queued_ms,
    max(duration_ms) AS duration_ms
FROM audit
GROUP BY query_id
HAVING max(duration_ms) > 1000
    OR max(outcome) IN (
        'cancelled', 'query_cancelled', 'query_timeout', 'query_out_of_memory',
        'result_too_large'
    )
