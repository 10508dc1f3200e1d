-- A small school to try things on. Its fall term began two weeks ago and is open, last
-- spring's is closed. Twice, it changes nothing.

INSERT INTO lms.orgs (org_id, name, type, identifier, parent_org_id) VALUES
  ('district', 'Riverbend District', 'district', '4807', NULL),
  ('north-high', 'North High', 'school', '4807-01', 'district')
ON CONFLICT DO NOTHING;

INSERT INTO lms.terms (term_id, name, type, start_date, end_date, parent_term_id, school_year,
                       enrolls_from, enrolls_until, credit_cap)
SELECT * FROM (VALUES
  ('year', 'School year', 'schoolYear', current_date - 250, current_date + 120, NULL, extract(year FROM current_date + 120)::int, NULL::timestamptz, NULL::timestamptz, 99),
  ('spring', 'Spring', 'semester', current_date - 250, current_date - 110, 'year', extract(year FROM current_date + 120)::int, now() - interval '280 days', now() - interval '240 days', 7),
  ('fall', 'Fall', 'semester', current_date - 14, current_date + 110, 'year', extract(year FROM current_date + 120)::int, now() - interval '30 days', now() + interval '30 days', 7)
) t
ON CONFLICT DO NOTHING;

INSERT INTO lms.people (person_id, username, email, given_name, family_name, grades, primary_org_id) VALUES
  ('t-ramirez', 'ramirez', 'ramirez@north.example', 'Elena', 'Ramirez', '{}', 'north-high'),
  ('t-okafor', 'okafor', 'okafor@north.example', 'Chidi', 'Okafor', '{}', 'north-high'),
  ('p-lindqvist', 'lindqvist', 'lindqvist@north.example', 'Karin', 'Lindqvist', '{}', 'north-high'),
  ('stu-1001', 'abel.1001', 'abel.1001@north.example', 'Abel', 'Fontaine', '{10}', 'north-high'),
  ('stu-1002', 'bao.1002', 'bao.1002@north.example', 'Bao', 'Hartley', '{10}', 'north-high'),
  ('stu-1003', 'carmen.1003', 'carmen.1003@north.example', 'Carmen', 'Ibsen', '{10}', 'north-high'),
  ('stu-1004', 'dilek.1004', 'dilek.1004@north.example', 'Dilek', 'Juarez', '{11}', 'north-high'),
  ('stu-1005', 'emeka.1005', 'emeka.1005@north.example', 'Emeka', 'Kovacs', '{11}', 'north-high'),
  ('stu-1006', 'freya.1006', 'freya.1006@north.example', 'Freya', 'Lamarr', '{11}', 'north-high'),
  ('g-fontaine', 'fontaine', 'fontaine@home.example', 'Noor', 'Fontaine', '{}', NULL),
  ('g-hartley', 'hartley', 'hartley@home.example', 'Ines', 'Hartley', '{}', NULL)
ON CONFLICT DO NOTHING;

INSERT INTO lms.roles (role_id, person_id, org_id, role)
SELECT p.person_id || '/' || o.org_id, p.person_id, o.org_id,
       CASE left(p.person_id, 2) WHEN 't-' THEN 'teacher' WHEN 'p-' THEN 'principal'
                                 WHEN 'g-' THEN 'guardian' ELSE 'student' END
  FROM lms.people p JOIN lms.orgs o ON o.org_id = 'north-high'
ON CONFLICT DO NOTHING;

INSERT INTO lms.guardians (person_id, agent_id) VALUES
  ('stu-1001', 'g-fontaine'), ('stu-1002', 'g-hartley')
ON CONFLICT DO NOTHING;

INSERT INTO lms.courses (course_id, name, course_code, org_id, credits, grades, subjects) VALUES
  ('bio-101', 'Biology', 'BIO-101', 'north-high', 3, '{10}', '{Science}'),
  ('bio-201', 'Genetics', 'BIO-201', 'north-high', 3, '{11}', '{Science}'),
  ('alg-101', 'Algebra', 'ALG-101', 'north-high', 3, '{10}', '{Mathematics}'),
  ('his-101', 'World history', 'HIS-101', 'north-high', 2, '{10,11}', '{History}'),
  ('mus-101', 'Choir', 'MUS-101', 'north-high', 1, '{10,11}', '{Music}')
ON CONFLICT DO NOTHING;
INSERT INTO lms.prerequisites (course_id, required_course_id) VALUES ('bio-201', 'bio-101')
ON CONFLICT DO NOTHING;
INSERT INTO lms.completed_courses (person_id, course_id, term_id, grade, passed, credits) VALUES
  ('stu-1004', 'bio-101', 'spring', 'B', true, 3),
  ('stu-1005', 'bio-101', 'spring', 'F', false, 0)
ON CONFLICT DO NOTHING;

INSERT INTO lms.sections (section_id, name, section_code, course_id, school_id, term_id, capacity, waitlist_capacity)
VALUES
  ('bio-101-01', 'Biology, mornings', 'BIO-101-01', 'bio-101', 'north-high', 'fall', 2, 2),
  ('bio-201-01', 'Genetics', 'BIO-201-01', 'bio-201', 'north-high', 'fall', 20, 5),
  ('alg-101-01', 'Algebra', 'ALG-101-01', 'alg-101', 'north-high', 'fall', 20, 5),
  ('his-101-01', 'World history', 'HIS-101-01', 'his-101', 'north-high', 'fall', 20, 5),
  ('mus-101-01', 'Choir', 'MUS-101-01', 'mus-101', 'north-high', 'fall', 40, 0),
  ('his-101-00', 'World history, spring', 'HIS-101-00', 'his-101', 'north-high', 'spring', 20, 5)
ON CONFLICT DO NOTHING;

-- Days of the week from 0, Monday; hours of the day.
INSERT INTO lms.meetings (meeting_id, section_id, room, dates, minutes)
SELECT section_id || '/' || day, section_id, room, daterange(t.start_date, t.end_date, '[]'),
       int4range(day * 1440 + hour * 60, day * 1440 + hour * 60 + 50)
  FROM (VALUES ('bio-101-01', 'Lab 1', 0, 9), ('bio-101-01', 'Lab 1', 2, 9),
               ('bio-201-01', 'Lab 1', 1, 9), ('alg-101-01', '204', 0, 9),
               ('his-101-01', '115', 0, 11), ('mus-101-01', 'Hall', 4, 14)) m (section_id, room, day, hour)
  JOIN lms.sections s USING (section_id) JOIN lms.terms t USING (term_id)
ON CONFLICT DO NOTHING;

INSERT INTO lms.enrollments (enrollment_id, section_id, school_id, term_id, person_id, role, begin_date)
SELECT 'teaches/' || s.section_id, s.section_id, s.school_id, s.term_id,
       CASE WHEN s.course_id LIKE 'bio%' OR s.course_id LIKE 'mus%' THEN 't-ramirez' ELSE 't-okafor' END,
       'teacher', t.start_date
  FROM lms.sections s JOIN lms.terms t USING (term_id)
ON CONFLICT DO NOTHING;

INSERT INTO lms.categories (category_id, name, weight) VALUES ('quizzes', 'Quizzes', 40), ('labs', 'Labs', 60)
ON CONFLICT DO NOTHING;
INSERT INTO lms.assignments (assignment_id, name, section_id, category_id, assign_date, due_date, max_score) VALUES
  ('quiz-cells', 'Cells', 'bio-101-01', 'quizzes', current_date - 7, current_date - 5, 20)
ON CONFLICT DO NOTHING;
