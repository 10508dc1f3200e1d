-- Who asked for what: a row for each query that was asked with a credential, whether it was
-- answered or refused. One without an outcome still runs, or its process was killed. Of
-- statements each literal is a keyed hash, the same for the same value, which nobody can
-- turn back.
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
--   query_id           text       which query
--   asked_at           timestamp  when it was asked
--   ended_at           timestamp  when it ended, or was refused
--   role               text       what the asker is
--   subject_key        text       who of the roster, by key; after a # the keyed hash of a user_id that the roster does not know
--   credential         text       what was shown: token, embed or identity_provider
--   credential_id      text       which one
--   credential_parent  text       the query token of an embed token, the issuer of a provider's
--   door               text       where it was asked: sql, report, reports, tables, who_saw_me
--   client             text       the family of the program that asked
--   statement          text       what was asked
--   parameters         text[]     keyed hashes of its parameters
--   tables             text[]     what it names
--   columns_read       text[]     what it reads of them
--   policies           text[]     by what right each is shown
--   masks              text[]     columns that were not shown as they are stored
--   versions           text[]     at which version each was read
--   outcome            text       answered, cancelled when the reader went away, else the code of the error
--   error              text       the error in full
--   rows               bigint     rows that went out
--   bytes              bigint     bytes that went out, before they were compressed
--   queued_ms          bigint     milliseconds until its turn came
--   duration_ms        bigint     milliseconds until its end
--   student_count      bigint     how many people's rows were read; NULL where that is not known
--   student_keys       text[]     whose, up to 1,000
--   scope              text       whose rows were read, where the keys do not say it
SELECT
    query_id,
    min(occurred_at) AS asked_at,
    max(occurred_at) FILTER (WHERE event_type <> 'query.started') AS ended_at,
    -- What was known when it started; all records of one query say the same of its asker.
    first_value(role ORDER BY event_type DESC) AS role,
    first_value(subject_key ORDER BY event_type DESC) AS subject_key,
    first_value(credential ORDER BY event_type DESC) AS credential,
    first_value(credential_id ORDER BY event_type DESC) AS credential_id,
    first_value(credential_parent ORDER BY event_type DESC) AS credential_parent,
    first_value(door ORDER BY event_type DESC) AS door,
    first_value(client ORDER BY event_type DESC) AS client,
    first_value(statement ORDER BY event_type DESC) AS statement,
    first_value(parameters ORDER BY event_type DESC) AS parameters,
    first_value(tables ORDER BY event_type DESC) AS tables,
    first_value(columns ORDER BY event_type DESC) AS columns_read,
    first_value(policies ORDER BY event_type DESC) AS policies,
    first_value(masks ORDER BY event_type DESC) AS masks,
    first_value(versions ORDER BY event_type DESC) AS versions,
    max(outcome) AS outcome,
    max(error) AS error,
    max(rows) AS rows,
    max(bytes) AS bytes,
    max(queued_ms) AS queued_ms,
    max(duration_ms) AS duration_ms,
    max(student_count) AS student_count,
    -- Of the record of its end, which sorts before that of its start.
    first_value(student_keys ORDER BY event_type) AS student_keys,
    max(scope) AS scope
FROM audit
GROUP BY query_id
