//! What is wrong with a bundle: where, and what to do.

use std::collections::BTreeMap;

mod code;
mod csv;

pub use code::{Code, Severity};

/// One thing that is wrong. It never repeats a value of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, for programs; it has a severity and an advice.
    pub code: Code,
    /// The file's name; empty for the bundle as a whole.
    pub file: String,
    /// The line, the header's being 1; none for the file as a whole.
    pub line: Option<u64>,
    /// The column as the binding spells it.
    pub column: Option<String>,
    /// What is wrong, for people.
    pub detail: String,
    /// How often, for what is said once for a whole column.
    pub count: u64,
}

/// The diagnostics of a bundle: of each kind and file the first are kept, the
/// rest only counted.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    totals: BTreeMap<(Code, String), u64>,
    /// Where in `kept` that stands which is said once for a file and column.
    once: BTreeMap<(Code, String, String), usize>,
    limit: u64,
}

impl Diagnostics {
    /// Keeps at most `limit` of each kind and file.
    pub fn new(limit: u64) -> Self {
        Self {
            kept: Vec::new(),
            totals: BTreeMap::new(),
            once: BTreeMap::new(),
            limit,
        }
    }

    /// Those kept, by file, line and column; what is wrong with the bundle first.
    pub fn rows(&self) -> Vec<&Diagnostic> {
        let mut rows: Vec<_> = self.kept.iter().collect();
        rows.sort_by(|a, b| {
            (&a.file, a.line, &a.column, a.code).cmp(&(&b.file, b.line, &b.column, b.code))
        });
        rows
    }

    /// How many there are of each kind and file, kept or not.
    pub fn totals(&self) -> &BTreeMap<(Code, String), u64> {
        &self.totals
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> u64 {
        self.totals
            .iter()
            .filter(|((code, _), _)| code.severity() == severity)
            .map(|(_, count)| count)
            .sum()
    }

    /// Whether the bundle is refused.
    pub fn is_fatal(&self) -> bool {
        self.count(Severity::Fatal) > 0
    }

    /// Something wrong with the bundle as a whole.
    pub(crate) fn bundle(&mut self, code: Code, detail: impl Into<String>) {
        self.add(code, "", None, None, detail);
    }

    /// Something wrong with a file as a whole.
    pub(crate) fn file(&mut self, code: Code, file: &str, detail: impl Into<String>) {
        self.add(code, file, None, None, detail);
    }

    /// Something wrong in a row.
    pub(crate) fn add(
        &mut self,
        code: Code,
        file: &str,
        line: Option<u64>,
        column: Option<&str>,
        detail: impl Into<String>,
    ) {
        let total = self.totals.entry((code, file.to_owned())).or_default();
        *total += 1;
        if *total <= self.limit {
            self.kept.push(Diagnostic {
                code,
                file: file.to_owned(),
                line,
                column: column.map(str::to_owned),
                detail: detail.into(),
                count: 1,
            });
        }
    }

    /// Something that is likely the same in all rows: said once for a file and
    /// column, where it comes first.
    pub(crate) fn once(
        &mut self,
        code: Code,
        file: &str,
        line: u64,
        column: &str,
        detail: impl FnOnce() -> String,
    ) {
        let key = (code, file.to_owned(), column.to_owned());
        if let Some(&index) = self.once.get(&key) {
            let kept = &mut self.kept[index];
            kept.count += 1;
            // Rows are not always gone through as they stand in the file.
            kept.line = kept.line.min(Some(line));
            return;
        }
        *self.totals.entry((code, file.to_owned())).or_default() += 1;
        self.once.insert(key, self.kept.len());
        self.kept.push(Diagnostic {
            code,
            file: file.to_owned(),
            line: Some(line),
            column: Some(column.to_owned()),
            detail: detail(),
            count: 1,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_and_file_the_first_are_kept_and_all_are_counted() {
        let mut all = Diagnostics::new(2);
        for line in 2..7 {
            all.add(Code::DuplicateId, "users.csv", Some(line), None, "again");
        }
        all.add(Code::DuplicateId, "orgs.csv", Some(2), None, "again");
        assert_eq!(all.rows().len(), 3);
        assert_eq!(all.count(Severity::Error), 6);
        assert_eq!(all.rows()[0].file, "orgs.csv");
        assert!(!all.is_fatal());
    }

    #[test]
    fn what_is_the_same_in_a_column_is_said_once() {
        let mut all = Diagnostics::new(2);
        for line in [4, 2, 3, 5, 6] {
            let detail = || "written otherwise".to_owned();
            all.once(Code::WordSpelling, "users.csv", line, "role", detail);
        }
        assert_eq!(all.rows().len(), 1);
        assert_eq!(all.rows()[0].line, Some(2));
        assert_eq!(all.rows()[0].count, 5);
    }
}
