//! Statements that both understand.

use proptest::prelude::*;

use super::mirror::TABLES;

/// Statements over the tables: no two rows of an answer are told apart by chance.
pub(super) fn statements(texts: Vec<String>) -> impl Strategy<Value = String> {
    let compared = |table: usize| {
        let (name, columns) = TABLES[table];
        let texts = columns.iter().filter(|(_, kind)| *kind == "text");
        (name, texts.map(|(column, _)| *column).collect::<Vec<_>>())
    };
    let value = prop::sample::select(texts);
    let condition = (
        0..8_usize,
        any::<prop::sample::Index>(),
        value.clone(),
        value,
    );
    let conditions = prop::collection::vec((condition, prop::bool::ANY), 0..3);
    (0..TABLES.len(), conditions, 0..10_usize, any::<prop::sample::Index>()).prop_map(
        move |(table, conditions, form, column)| {
            let (table, columns) = compared(table);
            let mut text = String::new();
            for ((form, column, value, other), is_or) in conditions {
                let c = column.get(&columns);
                let condition = match form {
                    0 => format!("{c} = '{value}'"),
                    1 => format!("{c} <> '{value}'"),
                    2 => format!("{c} IN ('{value}', '{other}')"),
                    3 => format!("{c} LIKE '{}%'", &value[..value.len().min(3)]),
                    4 => format!("{c} IS NULL"),
                    5 => format!("NOT ({c} = '{value}' AND {c} IS NOT NULL)"),
                    6 => format!("length({c}) > {}", value.len()),
                    _ => format!("coalesce({c}, 'x') <> '{other}'"),
                };
                let word = match (text.is_empty(), is_or) {
                    (true, _) => " WHERE ",
                    (false, true) => " OR ",
                    (false, false) => " AND ",
                };
                text = format!("{text}{word}({condition})");
            }
            let (id, c) = (columns[0], column.get(&columns));
            match form {
                0 => format!("SELECT count(*) AS n FROM {table}{text}"),
                1 => format!("SELECT {id} AS a, {c} AS b FROM {table}{text} ORDER BY 1, 2 LIMIT 40"),
                2 => format!("SELECT {c} AS a, count(*) AS n FROM {table}{text} GROUP BY {c}"),
                3 => format!("SELECT DISTINCT {c} AS a FROM {table}{text}"),
                4 => format!("SELECT count({c}) AS n, count(DISTINCT {c}) AS m FROM {table}{text}"),
                5 => format!(
                    "SELECT {id} AS a, rank() OVER (ORDER BY {id} DESC) AS r FROM {table}{text} ORDER BY 2 LIMIT 9"
                ),
                6 => format!(
                    "SELECT count(*) AS n FROM (SELECT {c} FROM {table}{text}) AS t CROSS JOIN (SELECT count(*) AS m FROM users) AS u"
                ),
                7 => format!(
                    "SELECT {c} AS a FROM {table}{text} EXCEPT SELECT user_id AS a FROM users"
                ),
                8 => format!(
                    "SELECT count(*) AS n FROM {table} AS t WHERE EXISTS (SELECT 1 FROM ({}) AS o WHERE o.v = t.{c})",
                    format_args!("SELECT {c} AS v FROM {table}{text}")
                ),
                _ => format!(
                    "SELECT u.user_id AS a, count(e.enrollment_id) AS n FROM users u LEFT JOIN enrollments e ON e.user_id = u.user_id GROUP BY u.user_id"
                ),
            }
        },
    )
}
