//! Whose data somebody may see, by the roster.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Date32Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use schemas::roster::Entity;
use schemas::{Role, Table};

use crate::Principal;

/// The tables of a roster that say who is whose.
pub(crate) const TABLES: [Table; 8] = [
    Table::Roster(Entity::Orgs),
    Table::Roster(Entity::Terms),
    Table::Roster(Entity::Sections),
    Table::Roster(Entity::Guardians),
    Table::Roster(Entity::Identities),
    Table::Roster(Entity::Roles),
    Table::Roster(Entity::Enrollments),
    Table::RosterHistory(Entity::Enrollments),
];

/// What somebody is at a school whose data are theirs to see.
const ADMINISTRATORS: &str = "'principal', 'site_administrator', 'district_administrator', \
                              'system_administrator', 'administrator'";

/// In which sections somebody teaches and has taught. One that has ended is told by its
/// last version; days that nobody says are the term's.
const TAUGHT: &str = "
    WITH taught AS (
        SELECT section_id, begin_date, end_date, CAST(NULL AS date) AS ended
        FROM enrollments WHERE user_id = $1 AND role = 'teacher'
        UNION ALL
        SELECT section_id, begin_date, end_date, coalesce(valid_to, CAST(recorded_at AS date))
        FROM enrollments_history WHERE user_id = $1 AND role = 'teacher' AND change = 'ended'
    )
    SELECT
        taught.section_id,
        coalesce(taught.begin_date, terms.start_date) AS first,
        least(coalesce(taught.end_date, terms.end_date), taught.ended) AS last,
        sections.course_id
    FROM taught
    LEFT JOIN sections ON sections.section_id = taught.section_id
    LEFT JOIN terms ON terms.term = sections.term";

/// Who is and was a student in sections, and when.
const STUDENTS: &str = "
    SELECT section_id, begin_date, end_date, user_id
    FROM enrollments WHERE role = 'student' AND section_id = ANY($1)
    UNION ALL
    SELECT
        section_id,
        begin_date,
        least(end_date, coalesce(valid_to, CAST(recorded_at AS date))),
        user_id
    FROM enrollments_history
    WHERE role = 'student' AND change = 'ended' AND section_id = ANY($1)";

/// Whose agent somebody is; sources name both ways. A student alone is a child.
const CHILDREN: &str = "
    SELECT related.user_id FROM (
        SELECT agent_id AS user_id FROM guardians WHERE user_id = $1
        UNION
        SELECT user_id FROM guardians WHERE agent_id = $1
    ) AS related
    WHERE related.user_id IN (
        SELECT user_id FROM roles WHERE role = 'student'
        UNION ALL
        SELECT user_id FROM enrollments WHERE role = 'student'
    )";

/// The people of schools.
const PEOPLE: &str = "
    SELECT user_id FROM roles WHERE org_id = ANY($1)
    UNION
    SELECT user_id FROM enrollments WHERE school_id = ANY($1)";

/// A stretch of days in a section; without a bound where there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stay {
    pub(crate) section: String,
    pub(crate) first: Option<NaiveDate>,
    pub(crate) last: Option<NaiveDate>,
}

impl Stay {
    /// Whether some day is in both.
    fn meets(&self, other: &Self) -> bool {
        let begins_in_time = |one: &Self, other: &Self| match (one.first, other.last) {
            (Some(first), Some(last)) => first <= last,
            _ => true,
        };
        self.section == other.section && begins_in_time(self, other) && begins_in_time(other, self)
    }
}

/// What the roster says is somebody's to see. All of it empty: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// A digest of all else, of which the tags of pages are made: it outlives the process.
    pub(crate) digest: [u8; 32],
    /// Sections, and when they were theirs.
    pub(crate) sections: BTreeSet<Stay>,
    /// What is taught in those that they teach.
    pub(crate) courses: BTreeSet<String>,
    /// The keys by which events name those who are theirs: children, themselves.
    pub(crate) student_keys: BTreeSet<String>,
    /// Users whose rows they see, by id.
    pub(crate) users: BTreeSet<String>,
    /// Schools, and what is below them.
    pub(crate) schools: BTreeSet<String>,
    /// The key of whoever asks, for the record.
    pub(crate) subject_key: Option<String>,
}

/// Asks the roster, in a session that has [`TABLES`] as they are stored.
pub(super) struct Roster<'a> {
    pub(super) session: &'a SessionContext,
    /// What was somebody's only before this day is theirs no more.
    pub(super) since: NaiveDate,
}

