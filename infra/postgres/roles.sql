-- Who may do what. The roles log in, and have no password until somebody gives them one:
--   \password chalkline_reader

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chalkline_reader') THEN
    CREATE ROLE chalkline_reader LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chalkline_relay') THEN
    CREATE ROLE chalkline_relay LOGIN;
  END IF;
END $$;

-- The roster: the views, two connections, and no statement that runs for ever.
ALTER ROLE chalkline_reader CONNECTION LIMIT 2;
ALTER ROLE chalkline_reader SET default_transaction_read_only = on;
ALTER ROLE chalkline_reader SET statement_timeout = '10min';
ALTER ROLE chalkline_reader SET lock_timeout = '5s';
ALTER ROLE chalkline_reader SET idle_in_transaction_session_timeout = '10min';
ALTER ROLE chalkline_reader SET search_path = chalkline;
COMMENT ON ROLE chalkline_reader IS 'Reads the rosters: chalkline roster sync postgres.';

-- The outbox: what was sent is marked, nothing else is written. While a request is
-- answered its transaction is idle.
ALTER ROLE chalkline_relay CONNECTION LIMIT 10;
ALTER ROLE chalkline_relay SET statement_timeout = '1min';
ALTER ROLE chalkline_relay SET idle_in_transaction_session_timeout = '3min';
ALTER ROLE chalkline_relay SET search_path = chalkline;
COMMENT ON ROLE chalkline_relay IS 'Posts the outbox: chalkline outbox relay.';

REVOKE ALL ON SCHEMA chalkline FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA chalkline FROM PUBLIC, chalkline_reader, chalkline_relay;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA chalkline FROM PUBLIC;
GRANT USAGE ON SCHEMA chalkline TO chalkline_reader, chalkline_relay;
GRANT EXECUTE ON FUNCTION chalkline.watermark(), chalkline.source() TO chalkline_reader;
GRANT SELECT, UPDATE (sent_at, rejected_at, reason) ON chalkline.outbox TO chalkline_relay;
GRANT EXECUTE ON FUNCTION chalkline.forget_sent(interval) TO chalkline_relay;

DO $$
DECLARE
  v text;
BEGIN
  FOR v IN SELECT viewname FROM pg_views WHERE schemaname = 'chalkline' LOOP
    EXECUTE format('GRANT SELECT ON chalkline.%I TO chalkline_reader', v);
  END LOOP;
END $$;
