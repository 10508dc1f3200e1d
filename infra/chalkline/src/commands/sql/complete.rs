//! What a word at the cursor can become.

use std::collections::HashSet;

use super::catalogue::{Catalogue, Table};
use super::command;
use super::keywords::{KEYWORDS, is_keyword};
use super::settings::Format;
use super::statements::{Kind, is_word, next, pieces};

/// Completions, and where what they replace begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Completions {
    /// In bytes of the line.
    pub start: usize,
    /// What may stand there, the nearest first.
    pub words: Vec<String>,
}

/// What a line's last word can become, the cursor being at its end.
pub fn completions(line: &str, catalogue: &Catalogue) -> Completions {
    let start = line
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_word(*c) || *c == '$')
        .last()
        .map_or(line.len(), |(at, _)| at);
    let (before, word) = line.split_at(start);
    let words = match line.trim_start().strip_prefix('\\') {
        Some(command) => of_command(command, word, catalogue),
        None => of_statement(before, word, catalogue),
    };
    Completions { start, words }
}

fn of_command(line: &str, word: &str, catalogue: &Catalogue) -> Vec<String> {
    let Some((name, rest)) = line.split_once(char::is_whitespace) else {
        return beginning(word, command::NAMES);
    };
    if rest.trim_start().contains(char::is_whitespace) {
        return Vec::new();
    }
    match name {
        "d" => beginning(
            word,
            catalogue.tables.iter().map(|table| table.name.as_str()),
        ),
        "h" => {
            let functions = catalogue.functions.iter();
            beginning(word, functions.map(|function| function.name.as_str()))
        }
        "x" => beginning(word, ["on", "off", "auto"]),
        "timing" | "wide" | "pager" => beginning(word, ["on", "off"]),
        "format" => beginning(word, Format::names().iter().map(String::as_str)),
        _ => Vec::new(),
    }
}

fn of_statement(before: &str, word: &str, catalogue: &Catalogue) -> Vec<String> {
    let begun = pieces(before).1.map_or("", |rest| rest.text);
    let Some(words) = words(begun) else {
        return Vec::new();
    };
    if let Some(owner) = owner(before) {
        let named = named_tables(&words, catalogue);
        let owns = |(table, alias): &&(&Table, Option<&str>)| {
            let is_table = table.name.eq_ignore_ascii_case(owner);
            is_table || alias.is_some_and(|alias| alias.eq_ignore_ascii_case(owner))
        };
        let table = named.iter().find(owns).map(|(table, _)| *table);
        let table = table.or_else(|| catalogue.table(owner));
        let columns = table.into_iter().flat_map(|table| &table.columns);
        return beginning(word, columns.map(|column| column.name.as_str()));
    }
    let tables = catalogue.tables.iter().map(|table| table.name.as_str());
    if takes_table(&words) {
        return beginning(word, tables);
    }
    let named = named_tables(&words, catalogue);
    let columns = named.iter().flat_map(|(table, _)| &table.columns);
    let mut found = beginning(word, columns.map(|column| column.name.as_str()));
    if word.is_empty() {
        // All functions and keywords there are would help nobody.
        return found;
    }
    found.extend(beginning(word, tables));
    let functions = catalogue.functions.iter();
    let functions: Vec<String> = functions
        .map(|function| format!("{}(", function.name))
        .collect();
    found.extend(beginning(word, functions.iter().map(String::as_str)));
    let is_lower = word.chars().any(char::is_lowercase);
    let keywords = beginning(word, KEYWORDS);
    found.extend(keywords.into_iter().map(|keyword| match is_lower {
        true => keyword.to_lowercase(),
        false => keyword,
    }));
    let mut seen = HashSet::new();
    found.retain(|word| seen.insert(word.clone()));
    found
}

/// Those that begin with the word in any case, each once.
fn beginning<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = known
        .into_iter()
        .filter(|known| {
            let begin = known.get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word))
        })
        .map(str::to_owned)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The words and signs of a statement; none when its end is within quotes or a comment.
