//! Roles, and identifiers that lead to two people.

use schemas::roster::Entity;

use super::facts::{hash, hash_pair};
use super::{Facts, Report};
use crate::diagnostic::Code;
use crate::identity::{SOURCED_ID, identifiers};
use crate::row::Row;

/// A user has one primary role in an org.
pub(super) fn check_role(row: &Row, line: u64, facts: &mut Facts, report: &mut Report<'_>) {
    let text = |field| row.text(Entity::Roles, field);
    if let (Some("primary"), Some(user), Some(org)) =
        (text("role_type"), text("user_id"), text("org_id"))
        && !facts.primary_roles.insert(hash_pair(user, org))
    {
        let detail = "the user has another primary role in the org";
        report.add(Code::SeveralPrimaryRoles, line, "roleType", detail);
    }
}

/// A user of 1.2 has a role.
pub(super) fn check_has_role(key: &str, line: u64, facts: &Facts, report: &mut Report<'_>) {
    if !facts.roles.contains_key(&hash(key)) {
        let detail = "there is no role of the user";
        report.add(Code::NoRole, line, "sourcedId", detail);
    }
}

/// Says whose the identifiers of a person are.
pub(super) fn identify(
    entity: Entity,
    row: &Row,
    line: Option<u64>,
    prefixes: &[String],
    facts: &mut Facts,
    report: &mut Report<'_>,
) {
    if !matches!(entity, Entity::Users | Entity::UserProfiles) {
        return;
    }
    let Some(owner) = row.text(entity, "user_id") else {
        return;
    };
    for identifier in identifiers(entity, row, prefixes) {
        if facts.own(&identifier.value, owner) {
            continue;
        }
        let column = match identifier.kind.as_str() {
            SOURCED_ID => "sourcedId",
            "master_identifier" => "userMasterIdentifier",
            "profile" | "username" => "username",
            kind @ ("identifier" | "email") => kind,
            _ => "userIds",
        };
        if let Some(line) = line {
            let detail = "an identifier of the user is another user's as well";
            report.add(Code::SharedIdentifier, line, column, detail);
        }
    }
}
