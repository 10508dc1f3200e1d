//! What is wrong between the rows of a bundle, and between them and what is stored.

use std::collections::{BTreeMap, HashSet};

use schemas::roster::Entity;

use crate::diagnostic::{Code, Diagnostics};
use crate::error::Error;
use crate::manifest::Mode;
use crate::merge::{Groups, Merge, Step, Wanted};
use crate::orgs::Orgs;
use crate::origin::Origin;
use crate::read::{Reading, Scope, Settings};
use crate::row::{Row, id_of};
use crate::sort::Sorted;
use crate::stored::Stored;
use crate::terms::Sessions;

mod catalog;
mod circles;
mod enrollments;
mod facts;
mod gradebook;
mod identities;
mod people;
mod references;
mod sessions;

pub(crate) use facts::{Facts, hash};
use references::resolve;

/// Rows of which everything is known that is wrong.
pub struct Checked {
    /// From where the rows come.
    pub origin: Origin,
    /// The tables of which there are rows, and whether those are all.
    pub modes: BTreeMap<Entity, Mode>,
    /// All that is wrong; refused if [`Diagnostics::is_fatal`].
    pub diagnostics: Diagnostics,
    pub(crate) tables: BTreeMap<Entity, Sorted>,
    /// The lines that are not taken, of each table.
    pub(crate) left_out: BTreeMap<Entity, HashSet<u64>>,
    pub(crate) scopes: BTreeMap<Entity, Scope>,
    pub(crate) facts: Facts,
    pub(crate) settings: Settings,
}

impl Reading {
    /// Checks the bundle as a whole: references, within it and to what is stored,
    /// repeated ids, circles, dates and roles that contradict each other.
    ///
    /// # Errors
    /// When stored rows or those set aside cannot be read.
    pub fn check(self, stored: &dyn Stored) -> Result<Checked, Error> {
        let mut checked = Checked {
            origin: self.origin,
            modes: self.modes,
            diagnostics: self.diagnostics,
            tables: self.tables,
            left_out: BTreeMap::new(),
            scopes: self.scopes,
            facts: Facts::default(),
            settings: self.settings,
        };
        for entity in Entity::ALL {
            if checked.concerns(entity) {
                checked.pass(entity, stored)?;
            }
        }
        checked.finish(stored)?;
        Ok(checked)
    }
}

impl Checked {
    /// Whether the bundle says something of the table.
    pub(crate) fn has(&self, entity: Entity) -> bool {
        self.tables.contains_key(&entity)
    }

    /// How the bundle says it.
    pub(crate) fn mode(&self, entity: Entity) -> Option<Mode> {
        self.modes.get(&entity).copied()
    }

    /// The academic sessions as they are after the bundle.
    pub fn sessions(&self) -> &Sessions {
        &self.facts.sessions
    }

    /// The orgs as they are after the bundle, if it has any that refer to them.
    pub fn orgs(&self) -> &Orgs {
        &self.facts.orgs
    }