fn words(text: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(token) = next(text, at) {
        let part = &text[at..token.end];
        at = token.end;
        match token.kind {
            Kind::Word | Kind::Sign | Kind::End | Kind::Backslash => words.push(part),
            Kind::Quoted | Kind::Comment if at == text.len() && is_open(part) => return None,
            Kind::Quoted => words.push(part.trim_matches('"')),
            Kind::Blank | Kind::Comment => {}
        }
    }
    Some(words)
}

/// Whether a quoted text or a comment at the end of a text may go on.
fn is_open(part: &str) -> bool {
    if part.starts_with("--") {
        return !part.ends_with('\n');
    }
    // What is closed ends at the same place whatever follows.
    let followed = format!("{part} ;");
    next(&followed, 0).is_some_and(|token| token.end != part.len())
}

/// The table or alias before a dot at the end of the text.
fn owner(before: &str) -> Option<&str> {
    let before = before.strip_suffix('.')?;
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_word(*c))
        .last()
        .map(|(at, _)| at)?;
    Some(&before[start..])
}

/// Whether a table is named next.
fn takes_table(words: &[&str]) -> bool {
    let before = ["FROM", "JOIN", "DESCRIBE"];
    words.last().is_some_and(|last| {
        let mut before = before.iter();
        before.any(|word| word.eq_ignore_ascii_case(last))
    })
}

/// The tables that a statement names, each with what else it calls it.
fn named_tables<'a>(
    words: &[&'a str],
    catalogue: &'a Catalogue,
) -> Vec<(&'a Table, Option<&'a str>)> {
    let alias = |at: usize| {
        let mut next = words.get(at).copied()?;
        if next.eq_ignore_ascii_case("AS") {
            next = words.get(at + 1).copied()?;
        }
        let is_name = next.chars().all(is_word) && !is_keyword(next);
        is_name.then_some(next)
    };
    let words = words.iter().enumerate();
    let named = words.filter_map(|(at, word)| Some((catalogue.table(word)?, alias(at + 1))));
    named.collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn catalogue() -> Catalogue {
        let column = |name: &str| json!({ "name": name, "type": "text" });
        serde_json::from_value(json!({
            "tables": [
                {"name": "video", "columns": [column("student_key"), column("second")]},
                {"name": "video_retention", "columns": [column("viewers")]},
                {"name": "sections", "columns": [column("section_id"), column("name")]},
            ],
            "functions": [{"name": "sum", "kind": "aggregate"}, {"name": "substr", "kind": "scalar"}],
        }))
        .expect("a catalogue")
    }

    #[rstest]
    #[case("sel", &["select"])]
    #[case("SEL", &["SELECT"])]
    #[case("SELECT * FROM vi", &["video", "video_retention"])]
    #[case("SELECT * FROM ", &["sections", "video", "video_retention"])]
    #[case("select 1; describe se", &["sections"])]
    #[case("SELECT * FROM video WHERE s", &["second", "student_key", "sections", "substr(", "sum(", "select", "sets", "show"])]
    #[case("SELECT * FROM video v JOIN sections AS s ON s.", &["name", "section_id"])]
    #[case("SELECT * FROM video v WHERE v.st", &["student_key"])]
    #[case("SELECT sections.n", &["name"])]
    #[case("SELECT su", &["substr(", "sum("])]
    #[case("SELECT 'vi", &[])]
    #[case("SELECT 1 -- vi", &[])]
    #[case("SELECT nobody.", &[])]
    #[case("SELECT * FROM video; SELECT stu", &[])]
    #[case("\\fo", &["format"])]
    #[case("\\d vi", &["video", "video_retention"])]
    #[case("\\format nd", &["ndjson"])]
    #[case("\\x a", &["auto"])]
    #[case("\\h su", &["substr", "sum"])]
    #[case("\\d video ", &[])]
    fn words_become_what_fits(#[case] line: &str, #[case] expected: &[&str]) {
        assert_eq!(completions(line, &catalogue()).words, expected, "{line}");
    }

    #[test]
    fn only_the_last_word_is_replaced() {
        let found = completions("SELECT Zoë.漢, vid", &catalogue());
        assert_eq!(found.start, "SELECT Zoë.漢, ".len());
        assert_eq!(found.words, ["video", "video_retention"]);
    }

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted());
    }
}
