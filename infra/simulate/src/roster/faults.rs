//! Faults that real bundles have, planted on purpose.

use super::{Bundle, Version};
use crate::Error;
use crate::table::{Cell, Rows, Table};
use crate::world::key;

/// A fault of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A column of the header is misspelt.
    MisspeltColumn,
    /// `status` is empty in one row, where all others have it.
    EmptyStatus,
    /// Somebody's password is in the file.
    Password,
    /// A row refers to somebody who is not there.
    UnknownReference,
    /// A date is written as `17/8/2026`.
    OtherDateForm,
    /// A stretch of days ends before it begins.
    EndsBeforeItBegins,
    /// A role that there is not.
    UnknownRole,
    /// A row stands there twice.
    RepeatedRow,
}

impl Fault {
    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::MisspeltColumn => "misspelt_column",
            Self::EmptyStatus => "empty_status",
            Self::Password => "password",
            Self::UnknownReference => "unknown_reference",
            Self::OtherDateForm => "other_date_form",
            Self::EndsBeforeItBegins => "ends_before_it_begins",
            Self::UnknownRole => "unknown_role",
            Self::RepeatedRow => "repeated_row",
        }
    }
}

impl std::fmt::Display for Fault {
    /// A sentence without its full stop.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MisspeltColumn => "the column is misspelt",
            Self::EmptyStatus => "it is empty, where all others have it",
            Self::Password => "it holds somebody's password",
            Self::UnknownReference => "it refers to somebody who is not there",
            Self::OtherDateForm => "the date is written as 17/8/2026",
            Self::EndsBeforeItBegins => "it ends before it begins",
            Self::UnknownRole => "there is no such role",
            Self::RepeatedRow => "the row stands there twice",
        })
    }
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// What is wrong.
    pub fault: Fault,
    /// The file.
    pub file: String,
    /// The line, from 1, which is the header.
    pub line: u64,
    /// The column.
    pub column: &'static str,
}

/// What is made wrong in a file.
pub(super) struct Plan<'w> {
    file: String,
    columns: &'static [&'static str],
    /// By row, from 0.
    edits: Vec<(u64, Fault, &'static str)>,
    slip: Option<(&'static str, &'static str)>,
    /// What `status` and `dateLastModified` are in the rows of a bulk that has them.
    status: Option<Cell<'w>>,
}

impl<'w> Plan<'w> {
    pub(super) fn of(bundle: &Bundle<'w>, table: &Table<'_>) -> Self {
        let mut plan = Self {
            file: format!("{}.csv", table.name),
            columns: table.columns,
            edits: Vec::new(),
            slip: None,
            status: None,
        };
        if !bundle.faulty {
            return plan;
        }
        let mut draw = bundle.world.draw(&[key::FAULT]);
        let first = u64::from(draw.below(4));
        match table.name {
            "users" => {
                plan.slip = Some(match bundle.version {
                    Version::V1_1 => ("dateLastModified", "dataLastModified"),
                    Version::V1_2 => ("preferredGivenName", "prefferedGivenName"),
                });
                plan.status = Some(bundle.modified());
                plan.edits = vec![
                    (first + 1, Fault::EmptyStatus, "status"),
                    (first + 3, Fault::Password, "password"),
                ];
            }
            "roles" => plan.slip = Some(("dateLastModified", "dataLastModified")),
            "enrollments" => {
                plan.edits = vec![
                    (first, Fault::UnknownReference, "userSourcedId"),
                    (first + 2, Fault::OtherDateForm, "beginDate"),
                    (first + 3, Fault::OtherDateForm, "beginDate"),
                    (first + 5, Fault::EndsBeforeItBegins, "endDate"),
                    (first + 7, Fault::UnknownRole, "role"),
                    (first + 9, Fault::RepeatedRow, "sourcedId"),
                ];
            }
            _ => {}
        }
        plan
    }

    pub(super) fn header(&self, columns: &[&'static str]) -> Vec<&'static str> {
        let slipped = |column: &&'static str| match self.slip {
            Some((right, wrong)) if right == *column => wrong,
            _ => column,
        };
        columns.iter().map(slipped).collect()
    }

    /// Rows on their way with the faults in them.
    pub(super) fn over<'a>(
        &'a self,
        inner: &'a mut dyn Rows,
        planted: &'a mut Vec<Planted>,
    ) -> Faulty<'a> {
        if let Some((column, _)) = self.slip {
            planted.push(self.planted(Fault::MisspeltColumn, 1, column));
        }
        Faulty {
            plan: self,
            inner,
            planted,
            row: 0,
            line: 1,
        }
    }

    fn planted(&self, fault: Fault, line: u64, column: &'static str) -> Planted {
        Planted {
            fault,
            file: self.file.clone(),
            line,
            column,
        }
    }

    fn column(&self, name: &str) -> usize {
        let found = self.columns.iter().position(|column| *column == name);
        found.expect("faults are planted in columns that are there")
    }
}

pub(super) struct Faulty<'a> {
    plan: &'a Plan<'a>,
    inner: &'a mut dyn Rows,
    planted: &'a mut Vec<Planted>,
    row: u64,
    line: u64,
}

impl Rows for Faulty<'_> {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<(), Error> {
        let plan = self.plan;
        self.line += 1;
        if let Some(modified) = &plan.status
            && cells[1].text().is_empty()
        {
            (cells[1], cells[2]) = (
                Cell::Text("active"),
                Cell::Own(modified.text().into_owned()),
            );
        }
        let row = self.row;
        self.row += 1;
        for (_, fault, name) in plan.edits.iter().filter(|(at, ..)| *at == row) {
            let column = plan.column(name);
            match fault {
                Fault::EmptyStatus => cells[column] = Cell::Empty,
                Fault::Password => cells[column] = Cell::Text("Sunflower-12"),
                Fault::UnknownReference => cells[column] = Cell::Text("stu-nobody"),
                Fault::UnknownRole => cells[column] = Cell::Text("pupil"),
                Fault::EndsBeforeItBegins => cells[column] = Cell::Text("2001-01-31"),
                Fault::OtherDateForm => {
                    let form = other_form(&cells[column].text());
                    cells[column] = Cell::Own(form);
                }
                Fault::RepeatedRow => {
                    self.inner.row(cells)?;
                    self.line += 1;
                }
                Fault::MisspeltColumn => {}
            }
            self.planted.push(plan.planted(*fault, self.line, name));
        }
        self.inner.row(cells)
    }
}

/// `17/8/2026` of `2026-08-17`.
fn other_form(date: &str) -> String {
    let mut parts = date.split('-');
    let mut next = || parts.next().unwrap_or_default().trim_start_matches('0');
    let (year, month, day) = (next(), next(), next());
    format!("{day}/{month}/{year}")
}
