//! Statements of a small grammar: joins, subqueries, common tables and recursion, sets,
//! windows, groups, limits and plans, over conditions that cannot fail or that fail on some
//! rows.
//!
//! Every statement orders its rows by all that it shows of them. One that can fail does so
//! whenever it meets such a row, however it is planned: its condition stands alone, and
//! nowhere where it need not be judged of every row.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// A table that statements name, and what of it. Columns are written behind a `@`, which
/// becomes the table's name in the statement.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    pub table: &'static str,
    /// Whose a row is.
    pub key: &'static str,
    /// Which row it is.
    pub grain: &'static str,
    pub texts: &'static [&'static str],
    pub numbers: &'static [&'static str],
}

/// What conditions compare texts with.
const VALUES: [&str; 9] = [
    "'k-stu-6'",
    "'k-stu-2'",
    "'stu-5'",
    "'art-1'",
    "'bio-1'",
    "'high'",
    "'31'",
    "'SECRET-stu-3-url'",
    "NULL",
];

/// What they compare numbers with; those of rows are among them.
const NUMBERS: [&str; 10] = ["5", "10", "11", "20", "31", "41", "50", "51", "60", "70"];

/// Of how many statements one is only planned.
const EXPLAINED: f64 = 0.12;

/// Of how many statements one can fail.
const FALLIBLE: f64 = 0.55;

/// Set by long proofs, to how many sets of policies are drawn.
pub const LONG: &str = "CHALKLINE_TORTURE_POLICIES";

