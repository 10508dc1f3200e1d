-- What Chalkline reads: one view for each table of its rosters, with that table's columns.
--
-- This file makes them of the reference LMS. For another LMS write them anew, with the
-- same names; where it has nothing for a column, say NULL. A view that there is nothing
-- for is left out, but for orgs, users, courses, sections and enrollments. README.md has
-- an example, and `setup.sh --views FILE` sets it up.
--
-- Every view ends with three columns. Their comments on orgs hold for all.
--
-- Where a view joins tables its watermark is the greatest of theirs, so that a change of
-- any makes the row new; where it does not, the index on `watermark` is used.

CREATE OR REPLACE VIEW chalkline.orgs AS
SELECT o.org_id, o.name, o.type, o.identifier, o.parent_org_id,
       o.deleted_at IS NOT NULL AS is_deleted,
       o.modified_at, o.watermark
  FROM lms.orgs o;
COMMENT ON VIEW chalkline.orgs IS 'Schools, districts and departments, as a tree.';
COMMENT ON COLUMN chalkline.orgs.org_id IS 'The key: any text that stays the same.';
COMMENT ON COLUMN chalkline.orgs.name IS 'Its name.';
COMMENT ON COLUMN chalkline.orgs.type IS 'department, school, district, local, state or national.';
COMMENT ON COLUMN chalkline.orgs.identifier IS 'Its official number, if it has one.';
COMMENT ON COLUMN chalkline.orgs.parent_org_id IS 'The org that it is a part of; NULL of the root.';
COMMENT ON COLUMN chalkline.orgs.is_deleted IS
  'Whether the row is gone. Rows that are gone may be left out as well: reading everything now and then finds them.';
COMMENT ON COLUMN chalkline.orgs.modified_at IS 'When the row was last changed; NULL if nobody knows.';
COMMENT ON COLUMN chalkline.orgs.watermark IS
  'The transaction that last wrote the row, see watermark.sql; NULL has it read every time.';

CREATE OR REPLACE VIEW chalkline.terms AS
SELECT t.term_id, t.name, t.type, t.start_date, t.end_date, t.parent_term_id, t.school_year,
       t.deleted_at IS NOT NULL AS is_deleted,
       t.modified_at, t.watermark
  FROM lms.terms t;
COMMENT ON VIEW chalkline.terms IS 'School years, semesters and grading periods, as a tree.';
COMMENT ON COLUMN chalkline.terms.term_id IS 'The key.';
COMMENT ON COLUMN chalkline.terms.name IS 'Its name: Fall 2026.';
COMMENT ON COLUMN chalkline.terms.type IS 'schoolYear, semester, term or gradingPeriod.';
COMMENT ON COLUMN chalkline.terms.start_date IS 'Its first day.';
COMMENT ON COLUMN chalkline.terms.end_date IS 'Its last day.';
COMMENT ON COLUMN chalkline.terms.parent_term_id IS 'The one that it is a part of; NULL of a school year.';
COMMENT ON COLUMN chalkline.terms.school_year IS 'The year in which its school year ends: 2027.';

CREATE OR REPLACE VIEW chalkline.courses AS
SELECT c.course_id, c.name, c.course_code, c.org_id, NULL::text AS school_year_term_id,
       c.grades, c.subjects, NULL::text[] AS subject_codes,
       c.deleted_at IS NOT NULL AS is_deleted,
       c.modified_at, c.watermark
  FROM lms.courses c;
COMMENT ON VIEW chalkline.courses IS 'What is taught, whenever it is.';
COMMENT ON COLUMN chalkline.courses.course_id IS 'The key; what events call `course`.';
COMMENT ON COLUMN chalkline.courses.name IS 'Its title.';
COMMENT ON COLUMN chalkline.courses.course_code IS 'As people abbreviate it: BIO-101.';
COMMENT ON COLUMN chalkline.courses.org_id IS 'The school or district that offers it.';
COMMENT ON COLUMN chalkline.courses.school_year_term_id IS 'The school year of which it is; NULL of all.';
COMMENT ON COLUMN chalkline.courses.grades IS 'The years of students for whom it is: {09,10}.';
COMMENT ON COLUMN chalkline.courses.subjects IS 'Its subjects.';
COMMENT ON COLUMN chalkline.courses.subject_codes IS 'Codes of these, of SCED for example.';

