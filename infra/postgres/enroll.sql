-- Enrolling, dropping and moving up from the waitlist.
--
-- Each runs in the caller's transaction, right under READ COMMITTED and any number of
-- callers, since nobody decides about a section before he holds its lock, and nobody
-- about a student's credits and hours before he holds the student's. Locks are advisory
-- and end with the transaction; the section's is taken first. A transaction that calls
-- more than one of these functions may be chosen as the victim of a deadlock (40P01):
-- run it again.
--
-- What is refused has a code, a name (in the field CONSTRAINT), a DETAIL and a HINT:
--
--   LE001 unknown_student       LE006 credit_cap_exceeded
--   LE002 unknown_section       LE007 schedule_conflict
--   LE003 term_closed           LE008 section_full
--   LE004 already_enrolled      LE009 not_enrolled
--   LE005 prerequisite_missing  LE010 wrong_isolation
--
-- The application says who acts by `SET LOCAL lms.actor = '<person_id>'`; see audit.sql.

CREATE OR REPLACE FUNCTION lms.lock_section(section text) RETURNS void
LANGUAGE sql RETURN pg_advisory_xact_lock(hashtextextended('lms.section/' || section, 0));

CREATE OR REPLACE FUNCTION lms.refuse(code text, name text, message text, detail text, hint text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = code, CONSTRAINT = name, MESSAGE = message,
    DETAIL = detail, HINT = hint;
END $$;

-- A snapshot that is older than the lock does not show what its holders before us did.
CREATE OR REPLACE FUNCTION lms.require_fresh_snapshots() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') = 'repeatable read' THEN
    PERFORM lms.refuse('LE010', 'wrong_isolation', 'enrolling does not work in REPEATABLE READ',
      'What others committed since the transaction began would not be seen.',
      'Begin the transaction in READ COMMITTED or SERIALIZABLE.');
  END IF;
END $$;

-- Waits for the student's lock, or with `patient` false raises lock_not_available when
-- somebody has it; then refuses a student who may not be in the section, whether or not
-- there is a seat.
CREATE OR REPLACE FUNCTION lms.check_student(student text, section text, patient boolean DEFAULT true)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  lock bigint := hashtextextended('lms.person/' || student, 0);
  s record;
  cap numeric;
  taken numeric;
  found_text text;
BEGIN
  IF patient THEN
    PERFORM pg_advisory_xact_lock(lock);
  ELSIF NOT pg_try_advisory_xact_lock(lock) THEN
    RAISE EXCEPTION 'the student enrolls elsewhere at the moment' USING ERRCODE = 'lock_not_available';
  END IF;

  SELECT p.credit_cap INTO cap FROM lms.people p
   WHERE p.person_id = student AND p.enabled AND p.deleted_at IS NULL
     AND EXISTS (SELECT FROM lms.roles r
                  WHERE r.person_id = student AND r.role = 'student' AND r.deleted_at IS NULL);
  IF NOT FOUND THEN
    PERFORM lms.refuse('LE001', 'unknown_student', 'there is no such student',
      format('No student who is enabled has the id %s.', student), 'Check the id.');
  END IF;

  SELECT x.course_id, x.term_id, c.credits, t.name AS term, t.credit_cap, t.enrolls_from, t.enrolls_until
    INTO s
    FROM lms.sections x JOIN lms.courses c USING (course_id) JOIN lms.terms t USING (term_id)
   WHERE x.section_id = section AND x.deleted_at IS NULL;
  IF NOT FOUND THEN
    PERFORM lms.refuse('LE002', 'unknown_section', 'there is no such section',
      format('No section has the id %s, or it was cancelled.', section), 'Check the id.');
  END IF;

  IF (now() >= s.enrolls_from AND now() < s.enrolls_until) IS NOT TRUE THEN
    PERFORM lms.refuse('LE003', 'term_closed', format('%s is closed for enrollment', s.term),
      format('It is open from %s until %s.', coalesce(s.enrolls_from::text, 'no time'), coalesce(s.enrolls_until::text, 'no time')),
      'Ask the registrar.');
  END IF;

  IF EXISTS (SELECT FROM lms.enrollments e
              WHERE e.section_id = section AND e.person_id = student AND e.status = 'enrolled') THEN
    PERFORM lms.refuse('LE004', 'already_enrolled', 'the student is in this section already',
      format('%s has a seat in %s.', student, section), 'There is nothing to do.');
  END IF;

  SELECT string_agg(r.required_course_id, ', ' ORDER BY r.required_course_id) INTO found_text
    FROM lms.prerequisites r
   WHERE r.course_id = s.course_id
     AND NOT EXISTS (SELECT FROM lms.completed_courses d
                      WHERE d.person_id = student AND d.course_id = r.required_course_id AND d.passed);
  IF found_text IS NOT NULL THEN
    PERFORM lms.refuse('LE005', 'prerequisite_missing', 'the student has not completed what the course builds on',
      format('Missing: %s.', found_text), 'Complete these courses first, or ask for an exemption.');
  END IF;

  cap := coalesce(cap, s.credit_cap);
  SELECT coalesce(sum(c.credits), 0) INTO taken
    FROM lms.enrollments e
    JOIN lms.sections x USING (section_id) JOIN lms.courses c USING (course_id)
   WHERE e.person_id = student AND e.term_id = s.term_id AND e.status = 'enrolled' AND e.role = 'student';
  IF taken + s.credits > cap THEN
    PERFORM lms.refuse('LE006', 'credit_cap_exceeded', 'the student would take too many credits',
      format('%s taken, %s more, at most %s in %s.', taken, s.credits, cap, s.term),
      'Drop another course, or ask for a higher cap.');
  END IF;

  SELECT string_agg(DISTINCT other.section_id, ', ') INTO found_text
    FROM lms.meetings m
    JOIN lms.schedules h ON h.person_id = student AND h.dates && m.dates AND h.minutes && m.minutes
    JOIN lms.meetings other ON other.meeting_id = h.meeting_id
   WHERE m.section_id = section;
  IF found_text IS NOT NULL THEN
    PERFORM lms.refuse('LE007', 'schedule_conflict', 'the section meets when the student is elsewhere',
      format('At the same time: %s.', found_text), 'Choose another section, or drop that one.');
  END IF;
END $$;

CREATE OR REPLACE FUNCTION lms.free_seats(section text) RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT x.capacity FROM lms.sections x WHERE x.section_id = section)
     - (SELECT count(*) FROM lms.enrollments e
         WHERE e.section_id = section AND e.status = 'enrolled' AND e.role = 'student');

