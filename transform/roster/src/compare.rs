//! From the rows of a bundle and those stored to what changes.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemas::roster::Entity;

use crate::check::Checked;
use crate::error::Error;
use crate::manifest::Mode;
use crate::merge::{After, Groups, Merge, Step};
use crate::row::{Row, Value};
use crate::sort::Sorted;
use crate::stored::Stored;

mod derive;
mod guard;
mod rules;
mod summary;

pub use guard::{Guard, Vanished};
pub use rules::{Rule, Rules, UnknownField};
pub use summary::TableSummary;

/// What becomes of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The row's key.
    pub key: String,
    /// What happens.
    pub kind: ChangeKind,
    /// The row as it is stored; none if it is added.
    pub old: Option<Row>,
    /// The row as it shall be; none if it has ended.
    pub new: Option<Row>,
    /// The first day of the new row by the source, of one that has ended the day from
    /// which it was; none if the source says nothing.
    pub valid_from: Option<NaiveDate>,
    /// The last day of the row, if it has one. One that has ended always has.
    pub valid_to: Option<NaiveDate>,
}

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// There was none.
    Added,
    /// It says something else.
    Changed,
    /// There is none any more.
    Ended,
}

impl Change {
    /// The fields that differ; of what is added or has ended none.
    pub fn fields(&self, entity: Entity) -> Vec<&'static str> {
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            return Vec::new();
        };
        let fields = entity.fields().iter();
        fields
            .zip(old.values.iter().zip(&new.values))
            .filter(|(_, (old, new))| old != new)
            .map(|(field, _)| field.name)
            .collect()
    }
}

/// A checked bundle beside what is stored. The same bundle again changes nothing.
pub struct Comparison<'a> {
    checked: &'a Checked,
    stored: &'a dyn Stored,
    rules: &'a Rules,
    today: NaiveDate,
    /// What [`Entity::Identities`] is to be, if anything is said of it.
    identities: Option<Sorted>,
    summary: BTreeMap<Entity, TableSummary>,
    /// What changes in the tables in which little does.
    few: BTreeMap<Entity, Vec<Change>>,
}

impl Checked {
    /// Compares the bundle with what is stored.
    ///
    /// `today` is the day on which what the source ended without a date has ended.
    ///
    /// # Errors
    /// [`Error::Refused`] if the bundle is; or when rows cannot be read.
    pub fn compare<'a>(
        &'a self,
        stored: &'a dyn Stored,
        rules: &'a Rules,
        today: NaiveDate,
    ) -> Result<Comparison<'a>, Error> {
        if self.diagnostics.is_fatal() {
            return Err(Error::Refused);
        }
        let mut comparison = Comparison {
            checked: self,
            stored,
            rules,
            today,
            identities: derive::identities(self, stored)?,
            summary: BTreeMap::new(),
            few: BTreeMap::new(),
        };
        let mut room = self.settings.kept_changes;
        for entity in comparison.tables() {
            let (summary, changes) = comparison.count(entity, room)?;
            comparison.summary.insert(entity, summary);
            if let Some(changes) = changes {
                room -= changes.len();
                comparison.few.insert(entity, changes);
            }
        }
        Ok(comparison)
    }
}

impl<'a> Comparison<'a> {
    /// The tables in which something may change: those of the bundle, and those made of
    /// them.
    pub fn tables(&self) -> Vec<Entity> {
        let has = |entity| self.checked.has(entity);
        let concerned = |entity: &Entity| match entity {
            Entity::Guardians => has(Entity::Guardians) || self.derives(Entity::Guardians),
            Entity::Identities => self.identities.is_some(),
            Entity::Roles => has(Entity::Roles) || self.derives(Entity::Roles),
            Entity::Sections => has(Entity::Sections) || has(Entity::Terms),
            Entity::Enrollments => {
                has(Entity::Enrollments) || has(Entity::Sections) || has(Entity::Terms)
            }
            other => has(*other),
        };
        Entity::ALL.into_iter().filter(concerned).collect()
    }

    /// How many rows of each table change.
    pub fn summary(&self) -> &BTreeMap<Entity, TableSummary> {
        &self.summary
    }

