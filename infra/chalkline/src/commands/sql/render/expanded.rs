//! Rows one below the other, a line for each value.

use std::fmt::Write as _;

use super::width::width;
use super::{Looks, NULL, Sheet, shown};

const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// Lays each row out as a record. Nothing is cut: the terminal breaks long lines.
pub fn expanded(sheet: &Sheet, looks: Looks) -> String {
    let names: Vec<_> = sheet
        .columns
        .iter()
        .map(|column| shown(&column.name, looks))
        .collect();
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let style = |style: &'static str| if looks.color { style } else { "" };
    let mut text = String::new();
    for (row, number) in sheet.rows.iter().zip(1..) {
        // A String takes everything, here and below.
        let _ = writeln!(text, "-[ record {number} ]{}", "-".repeat(widest.max(8)));
        for (name, value) in names.iter().zip(row) {
            let blanks = " ".repeat(widest - width(name));
            let (bold, plain) = (style(BOLD), style(PLAIN));
            let _ = write!(text, "{bold}{name}{plain}{blanks} | ");
            let _ = match value {
                Some(value) => writeln!(text, "{}", shown(value, looks)),
                None => writeln!(text, "{}{NULL}{plain}", style(DIM)),
            };
        }
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_a_line() {
        let mut sheet = Sheet::of(["id", "note"]);
        sheet.rows = vec![
            vec![Some("1".to_owned()), Some("a\u{1b}[2J\nb".to_owned())],
            vec![Some("2".to_owned()), None],
        ];
        let expected = "-[ record 1 ]--------\nid   | 1\nnote | a\\u{1b}[2J\\nb\n\
                        -[ record 2 ]--------\nid   | 2\nnote | NULL";
        assert_eq!(expanded(&sheet, Looks::default()), expected);
        let looks = Looks {
            color: true,
            ..Looks::default()
        };
        assert!(expanded(&sheet, looks).ends_with("\u{1b}[2mNULL\u{1b}[0m"));
    }
}