    /// The rows of the bundle beside those stored.
    pub(crate) fn merge<'a>(
        &'a self,
        entity: Entity,
        stored: &'a dyn Stored,
    ) -> Result<Merge<'a>, Error> {
        let mode = self.mode(entity);
        let merge = merge(&self.tables, mode, &self.left_out, entity, stored)?;
        Ok(merge.within(self.scopes.get(&entity)))
    }

    /// Whether the table has to be gone through: the bundle has it, or refers to it, or
    /// what it has is made of it.
    fn concerns(&self, entity: Entity) -> bool {
        let of_terms = matches!(entity, Entity::Terms | Entity::Sections);
        self.has(entity)
            || self.is_referred_to(entity)
            || (of_terms && (self.has(Entity::Terms) || self.has(Entity::Sections)))
            || (entity == Entity::Terms && self.has(Entity::Enrollments))
            || (entity == Entity::UserProfiles && self.has_identities())
    }

    fn pass(&mut self, entity: Entity, stored: &dyn Stored) -> Result<(), Error> {
        self.learn_ids(entity, stored)?;
        let mode = self.mode(entity);
        let references = self.references(entity);
        let present: HashSet<Entity> = self.tables.keys().copied().collect();
        let prefixes = self.settings.actor_prefixes.clone();
        let is_referred_to = self.is_referred_to(entity);
        let has_identities = self.has_identities();
        let mut left_out = HashSet::new();
        let mut ids = HashSet::new();
        let Self {
            tables,
            facts,
            diagnostics,
            left_out: earlier,
            origin,
            scopes,
            ..
        } = self;
        let mut report = Report {
            diagnostics,
            origin,
            entity,
        };
        let steps = merge(tables, mode, earlier, entity, stored)?;
        for step in steps.within(scopes.get(&entity)) {
            let step = step?;
            for (line, is_same) in &step.again {
                report.repeated(*line, *is_same);
            }
            let mut is_taken = true;
            if let Some((row, line)) = step.incoming() {
                is_taken = references
                    .iter()
                    .all(|to| resolve(to, row, line, facts, &present, &mut report))
                    && check_days(entity, row, line, &mut report)
                    && catalog::check_times(entity, row, line, &mut report);
                if is_taken {
                    check_row(entity, row, line, facts, &mut report);
                } else {
                    left_out.insert(line);
                }
            }
            let row = if is_taken {
                step.row()
            } else {
                step.old.as_ref()
            };
            learn_from_old(entity, &step, facts);
            if let Some(row) = row {
                if is_referred_to {
                    ids.insert(hash(id_of(&step.key)));
                }
                let line = step.incoming().map(|(_, line)| line);
                facts.learn(entity, row, line);
                if has_identities {
                    people::identify(entity, row, line, &prefixes, facts, &mut report);
                }
            }
        }
        self.facts.ids.insert(entity, ids);
        self.left_out.insert(entity, left_out);
        Ok(())
    }

    /// The ids of a table whose rows refer to each other, before they are looked at.
    fn learn_ids(&mut self, entity: Entity, stored: &dyn Stored) -> Result<(), Error> {
        let is_needed = match entity {
            Entity::Orgs | Entity::Terms | Entity::Standards | Entity::Contents => self.has(entity),
            Entity::Users => self.has_identities(),
            _ => false,
        };
        if !is_needed {
            return Ok(());
        }
        let mut ids = HashSet::new();
        let mode = self.mode(entity);
        let steps = merge(&self.tables, mode, &self.left_out, entity, stored)?;
        for step in steps.within(self.scopes.get(&entity)) {
            let step = step?;
            if step.row().is_some() {
                ids.insert(hash(id_of(&step.key)));
                if entity == Entity::Users {
                    let prefixes = &self.settings.actor_prefixes;
                    let id = schemas::normalise_actor(&step.key, prefixes);
                    self.facts.own(&id, &step.key);
                }
            }
        }
        self.facts.ids.insert(entity, ids);
        Ok(())
    }

    /// What can be said only when all has been seen.
    fn finish(&mut self, stored: &dyn Stored) -> Result<(), Error> {
        circles::check(&self.facts, &self.origin, &mut self.diagnostics);
        let mut report = Report {
            diagnostics: &mut self.diagnostics,
            origin: &self.origin,
            entity: Entity::Terms,
        };
        sessions::check_tree(&self.facts, &mut report);
        if self.has(Entity::Enrollments) && self.has(Entity::Sections) {
            self.for_lines(Entity::Sections, stored, enrollments::check_taught)?;
        }
        if self.has(Entity::Roles) && self.has(Entity::Users) {
            self.for_lines(Entity::Users, stored, people::check_has_role)?;
        }
        Ok(())
    }

    /// Calls a check for each row of the bundle that is taken.
    fn for_lines(
        &mut self,
        entity: Entity,
        stored: &dyn Stored,
        check: fn(&str, u64, &Facts, &mut Report<'_>),
    ) -> Result<(), Error> {
        let mode = self.mode(entity);
        let mut report = Report {
            diagnostics: &mut self.diagnostics,
            origin: &self.origin,
            entity,
        };
        for step in merge(&self.tables, mode, &self.left_out, entity, stored)? {
            let step = step?;
            if let Some((_, line)) = step.incoming() {
                check(&step.key, line, &self.facts, &mut report);
            }
        }
        Ok(())
    }
}

