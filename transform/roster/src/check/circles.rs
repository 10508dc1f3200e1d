//! Orgs and sessions that are above themselves.

use schemas::roster::Entity;

use super::Facts;
use crate::binding::File;
use crate::diagnostic::{Code, Diagnostics};

pub(super) fn check(facts: &Facts, diagnostics: &mut Diagnostics) {
    for (id, _) in facts.orgs.iter() {
        let parent = |id: &str| facts.orgs.get(id).and_then(|org| org.parent.clone());
        report(Entity::Orgs, id, parent, facts, diagnostics);
    }
    for (id, _) in facts.sessions.iter() {
        let parent = |id: &str| {
            let session = facts.sessions.get(id);
            session.and_then(|session| session.parent.clone())
        };
        report(Entity::Terms, id, parent, facts, diagnostics);
    }
}

fn report(
    entity: Entity,
    id: &str,
    parent: impl Fn(&str) -> Option<String>,
    facts: &Facts,
    diagnostics: &mut Diagnostics,
) {
    let mut seen: Vec<String> = Vec::new();
    let mut next = parent(id);
    while let Some(above) = next {
        if above == id {
            let line = facts.lines.get(&(entity, id.to_owned())).copied();
            let file = File::of(entity).map(|file| file.name()).unwrap_or_default();
            let detail = "the row is its own parent, or one of those above it";
            let column = Some("parentSourcedId");
            diagnostics.add(Code::ParentCircle, &file, line, column, detail);
            return;
        }
        if seen.contains(&above) {
            return;
        }
        next = parent(&above);
        seen.push(above);
    }
}
