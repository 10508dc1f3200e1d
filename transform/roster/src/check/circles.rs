//! Orgs, sessions, contents and standards that are above themselves.

use std::collections::{HashMap, HashSet};

use schemas::roster::Entity;

use super::{Facts, Report};
use crate::diagnostic::{Code, Diagnostics};
use crate::origin::Origin;

pub(super) fn check(facts: &Facts, origin: &Origin, diagnostics: &mut Diagnostics) {
    let mut report = Report {
        diagnostics,
        origin,
        entity: Entity::Orgs,
    };
    for (id, _) in facts.orgs.iter() {
        let parent = |id: &str| facts.orgs.get(id).and_then(|org| org.parent.clone());
        ascend(id, parent, facts, &mut report);
    }
    report.entity = Entity::Terms;
    for (id, _) in facts.sessions.iter() {
        let parent = |id: &str| {
            let session = facts.sessions.get(id);
            session.and_then(|session| session.parent.clone())
        };
        ascend(id, parent, facts, &mut report);
    }
    for (entity, parents) in &facts.parents {
        report.entity = *entity;
        for line in in_circles(parents) {
            tell(Some(line), "parent_id", &mut report);
        }
    }
}

fn ascend(
    id: &str,
    parent: impl Fn(&str) -> Option<String>,
    facts: &Facts,
    report: &mut Report<'_>,
) {
    let mut seen: Vec<String> = Vec::new();
    let mut next = parent(id);
    while let Some(above) = next {
        if above == id {
            let line = facts.lines.get(&(report.entity, id.to_owned())).copied();
            tell(line, "parentSourcedId", report);
            return;
        }
        if seen.contains(&above) {
            return;
        }
        next = parent(&above);
        seen.push(above);
    }
}

fn tell(line: Option<u64>, column: &str, report: &mut Report<'_>) {
    let detail = "the row is its own parent, or one of those above it";
    report.add_at(Code::ParentCircle, line, column, detail);
}

/// What a row is part of, and its line if it is of the catalogue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent {
    pub(super) id: u64,
    pub(super) line: Option<u64>,
}

/// The lines of rows that are above themselves, in order. There may be many rows, so each
/// is gone through once.
fn in_circles(parents: &HashMap<u64, Parent>) -> Vec<u64> {
    let mut done: HashSet<u64> = HashSet::new();
    let mut lines = Vec::new();
    for &start in parents.keys() {
        let mut path: Vec<u64> = Vec::new();
        let mut on_path: HashSet<u64> = HashSet::new();
        let mut next = Some(start);
        while let Some(id) = next.filter(|id| done.insert(*id)) {
            path.push(id);
            on_path.insert(id);
            next = parents.get(&id).map(|parent| parent.id);
        }
        if let Some(again) = next.filter(|id| on_path.contains(id)) {
            let circle = path.iter().skip_while(|id| **id != again);
            lines.extend(circle.filter_map(|id| parents.get(id)?.line));
        }
    }
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_a_circle_is_told() {
        // 1 → 2 → 3 → 2, 4 → 4, 5 → 6 and 7 is stored only: 7 → 8 → 7.
        let edges = [(1, 2), (2, 3), (3, 2), (4, 4), (5, 6), (7, 8), (8, 7)];
        let parents = edges.map(|(of, id)| {
            let line = (of < 7).then_some(of * 10);
            (of, Parent { id, line })
        });
        assert_eq!(in_circles(&parents.into_iter().collect()), [20, 30, 40]);
    }
}
