//! Rows as a table in Markdown.

use super::{Looks, Sheet, shown};

/// A table as GitHub's Markdown has it. What is missing is empty.
pub fn markdown(sheet: &Sheet) -> String {
    let names = sheet.columns.iter().map(|column| cell(&column.name));
    let rules = sheet.columns.iter().map(|column| match column.is_number {
        true => "--:".to_owned(),
        false => "---".to_owned(),
    });
    let mut lines = vec![line(names), line(rules)];
    for row in &sheet.rows {
        let values = row.iter();
        lines.push(line(
            values.map(|value| value.as_deref().map(cell).unwrap_or_default()),
        ));
    }
    lines.join("\n")
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(text: &str) -> String {
    shown(text, Looks::default())
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_a_cell() {
        let mut sheet = Sheet::of(["a|b", "n"]);
        sheet.columns[1].is_number = true;
        sheet.rows = vec![
            vec![Some("x | <b>y</b>".to_owned()), Some("1".to_owned())],
            vec![None, None],
        ];
        let expected = "| a\\|b | n |\n| --- | --: |\n| x \\| &lt;b>y&lt;/b> | 1 |\n|  |  |";
        assert_eq!(markdown(&sheet), expected);
    }
}
