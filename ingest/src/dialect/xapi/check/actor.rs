//! Agents and groups, and what identifies them.

use serde_json::Value;

use super::{Check, Object, text};
use crate::outcome::Reason;

/// What identifies an agent or a group: exactly one of these.
const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];

const AGENT: &[&str] = &[
    "objectType",
    "name",
    "mbox",
    "mbox_sha1sum",
    "openid",
    "account",
];

const GROUP: &[&str] = &[
    "objectType",
    "name",
    "mbox",
    "mbox_sha1sum",
    "openid",
    "account",
    "member",
];

/// An agent or a group.
pub fn any(check: &mut Check<'_>, value: &Value) {
    match value.get("objectType") {
        Some(kind) if kind == "Group" => group(check, value),
        None => agent(check, value),
        Some(kind) if kind == "Agent" => agent(check, value),
        Some(kind) => check.step("/objectType", |check| {
            check.word(kind, &["Agent", "Group"]);
        }),
    }
}

pub fn agent(check: &mut Check<'_>, value: &Value) {
    let Some(agent) = check.object(value, AGENT) else {
        return;
    };
    check.member(agent, "objectType", |check, value| {
        check.word(value, &["Agent"]);
    });
    if identifiers(check, agent) == 0 {
        let detail = "Add what identifies the agent: mbox, mbox_sha1sum, openid or account.";
        check.problem(Reason::MissingMember, detail);
    }
}

/// A group, which must say that it is one.
pub fn group(check: &mut Check<'_>, value: &Value) {
    let Some(group) = check.object(value, GROUP) else {
        return;
    };
    check.required(group, "objectType", |check, value| {
        check.word(value, &["Group"]);
    });
    if identifiers(check, group) == 0 && !group.contains_key("member") {
        let detail = "Add member, or what identifies the group: mbox, mbox_sha1sum, openid or \
                      account.";
        check.problem(Reason::MissingMember, detail);
    }
    check.member(group, "member", |check, value| check.each(value, agent));
}

/// Who vouches for a statement: an agent, or the two of three-legged OAuth.
pub fn authority(check: &mut Check<'_>, value: &Value) {
    any(check, value);
    if value.get("objectType").is_none_or(|kind| kind != "Group") {
        return;
    }
    let pair = value["member"]
        .as_array()
        .is_some_and(|members| members.len() == 2);
    let identified = IDENTIFIERS.iter().any(|name| value.get(*name).is_some());
    if identified || !pair {
        let detail = "Send an agent, or a group of exactly two agents without an identifier.";
        check.problem(Reason::OutOfRange, detail);
    }
}

/// Checks what agents and groups share; says how many identifiers there are.
fn identifiers(check: &mut Check<'_>, actor: &Object) -> usize {
    check.member(actor, "name", |check, value| {
        check.text(value);
    });
    check.member(actor, "mbox", |check, value| {
        let detail = "Send mailto: and an e-mail address.";
        check.format(value, text::is_mbox, detail);
    });
    check.member(actor, "mbox_sha1sum", |check, value| {
        let detail = "Send a SHA-1 as 40 hexadecimal digits.";
        check.format(value, text::is_sha1, detail);
    });
    check.member(actor, "openid", Check::iri);
    check.member(actor, "account", account);
    let count = IDENTIFIERS
        .iter()
        .filter(|name| actor.contains_key(**name))
        .count();
    if count > 1 {
        let detail = "Send one of mbox, mbox_sha1sum, openid and account.";
        check.problem(Reason::ConflictingMembers, detail);
    }
    count
}

fn account(check: &mut Check<'_>, value: &Value) {
    if let Some(account) = check.object(value, &["homePage", "name"]) {
        check.required(account, "homePage", Check::iri);
        check.required(account, "name", |check, value| {
            let detail = "Send the name of the account.";
            check.format(value, |name| !name.trim().is_empty(), detail);
        });
    }
}
