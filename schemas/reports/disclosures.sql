-- Who was shown whose rows: a row for each query and each person of whom it read rows, by
-- what right. A query of more than 1,000 people is not here: `query_audit` says of it whose
-- rows it read in words.
--
-- kind: view
-- grain: query_id, student_key
-- slice: none
-- sources: audit
-- visibility: steward
-- minimum_cell: none
-- thresholds: none
-- clock: none
--
-- columns:
--   query_id           text       which query, as in query_audit
--   shown_at           timestamp  when its answer ended
--   student_key        text       whose rows it read
--   role               text       what the asker is
--   subject_key        text       who of the roster the asker is
--   credential         text       what the asker showed
--   credential_id      text       which one
--   door               text       where it was asked
--   tables             text[]     what it names
--   policies           text[]     by what right each is shown
--   outcome            text       how it ended
--   rows               bigint     rows that went out, of all people together
SELECT
    query_id,
    shown_at,
    unnest(student_keys) AS student_key,
    role,
    subject_key,
    credential,
    credential_id,
    door,
    tables,
    policies,
    outcome,
    rows
FROM (
    -- A record can be in the log twice, where it waited on a disk for Kafka.
    SELECT
        query_id,
        min(occurred_at) AS shown_at,
        first_value(student_keys ORDER BY occurred_at) AS student_keys,
        min(role) AS role,
        min(subject_key) AS subject_key,
        min(credential) AS credential,
        min(credential_id) AS credential_id,
        min(door) AS door,
        first_value(tables ORDER BY occurred_at) AS tables,
        first_value(policies ORDER BY occurred_at) AS policies,
        min(outcome) AS outcome,
        min(rows) AS rows
    FROM audit
    WHERE event_type = 'query.finished' AND student_count > 0
    GROUP BY query_id
) AS ended