impl Roster<'_> {
    /// What is somebody's.
    ///
    /// # Errors
    /// When the roster cannot be read.
    pub(super) async fn scope(&self, principal: &Principal) -> Result<Scope> {
        let subject = principal.subject.as_deref();
        let mut scope = match (principal.role, subject) {
            (Role::SchoolAdmin, _) => self.school_admin(subject, &principal.grant.schools).await,
            (Role::Teacher, Some(subject)) => self.teacher(subject).await,
            (Role::Guardian, Some(subject)) => self.guardian(subject).await,
            (Role::Student, Some(subject)) => self.student(subject).await,
            _ => Ok(Scope::default()),
        }?;
        if let Some(subject) = subject {
            let keys = self.keys(&BTreeSet::from([subject.to_owned()])).await?;
            scope.subject_key = keys.into_iter().next();
        }
        Ok(scope)
    }

    async fn teacher(&self, subject: &str) -> Result<Scope> {
        let mut scope = Scope::default();
        for batch in self.ask(TAUGHT, text(subject)).await? {
            let courses = strings(&batch, 3)?;
            for (row, stay) in stays(&batch)?.into_iter().enumerate() {
                if stay.last.is_none_or(|last| last >= self.since) {
                    let course = courses.is_valid(row).then(|| courses.value(row).to_owned());
                    scope.courses.extend(course);
                    scope.sections.insert(stay);
                }
            }
        }
        scope.users = self.students(&scope.sections).await?;
        scope.users.insert(subject.to_owned());
        Ok(scope)
    }

    async fn guardian(&self, subject: &str) -> Result<Scope> {
        let mut users = self.texts(CHILDREN, text(subject)).await?;
        let student_keys = self.keys(&users).await?;
        users.insert(subject.to_owned());
        Ok(Scope {
            student_keys,
            users,
            ..Scope::default()
        })
    }

    async fn student(&self, subject: &str) -> Result<Scope> {
        let users = BTreeSet::from([subject.to_owned()]);
        Ok(Scope {
            student_keys: self.keys(&users).await?,
            users,
            ..Scope::default()
        })
    }

    async fn school_admin(
        &self,
        subject: Option<&str>,
        granted: &BTreeSet<String>,
    ) -> Result<Scope> {
        let mut own = granted.clone();
        if let Some(subject) = subject {
            let sql = format!(
                "SELECT org_id FROM roles WHERE user_id = $1 AND role IN ({ADMINISTRATORS}) \
                 AND (end_date IS NULL OR end_date >= DATE '{}')",
                self.since
            );
            own.extend(self.texts(&sql, text(subject)).await?);
        }
        let schools = self.below(own).await?;
        let mut users = self.texts(PEOPLE, list(&schools)).await?;
        users.extend(subject.map(str::to_owned));
        let sql = "SELECT section_id FROM sections WHERE school_id = ANY($1)";
        let sections = self.texts(sql, list(&schools)).await?;
        let always = |section| Stay {
            section,
            first: None,
            last: None,
        };
        Ok(Scope {
            sections: sections.into_iter().map(always).collect(),
            users,
            schools,
            ..Scope::default()
        })
    }

    /// Orgs with all that are part of them.
    async fn below(&self, orgs: BTreeSet<String>) -> Result<BTreeSet<String>> {
        let sql = "SELECT org_id, parent_org_id FROM orgs WHERE parent_org_id IS NOT NULL AND $1";
        let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for batch in self.ask(sql, ScalarValue::Boolean(Some(true))).await? {
            let (ids, parents) = (strings(&batch, 0)?, strings(&batch, 1)?);
            for (id, parent) in ids.iter().flatten().zip(parents.iter().flatten()) {
                parts
                    .entry(parent.to_owned())
                    .or_default()
                    .push(id.to_owned());
            }
        }
        let mut all = BTreeSet::new();
        let mut open: Vec<String> = orgs.into_iter().collect();
        while let Some(org) = open.pop() {
            if all.insert(org.clone()) {
                open.extend(parts.get(&org).into_iter().flatten().cloned());
            }
        }
        Ok(all)
    }

    /// Who was there while the sections were somebody's.
    async fn students(&self, theirs: &BTreeSet<Stay>) -> Result<BTreeSet<String>> {
        let sections = theirs.iter().map(|stay| stay.section.clone()).collect();
        let mut students = BTreeSet::new();
        for batch in self.ask(STUDENTS, list(&sections)).await? {
            let users = strings(&batch, 3)?;
            for (row, stay) in stays(&batch)?.into_iter().enumerate() {
                if theirs.iter().any(|own| own.meets(&stay)) {
                    students.insert(users.value(row).to_owned());
                }
            }
        }
        Ok(students)
    }

    async fn keys(&self, users: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        keys(self.session, users).await
    }

    async fn texts(&self, sql: &str, parameter: ScalarValue) -> Result<BTreeSet<String>> {
        let batches = self.ask(sql, parameter).await?;
        let mut all = BTreeSet::new();
        for batch in &batches {
            all.extend(strings(batch, 0)?.iter().flatten().map(str::to_owned));
        }
        Ok(all)
    }

    async fn ask(&self, sql: &str, parameter: ScalarValue) -> Result<Vec<RecordBatch>> {
        ask(self.session, sql, parameter).await
    }
}