CREATE OR REPLACE FUNCTION lms.take_seat(student text, section text) RETURNS text
LANGUAGE sql AS $$
  INSERT INTO lms.enrollments (section_id, school_id, term_id, person_id, begin_date)
  SELECT x.section_id, x.school_id, x.term_id, student, greatest(t.start_date, current_date)
    FROM lms.sections x JOIN lms.terms t USING (term_id)
   WHERE x.section_id = section
  RETURNING enrollment_id
$$;

-- Gives a free seat to the first who waits and still may, and answers who that is. Those
-- who may not keep their place. The caller holds the section's lock. With `patient`
-- false it stops, with `busy`, at somebody whose lock another has.
CREATE OR REPLACE FUNCTION lms.promote_next(section text, patient boolean, OUT student text, OUT busy boolean)
LANGUAGE plpgsql AS $$
DECLARE
  next record;
BEGIN
  busy := false;
  IF lms.free_seats(section) < 1 THEN
    RETURN;
  END IF;
  FOR next IN
    SELECT w.place, w.person_id FROM lms.waitlist w
     WHERE w.section_id = section AND w.status = 'waiting' ORDER BY w.place
  LOOP
    -- The block's end gives the lock of somebody who may not back.
    BEGIN
      PERFORM lms.check_student(next.person_id, section, patient);
      PERFORM lms.take_seat(next.person_id, section);
      UPDATE lms.waitlist SET status = 'promoted', ended_at = now() WHERE place = next.place;
      student := next.person_id;
      RETURN;
    EXCEPTION
      WHEN lock_not_available THEN
        busy := true;
        RETURN;
      WHEN SQLSTATE 'LE001' OR SQLSTATE 'LE002' OR SQLSTATE 'LE003' OR SQLSTATE 'LE004'
        OR SQLSTATE 'LE005' OR SQLSTATE 'LE006' OR SQLSTATE 'LE007' OR exclusion_violation THEN
        CONTINUE;
    END;
  END LOOP;
END $$;