/// By what statements are drawn: as `CHALKLINE_SEED` says, else others each time that long
/// proofs are run, and the same whenever tests are.
pub fn seeded() -> StdRng {
    let variable = |name| std::env::var(name).ok();
    let seed = match (variable("CHALKLINE_SEED"), variable(LONG)) {
        (Some(text), _) => text.parse().expect("CHALKLINE_SEED is a number"),
        (None, Some(_)) => rand::rng().random(),
        (None, None) => 1,
    };
    // Shown when the test fails.
    println!("CHALKLINE_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// A statement over one or two of these tables.
pub fn statement(random: &mut StdRng, sources: &[Source]) -> String {
    let (left, right) = (one(random, sources), one(random, sources));
    let sql = match random.random_bool(FALLIBLE) {
        true => fallible(random, left, right),
        false => sound(random, left, right),
    };
    match random.random_bool(EXPLAINED) {
        true => format!("EXPLAIN {sql}"),
        false => sql,
    }
}

/// One of these.
pub fn one<T: Copy>(random: &mut StdRng, of: &[T]) -> T {
    *of.choose(random).expect("something to choose from")
}

fn column(random: &mut StdRng, of: &[&str], alias: &str) -> String {
    one(random, of).replace('@', &format!("{alias}."))
}

/// A statement that does not fail.
fn sound(random: &mut StdRng, left: Source, right: Source) -> String {
    let (t, u) = (left.table, right.table);
    let (k, m) = (left.key.replace('@', "l."), right.key.replace('@', "r."));
    let grain = left.grain.replace('@', "l.");
    let a = column(random, left.texts, "l");
    let b = column(random, left.texts, "l");
    let n = column(random, left.numbers, "l");
    let o = column(random, right.texts, "r");
    let place = places(random, left, right);
    match random.random_range(0..16) {
        0 => format!(
            "SELECT count(*) AS n, count({a}) AS a, count(DISTINCT {b}) AS b FROM {t} AS l{place}"
        ),
        1 => format!("SELECT {a} AS a, {n} AS n FROM {t} AS l{place} ORDER BY 1, 2"),
        2 => format!(
            "SELECT {a} AS a, count(*) AS n, sum({n}) AS s FROM {t} AS l{place} GROUP BY {a} \
             ORDER BY 1, 2, 3"
        ),
        3 => format!("SELECT min({a}) AS a, max({b}) AS b, max({n}) AS n FROM {t} AS l{place}"),
        4 => format!(
            "SELECT {a} AS a, {n} AS n FROM {t} AS l{place} ORDER BY 1 DESC, 2 DESC LIMIT 2 OFFSET 1"
        ),
        5 => format!("SELECT DISTINCT {a} AS a FROM {t} AS l{place} ORDER BY 1"),
        6 => format!(
            "SELECT row_number() OVER (ORDER BY {grain}) AS r, lag({a}) OVER (ORDER BY {grain}) \
             AS a, sum({n}) OVER (PARTITION BY {b} ORDER BY {grain}) AS s FROM {t} AS l{place} \
             ORDER BY 1"
        ),
        7 => format!(
            "SELECT q.a FROM (SELECT {a} AS a, rank() OVER (ORDER BY {a}) AS r FROM {t} AS \
             l{place}) AS q WHERE q.r < 4 ORDER BY 1"
        ),
        8 => {
            let kind = one(random, &["JOIN", "LEFT JOIN", "FULL JOIN"]);
            format!(
                "SELECT {a} AS a, {o} AS b, count(*) AS n FROM {t} AS l {kind} {u} AS r \
                 ON {k} = {m}{place} GROUP BY {a}, {o} ORDER BY 1, 2, 3"
            )
        }
        9 => format!(
            "WITH c AS (SELECT {a} AS a, {n} AS n FROM {t} AS l{place}) SELECT x.a, count(*) AS m \
             FROM c AS x JOIN c AS y ON x.n = y.n GROUP BY x.a ORDER BY 1, 2"
        ),
        10 => format!(
            "WITH RECURSIVE c AS (SELECT {k} AS a, 1 AS n FROM {t} AS l{place} UNION ALL \
             SELECT {m}, c.n + 1 FROM c JOIN {u} AS r ON {m} = c.a WHERE c.n < 3) \
             SELECT a, n, count(*) AS m FROM c GROUP BY a, n ORDER BY 1, 2, 3"
        ),
        11 | 12 => {
            let set = one(random, &["EXCEPT", "INTERSECT", "UNION", "UNION ALL"]);
            format!(
                "SELECT {a} AS a FROM {t} AS l{place} {set} SELECT {o} FROM {u} AS r ORDER BY 1"
            )
        }
        13 => format!(
            "SELECT (SELECT max({a}) FROM {t} AS l{place}) AS a, (SELECT count(*) FROM {u} AS r) \
             AS n"
        ),
        14 => format!(
            "SELECT {a} AS a FROM {t} AS l WHERE NOT EXISTS (SELECT 1 FROM {u} AS r WHERE \
             {m} = {k} AND {o} IS NOT NULL) ORDER BY 1"
        ),
        _ => format!(
            "SELECT {k} AS k, {b} AS b, count(*) AS n FROM {t} AS l{place} \
             GROUP BY ROLLUP ({k}, {b}) ORDER BY 1, 2, 3"
        ),
    }
}

/// A statement that fails on some rows.
fn fallible(random: &mut StdRng, left: Source, right: Source) -> String {
    let (t, u) = (left.table, right.table);
    let grain = left.grain.replace('@', "l.");
    let a = column(random, left.texts, "l");
    let o = column(random, right.texts, "r");
    let fails = failing(random, left);
    match random.random_range(0..8) {
        0 | 1 => format!("SELECT count(*) AS n FROM {t} AS l WHERE {fails}"),
        2 => format!("SELECT {fails} AS f, {a} AS a FROM {t} AS l ORDER BY 1, 2"),
        3 => format!("SELECT count(*) FILTER (WHERE {fails}) AS n FROM {t} AS l"),
        4 => format!(
            "SELECT {fails} AS f, count(*) AS n FROM {t} AS l GROUP BY {fails} ORDER BY 1, 2"
        ),
        5 => format!(
            "WITH c AS (SELECT {a} AS a, {fails} AS f FROM {t} AS l) SELECT a, \
             count(*) FILTER (WHERE f) AS n FROM c GROUP BY a ORDER BY 1, 2"
        ),
        6 => format!(
            "SELECT row_number() OVER (ORDER BY {grain}) AS r, sum(CASE WHEN {fails} THEN 1 ELSE \
             0 END) OVER (ORDER BY {grain}) AS s FROM {t} AS l ORDER BY 1"
        ),
        _ => format!(
            "SELECT {a} AS a FROM {t} AS l WHERE {fails} UNION ALL SELECT {o} FROM {u} AS r \
             ORDER BY 1"
        ),
    }
}

/// A condition that fails on some rows of most tables: on those of one student, say.
fn failing(random: &mut StdRng, source: Source) -> String {
    let text = column(random, source.texts, "l");
    let number = column(random, source.numbers, "l");
    let digit = random.random_range(0..4);
    let value = one(random, &NUMBERS);
    match random.random_range(0..5) {
        0 | 1 => format!("CAST(replace(right({text}, 1), '{digit}', 'x') AS int) > 0"),
        2 => format!("100 / ({number} - {value}) < 9"),
        3 => format!("9223372036854775807 + ({number} - {value}) > 0"),
        _ => format!(
            "CAST('200' || replace(right({text}, 1), '{digit}', 'x') || '-01-01' AS date) \
             > DATE '2004-01-01'"
        ),
    }
}

/// Which rows of the left table, if not all.
fn places(random: &mut StdRng, left: Source, right: Source) -> String {
    let mut text = String::new();
    for _ in 0..random.random_range(0..3) {
        let word = match (text.is_empty(), random.random_bool(0.3)) {
            (true, _) => " WHERE ",
            (false, true) => " OR ",
            (false, false) => " AND ",
        };
        text.push_str(word);
        text.push_str(&condition(random, left, right));
    }
    text
}

/// A condition that does not fail.
fn condition(random: &mut StdRng, left: Source, right: Source) -> String {
    let text = column(random, left.texts, "l");
    let number = column(random, left.numbers, "l");
    let value = one(random, &VALUES);
    let bound = one(random, &NUMBERS);
    let key = left.key.replace('@', "l.");
    let (other, of) = (right.key.replace('@', "i."), right.table);
    match random.random_range(0..13) {
        0 => format!("{text} = {value}"),
        1 => format!("{text} <> {value}"),
        2 => format!("{text} < {value}"),
        3 => format!("{text} IN ({value}, 'x')"),
        4 => format!("{text} LIKE '%stu%'"),
        5 => format!("{text} IS NOT NULL"),
        6 => format!("{text} BETWEEN 'a' AND {value}"),
        7 => format!("coalesce({text}, 'x') = {value}"),
        8 => format!("{number} > {bound}"),
        9 => format!("{number} IN ({bound}, 31)"),
        10 => format!("regexp_like({text}, 'stu-[1-4]')"),
        11 => format!("{key} IN (SELECT {other} FROM {of} AS i)"),
        _ => format!("EXISTS (SELECT 1 FROM {of} AS i WHERE {other} = {key})"),
    }
}
