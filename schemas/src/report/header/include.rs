//! Queries that several reports begin with: written once, in a file of their
//! own, and put into each by `-- include: <file>`.
//!
//! What differs from report to report are columns by which the queries group:
//! `{session}` in the file stands for those that the report names, as in
//! `-- include: watching.sql, session = day section_id`, each with a comma after
//! it; for nothing when it names none.

use super::is_name;
use super::members::NONE;
use super::problem::{HeaderError, Problem};

/// The member that names the file.
const KEY: &str = "-- include:";

/// A report with the queries that it includes before its own. `file` reads one
/// by its name; it holds what stands between `WITH` and the report's first own
/// query, and begins with a comment.
pub(crate) fn composed(
    sql: &str,
    file: impl FnOnce(&str) -> Option<String>,
) -> Result<String, HeaderError> {
    let header = sql.lines().take_while(|line| line.starts_with("--"));
    let mut members = (1..).zip(header);
    let found = members.find_map(|(line, text)| Some((line, text.strip_prefix(KEY)?.trim())));
    let Some((line, member)) = found.filter(|(_, member)| *member != NONE) else {
        return Ok(sql.to_owned());
    };
    let fail = |problem| HeaderError { line, problem };
    let mut parts = member.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let mut included = file(name).ok_or_else(|| fail(Problem::NoSuchFile(name.to_owned())))?;
    for part in parts {
        let (slot, columns) =
            columns(part).ok_or_else(|| fail(Problem::NotASlot(part.to_owned())))?;
        if !included.contains(&slot) {
            return Err(fail(Problem::NotASlot(part.to_owned())));
        }
        included = included.replace(&slot, &columns);
    }
    let included = without_slots(&included);

    let header = sql.split_inclusive('\n');
    let header = header.take_while(|line| line.starts_with("--"));
    let (header, own) = sql.split_at(header.map(str::len).sum());
    let included = included.trim_end();
    let (between, own) = match own.strip_prefix("WITH") {
        Some(own) => (",\n", own.trim_start()),
        None => ("\n", own),
    };
    Ok(format!("{header}WITH\n{included}{between}{own}"))
}

/// Reads `session = day section_id`: the slot as it stands in a file, and what
/// is put there.
fn columns(part: &str) -> Option<(String, String)> {
    let (slot, columns) = part.split_once('=')?;
    let columns: Vec<&str> = columns.split_whitespace().collect();
    let slot = slot.trim();
    let are_names = is_name(slot) && columns.iter().copied().all(is_name);
    let columns = columns.iter().map(|column| format!("{column}, "));
    are_names.then(|| (format!("{{{slot}}}"), columns.collect()))
}

/// Leaves the slots empty that a report does not fill.
fn without_slots(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        left.push_str(before);
        rest = match after.split_once('}') {
            Some((slot, after)) if is_name(slot) => after,
            _ => {
                left.push('{');
                after
            }
        };
    }
    left.push_str(rest);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = "-- What all want.\na AS (\n    SELECT {by}1\n)\n";

    #[test]
    fn what_is_included_comes_first() {
        for (sql, expected) in [
            ("-- x\nSELECT 1\n", "-- x\nSELECT 1\n"),
            (
                "-- include: none\nSELECT 1\n",
                "-- include: none\nSELECT 1\n",
            ),
            (
                "-- x\n-- include: a.sql\nWITH b AS (SELECT 2)\nSELECT 1\n",
                "-- x\n-- include: a.sql\nWITH\n-- What all want.\na AS (\n    SELECT 1\n),\n\
                 b AS (SELECT 2)\nSELECT 1\n",
            ),
            (
                "-- include: a.sql\nSELECT 1\n",
                "-- include: a.sql\nWITH\n-- What all want.\na AS (\n    SELECT 1\n)\nSELECT 1\n",
            ),
            (
                "-- include: a.sql, by = day week\nSELECT 1\n",
                "-- include: a.sql, by = day week\nWITH\n-- What all want.\na AS (\n    \
                 SELECT day, week, 1\n)\nSELECT 1\n",
            ),
            // A comment of the query is no header.
            (
                "-- x\nSELECT 1\n-- include: a.sql\n",
                "-- x\nSELECT 1\n-- include: a.sql\n",
            ),
        ] {
            let composed = composed(sql, |name| (name == "a.sql").then(|| SHARED.to_owned()));
            assert_eq!(composed.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_the_line() {
        for (member, named) in [
            ("b.sql", "b.sql"),
            ("a.sql, nothing = day", "nothing = day"),
            ("a.sql, by", "by"),
            ("a.sql, by = day;", "by = day;"),
        ] {
            let sql = format!("-- x\n-- include: {member}\nSELECT 1\n");
            let file = |name: &str| (name == "a.sql").then(|| SHARED.to_owned());
            let error = composed(&sql, file).expect_err(member).to_string();
            assert!(error.starts_with("2: ") && error.contains(named), "{error}");
        }
    }
}