CREATE OR REPLACE VIEW chalkline.sections AS
SELECT s.section_id, s.name, s.course_id, s.school_id, ARRAY[s.term_id] AS term_ids, s.section_code,
       'scheduled'::text AS type, m.location, c.grades, c.subjects, NULL::text[] AS subject_codes, m.periods,
       s.deleted_at IS NOT NULL AS is_deleted,
       greatest(s.modified_at, c.modified_at) AS modified_at, greatest(s.watermark, c.watermark) AS watermark
  FROM lms.sections s
  JOIN lms.courses c USING (course_id)
 CROSS JOIN LATERAL (
       SELECT string_agg(DISTINCT m.room, ', ') AS location,
              coalesce(array_agg(
                (ARRAY['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[1 + lower(m.minutes) / 1440]
                || to_char(make_interval(mins => lower(m.minutes) % 1440), ' HH24:MI')
                ORDER BY lower(m.minutes)) FILTER (WHERE m.meeting_id IS NOT NULL), '{}') AS periods
         FROM lms.meetings m WHERE m.section_id = s.section_id) m;
COMMENT ON VIEW chalkline.sections IS 'The classes of courses.';
COMMENT ON COLUMN chalkline.sections.section_id IS 'The key; what events call `section`.';
COMMENT ON COLUMN chalkline.sections.name IS 'Its title.';
COMMENT ON COLUMN chalkline.sections.course_id IS 'Its course.';
COMMENT ON COLUMN chalkline.sections.school_id IS 'Its school, an org.';
COMMENT ON COLUMN chalkline.sections.term_ids IS 'The terms in which it meets; of these its term is found.';
COMMENT ON COLUMN chalkline.sections.section_code IS 'As people abbreviate it: BIO-101-03.';
COMMENT ON COLUMN chalkline.sections.type IS 'scheduled, or homeroom.';
COMMENT ON COLUMN chalkline.sections.location IS 'Where it meets.';
COMMENT ON COLUMN chalkline.sections.grades IS 'The years of students for whom it is.';
COMMENT ON COLUMN chalkline.sections.subjects IS 'Its subjects.';
COMMENT ON COLUMN chalkline.sections.subject_codes IS 'Codes of these.';
COMMENT ON COLUMN chalkline.sections.periods IS 'When it meets, by the school''s own names.';

CREATE OR REPLACE VIEW chalkline.users AS
SELECT p.person_id AS user_id, p.enabled, NULL::text AS role, NULL::text[] AS org_ids, p.primary_org_id, p.grades,
       p.username, NULL::text[] AS user_ids, NULL::text AS identifier, NULL::text AS master_identifier, p.email,
       p.given_name, p.family_name, NULL::text AS middle_name, p.preferred_given_name,
       NULL::text AS preferred_family_name, NULL::text AS preferred_middle_name, NULL::text AS pronouns,
       NULL::text AS sms, NULL::text AS phone, NULL::text[] AS agent_ids,
       p.deleted_at IS NOT NULL AS is_deleted,
       p.modified_at, p.watermark
  FROM lms.people p;
COMMENT ON VIEW chalkline.users IS 'Students, staff and guardians. What is personal stays in the roster, and may be NULL.';
COMMENT ON COLUMN chalkline.users.user_id IS 'The key; what events call `actor`.';
COMMENT ON COLUMN chalkline.users.enabled IS 'Whether they may log in.';
COMMENT ON COLUMN chalkline.users.role IS 'What they are at all of org_ids; NULL where there is the view roles.';
COMMENT ON COLUMN chalkline.users.org_ids IS 'Where they are that; NULL where there is the view roles.';
COMMENT ON COLUMN chalkline.users.primary_org_id IS 'The org they belong to first.';
COMMENT ON COLUMN chalkline.users.grades IS 'Of a student, the years: {09}.';
COMMENT ON COLUMN chalkline.users.username IS 'Personal: the login. Events may name people by it too.';
COMMENT ON COLUMN chalkline.users.user_ids IS 'Personal: ids in other systems by which events may name them.';
COMMENT ON COLUMN chalkline.users.identifier IS 'Personal: the number of student or staff.';
COMMENT ON COLUMN chalkline.users.master_identifier IS 'Personal: one id for all systems, if there is one.';
COMMENT ON COLUMN chalkline.users.email IS 'Personal: the mailbox. Events may name people by it too.';
COMMENT ON COLUMN chalkline.users.given_name IS 'Personal.';
COMMENT ON COLUMN chalkline.users.family_name IS 'Personal.';
COMMENT ON COLUMN chalkline.users.middle_name IS 'Personal.';
COMMENT ON COLUMN chalkline.users.preferred_given_name IS 'Personal: what they are called.';
COMMENT ON COLUMN chalkline.users.preferred_family_name IS 'Personal.';
COMMENT ON COLUMN chalkline.users.preferred_middle_name IS 'Personal.';
COMMENT ON COLUMN chalkline.users.pronouns IS 'Personal.';
COMMENT ON COLUMN chalkline.users.sms IS 'Personal.';
COMMENT ON COLUMN chalkline.users.phone IS 'Personal.';
COMMENT ON COLUMN chalkline.users.agent_ids IS 'Their guardians; NULL where there is the view guardians.';

CREATE OR REPLACE VIEW chalkline.guardians AS
SELECT g.person_id AS user_id, g.agent_id,
       g.deleted_at IS NOT NULL AS is_deleted,
       g.modified_at, g.watermark
  FROM lms.guardians g;
COMMENT ON VIEW chalkline.guardians IS 'Who is whose guardian, and may see what the student may.';
COMMENT ON COLUMN chalkline.guardians.user_id IS 'The student.';
COMMENT ON COLUMN chalkline.guardians.agent_id IS 'The guardian, a user too.';

CREATE OR REPLACE VIEW chalkline.roles AS
SELECT r.person_id AS user_id, r.role_id, r.org_id, r.role,
       CASE WHEN r.is_primary THEN 'primary' ELSE 'secondary' END AS role_type,
       r.begin_date, r.end_date, NULL::text AS user_profile_id,
       r.deleted_at IS NOT NULL AS is_deleted,
       r.modified_at, r.watermark
  FROM lms.roles r;
COMMENT ON VIEW chalkline.roles IS 'What people are at an org.';
COMMENT ON COLUMN chalkline.roles.user_id IS 'Who.';
COMMENT ON COLUMN chalkline.roles.role_id IS 'The key.';
COMMENT ON COLUMN chalkline.roles.org_id IS 'Where.';
COMMENT ON COLUMN chalkline.roles.role IS 'student, teacher, guardian, counselor, principal, siteAdministrator, …';
COMMENT ON COLUMN chalkline.roles.role_type IS 'primary or secondary.';
COMMENT ON COLUMN chalkline.roles.begin_date IS 'The first day; NULL is ever.';
COMMENT ON COLUMN chalkline.roles.end_date IS 'The last day; NULL is open.';
COMMENT ON COLUMN chalkline.roles.user_profile_id IS 'The account that it goes with, if that counts.';

CREATE OR REPLACE VIEW chalkline.enrollments AS
SELECT e.enrollment_id, e.section_id, e.school_id, e.person_id AS user_id, e.role,
       (e.role = 'teacher') AS "primary", e.begin_date, e.end_date,
       e.status = 'cancelled' AS is_deleted,
       e.modified_at, e.watermark
  FROM lms.enrollments e;
COMMENT ON VIEW chalkline.enrollments IS
  'Who learns or teaches in which section, from when to when. Who dropped it stays, with an end_date.';
COMMENT ON COLUMN chalkline.enrollments.enrollment_id IS 'The key; another one when somebody comes back.';
COMMENT ON COLUMN chalkline.enrollments.section_id IS 'The section.';
COMMENT ON COLUMN chalkline.enrollments.school_id IS 'Its school.';
COMMENT ON COLUMN chalkline.enrollments.user_id IS 'Who.';
COMMENT ON COLUMN chalkline.enrollments.role IS 'student, teacher, aide or proctor.';
COMMENT ON COLUMN chalkline.enrollments."primary" IS 'Whether a teacher is the one who is responsible.';
COMMENT ON COLUMN chalkline.enrollments.begin_date IS 'The first day; NULL is the section''s.';
COMMENT ON COLUMN chalkline.enrollments.end_date IS 'The last day; NULL is the section''s.';

CREATE OR REPLACE VIEW chalkline.categories AS
SELECT c.category_id, c.name, c.weight,
       c.deleted_at IS NOT NULL AS is_deleted,
       c.modified_at, c.watermark
  FROM lms.categories c;
COMMENT ON VIEW chalkline.categories IS 'Categories of the gradebook.';
COMMENT ON COLUMN chalkline.categories.category_id IS 'The key.';
COMMENT ON COLUMN chalkline.categories.name IS 'Its title.';
COMMENT ON COLUMN chalkline.categories.weight IS 'Percent of the whole.';

CREATE OR REPLACE VIEW chalkline.line_items AS
SELECT a.assignment_id AS line_item_id, a.name, a.description, a.assign_date, a.due_date, a.section_id, a.category_id,
       s.term_id, a.min_score, a.max_score, s.school_id,
       a.deleted_at IS NOT NULL AS is_deleted,
       greatest(a.modified_at, s.modified_at) AS modified_at, greatest(a.watermark, s.watermark) AS watermark
  FROM lms.assignments a
  JOIN lms.sections s USING (section_id);
COMMENT ON VIEW chalkline.line_items IS 'What is graded.';
COMMENT ON COLUMN chalkline.line_items.line_item_id IS 'The key; what events call `assessment`.';
COMMENT ON COLUMN chalkline.line_items.name IS 'Its title.';
COMMENT ON COLUMN chalkline.line_items.description IS 'What it is.';
COMMENT ON COLUMN chalkline.line_items.assign_date IS 'The day on which it is handed out.';
COMMENT ON COLUMN chalkline.line_items.due_date IS 'The day on which it is due.';
COMMENT ON COLUMN chalkline.line_items.section_id IS 'The section.';
COMMENT ON COLUMN chalkline.line_items.category_id IS 'Its category.';
COMMENT ON COLUMN chalkline.line_items.term_id IS 'The term or grading period.';
COMMENT ON COLUMN chalkline.line_items.min_score IS 'The lowest score.';
COMMENT ON COLUMN chalkline.line_items.max_score IS 'The highest score.';
COMMENT ON COLUMN chalkline.line_items.school_id IS 'The school.';

CREATE OR REPLACE VIEW chalkline.results AS
SELECT g.grade_id AS result_id, g.assignment_id AS line_item_id, g.person_id AS user_id, g.section_id,
       'fully graded'::text AS status, g.score, NULL::text AS text_score, g.graded_at::date AS score_date,
       g.comment, NULL::boolean AS in_progress, NULL::boolean AS incomplete, NULL::boolean AS late,
       NULL::boolean AS missing,
       g.deleted_at IS NOT NULL AS is_deleted,
       g.modified_at, g.watermark
  FROM lms.grades g;
COMMENT ON VIEW chalkline.results IS 'Grades.';
COMMENT ON COLUMN chalkline.results.result_id IS 'The key.';
COMMENT ON COLUMN chalkline.results.line_item_id IS 'Of what.';
COMMENT ON COLUMN chalkline.results.user_id IS 'Whose.';
COMMENT ON COLUMN chalkline.results.section_id IS 'In which section.';
COMMENT ON COLUMN chalkline.results.status IS
  'not submitted, submitted, partially graded, fully graded or exempt.';
COMMENT ON COLUMN chalkline.results.score IS 'Personal: the score.';
COMMENT ON COLUMN chalkline.results.text_score IS 'Personal: the score where it is no number.';
COMMENT ON COLUMN chalkline.results.score_date IS 'The day on which it was given.';
COMMENT ON COLUMN chalkline.results.comment IS 'Personal: what the teacher says of it.';
COMMENT ON COLUMN chalkline.results.in_progress IS 'Whether more is to come.';
COMMENT ON COLUMN chalkline.results.incomplete IS 'Whether something is not there.';
COMMENT ON COLUMN chalkline.results.late IS 'Whether it was late.';
COMMENT ON COLUMN chalkline.results.missing IS 'Whether it is not there.';
