//! Orgs and sessions that are above themselves.

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
            let detail = "the row is its own parent, or one of those above it";
            report.add_at(Code::ParentCircle, line, "parentSourcedId", detail);
            return;
        }
        if seen.contains(&above) {
            return;
        }
        next = parent(&above);
        seen.push(above);
    }
}
