//! Orgs as a tree.

use std::collections::{BTreeMap, BTreeSet};

use schemas::roster::Entity;

use crate::row::Row;

/// An org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// What people call it.
    pub name: String,
    /// `school`, `district`, `department`, `local`, `state`, `national` or `ext:…`.
    pub kind: String,
    /// The org that it is part of.
    pub parent: Option<String>,
}

/// The orgs of a tenant by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orgs(BTreeMap<String, Org>);

impl Orgs {
    /// Adds a row of [`Entity::Orgs`].
    pub fn add(&mut self, row: &Row) {
        let text = |field| row.text(Entity::Orgs, field).map(str::to_owned);
        if let Some(id) = text("org_id") {
            let org = Org {
                name: text("name").unwrap_or_default(),
                kind: text("type").unwrap_or_default(),
                parent: text("parent_org_id"),
            };
            self.0.insert(id, org);
        }
    }

    /// An org.
    pub fn get(&self, id: &str) -> Option<&Org> {
        self.0.get(id)
    }

    /// Whether an org may stand where a school is asked for; one that is not known may.
    pub(crate) fn may_be_school(&self, id: &str) -> bool {
        self.get(id)
            .is_none_or(|org| org.kind == "school" || org.kind.starts_with("ext:"))
    }

    /// The orgs that an org is part of, from the inside; those that are not known are
    /// left out, and it ends where a circle would begin.
    pub fn above<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        let mut above = Vec::new();
        let mut next = self.get(id).and_then(|org| org.parent.as_deref());
        while let Some((parent, org)) = next.and_then(|id| self.0.get_key_value(id)) {
            if parent == id || above.contains(&parent.as_str()) {
                break;
            }
            above.push(parent.as_str());
            next = org.parent.as_deref();
        }
        above
    }

    /// The orgs that are part of an org, itself among them.
    pub fn within<'a>(&'a self, id: &'a str) -> BTreeSet<&'a str> {
        self.0
            .keys()
            .map(String::as_str)
            .filter(|other| *other == id || self.above(other).contains(&id))
            .collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Org)> {
        self.0.iter().map(|(id, org)| (id.as_str(), org))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orgs(all: &[(&str, &str)]) -> Orgs {
        let org = |parent: &str| Org {
            name: String::new(),
            kind: "school".to_owned(),
            parent: (!parent.is_empty()).then(|| parent.to_owned()),
        };
        Orgs(
            all.iter()
                .map(|(id, parent)| ((*id).to_owned(), org(parent)))
                .collect(),
        )
    }

    #[test]
    fn the_tree_is_walked_both_ways() {
        let orgs = orgs(&[
            ("state", ""),
            ("north", "state"),
            ("south", "state"),
            ("high", "north"),
            ("lost", "gone"),
        ]);
        assert_eq!(orgs.above("high"), ["north", "state"]);
        assert_eq!(orgs.above("lost"), Vec::<&str>::new());
        assert_eq!(orgs.within("north"), BTreeSet::from(["high", "north"]));
        assert_eq!(orgs.within("state").len(), 4);
    }

    #[test]
    fn a_circle_does_not_hang() {
        let orgs = orgs(&[("a", "b"), ("b", "a"), ("c", "c")]);
        assert_eq!(orgs.above("a"), ["b"]);
        assert_eq!(orgs.above("c"), Vec::<&str>::new());
    }
}
