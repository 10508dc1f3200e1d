//! What is known of all rows as they are after the bundle, in little memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use schemas::roster::Entity;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::circles::Parent;
use crate::orgs::Orgs;
use crate::row::Row;
use crate::terms::Sessions;

/// Ids are known by eight bytes each: of ten million one pair would be taken for one
/// with a chance of three in a million, and a dangling reference go unseen.
pub(crate) fn hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

/// A pair of ids.
pub(super) fn hash_pair(a: &str, b: &str) -> u64 {
    xxh3_64_with_seed(b.as_bytes(), hash(a))
}

/// What somebody is, in any org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Roles {
    pub(super) student: bool,
    pub(super) staff: bool,
    pub(super) guardian: bool,
}

impl Roles {
    fn add(&mut self, role: &str) {
        match role {
            "student" => self.student = true,
            "parent" | "guardian" | "relative" => self.guardian = true,
            _ => self.staff = true,
        }
    }
}

/// What is known of a section.
#[derive(Debug, Clone, Copy)]
struct Section {
    /// Which of `terms`.
    term: Option<u32>,
    span: Option<(NaiveDate, NaiveDate)>,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The ids of the tables that are referred to.
    pub(crate) ids: BTreeMap<Entity, HashSet<u64>>,
    pub(crate) orgs: Orgs,
    pub(crate) sessions: Sessions,
    /// The lines of orgs and sessions.
    pub(super) lines: HashMap<(Entity, String), u64>,
    /// Of which contents others are a part, and standards of others.
    pub(super) parents: BTreeMap<Entity, HashMap<u64, Parent>>,
    /// The last day of each partition.
    ends: BTreeMap<String, NaiveDate>,
    sections: HashMap<u64, Section>,
    terms: Vec<String>,
    pub(super) roles: HashMap<u64, Roles>,
    pub(super) primary_roles: HashSet<u64>,
    pub(super) taught: HashSet<u64>,
    pub(super) primary_taught: HashSet<u64>,
    pub(super) ranges: HashMap<u64, (f64, f64)>,
    /// Whose an identifier is.
    owners: HashMap<u64, u64>,
    shared: HashSet<u64>,
}

impl Facts {
    /// Learns from a row as it is after the bundle.
    pub(super) fn learn(&mut self, entity: Entity, row: &Row, line: Option<u64>) {
        match entity {
            Entity::Orgs => {
                self.orgs.add(row);
                self.learn_line(entity, row.text(entity, "org_id"), line);
            }
            Entity::Terms => {
                self.sessions.add(row);
                self.learn_end(row);
                self.learn_line(entity, row.text(entity, "term_id"), line);
            }
            Entity::Sections => self.learn_section(row),
            Entity::Users => {
                if let (Some(id), Some(role)) =
                    (row.text(entity, "user_id"), row.text(entity, "role"))
                {
                    self.roles.entry(hash(id)).or_default().add(role);
                }
            }
            Entity::Roles => {
                if let (Some(id), Some(role)) =
                    (row.text(entity, "user_id"), row.text(entity, "role"))
                {
                    self.roles.entry(hash(id)).or_default().add(role);
                }
            }
            Entity::Enrollments => {
                if let (Some("teacher"), Some(section)) =
                    (row.text(entity, "role"), row.text(entity, "section_id"))
                {
                    self.taught.insert(hash(section));
                }
            }
            Entity::LineItems => {
                let bound = |field| row.get(entity, field).as_number();
                if let (Some(id), Some(min), Some(max)) = (
                    row.text(entity, "line_item_id"),
                    bound("min_score"),
                    bound("max_score"),
                ) {
                    self.ranges.insert(hash(id), (min, max));
                }
            }
            Entity::Standards => self.learn_parent(entity, "standard_id", row, line),
            Entity::Contents => self.learn_parent(entity, "content_id", row, line),
            _ => {}
        }
    }

    fn learn_parent(&mut self, entity: Entity, id: &str, row: &Row, line: Option<u64>) {
        let texts = (row.text(entity, id), row.text(entity, "parent_id"));
        if let (Some(of), Some(parent)) = texts {
            let id = hash(parent);
            let parents = self.parents.entry(entity).or_default();
            parents.insert(hash(of), Parent { id, line });
        }
    }

    fn learn_line(&mut self, entity: Entity, id: Option<&str>, line: Option<u64>) {
        if let (Some(id), Some(line)) = (id, line) {
            self.lines.insert((entity, id.to_owned()), line);
        }
    }

    /// The last day of a session's partition.
    pub(super) fn learn_end(&mut self, row: &Row) {
        let end = row.get(Entity::Terms, "end_date").as_date();
        if let (Some(term), Some(end)) = (row.text(Entity::Terms, "term"), end) {
            let known = self.ends.entry(term.to_owned()).or_insert(end);
            *known = end.max(*known);
        }
    }

    fn learn_section(&mut self, row: &Row) {
        let terms = row.get(Entity::Sections, "term_ids").as_texts();
        let term = self.sessions.of_section(terms).map(|s| s.term.as_str());
        let index = term.map(|term| {
            let known = self.terms.iter().position(|other| other == term);
            known.unwrap_or_else(|| {
                self.terms.push(term.to_owned());
                self.terms.len() - 1
            })
        });
        let section = Section {
            term: index.and_then(|index| u32::try_from(index).ok()),
            span: self.sessions.span(terms),
        };
        if let Some(id) = row.text(Entity::Sections, "section_id") {
            self.sections.insert(hash(id), section);
        }
    }

    /// The partition of a section's rows, if its sessions are known.
    pub(crate) fn term_of_section(&self, id: &str) -> Option<&str> {
        let index = self.sections.get(&hash(id))?.term?;
        self.terms.get(index as usize).map(String::as_str)
    }

    /// The first and last day of a section's sessions.
    pub(super) fn span_of_section(&self, id: &str) -> Option<(NaiveDate, NaiveDate)> {
        self.sections.get(&hash(id))?.span
    }

    /// The last day of a partition, before the bundle or after it.
    pub(crate) fn end_of_term(&self, term: &str) -> Option<NaiveDate> {
        self.ends.get(term).copied()
    }

    /// Says whose an identifier is; false if it is somebody else's as well.
    pub(super) fn own(&mut self, identifier: &str, owner: &str) -> bool {
        let (identifier, owner) = (hash(identifier), hash(owner));
        let first = *self.owners.entry(identifier).or_insert(owner);
        if first != owner {
            self.shared.insert(identifier);
        }
        first == owner
    }

    /// Whether an identifier leads to two people.
    pub(crate) fn is_shared(&self, identifier: &str) -> bool {
        self.shared.contains(&hash(identifier))
    }
}
