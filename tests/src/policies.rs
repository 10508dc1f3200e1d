//! Row-level security of PostgreSQL that shows everybody what Chalkline shows them.
//!
//! The settings `app.user` and `app.role` of a connection say who asks.

/// What the policies ask of a roster that nobody sees.
pub const ROSTER: [(&str, &[(&str, &str)]); 7] = [
    ("orgs", &[("org_id", "text"), ("parent_org_id", "text")]),
    (
        "terms",
        &[
            ("term", "text"),
            ("start_date", "date"),
            ("end_date", "date"),
        ],
    ),
    ("sections", &[("section_id", "text"), ("term", "text")]),
    (
        "roles",
        &[
            ("user_id", "text"),
            ("org_id", "text"),
            ("role", "text"),
            ("end_date", "date"),
        ],
    ),
    ("guardians", &[("user_id", "text"), ("agent_id", "text")]),
    (
        "identities",
        &[("user_id", "text"), ("student_key", "text")],
    ),
    (
        "enrollments",
        &[
            ("user_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("role", "text"),
            ("begin_date", "date"),
            ("end_date", "date"),
        ],
    ),
];

/// Who is asking, and what the roster says is theirs.
pub const WHO: &str = "
    CREATE FUNCTION me() RETURNS text STABLE LANGUAGE sql
    AS $$ SELECT current_setting('app.user') $$;
    CREATE FUNCTION am(text) RETURNS boolean STABLE LANGUAGE sql
    AS $$ SELECT current_setting('app.role') = $1 $$;
    CREATE VIEW roster.taught AS
        SELECT e.section_id, coalesce(e.begin_date, t.start_date) AS first,
               coalesce(e.end_date, t.end_date) AS last
        FROM roster.enrollments e
        LEFT JOIN roster.sections s USING (section_id)
        LEFT JOIN roster.terms t ON t.term = s.term
        WHERE e.user_id = me() AND e.role = 'teacher';
    CREATE VIEW roster.pupils AS
        SELECT e.user_id FROM roster.enrollments e JOIN roster.taught t USING (section_id)
        WHERE e.role = 'student'
          AND daterange(e.begin_date, e.end_date, '[]') && daterange(t.first, t.last, '[]');
    CREATE VIEW roster.children AS
        SELECT related.user_id
        FROM (SELECT agent_id AS user_id FROM roster.guardians WHERE user_id = me()
              UNION SELECT user_id FROM roster.guardians WHERE agent_id = me()) AS related
        WHERE EXISTS (SELECT FROM roster.roles r
                      WHERE r.user_id = related.user_id AND r.role = 'student')
           OR EXISTS (SELECT FROM roster.enrollments e
                      WHERE e.user_id = related.user_id AND e.role = 'student');
    CREATE VIEW roster.schools AS
        WITH RECURSIVE below AS (
            (SELECT org_id FROM roster.orgs WHERE org_id = me()
             UNION
             SELECT org_id FROM roster.roles
             WHERE user_id = me() AND (end_date IS NULL OR end_date >= current_date)
               AND role IN ('principal', 'site_administrator', 'district_administrator',
                            'system_administrator', 'administrator'))
            UNION
            SELECT o.org_id FROM roster.orgs o JOIN below ON o.parent_org_id = below.org_id)
        SELECT org_id FROM below;
    CREATE VIEW roster.people AS
        SELECT user_id FROM roster.roles WHERE org_id IN (SELECT org_id FROM roster.schools)
        UNION
        SELECT user_id FROM roster.enrollments
        WHERE school_id IN (SELECT org_id FROM roster.schools);";

/// Of a table of rows about a student, `$TABLE`, of which `$DAY` is the day.
pub const OF_STUDENTS: &str = "
    ALTER TABLE $TABLE ENABLE ROW LEVEL SECURITY;
    CREATE POLICY teacher ON $TABLE USING (am('teacher') AND EXISTS (
        SELECT FROM roster.taught t WHERE t.section_id = $TABLE.section_id
           AND daterange(t.first, t.last, '[]') @> $DAY));
    CREATE POLICY principal ON $TABLE USING (
        am('school_admin') AND school_id IN (SELECT org_id FROM roster.schools));
    CREATE POLICY guardian ON $TABLE USING (am('guardian') AND student_key IN (
        SELECT i.student_key FROM roster.identities i JOIN roster.children USING (user_id)));
    CREATE POLICY student ON $TABLE USING (am('student') AND student_key IN (
        SELECT student_key FROM roster.identities WHERE user_id = me()));";

/// Of `users` and `enrollments`.
pub const OF_USERS: &str = "
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON users USING (user_id = me());
    CREATE POLICY teacher ON users USING (
        am('teacher') AND user_id IN (SELECT user_id FROM roster.pupils));
    CREATE POLICY principal ON users USING (
        am('school_admin') AND user_id IN (SELECT user_id FROM roster.people));
    CREATE POLICY guardian ON users USING (
        am('guardian') AND user_id IN (SELECT user_id FROM roster.children));
    ALTER TABLE enrollments ENABLE ROW LEVEL SECURITY;
    CREATE POLICY teacher ON enrollments USING (am('teacher') AND EXISTS (
        SELECT FROM roster.taught t WHERE t.section_id = enrollments.section_id
           AND daterange(begin_date, end_date, '[]') && daterange(t.first, t.last, '[]')));
    CREATE POLICY principal ON enrollments USING (
        am('school_admin') AND school_id IN (SELECT org_id FROM roster.schools));
    CREATE POLICY guardian ON enrollments USING (am('guardian') AND (
        user_id = me() OR user_id IN (SELECT user_id FROM roster.children)));
    CREATE POLICY student ON enrollments USING (am('student') AND user_id = me());";
