//! Reads a directory from the tables of a roster.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use lake::Lake;
use lake::imports::{Import, Imports};
use roster::{EndDay, Entity, Row, Sessions};
use schemas::roster::NO_TERM;
use schemas::{StudentHasher, Table, Tenant, TenantSecret, Term, normalise_actor};

use super::attended::{self, attended};
use super::directory::{Directory, Section};
use super::imports::effective;
use crate::roster::{RosterError, Snapshot, StoredRow};

/// Reads what an import has left. It takes a second for a million rows.
///
/// # Errors
/// [`RosterError`].
pub(super) async fn load(
    lake: &Lake,
    tenant: &Tenant,
    secret: &TenantSecret,
    import: &Import,
) -> Result<Directory, RosterError> {
    let imports = Imports::new(lake.clone(), tenant.id.clone()).list().await?;
    let loading = Loading {
        snapshot: Snapshot::open(lake, &tenant.id, Some(import)).await?,
        effective: effective(&imports),
        hasher: StudentHasher::new(secret),
        prefixes: tenant.actor_prefixes.clone(),
    };
    let number = import.number;
    let loaded = tokio::task::spawn_blocking(move || loading.load(number)).await;
    loaded.unwrap_or_else(|error| Err(RosterError::Panicked(error.to_string())))
}

struct Loading {
    snapshot: Snapshot,
    effective: BTreeSet<u64>,
    hasher: StudentHasher,
    prefixes: Vec<String>,
}

impl Loading {
    fn load(&self, import: u64) -> Result<Directory, RosterError> {
        let sessions = self.sessions()?;
        let calendar = sessions.calendar(EndDay::Included);
        let terms = calendar.terms.iter();
        let terms: HashMap<Term, RangeInclusive<NaiveDate>> = terms
            .map(|term| (term.id.clone(), term.start..=term.end))
            .collect();
        let mut directory = Directory::of(import, calendar);
        for row in self.rows(Table::Roster(Entity::Identities))? {
            let row = row?.row;
            let key = |field| row.get(Entity::Identities, field).as_text();
            let key = |field| key(field).and_then(|key| key.parse().ok());
            if let (Some(identifier), Some(own)) = (key("identifier_key"), key("student_key")) {
                directory.add_person(identifier, own);
            }
        }
        let mut of_sections = HashMap::new();
        self.for_each_key(Entity::Sections, |versions| {
            let Some(newest) = versions.last() else {
                return;
            };
            let row = &newest.row;
            let text = |field| row.get(Entity::Sections, field).as_text();
            let (Some(id), term) = (text("section_id"), text("term")) else {
                return;
            };
            let term = term.filter(|term| *term != NO_TERM);
            let term = term.and_then(|term| Term::new(term).ok());
            directory.add_section(&Section {
                id,
                course: text("course_id"),
                school: text("school_id"),
                term: term.as_ref(),
            });
            if let Some(days) = term.and_then(|term| terms.get(&term)) {
                of_sections.insert(id.to_owned(), days.clone());
            }
        })?;
        self.for_each_key(Entity::Enrollments, |versions| {
            let user = |row: &Row| {
                let user = row.get(Entity::Enrollments, "user_id").as_text();
                user.map(|user| self.hasher.key(&normalise_actor(user, &self.prefixes)))
            };
            let Some(student) = versions.last().and_then(|newest| user(&newest.row)) else {
                return;
            };
            for stay in attended(versions.iter().filter_map(version)) {
                let days = stay.days(of_sections.get(&stay.section));
                directory.add_enrollment(student, &stay.section, days);
            }
        })?;
        Ok(directory.finish())
    }

    fn sessions(&self) -> Result<Sessions, RosterError> {
        let mut sessions = Sessions::default();
        for row in self.rows(Table::Roster(Entity::Terms))? {
            sessions.add(&row?.row);
        }
        Ok(sessions)
    }

    fn rows(
        &self,
        table: Table,
    ) -> Result<impl Iterator<Item = Result<StoredRow, RosterError>>, RosterError> {
        let rows = self.snapshot.rows(table, None)?;
        Ok(rows.map(|row| Ok(row?)))
    }

    /// Goes through the versions that count of each row of a history, the oldest first.
    fn for_each_key(
        &self,
        entity: Entity,
        mut each: impl FnMut(&[StoredRow]),
    ) -> Result<(), RosterError> {
        let mut versions: Vec<StoredRow> = Vec::new();
        for row in self.rows(Table::RosterHistory(entity))? {
            let row = row?;
            let import = row.version.map(|version| version.import);
            if !import.is_some_and(|import| self.effective.contains(&import)) {
                continue;
            }
            if versions.last().is_some_and(|last| last.key != row.key) {
                each(&versions);
                versions.clear();
            }
            versions.push(row);
        }
        each(&versions);
        Ok(())
    }
}

fn version(stored: &StoredRow) -> Option<attended::Version> {
    let of = |field| stored.row.get(Entity::Enrollments, field);
    Some(attended::Version {
        change: stored.version?.change,
        section: of("section_id").as_text()?.to_owned(),
        begin: of("begin_date").as_date(),
        end: of("end_date").as_date(),
        valid_from: stored.validity.from,
        valid_to: stored.validity.to,
    })
}
