//! The statements of `statements.sql` and `reports.sql`.

use std::collections::BTreeMap;

/// One of them.
#[derive(Debug)]
pub struct Statement {
    pub name: &'static str,
    /// What stands behind its name, at each semicolon a part.
    pub about: Vec<&'static str>,
    sql: &'static str,
}

/// What is put where a statement has a name in braces.
pub type Values = BTreeMap<&'static str, String>;

/// The twelve that analysts ask.
pub fn analysts() -> Vec<Statement> {
    read(include_str!("statements.sql"))
}

/// The reports, as PostgreSQL is asked for them.
pub fn reports() -> Vec<Statement> {
    read(include_str!("reports.sql"))
}

impl Statement {
    /// Whether few rows are looked for in many.
    pub fn is_of_a_dashboard(&self) -> bool {
        self.about[0] == "dashboard"
    }

    /// The roles with which a policy is measured.
    pub fn roles(&self) -> impl Iterator<Item = &'static str> {
        let roles = self.about.get(1).copied().unwrap_or_default();
        roles.split(", ").filter(|role| !role.is_empty())
    }

    /// It with these values, where `scope` is a condition more, or nothing.
    pub fn sql(&self, values: &Values, scope: &str) -> String {
        let named = values.iter().map(|(name, value)| (*name, value.as_str()));
        let all = named.chain([("scope", scope)]);
        all.fold(self.sql.to_owned(), |sql, (name, value)| {
            sql.replace(&format!("{{{name}}}"), value)
        })
    }
}

/// Cuts a file at its `-- name: about` lines.
fn read(text: &'static str) -> Vec<Statement> {
    // The first part says what the file is.
    let parts = text.split("\n\n-- ").skip(1);
    let statement = |part: &'static str| {
        let (head, sql) = part.split_once('\n')?;
        let (name, about) = head.split_once(": ")?;
        Some(Statement {
            name,
            about: about.split("; ").collect(),
            sql: sql.trim_end().trim_end_matches(';'),
        })
    };
    parts
        .map(|part| statement(part).expect("a name and what it is"))
        .collect()
}

/// As ClickHouse has it, which spells percentiles its own way.
pub fn for_clickhouse(sql: &str) -> String {
    const MARK: &str = "percentile_cont(";
    let mut own = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, call)) = rest.split_once(MARK) {
        let (share, call) = call
            .split_once(") WITHIN GROUP (ORDER BY ")
            .expect("a group");
        let (column, after) = call.split_once(')').expect("a column");
        own += &format!("{before}quantileExactInclusive({share})({column})");
        rest = after;
    }
    own + rest
}
