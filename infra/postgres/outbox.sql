-- Events that a transaction leaves for Chalkline: there if and only if it commits.
--
--   INSERT INTO chalkline.outbox (event) VALUES (jsonb_build_object(
--     'type', 'attendance.marked', 'time', now(), 'actor', 'stu-1041', 'section', 'bio-101-03',
--     'data', jsonb_build_object('status', 'tardy', 'by', 't-ramirez')));
--
-- `chalkline outbox relay` posts them, oldest first, and marks each when the front door has
-- answered. One that ends in between posts some again: at least once. The row's id is the
-- event's, by which Chalkline stores it once.

CREATE SCHEMA IF NOT EXISTS chalkline;

-- Version 7: in the order of time, 48 bits of milliseconds before the random ones.
CREATE OR REPLACE FUNCTION chalkline.uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN encode(
  set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
      PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
      FROM 1 FOR 6),
    -- From version 4 to 7.
    52, 1), 53, 1), 'hex')::uuid;

CREATE TABLE IF NOT EXISTS chalkline.outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  event jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_at timestamptz,
  rejected_at timestamptz,
  reason jsonb,
  CHECK (sent_at IS NULL OR rejected_at IS NULL),
  CHECK ((rejected_at IS NULL) = (reason IS NULL)),
  CONSTRAINT event_has_what_all_have CHECK (
    coalesce(jsonb_typeof(event -> 'type') = 'string'
         AND jsonb_typeof(event -> 'time') = 'string'
         AND jsonb_typeof(event -> 'actor') = 'string', false))
);
COMMENT ON TABLE chalkline.outbox IS
  'Events on their way to Chalkline. Insert into the column event, and into no other.';
COMMENT ON COLUMN chalkline.outbox.event IS
  'As POST /v1/events takes it; its member id is the row''s.';
COMMENT ON COLUMN chalkline.outbox.sent_at IS 'When Chalkline had taken it.';
COMMENT ON COLUMN chalkline.outbox.reason IS
  'Why Chalkline does not take it: code and detail. To send it again after what was wrong is mended: UPDATE chalkline.outbox SET rejected_at = NULL, reason = NULL WHERE …';
CREATE INDEX IF NOT EXISTS outbox_unsent
  ON chalkline.outbox (position) WHERE sent_at IS NULL AND rejected_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_sent
  ON chalkline.outbox (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_rejected
  ON chalkline.outbox (rejected_at) WHERE rejected_at IS NOT NULL;

-- With the rights of its owner, so that whoever inserts needs no more than
--   GRANT USAGE ON SCHEMA chalkline TO my_lms;
--   GRANT INSERT (event) ON chalkline.outbox TO my_lms;
CREATE OR REPLACE FUNCTION chalkline.name_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.id := coalesce(NEW.id, chalkline.uuid_v7());
  NEW.event := NEW.event || jsonb_build_object('id', NEW.id);
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER name BEFORE INSERT OR UPDATE OF id, event
  ON chalkline.outbox FOR EACH ROW EXECUTE FUNCTION chalkline.name_event();

-- Wakes the relay when the transaction commits. Commits that notify wait for each other:
-- where thousands a second do, drop this trigger, and the relay looks every few seconds.
CREATE OR REPLACE FUNCTION chalkline.wake_relay() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NOTIFY chalkline_outbox;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER wake AFTER INSERT
  ON chalkline.outbox FOR EACH STATEMENT EXECUTE FUNCTION chalkline.wake_relay();

CREATE OR REPLACE FUNCTION chalkline.forget_sent(older interval) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH gone AS (
    DELETE FROM chalkline.outbox WHERE sent_at < now() - older RETURNING 1
  )
  SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION chalkline.forget_sent IS
  'Deletes events that were sent so long ago; the relay calls it now and then.';
