-- What tells a reader which rows may have changed since it last read.
--
-- A row's watermark is the id of the transaction that last wrote it, 64 bits that never
-- come round. Times do not do for this: a transaction that began early and commits late
-- leaves rows with a time that a reader has gone past already, and they are never read.
--
-- Each time a reader does, in one transaction that is REPEATABLE READ and READ ONLY:
--
--   1. new := chalkline.watermark(), which is lower than the id of every transaction
--      that was still running when its snapshot was taken;
--   2. reads the rows whose watermark is at least the one that it kept, or null;
--   3. keeps `new`, together with what it read, for the next time.
--
-- Whoever has an id below `new` had ended before: its rows are in the snapshot, and were
-- read now or before. Everybody else's will be read next time, some of them once more.
-- Nothing is missed, and reading a row again changes nothing.
--
-- The ids are those of one server: where chalkline.source() is another than the last
-- time, as after a dump was restored, a reader has to read everything.

CREATE SCHEMA IF NOT EXISTS chalkline;
COMMENT ON SCHEMA chalkline IS
  'What Chalkline reads of this database, and the events that it is given.';

CREATE OR REPLACE FUNCTION chalkline.watermark() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
COMMENT ON FUNCTION chalkline.watermark() IS
  'Every transaction with a lower id has ended before this snapshot was taken.';

CREATE OR REPLACE FUNCTION chalkline.transaction_id() RETURNS bigint
LANGUAGE sql STABLE
RETURN pg_current_xact_id()::text::bigint;
COMMENT ON FUNCTION chalkline.transaction_id() IS
  'The watermark of the rows that this transaction writes.';

CREATE OR REPLACE FUNCTION chalkline.source() RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT system_identifier::text FROM pg_control_system())
       || '/' || (SELECT oid::text FROM pg_database WHERE datname = current_database());
COMMENT ON FUNCTION chalkline.source() IS
  'Which database this is. Watermarks of another say nothing here.';

-- For a table of one's own: add the columns `modified_at timestamptz` and `watermark bigint`,
-- an index on `watermark`, and
--
--   CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON t
--     FOR EACH ROW EXECUTE FUNCTION chalkline.stamp();
CREATE OR REPLACE FUNCTION chalkline.stamp() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.modified_at := now();
  NEW.watermark := pg_current_xact_id()::text::bigint;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION chalkline.stamp() IS
  'Writes when and by which transaction a row was last written.';
