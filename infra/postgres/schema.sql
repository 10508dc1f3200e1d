-- A reference LMS: what a school's transactional database holds, with the rules that
-- the database itself keeps. Days are those of the database's time zone.
--
-- Nothing that others refer to is deleted: `deleted_at` says that it is gone, so that
-- whoever reads changes hears of it.

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE SCHEMA IF NOT EXISTS lms;
COMMENT ON SCHEMA lms IS 'A reference LMS.';

CREATE TABLE IF NOT EXISTS lms.orgs (
  org_id text PRIMARY KEY,
  name text NOT NULL,
  type text NOT NULL CHECK (type IN ('national', 'state', 'local', 'district', 'school', 'department')),
  identifier text UNIQUE,
  parent_org_id text REFERENCES lms.orgs CHECK (parent_org_id <> org_id),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS lms.people (
  person_id text PRIMARY KEY,
  username text NOT NULL UNIQUE,
  email text UNIQUE,
  given_name text NOT NULL,
  family_name text NOT NULL,
  preferred_given_name text,
  grades text[] NOT NULL DEFAULT '{}',
  primary_org_id text REFERENCES lms.orgs,
  enabled boolean NOT NULL DEFAULT true,
  -- More or fewer credits than the term's cap, where somebody decided so.
  credit_cap numeric(5, 2) CHECK (credit_cap >= 0),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL
);

-- What somebody is at an org.
CREATE TABLE IF NOT EXISTS lms.roles (
  role_id text PRIMARY KEY,
  person_id text NOT NULL REFERENCES lms.people,
  org_id text NOT NULL REFERENCES lms.orgs,
  role text NOT NULL CHECK (role IN ('student', 'teacher', 'guardian', 'counselor', 'principal', 'siteAdministrator')),
  is_primary boolean NOT NULL DEFAULT true,
  begin_date date,
  end_date date,
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  CHECK (end_date >= begin_date)
);

-- Whose agent somebody is.
CREATE TABLE IF NOT EXISTS lms.guardians (
  person_id text NOT NULL REFERENCES lms.people,
  agent_id text NOT NULL REFERENCES lms.people CHECK (agent_id <> person_id),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  PRIMARY KEY (person_id, agent_id)
);

-- School years, semesters and grading periods, one within the other.
CREATE TABLE IF NOT EXISTS lms.terms (
  term_id text PRIMARY KEY,
  name text NOT NULL,
  type text NOT NULL CHECK (type IN ('schoolYear', 'semester', 'term', 'gradingPeriod')),
  start_date date NOT NULL,
  end_date date NOT NULL,
  parent_term_id text REFERENCES lms.terms CHECK (parent_term_id <> term_id),
  school_year integer NOT NULL,
  -- When students may enroll; outside of it the term is closed.
  enrolls_from timestamptz,
  enrolls_until timestamptz,
  -- The most credits that a student may take in it.
  credit_cap numeric(5, 2) NOT NULL DEFAULT 999 CHECK (credit_cap >= 0),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  CHECK (end_date >= start_date),
  CHECK (enrolls_until > enrolls_from)
);

CREATE TABLE IF NOT EXISTS lms.courses (
  course_id text PRIMARY KEY,
  name text NOT NULL,
  course_code text NOT NULL,
  org_id text NOT NULL REFERENCES lms.orgs,
  credits numeric(5, 2) NOT NULL DEFAULT 1 CHECK (credits >= 0),
  grades text[] NOT NULL DEFAULT '{}',
  subjects text[] NOT NULL DEFAULT '{}',
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL
);

-- Which courses have to be completed before one.
CREATE TABLE IF NOT EXISTS lms.prerequisites (
  course_id text NOT NULL REFERENCES lms.courses,
  required_course_id text NOT NULL REFERENCES lms.courses CHECK (required_course_id <> course_id),
  PRIMARY KEY (course_id, required_course_id)
);

CREATE TABLE IF NOT EXISTS lms.completed_courses (
  person_id text NOT NULL REFERENCES lms.people,
  course_id text NOT NULL REFERENCES lms.courses,
  term_id text NOT NULL REFERENCES lms.terms,
  grade text NOT NULL,
  passed boolean NOT NULL,
  credits numeric(5, 2) NOT NULL CHECK (credits >= 0),
  completed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (person_id, course_id, term_id)
);

CREATE TABLE IF NOT EXISTS lms.sections (
  section_id text PRIMARY KEY,
  name text NOT NULL,
  section_code text NOT NULL,
  course_id text NOT NULL REFERENCES lms.courses,
  school_id text NOT NULL REFERENCES lms.orgs,
  term_id text NOT NULL REFERENCES lms.terms,
  capacity integer NOT NULL CHECK (capacity >= 0),
  waitlist_capacity integer NOT NULL DEFAULT 0 CHECK (waitlist_capacity >= 0),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  -- For enrollments, which have their section's school and term.
  UNIQUE (section_id, school_id, term_id)
);

-- When and where a section meets each week: `minutes` are those since Monday 00:00.
CREATE TABLE IF NOT EXISTS lms.meetings (
  meeting_id text PRIMARY KEY,
  section_id text NOT NULL REFERENCES lms.sections,
  room text,
  dates daterange NOT NULL CHECK (NOT isempty(dates)),
  minutes int4range NOT NULL CHECK (NOT isempty(minutes) AND minutes <@ int4range(0, 10080)),
  -- For schedules, which have their meeting's days and minutes.
  UNIQUE (meeting_id, dates, minutes),
  CONSTRAINT one_section_in_a_room
    EXCLUDE USING gist (room WITH =, dates WITH &&, minutes WITH &&)
);

-- Who learns or teaches in a section, and who did: somebody who comes back has another row.
CREATE TABLE IF NOT EXISTS lms.enrollments (
  enrollment_id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  section_id text NOT NULL,
  school_id text NOT NULL,
  term_id text NOT NULL,
  person_id text NOT NULL REFERENCES lms.people,
  role text NOT NULL DEFAULT 'student' CHECK (role IN ('student', 'teacher', 'aide')),
  status text NOT NULL DEFAULT 'enrolled' CHECK (status IN ('enrolled', 'dropped', 'cancelled')),
  begin_date date NOT NULL,
  end_date date,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  CHECK (end_date >= begin_date),
  FOREIGN KEY (section_id, school_id, term_id)
    REFERENCES lms.sections (section_id, school_id, term_id) ON UPDATE CASCADE
);
COMMENT ON COLUMN lms.enrollments.status IS
  'enrolled; dropped on end_date; cancelled before begin_date, as if it had never been';
CREATE UNIQUE INDEX IF NOT EXISTS enrolled_once
  ON lms.enrollments (section_id, person_id) WHERE status = 'enrolled';
CREATE INDEX IF NOT EXISTS enrollments_of_person
  ON lms.enrollments (person_id, term_id) WHERE status = 'enrolled';

-- Where everybody has to be. Rows come and go with enrollments and meetings (enroll.sql),
-- and nobody can be in two places: neither students nor teachers.
CREATE TABLE IF NOT EXISTS lms.schedules (
  enrollment_id text NOT NULL REFERENCES lms.enrollments ON DELETE CASCADE,
  meeting_id text NOT NULL,
  person_id text NOT NULL REFERENCES lms.people,
  dates daterange NOT NULL,
  minutes int4range NOT NULL,
  PRIMARY KEY (enrollment_id, meeting_id),
  FOREIGN KEY (meeting_id, dates, minutes)
    REFERENCES lms.meetings (meeting_id, dates, minutes) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT one_place_at_a_time
    EXCLUDE USING gist (person_id WITH =, dates WITH &&, minutes WITH &&)
);

-- Who waits for a seat, in the order of `place`.
CREATE TABLE IF NOT EXISTS lms.waitlist (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  section_id text NOT NULL REFERENCES lms.sections,
  person_id text NOT NULL REFERENCES lms.people,
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'promoted', 'left')),
  joined_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS waits_once
  ON lms.waitlist (section_id, person_id) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS waiting_in_order
  ON lms.waitlist (section_id, place) WHERE status = 'waiting';