/// The keys by which events name users, in a session that has [`TABLES`].
pub(crate) async fn keys(
    session: &SessionContext,
    users: &BTreeSet<String>,
) -> Result<BTreeSet<String>> {
    let sql = "SELECT DISTINCT student_key FROM identities WHERE user_id = ANY($1)";
    let batches = ask(session, sql, list(users)).await?;
    let mut all = BTreeSet::new();
    for batch in &batches {
        all.extend(strings(batch, 0)?.iter().flatten().map(str::to_owned));
    }
    Ok(all)
}

/// The users whom events name by these keys, by key.
pub(crate) async fn users(
    session: &SessionContext,
    keys: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>> {
    let sql = "SELECT DISTINCT student_key, user_id FROM identities WHERE student_key = ANY($1)";
    let batches = ask(session, sql, list(keys)).await?;
    let mut all = BTreeMap::new();
    for batch in &batches {
        let (keys, users) = (strings(batch, 0)?, strings(batch, 1)?);
        let pairs = keys.iter().flatten().zip(users.iter().flatten());
        all.extend(pairs.map(|(key, user)| (key.to_owned(), user.to_owned())));
    }
    Ok(all)
}

/// At most two of the users whose `column`, in small letters, is that name, and whether they
/// are enabled, those who are first; in a session that has `users`.
pub(crate) async fn users_called(
    session: &SessionContext,
    column: &'static str,
    name: &str,
) -> Result<Vec<(String, bool)>> {
    let sql = format!(
        "SELECT user_id, enabled IS NOT FALSE AS is_enabled FROM users WHERE lower({column}) = $1 \
         ORDER BY is_enabled DESC LIMIT 2"
    );
    let batches = ask(session, &sql, ScalarValue::from(name)).await?;
    let mut all = Vec::new();
    for batch in &batches {
        let (users, enabled) = (strings(batch, 0)?, batch.column(1).as_boolean());
        let pairs = users.iter().flatten().zip(enabled.iter().flatten());
        all.extend(pairs.map(|(user, is)| (user.to_owned(), is)));
    }
    Ok(all)
}

async fn ask(
    session: &SessionContext,
    sql: &str,
    parameter: ScalarValue,
) -> Result<Vec<RecordBatch>> {
    let rows = session.sql(sql).await?;
    let rows = rows.with_param_values(vec![parameter])?;
    rows.collect().await
}

/// The first three columns as stays.
fn stays(batch: &RecordBatch) -> Result<Vec<Stay>> {
    let sections = strings(batch, 0)?;
    let day = |column: usize, row: usize| {
        let days = batch.column(column).as_primitive_opt::<Date32Type>()?;
        let is_there = days.is_valid(row);
        is_there.then(|| Date32Type::to_naive_date_opt(days.value(row)))?
    };
    let stay = |row| Stay {
        section: sections.value(row).to_owned(),
        first: day(1, row),
        last: day(2, row),
    };
    Ok((0..batch.num_rows()).map(stay).collect())
}

fn text(text: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(text.to_owned()))
}

fn list(texts: &BTreeSet<String>) -> ScalarValue {
    let values: Vec<_> = texts.iter().map(|one| text(one)).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Utf8))
}

fn strings(batch: &RecordBatch, column: usize) -> Result<&StringArray> {
    let texts = batch.column(column).as_string_opt::<i32>();
    texts.ok_or_else(|| DataFusionError::Internal("a roster's ids are texts".to_owned()))
}
