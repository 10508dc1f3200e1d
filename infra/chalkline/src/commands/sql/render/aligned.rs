//! Rows as a table: numbers to the right, what is too wide cut.

use comfy_table::{Attribute, Cell, CellAlignment, Table, TableComponent, presets};

use super::width::{cut, width};
use super::{Looks, NULL, Sheet, shown};

/// A column is not cut below this many columns of the terminal.
const NARROWEST: usize = 6;
/// What a column takes beside its values: a blank on both sides, and a line.
const BETWEEN: usize = 3;

/// A table, and what is not in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Fit {
    /// The table, a line for each row.
    pub text: String,
    /// Columns for which there was no room.
    pub hidden: usize,
    /// Whether a value or a name was cut.
    pub is_cut: bool,
}

/// Lays a sheet out as a table of at most `room` columns of a terminal, if that is known.
pub fn aligned(sheet: &Sheet, room: Option<usize>, looks: Looks) -> Fit {
    let names: Vec<_> = sheet
        .columns
        .iter()
        .map(|column| shown(&column.name, looks).into_owned())
        .collect();
    let rows: Vec<Vec<Option<String>>> = sheet.rows.iter().map(|row| texts(row, looks)).collect();
    let mut widths: Vec<usize> = names.iter().map(|name| width(name)).collect();
    for row in &rows {
        for (widest, text) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(text.as_deref().map_or(NULL.len(), width));
        }
    }
    let limits = match room {
        Some(room) => limits(&widths, room),
        None => widths.clone(),
    };
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '-')
        .set_style(TableComponent::MiddleHeaderIntersections, '+')
        .set_style(TableComponent::VerticalLines, '|')
        // The width and the looks are decided here, not by whatever standard output is.
        .force_no_tty();
    if looks.color {
        table.enforce_styling();
    }
    let alignments = sheet.columns.iter().map(|column| match column.is_number {
        true => CellAlignment::Right,
        false => CellAlignment::Left,
    });
    let headings = names.iter().zip(&limits).zip(alignments.clone());
    table.set_header(headings.map(|((name, limit), alignment)| {
        let cell = Cell::new(cut(name, *limit)).set_alignment(alignment);
        match looks.color {
            true => cell.add_attribute(Attribute::Bold),
            false => cell,
        }
    }));
    for row in &rows {
        let cells = row.iter().zip(&limits).zip(alignments.clone());
        table.add_row(cells.map(|((text, limit), alignment)| {
            let cell = Cell::new(cut(text.as_deref().unwrap_or(NULL), *limit));
            let cell = cell.set_alignment(alignment);
            match text {
                None if looks.color => cell.add_attribute(Attribute::Dim),
                _ => cell,
            }
        }));
    }
    Fit {
        text: table.trim_fmt(),
        hidden: widths.len() - limits.len(),
        is_cut: widths
            .iter()
            .zip(&limits)
            .any(|(width, limit)| width > limit),
    }
}

fn texts(row: &[Option<String>], looks: Looks) -> Vec<Option<String>> {
    let values = row.iter();
    values
        .map(|value| value.as_deref().map(|text| shown(text, looks).into_owned()))
        .collect()
}

/// How wide each column may be so that all fit: the widest ones are cut to the same width,
/// and the last ones left out where that would be too narrow.
fn limits(widths: &[usize], room: usize) -> Vec<usize> {
    let taken = |widths: &[usize], limit: usize| -> usize {
        widths
            .iter()
            .map(|width| (*width).min(limit) + BETWEEN)
            .sum()
    };
    let mut shown = widths.len();
    while shown > 1 && taken(&widths[..shown], NARROWEST) > room + 1 {
        shown -= 1;
    }
    let widths = &widths[..shown];
    let widest = widths.iter().copied().max().unwrap_or(0);
    // As many steps as a terminal is wide at most, beyond which nothing is cut.
    let limit = (NARROWEST..=widest.min(room.max(NARROWEST)))
        .rev()
        .find(|limit| taken(widths, *limit) <= room + 1)
        .unwrap_or(NARROWEST);
    widths.iter().map(|width| (*width).min(limit)).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Column;
    use super::*;

    fn sheet(columns: &[(&str, bool)], rows: &[&[Option<&str>]]) -> Sheet {
        Sheet {
            columns: columns
                .iter()
                .map(|(name, is_number)| Column {
                    name: (*name).to_owned(),
                    is_number: *is_number,
                })
                .collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|value| value.map(str::to_owned)).collect())
                .collect(),
        }
    }

    #[test]
    fn numbers_stand_to_the_right_and_ideographs_take_two_columns() {
        let sheet = sheet(
            &[("name", false), ("n", true)],
            &[
                &[Some("漢字"), Some("7")],
                &[Some("Zoë"), Some("1000")],
                &[None, None],
                &[Some(""), Some("-1.5")],
            ],
        );
        let fit = aligned(&sheet, None, Looks::default());
        let expected =
            " name |    n\n------+------\n 漢字 |    7\n Zoë  | 1000\n NULL | NULL\n      | -1.5";
        assert_eq!(fit.text, expected);
        assert_eq!((fit.hidden, fit.is_cut), (0, false));
    }

    #[test]
    fn what_others_wrote_steers_nothing() {
        let sheet = sheet(
            &[("a\u{1b}[31m", false)],
            &[&[Some("x\u{1b}]0;y\u{7}\n| z")]],
        );
        let looks = Looks::default();
        let text = aligned(&sheet, None, looks).text;
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{7}'),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3, "{text}");
        let color = aligned(
            &sheet,
            None,
            Looks {
                color: true,
                ..looks
            },
        )
        .text;
        assert!(color.contains("\u{1b}[1m"), "the name is bold: {color:?}");
        assert!(!color.contains("\u{1b}]0") && !color.contains("\u{1b}[31m"));
    }

    #[test]
    fn a_plan_keeps_its_lines() {
        let sheet = sheet(&[("plan", false)], &[&[Some("Filter\n  Scan")]]);
        let looks = Looks {
            lines: true,
            ..Looks::default()
        };
        let text = aligned(&sheet, None, looks).text;
        assert_eq!(text, " plan\n--------\n Filter\n   Scan");
    }

    #[test]
    fn the_widest_are_cut_until_all_fit() {
        let wide = "x".repeat(60);
        let sheet = sheet(
            &[("id", true), ("a", false), ("b", false)],
            &[&[Some("12"), Some(&wide), Some(&wide)]],
        );
        let fit = aligned(&sheet, Some(40), Looks::default());
        assert_eq!(fit.text.lines().map(width).max(), Some(40), "{}", fit.text);
        assert!(fit.is_cut && fit.text.contains("12 |") && fit.text.contains('…'));
        assert!(!aligned(&sheet, Some(140), Looks::default()).is_cut);
    }

    #[rstest]
    #[case(&[4, 4], 20, &[4, 4])]
    #[case(&[50, 4], 20, &[11, 4])]
    #[case(&[9, 9, 9, 9], 20, &[7, 7])]
    #[case(&[100], 3, &[6])]
    #[case(&[], 20, &[])]
    fn room_is_shared(#[case] widths: &[usize], #[case] room: usize, #[case] expected: &[usize]) {
        assert_eq!(limits(widths, room), expected);
    }
}