-- The gradebook.
CREATE TABLE IF NOT EXISTS lms.categories (
  category_id text PRIMARY KEY,
  name text NOT NULL,
  weight integer CHECK (weight BETWEEN 0 AND 100),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS lms.assignments (
  assignment_id text PRIMARY KEY,
  name text NOT NULL,
  description text,
  section_id text NOT NULL REFERENCES lms.sections,
  category_id text REFERENCES lms.categories,
  assign_date date NOT NULL,
  due_date date NOT NULL,
  min_score numeric NOT NULL DEFAULT 0,
  max_score numeric NOT NULL CHECK (max_score > min_score),
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  CHECK (due_date >= assign_date),
  -- For grades, which have their assignment's section.
  UNIQUE (assignment_id, section_id)
);

CREATE TABLE IF NOT EXISTS lms.grades (
  grade_id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  assignment_id text NOT NULL,
  section_id text NOT NULL,
  person_id text NOT NULL REFERENCES lms.people,
  score numeric NOT NULL,
  comment text,
  graded_by text NOT NULL REFERENCES lms.people,
  graded_at timestamptz NOT NULL DEFAULT now(),
  -- Why it was changed; of the first grade none.
  reason text,
  deleted_at timestamptz,
  modified_at timestamptz NOT NULL,
  watermark bigint NOT NULL,
  UNIQUE (assignment_id, person_id),
  FOREIGN KEY (assignment_id, section_id)
    REFERENCES lms.assignments (assignment_id, section_id) ON UPDATE CASCADE
);

-- Rows say when and by which transaction they were last written.
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['orgs', 'people', 'roles', 'guardians', 'terms', 'courses', 'sections',
                           'enrollments', 'categories', 'assignments', 'grades'] LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER stamp BEFORE INSERT OR UPDATE ON lms.%I
                    FOR EACH ROW EXECUTE FUNCTION chalkline.stamp()', t);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON lms.%I (watermark)', t || '_watermark', t);
  END LOOP;
END $$;
