-- What was changed, from what to what, by whom, when and in which transaction. Nobody
-- changes that, neither the application nor the owner of the tables: a day that is to be
-- forgotten takes who may switch the trigger `final` off.
--
-- The application says who acts, in the transaction that acts:
--   SET LOCAL lms.actor = 'teacher-7';

CREATE TABLE IF NOT EXISTS lms.audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
  actor text,
  database_user text NOT NULL DEFAULT session_user,
  table_name text NOT NULL,
  operation text NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
  old jsonb,
  new jsonb,
  CHECK ((old IS NULL) = (operation = 'INSERT')),
  CHECK ((new IS NULL) = (operation = 'DELETE'))
);
CREATE INDEX IF NOT EXISTS audit_of_table ON lms.audit (table_name, at);
COMMENT ON COLUMN lms.audit.actor IS 'The person, as the application says by lms.actor.';
COMMENT ON COLUMN lms.audit.database_user IS 'Who was logged in to the database.';

CREATE OR REPLACE FUNCTION lms.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{modified_at,watermark}'::text[] END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{modified_at,watermark}'::text[] END;
BEGIN
  IF before IS DISTINCT FROM after THEN
    INSERT INTO lms.audit (actor, table_name, operation, old, new)
    VALUES (nullif(current_setting('lms.actor', true), ''), TG_TABLE_NAME, TG_OP, before, after);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION lms.keep_audit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit is not changed' USING ERRCODE = 'insufficient_privilege',
    CONSTRAINT = 'audit_is_final', HINT = 'Add what is right by changing the table again.';
END $$;
CREATE OR REPLACE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE
  ON lms.audit FOR EACH STATEMENT EXECUTE FUNCTION lms.keep_audit();
ALTER TABLE lms.audit ENABLE ALWAYS TRIGGER final;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['people', 'roles', 'guardians', 'terms', 'courses', 'prerequisites',
                           'completed_courses', 'sections', 'meetings', 'enrollments', 'waitlist',
                           'assignments', 'grades'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON lms.%I
                    FOR EACH ROW EXECUTE FUNCTION lms.record_change()', t);
  END LOOP;
END $$;
