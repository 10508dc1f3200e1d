//! What commands print on standard output.

use std::fmt::Display;
use std::io::Write as _;

use comfy_table::{Table, presets};
use serde::Serialize;

/// Prints for people or, with `--json`, for programs.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether programs read it.
    pub json: bool,
}

impl Output {
    /// Prints one JSON document on a line, or the text.
    pub fn show(self, value: &impl Serialize, text: impl Display) {
        if self.json {
            let json = serde_json::to_string(value).expect("answers have only text keys");
            print(&json);
        } else {
            print(&text.to_string());
        }
    }

    /// Prints a text, for people only.
    pub fn say(self, text: impl Display) {
        if !self.json {
            print(&text.to_string());
        }
    }
}

fn print(text: &str) {
    // Whoever closed the pipe does not want the rest.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

/// Lays rows out under their headings.
pub fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    table
}
