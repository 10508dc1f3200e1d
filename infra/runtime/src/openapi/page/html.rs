//! HTML of texts that may hold anything.

use std::collections::BTreeSet;

use serde_json::Value;

/// The text of a value that is one.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The elements of a value that is an array.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Text as it is shown.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}

/// A name as it stands in an address.
pub fn slug(name: &str) -> String {
    let word = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(word).collect()
}

/// A word of programs.
pub fn code(word: &str) -> String {
    format!("<code>{}</code>", escape(word))
}

/// Lines as they are.
pub fn pre(lines: &str) -> String {
    format!("<pre tabindex=\"0\"><code>{}</code></pre>", escape(lines))
}

/// A sentence, with what stands between backticks as words of programs.
pub fn inline(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    parts
        .map(|(index, part)| match index % 2 {
            0 => escape(part),
            _ => code(part),
        })
        .collect()
}

/// Paragraphs, parted by blank lines.
pub fn paragraphs(text: &str) -> String {
    let all = text.split("\n\n").filter(|part| !part.is_empty());
    all.map(|part| format!("<p>{}</p>", inline(part))).collect()
}

/// What is shown when it is asked for.
pub fn details(summary: &str, inside: &str) -> String {
    let summary = escape(summary);
    format!("<details><summary>{summary}</summary>{inside}</details>")
}

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    id: Option<String>,
    cells: Vec<String>,
}

impl Row {
    /// A row of these cells, which are HTML.
    pub fn new(cells: impl Into<Vec<String>>) -> Self {
        Self {
            id: None,
            cells: cells.into(),
        }
    }

    /// The same, to be linked to.
    pub fn with_id(self, id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..self
        }
    }

    /// The same, to be linked to if no other was with that name.
    pub fn unique(self, seen: &mut BTreeSet<String>) -> Self {
        let id = self.id.filter(|id| seen.insert(id.clone()));
        Self { id, ..self }
    }
}

/// A table, if it has rows.
pub fn table<const N: usize>(headings: [&str; N], rows: Vec<Row>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let headings: String = headings
        .map(|name| format!("<th>{}</th>", escape(name)))
        .concat();
    let row = |row: Row| {
        let id = row
            .id
            .map_or_else(String::new, |id| format!(" id=\"{}\"", escape(&id)));
        let cells: String = row
            .cells
            .iter()
            .map(|cell| format!("<td>{cell}</td>"))
            .collect();
        format!("<tr{id}>{cells}</tr>")
    };
    let rows: String = rows.into_iter().map(row).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>{headings}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

/// What a member takes, by its JSON Schema.
pub fn takes(member: &Value) -> String {
    let words: Vec<String> = list(&member["enum"])
        .filter_map(Value::as_str)
        .map(code)
        .collect();
    if !words.is_empty() {
        return words.join(" ");
    }
    let types: Vec<&str> = match &member["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any JSON"],
    };
    let mut takes = types
        .into_iter()
        .filter(|name| *name != "null")
        .collect::<Vec<_>>()
        .join(" or ");
    let bound = |name: &str| member[name].as_f64();
    let from = bound("minimum").map(|from| format!(" from {from}"));
    let above = bound("exclusiveMinimum").map(|from| format!(" above {from}"));
    let to = bound("maximum").map(|to| format!(" to {to}"));
    let bytes = bound("maxLength").map(|bytes| format!(" of at most {bytes} bytes"));
    for part in [from, above, to, bytes].into_iter().flatten() {
        takes += &part;
    }
    escape(&takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shown_and_never_read_as_html() {
        assert_eq!(
            inline("a `<b>` & \"c\""),
            "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;"
        );
        assert_eq!(slug("Open edX"), "open-edx");
        let row = Row::new([code("<script>")]).with_id("\"x");
        assert_eq!(
            table(["<h>"], vec![row]),
            "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th>&lt;h&gt;</th></tr></thead>\
             <tbody><tr id=\"&quot;x\"><td><code>&lt;script&gt;</code></td></tr></tbody></table></div>"
        );
    }

    #[test]
    fn it_is_said_what_a_member_takes() {
        let member =
            serde_json::json!({ "type": ["number", "null"], "minimum": 0.0, "maximum": 1.0 });
        assert_eq!(takes(&member), "number from 0 to 1");
        let word = serde_json::json!({ "enum": ["present", null] });
        assert_eq!(takes(&word), "<code>present</code>");
        assert_eq!(takes(&serde_json::json!({})), "any JSON");
    }
}
