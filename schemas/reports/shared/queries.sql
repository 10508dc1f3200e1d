-- What became of each query, from all of its records. Reads audit.
queries AS (
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
)