-- Takes a seat, or a place on the waitlist. Nobody overtakes those who wait: a free seat
-- is theirs first.
CREATE OR REPLACE FUNCTION lms.enroll(
  student text, section text, OUT status text, OUT enrollment_id text, OUT place bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moved record;
  waiting bigint;
BEGIN
  PERFORM lms.require_fresh_snapshots();
  PERFORM lms.lock_section(section);
  PERFORM lms.check_student(student, section);

  IF EXISTS (SELECT FROM lms.waitlist w
              WHERE w.section_id = section AND w.person_id = student AND w.status = 'waiting') THEN
    PERFORM lms.refuse('LE004', 'already_enrolled', 'the student waits for this section already',
      format('%s is on the waitlist of %s.', student, section), 'Wait for a seat.');
  END IF;

  -- Without waiting for their locks: two who hold a student's each may wait for the other's.
  LOOP
    moved := lms.promote_next(section, patient => false);
    EXIT WHEN moved.student IS NULL;
  END LOOP;
  IF NOT moved.busy AND lms.free_seats(section) > 0 THEN
    status := 'enrolled';
    enrollment_id := lms.take_seat(student, section);
    RETURN;
  END IF;

  SELECT count(*) INTO waiting FROM lms.waitlist w WHERE w.section_id = section AND w.status = 'waiting';
  IF waiting >= (SELECT x.waitlist_capacity FROM lms.sections x WHERE x.section_id = section) THEN
    PERFORM lms.refuse('LE008', 'section_full', 'there is no seat left, and no place on the waitlist',
      format('%s wait already.', waiting), 'Choose another section.');
  END IF;
  INSERT INTO lms.waitlist (section_id, person_id) VALUES (section, student);
  status := 'waitlisted';
  place := waiting + 1;
EXCEPTION
  -- Hours that somebody got who was not enrolled by this function.
  WHEN exclusion_violation THEN
    PERFORM lms.refuse('LE007', 'schedule_conflict', 'the section meets when the student is elsewhere',
      SQLERRM, 'Choose another section, or drop the other one.');
END $$;
COMMENT ON FUNCTION lms.enroll IS
  'Enrolls a student, or puts her on the waitlist; place counts from 1.';

-- Gives a seat or a place on the waitlist up; answers who got the seat, if anybody.
CREATE OR REPLACE FUNCTION lms.drop(student text, section text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  term record;
BEGIN
  PERFORM lms.require_fresh_snapshots();
  PERFORM lms.lock_section(section);
  SELECT t.name, t.end_date INTO term
    FROM lms.sections x JOIN lms.terms t USING (term_id) WHERE x.section_id = section;
  IF term.end_date < current_date THEN
    PERFORM lms.refuse('LE003', 'term_closed', format('%s is over', term.name),
      format('It ended on %s.', term.end_date), 'Ask the registrar.');
  END IF;
  UPDATE lms.waitlist SET status = 'left', ended_at = now()
   WHERE section_id = section AND person_id = student AND status = 'waiting';
  IF FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE lms.enrollments e
     SET status = CASE WHEN e.begin_date > current_date THEN 'cancelled' ELSE 'dropped' END,
         end_date = CASE WHEN e.begin_date > current_date THEN NULL ELSE current_date END
   WHERE e.section_id = section AND e.person_id = student AND e.status = 'enrolled' AND e.role = 'student';
  IF NOT FOUND THEN
    PERFORM lms.refuse('LE009', 'not_enrolled', 'the student is not in this section',
      format('%s has no seat in %s and does not wait for one.', student, section), 'Check both ids.');
  END IF;
  RETURN (SELECT moved.student FROM lms.promote_next(section, patient => true) moved);
END $$;
COMMENT ON FUNCTION lms.drop IS
  'Drops a section, or leaves its waitlist; answers who moved up.';

-- After a section got more seats: one transaction for each seat.
CREATE OR REPLACE PROCEDURE lms.fill(section text)
LANGUAGE plpgsql AS $$
DECLARE
  moved record;
BEGIN
  LOOP
    PERFORM lms.lock_section(section);
    moved := lms.promote_next(section, patient => true);
    COMMIT;
    EXIT WHEN moved.student IS NULL;
  END LOOP;
END $$;
COMMENT ON PROCEDURE lms.fill IS
  'Gives free seats to those who wait. To be called outside of a transaction.';

-- Hours follow enrollments…
CREATE OR REPLACE FUNCTION lms.schedule_enrollment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM lms.schedules WHERE enrollment_id = NEW.enrollment_id;
  IF NEW.status = 'enrolled' THEN
    PERFORM lms.lock_section(NEW.section_id);
    INSERT INTO lms.schedules (enrollment_id, meeting_id, person_id, dates, minutes)
    SELECT NEW.enrollment_id, m.meeting_id, NEW.person_id, m.dates, m.minutes
      FROM lms.meetings m WHERE m.section_id = NEW.section_id;
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER schedule AFTER INSERT OR UPDATE OF status, section_id, person_id
  ON lms.enrollments FOR EACH ROW EXECUTE FUNCTION lms.schedule_enrollment();

-- …and meetings; dates and minutes follow by the foreign key. Who changes the meetings of
-- a section while students enroll in it takes its lock first: SELECT lms.lock_section('…').
CREATE OR REPLACE FUNCTION lms.schedule_meeting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM lms.lock_section(s.id)
     FROM (SELECT DISTINCT unnest(ARRAY[OLD.section_id, NEW.section_id]) AS id ORDER BY 1) s;
  IF OLD.section_id IS DISTINCT FROM NEW.section_id THEN
    DELETE FROM lms.schedules WHERE meeting_id = OLD.meeting_id;
    INSERT INTO lms.schedules (enrollment_id, meeting_id, person_id, dates, minutes)
    SELECT e.enrollment_id, NEW.meeting_id, e.person_id, NEW.dates, NEW.minutes
      FROM lms.enrollments e WHERE e.section_id = NEW.section_id AND e.status = 'enrolled';
  END IF;
  -- For its watermark: whoever reads sections reads where and when they meet.
  UPDATE lms.sections SET modified_at = now() WHERE section_id IN (OLD.section_id, NEW.section_id);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER schedule AFTER INSERT OR UPDATE OR DELETE
  ON lms.meetings FOR EACH ROW EXECUTE FUNCTION lms.schedule_meeting();