    /// What changes in a table, by key. It may be gone through again.
    ///
    /// # Errors
    /// When rows cannot be read.
    pub fn changes(
        &self,
        entity: Entity,
    ) -> Result<Box<dyn Iterator<Item = Result<Change, Error>> + '_>, Error> {
        if let Some(changes) = self.few.get(&entity) {
            return Ok(Box::new(changes.iter().cloned().map(Ok)));
        }
        let merge = self.merge(entity)?;
        Ok(Box::new(merge.filter_map(move |step| match step {
            Ok(step) => self.settle(entity, step).map(Ok),
            Err(error) => Some(Err(error)),
        })))
    }

    /// How many rows of a table change, and which, if there is room for them.
    fn count(
        &self,
        entity: Entity,
        room: usize,
    ) -> Result<(TableSummary, Option<Vec<Change>>), Error> {
        let mut few = Some(Vec::new());
        let mut summary = TableSummary {
            is_bulk: self.mode(entity) == Some(Mode::Bulk),
            ..TableSummary::default()
        };
        for step in self.merge(entity)? {
            let step = step?;
            summary.stored += u64::from(step.old.is_some());
            summary.stale += u64::from(step.is_stale);
            summary.outside += u64::from(step.is_outside);
            let is_stored = step.old.is_some();
            match self.settle(entity, step) {
                None => summary.unchanged += u64::from(is_stored),
                Some(change) => {
                    summary.add(entity, &change, self.is_expired(entity, &change));
                    few = few.filter(|few| few.len() < room);
                    if let Some(few) = &mut few {
                        few.push(change);
                    }
                }
            }
        }
        Ok((summary, few))
    }

    /// Whether the rows of a table are made of the users, and there are some.
    fn derives(&self, entity: Entity) -> bool {
        let origin = &self.checked.origin;
        let derives = match entity {
            Entity::Guardians => origin.derives_guardians(),
            Entity::Roles => origin.derives_roles(),
            _ => false,
        };
        derives && self.checked.has(Entity::Users)
    }

    fn mode(&self, entity: Entity) -> Option<Mode> {
        if self.derives(entity) {
            self.checked.mode(Entity::Users)
        } else {
            self.checked.mode(entity)
        }
    }

    fn merge(&self, entity: Entity) -> Result<Merge<'_>, Error> {
        if let (Entity::Identities, Some(identities)) = (entity, &self.identities) {
            // Those of all people, whoever the bundle speaks of.
            let wanted = Box::new(Groups::new(identities.iter()?));
            return Merge::new(entity, wanted, self.stored, Some(Mode::Bulk), None);
        }
        if !self.derives(entity) {
            return self.checked.merge(entity, self.stored);
        }
        let users = self.checked.merge(Entity::Users, self.stored)?;
        let wanted = derive::of_users(entity, users);
        // What is made of all users is all there is, also of a delta.
        Merge::new(
            entity,
            Box::new(wanted),
            self.stored,
            Some(Mode::Bulk),
            None,
        )
    }

    /// What a step changes, if anything.
    fn settle(&self, entity: Entity, step: Step) -> Option<Change> {
        let has_term = matches!(entity, Entity::Sections | Entity::Enrollments);
        let Step {
            key,
            old,
            after,
            ended_at,
            ..
        } = step;
        let mut new = match after {
            After::Same if has_term => old.clone()?,
            After::Same => return None,
            After::Ended => {
                let old = old?;
                let last = ended_at.map_or(self.today, |at| at.date_naive());
                let end = self.own_end(entity, &old).map_or(last, |end| end.min(last));
                return Some(Change {
                    key,
                    kind: ChangeKind::Ended,
                    valid_from: begin(entity, &old),
                    valid_to: Some(end),
                    old: Some(old),
                    new: None,
                });
            }
            After::New(mut row) => {
                if let Some(old) = &old {
                    self.rules.apply(entity, old, &mut row);
                }
                row
            }
        };
        if has_term {
            let term = self.term_of(entity, &new);
            new.set(entity, "term", term.map_or(Value::Null, Value::from));
        }
        let kind = match &old {
            None => ChangeKind::Added,
            Some(old) if old.values == new.values => return None,
            Some(_) => ChangeKind::Changed,
        };
        let modified = new.modified_at.map(|at| at.date_naive());
        let valid_from = begin(entity, &new).or(modified);
        let is_changed = kind == ChangeKind::Changed;
        Some(Change {
            key,
            kind,
            valid_from: valid_from.or(is_changed.then_some(self.today)),
            valid_to: end(entity, &new),
            old,
            new: Some(new),
        })
    }

    /// The partition of a section or an enrollment.
    fn term_of(&self, entity: Entity, row: &Row) -> Option<&str> {
        let facts = &self.checked.facts;
        match entity {
            Entity::Sections => {
                let terms = row.get(entity, "term_ids").as_texts();
                facts.sessions.of_section(terms).map(|s| s.term.as_str())
            }
            _ => facts.term_of_section(row.text(entity, "section_id")?),
        }
    }

    /// The last day of a row by itself: its own, or that of its term.
    fn own_end(&self, entity: Entity, row: &Row) -> Option<NaiveDate> {
        let term = || {
            let has_term = matches!(entity, Entity::Sections | Entity::Enrollments);
            let term = row.text(entity, "term").filter(|_| has_term)?;
            self.checked.facts.end_of_term(term)
        };
        end(entity, row).or_else(term)
    }

    /// Whether a row has ended because its time was over: an export that no longer has
    /// last term's enrollments is as it should be.
    fn is_expired(&self, entity: Entity, change: &Change) -> bool {
        change.kind == ChangeKind::Ended
            && change
                .old
                .as_ref()
                .and_then(|old| self.own_end(entity, old))
                .is_some_and(|end| end < self.today)
    }
}

fn begin(entity: Entity, row: &Row) -> Option<NaiveDate> {
    let (begin, _) = entity.days()?;
    row.get(entity, begin).as_date()
}

fn end(entity: Entity, row: &Row) -> Option<NaiveDate> {
    let (_, end) = entity.days()?;
    row.get(entity, end).as_date()
}
