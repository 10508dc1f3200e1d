//! Diagnostics as a CSV file, for those who mend the export.

use std::io::{self, Write};

use super::Diagnostics;

impl Diagnostics {
    /// Writes a header and a line for each diagnostic that is kept; then one, without
    /// a line, for each kind and file of which there are more.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_csv(&self, mut to: impl Write) -> io::Result<()> {
        writeln!(to, "severity,code,file,line,column,count,detail,advice")?;
        for row in self.rows() {
            let line = row.line.map(|line| line.to_string()).unwrap_or_default();
            let cells = [
                row.code.severity().as_str(),
                row.code.as_str(),
                &row.file,
                &line,
                row.column.as_deref().unwrap_or_default(),
                &row.count.to_string(),
                &row.detail,
                row.code.advice(),
            ];
            write_line(&mut to, &cells)?;
        }
        for ((code, file), total) in &self.totals {
            let more = total.saturating_sub(self.limit);
            if more > 0 && !self.once.keys().any(|(once, ..)| once == code) {
                let cells = [
                    code.severity().as_str(),
                    code.as_str(),
                    file,
                    "",
                    "",
                    &more.to_string(),
                    "more of this kind are not listed",
                    code.advice(),
                ];
                write_line(&mut to, &cells)?;
            }
        }
        Ok(())
    }
}

fn write_line(to: &mut impl Write, cells: &[&str]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            to.write_all(b",")?;
        }
        write_cell(to, cell)?;
    }
    to.write_all(b"\n")
}

/// Quoted where it has to be. A file's name is the sender's: what a spreadsheet
/// would take for a formula gets an apostrophe.
fn write_cell(to: &mut impl Write, cell: &str) -> io::Result<()> {
    let formula = cell.starts_with(['=', '+', '-', '@']);
    let cell = if formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains([',', '"', '\n', '\r']) {
        write!(to, "\"{}\"", cell.replace('"', "\"\""))
    } else {
        to.write_all(cell.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Diagnostics};

    #[test]
    fn the_file_quotes_what_needs_it_and_says_how_many_are_not_listed() {
        let mut all = Diagnostics::new(1);
        all.add(
            Code::DuplicateId,
            "=a.csv",
            Some(3),
            Some("sourcedId"),
            "a, b",
        );
        all.add(
            Code::DuplicateId,
            "=a.csv",
            Some(4),
            Some("sourcedId"),
            "a, b",
        );
        let mut text = Vec::new();
        all.write_csv(&mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("error,duplicate_id,'=a.csv,3,sourcedId,1,\"a, b\","));
        assert!(lines[2].starts_with("error,duplicate_id,'=a.csv,,,1,more of this kind"));
    }
}
