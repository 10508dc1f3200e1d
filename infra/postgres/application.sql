-- The role of the reference LMS itself: it enrolls by the functions only, writes the
-- gradebook, and cannot touch the audit.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lms_app') THEN
    CREATE ROLE lms_app LOGIN;
  END IF;
END $$;

REVOKE ALL ON SCHEMA lms FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA lms FROM PUBLIC, lms_app;
REVOKE ALL ON ALL ROUTINES IN SCHEMA lms FROM PUBLIC;
GRANT USAGE ON SCHEMA lms TO lms_app;
GRANT SELECT ON ALL TABLES IN SCHEMA lms TO lms_app;
GRANT INSERT, UPDATE ON lms.categories, lms.assignments, lms.grades TO lms_app;
GRANT EXECUTE ON FUNCTION lms.enroll(text, text), lms.drop(text, text) TO lms_app;
