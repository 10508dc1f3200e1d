-- The events of the reference LMS: triggers write them into the outbox, in the transaction
-- that they tell of. An LMS of one's own has triggers like these, or inserts into the
-- outbox where it writes the change.

CREATE OR REPLACE FUNCTION lms.emit(type text, actor text, section text, data jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO chalkline.outbox (event)
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'type', type, 'time', now(), 'actor', actor,
    'course', s.course_id, 'section', s.section_id, 'school', s.school_id,
    'context', jsonb_build_object('app', 'lms'), 'data', data))
    FROM lms.sections s WHERE s.section_id = section
$$;

CREATE OR REPLACE FUNCTION lms.actor() RETURNS text
LANGUAGE sql STABLE RETURN nullif(current_setting('lms.actor', true), '');

CREATE OR REPLACE FUNCTION lms.tell_enrollment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM lms.emit('enrollment.changed', NEW.person_id, NEW.section_id, jsonb_build_object(
    'status', CASE NEW.status WHEN 'enrolled' THEN 'active' ELSE 'inactive' END,
    'role', NEW.role, 'by', lms.actor()));
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell_new AFTER INSERT ON lms.enrollments
  FOR EACH ROW WHEN (NEW.role = 'student') EXECUTE FUNCTION lms.tell_enrollment();
CREATE OR REPLACE TRIGGER tell_changed AFTER UPDATE ON lms.enrollments
  FOR EACH ROW WHEN (NEW.role = 'student' AND NEW.status IS DISTINCT FROM OLD.status)
  EXECUTE FUNCTION lms.tell_enrollment();

-- A seat that follows is told by the enrollment.
CREATE OR REPLACE FUNCTION lms.tell_waitlist() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.status <> 'promoted' THEN
    PERFORM lms.emit('enrollment.changed', NEW.person_id, NEW.section_id, jsonb_build_object(
      'status', CASE NEW.status WHEN 'waiting' THEN 'waitlisted' ELSE 'inactive' END,
      'role', 'student', 'by', lms.actor()));
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE OF status ON lms.waitlist
  FOR EACH ROW EXECUTE FUNCTION lms.tell_waitlist();

CREATE OR REPLACE FUNCTION lms.tell_grade() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a record;
BEGIN
  SELECT x.max_score, x.category_id INTO a
    FROM lms.assignments x WHERE x.assignment_id = NEW.assignment_id;
  IF TG_OP = 'INSERT' THEN
    PERFORM lms.emit('assessment.graded', NEW.person_id, NEW.section_id, jsonb_build_object(
      'assessment', NEW.assignment_id, 'category', a.category_id,
      'score', NEW.score, 'max_score', a.max_score, 'by', NEW.graded_by));
  ELSIF NEW.score IS DISTINCT FROM OLD.score THEN
    PERFORM lms.emit('grade.changed', NEW.person_id, NEW.section_id, jsonb_build_object(
      'assessment', NEW.assignment_id, 'category', a.category_id, 'max_score', a.max_score,
      'old', OLD.score, 'new', NEW.score, 'reason', NEW.reason, 'by', NEW.graded_by));
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE ON lms.grades
  FOR EACH ROW EXECUTE FUNCTION lms.tell_grade();