fn merge<'a>(
    tables: &'a BTreeMap<Entity, Sorted>,
    mode: Option<Mode>,
    left_out: &'a BTreeMap<Entity, HashSet<u64>>,
    entity: Entity,
    stored: &'a dyn Stored,
) -> Result<Merge<'a>, Error> {
    let wanted: Wanted<'a> = match tables.get(&entity) {
        Some(sorted) => Box::new(Groups::new(sorted.iter()?)),
        None => Box::new(std::iter::empty()),
    };
    Merge::new(entity, wanted, stored, mode, left_out.get(&entity))
}

/// Where what is wrong with one table is told, by the names that it has where the rows
/// come from.
pub(crate) struct Report<'a> {
    diagnostics: &'a mut Diagnostics,
    origin: &'a Origin,
    entity: Entity,
}

impl Report<'_> {
    fn add(&mut self, code: Code, line: u64, column: &str, detail: impl Into<String>) {
        self.add_at(code, Some(line), column, detail);
    }

    fn add_at(&mut self, code: Code, line: Option<u64>, column: &str, detail: impl Into<String>) {
        let table = self.origin.name(self.entity);
        let column = self.origin.column(self.entity, column);
        self.diagnostics
            .add(code, &table, line, Some(column), detail);
    }

    fn once(&mut self, code: Code, line: u64, column: &str, detail: &str) {
        let table = self.origin.name(self.entity);
        let column = self.origin.column(self.entity, column);
        self.diagnostics
            .once(code, &table, line, column, || detail.to_owned());
    }

    fn repeated(&mut self, line: u64, is_same: bool) {
        if is_same {
            let detail = "the row is there again, word for word";
            self.add(Code::RepeatedRow, line, "sourcedId", detail);
        } else {
            let entity = self.entity;
            let detail = format!("another row of {entity} has the id; only the first is taken");
            self.add(Code::DuplicateId, line, "sourcedId", detail);
        }
    }
}

/// Whether the row does not end before it begins.
fn check_days(entity: Entity, row: &Row, line: u64, report: &mut Report<'_>) -> bool {
    let Some((begin, end)) = entity.days() else {
        return true;
    };
    let day = |field| row.get(entity, field).as_date();
    match (day(begin), day(end)) {
        (Some(first), Some(last)) if last < first => {
            let column = match entity {
                Entity::Terms => "startDate",
                Entity::ProgramEnrollments => begin,
                _ => "beginDate",
            };
            let detail = "the first day is after the last";
            report.add(Code::BeginAfterEnd, line, column, detail);
            false
        }
        _ => true,
    }
}

/// What else may be wrong with a row that is taken all the same.
fn check_row(entity: Entity, row: &Row, line: u64, facts: &mut Facts, report: &mut Report<'_>) {
    match entity {
        Entity::Courses => sessions::check_course(row, line, facts, report),
        Entity::Sections => check_school(entity, row, line, facts, report),
        Entity::Roles => people::check_role(row, line, facts, report),
        Entity::Enrollments => {
            check_school(entity, row, line, facts, report);
            enrollments::check(row, line, facts, report);
        }
        Entity::LineItems => {
            check_school(entity, row, line, facts, report);
            gradebook::check_line_item(row, line, facts, report);
        }
        Entity::Results => gradebook::check_result(row, line, facts, report),
        Entity::Contents => catalog::check_content(row, line, report),
        _ => {}
    }
}

fn check_school(entity: Entity, row: &Row, line: u64, facts: &Facts, report: &mut Report<'_>) {
    let school = row.text(entity, "school_id");
    if school.is_some_and(|school| !facts.orgs.may_be_school(school)) {
        let detail = "it refers to an org that is not a school";
        report.once(Code::NotASchool, line, "schoolSourcedId", detail);
    }
}

/// Terms that end with the bundle still say when their rows ended.
fn learn_from_old(entity: Entity, step: &Step, facts: &mut Facts) {
    if let (Entity::Terms, Some(old)) = (entity, &step.old) {
        facts.learn_end(old);
    }
}
