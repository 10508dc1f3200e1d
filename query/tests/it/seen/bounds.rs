//! What each role sees at most, by what is promised and not by the code.

use std::collections::BTreeSet;

use serde_json::Value;

use super::stored::{Stored, is_pseudonym};

/// Those whose rows everybody sees who sees all rows of the tenant's.
const ALL: &[&str] = &[
    "adm-1", "par-1", "par-2", "stu-1", "stu-2", "stu-3", "stu-4", "stu-5", "stu-6", "stu-7",
    "tea-1", "tea-2",
];

/// Whose rows somebody may see.
const THEIRS: [(&str, &[&str]); 11] = [
    ("steward", ALL),
    ("district", ALL),
    (
        "principal",
        &[
            "adm-1", "par-1", "par-2", "stu-1", "stu-2", "stu-3", "stu-4", "stu-6", "stu-7",
            "tea-1", "tea-2",
        ],
    ),
    ("teacher", &["stu-1", "stu-2", "stu-3", "stu-7", "tea-1"]),
    ("substitute", &["stu-4", "stu-5", "tea-2"]),
    ("guardian", &["par-1", "stu-1", "stu-5"]),
    ("student", &["stu-2"]),
    ("researcher", ALL),
    ("analyst", &[]),
    ("service", &["stu-4"]),
    ("stranger", &[]),
];

/// Who sees all of everything.
const STEWARDS: [&str; 2] = ["steward", "district"];

/// What is for them alone: who was shown what, and what was left over on the way.
const FOR_STEWARDS: [&str; 10] = [
    "admin_audit",
    "audit",
    "disclosures",
    "duplicates",
    "import_diagnostics",
    "quarantine",
    "query_audit",
    "result_objectives",
    "result_score_scales",
    "slow_queries",
];

/// What is reckoned from many: about none of them.
const OF_MANY: [&str; 3] = ["answer_distribution", "section_day", "video_retention"];

/// The keys by which events name whom they are about.
const OWN_KEYS: [&str; 2] = ["student_key", "sent_key"];

/// Whether somebody may be told that there is such a table.
pub fn may_name(who: &str, table: &str) -> bool {
    let table = table.strip_suffix("_history").unwrap_or(table);
    STEWARDS.contains(&who) || !FOR_STEWARDS.contains(&table)
}

/// Whether somebody may see a stored row at all: it is about nobody, or somebody of theirs.
pub fn may_see(who: &str, row: &Value) -> bool {
    let theirs = THEIRS.iter().find(|(one, _)| *one == who);
    let (_, theirs) = theirs.expect("it is said of everybody");
    let people = people(row);
    people.is_empty() || people.iter().any(|user| theirs.contains(user))
}

/// The users whom a stored row is about.
pub fn people(row: &Value) -> Vec<&str> {
    let users = ["user_id", "agent_id"].map(|column| row[column].as_str());
    let student = row["student_key"].as_str();
    let student = student.and_then(|key| key.strip_prefix("k-"));
    users.into_iter().flatten().chain(student).collect()
}

/// Asserts that what somebody sees of a table is in rows that they may see, that nothing
/// stands there but what is stored, NULL or a pseudonym, and that it is not as it is stored
/// where they may not know it.
pub fn assert_within(table: &Stored, who: &str, rows: &[Value]) {
    let name = &table.name;
    for seen in rows {
        let stored = table.row_of(seen, |row| may_see(who, row));
        let stored = stored.unwrap_or_else(|| panic!("{who} sees of {name} {seen}"));
        let columns = seen.as_object().expect("a row").keys();
        for column in columns {
            let class = table.columns.iter().find(|(known, _)| known == column);
            let (_, class) = class.unwrap_or_else(|| panic!("{who} sees {name}.{column}"));
            let is_as_stored = !seen[column].is_null() && seen[column] == stored[column];
            let is_hidden = is_hidden(who, name, stored, column, class);
            assert!(
                !(is_as_stored && is_hidden),
                "{who} sees {name}.{column} of {seen}"
            );
        }
    }
    // Whatever a row says of itself, nothing of anybody else stands in any column.
    let (theirs, others): (Vec<&Value>, Vec<&Value>) =
        table.rows.iter().partition(|&row| may_see(who, row));
    let tells = |column: &&String| {
        let class = table.columns.iter().find(|(known, _)| known == *column);
        class.is_some_and(|(_, class)| class != "plain")
    };
    let (mut secret, mut known, mut seen) = <(BTreeSet<_>, BTreeSet<_>, BTreeSet<_>)>::default();
    for row in others {
        let columns = row.as_object().expect("a row").keys().filter(tells);
        columns.for_each(|column| texts(&row[column], &mut secret));
    }
    theirs.into_iter().for_each(|row| texts(row, &mut known));
    rows.iter().for_each(|row| texts(row, &mut seen));
    let told: Vec<_> = seen
        .into_iter()
        .filter(|text| secret.contains(text) && !known.contains(text))
        .collect();
    assert!(told.is_empty(), "{who} sees in {name} {told:?}");
}

/// Whether a column of a row that somebody may see must not be shown to them as it is stored.
fn is_hidden(who: &str, table: &str, row: &Value, column: &str, class: &str) -> bool {
    if class == "plain" || STEWARDS.contains(&who) || OF_MANY.contains(&table) {
        return false;
    }
    // Whose it is nobody knows: so it may be anybody's.
    let is_of_nobody = people(row).is_empty();
    let is_others_key = class == "key" && !OWN_KEYS.contains(&column);
    match who {
        "researcher" | "analyst" | "service" => class == "personal" || is_others_key,
        // Whoever else has to do with an event.
        "guardian" | "student" if row["user_id"].is_null() => is_of_nobody || is_others_key,
        _ => is_of_nobody,
    }
}

/// All texts in a value, however deep; pseudonyms are none.
fn texts<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) if !is_pseudonym(value) => {
            into.insert(text);
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(members) => members.values().for_each(|value| texts(value, into)),
        _ => {}
    }
}
