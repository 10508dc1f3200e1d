//! Reports: what a tenant's SQL session has besides the tables of events. Each
//! is a file `reports/<name>.sql`, which says in its first lines what it is;
//! its golden answers lie beside it in `<name>.slt`.

mod header;

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

pub use header::{MinimumCell, ReportKind, Threshold, Visibility};

use crate::Table;
use header::{ColumnType, Header, ScalarType};

/// One report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it tells, for people.
    pub description: String,
    /// The query that it is, over its sources.
    pub sql: &'static str,
    /// Whether its rows are kept.
    pub kind: ReportKind,
    /// The columns that tell its rows apart, and their usual order.
    pub grain: Vec<&'static str>,
    /// The columns by which a table is refreshed, `term` first: every row
    /// depends only on the rows of its sources that have the same values.
    pub slice: Vec<&'static str>,
    /// The tables that it reads; some may be reports themselves.
    pub sources: Vec<Table>,
    /// Which policy binds its rows.
    pub visibility: Visibility,
    /// Which of its rows are about too few students to be shown to everybody; `None` where
    /// a row is about one student, or about nobody.
    pub minimum_cell: Option<MinimumCell<'static>>,
    /// The numbers that the query names as `$<name>`.
    pub thresholds: Vec<(&'static str, Threshold)>,
    /// Its columns, in order.
    pub columns: Vec<ReportColumn>,
    schema: SchemaRef,
}

/// A column of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportColumn {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its type.
    pub data_type: DataType,
    /// What it tells, for people.
    pub description: &'static str,
}

/// The name of a report that exists and is a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportName(&'static str);

impl ReportName {
    /// The name of that report; `None` when there is none or it is a view.
    pub fn new(name: &str) -> Option<Self> {
        Self::all().find(|known| known.0 == name)
    }

    /// The report.
    pub fn report(self) -> &'static Report {
        report(self.0).expect("the name of a report that exists")
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The names of all reports that are tables, sorted.
    pub fn all() -> impl Iterator<Item = Self> {
        let tables = NAMES.iter().filter(|(_, kind)| *kind == ReportKind::Table);
        tables.map(|(name, _)| Self(name))
    }
}

/// All reports, by name.
pub fn reports() -> &'static [Report] {
    static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| {
        let read = |&(name, sql): &(&'static str, &'static str)| Report::parse(name, sql);
        FILES.iter().map(read).collect()
    });
    &REPORTS
}

/// The report of that name.
pub fn report(name: &str) -> Option<&'static Report> {
    reports().iter().find(|report| report.name == name)
}

/// The name and the text of every file, sorted.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/reports.rs"));

/// Known before [`reports`] are: one may name another as its source.
static NAMES: LazyLock<Vec<(&str, ReportKind)>> = LazyLock::new(|| {
    let kind = |sql| Header::parse(sql).expect(READ_BEFORE).kind;
    FILES.iter().map(|(name, sql)| (*name, kind(sql))).collect()
});

const READ_BEFORE: &str = "build.rs has read every header";

impl Report {
    fn parse(name: &'static str, sql: &'static str) -> Self {
        let header = Header::parse(sql).expect(READ_BEFORE);
        let source = |name: &&str| Table::from_name(name).expect("a source is a table");
        let sources = header.sources.iter().map(source).collect();
        let columns = header.columns.iter().map(|column| ReportColumn {
            name: column.name,
            data_type: arrow_type(column.data_type),
            description: column.description,
        });
        let fields = header.columns.iter().map(|column| {
            let data_type = arrow_type(column.data_type);
            Field::new(column.name, data_type, column.nullable)
        });
        Self {
            name,
            sql,
            sources,
            columns: columns.collect(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            description: header.description,
            kind: header.kind,
            grain: header.grain,
            slice: header.slice,
            visibility: header.visibility,
            minimum_cell: header.minimum_cell,
            thresholds: header.thresholds,
        }
    }

    /// Its columns as Arrow types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A number that is another when anything changes on which its rows depend
    /// besides those of its sources: the file with what it includes, and the time
    /// zone in which the tenant's days begin. It fits in 63 bits, like the version
    /// of a Delta transaction.
    pub fn definition(&self, time_zone: Tz) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.sql)
            .chain_update([0])
            .chain_update(time_zone.name())
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(first) >> 1
    }
}

fn arrow_type(column_type: ColumnType) -> DataType {
    let scalar = match column_type.scalar {
        ScalarType::Text => DataType::Utf8,
        ScalarType::BigInt => DataType::Int64,
        ScalarType::Double => DataType::Float64,
        ScalarType::Boolean => DataType::Boolean,
        ScalarType::Date => DataType::Date32,
        ScalarType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    if column_type.list {
        // Delta's name for what a list holds.
        DataType::List(Arc::new(Field::new("element", scalar, true)))
    } else {
        scalar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_is_found_by_its_name_and_hides_no_table() {
        assert!(report("ledger").is_some_and(|report| report.sql.contains("balanced")));
        assert_eq!(report("ledgers"), None);
        for one in reports() {
            assert_eq!(report(one.name), Some(one));
            assert!(Table::BASE.iter().all(|table| table.as_str() != one.name));
            let table = Table::from_name(one.name);
            assert_eq!(
                table.is_some(),
                one.kind == ReportKind::Table,
                "{}",
                one.name
            );
        }
    }

    #[test]
    fn the_slices_of_a_report_can_be_found_in_its_sources() {
        for one in reports().iter().filter(|one| one.kind == ReportKind::Table) {
            assert!(!one.sources.is_empty(), "{}", one.name);
            for source in &one.sources {
                assert!(source.is_by_term(), "{} reads {source}", one.name);
                for column in &one.slice {
                    let day = *column == "day" && matches!(source, Table::Events(_));
                    let known = crate::columns(*source).field_with_name(column).is_ok();
                    assert!(day || known, "{}: {source} has no {column}", one.name);
                }
            }
        }
    }

    #[test]
    fn no_report_reads_itself_not_even_through_others() {
        for one in reports() {
            let mut open: Vec<&Report> = vec![one];
            let mut depth = 0;
            while !open.is_empty() {
                depth += 1;
                assert!(depth <= reports().len(), "{} reads itself", one.name);
                open = open
                    .iter()
                    .flat_map(|report| &report.sources)
                    .filter_map(|source| report(source.as_str()))
                    .collect();
            }
        }
    }

    #[test]
    fn a_definition_is_also_of_what_is_included() {
        for (name, slice) in [
            ("video_watch", "term, content_id, content_version"),
            ("video_retention", "term, content_id, content_version"),
            ("student_day", "term, day, content_id, content_version"),
        ] {
            let sql = report(name).expect("a report").sql;
            assert!(sql.contains("WITH\n-- What was watched"), "{name}");
            assert!(
                sql.contains(&format!("GROUP BY {slice}, duration_seconds")),
                "{name}"
            );
            assert!(!sql.contains('{'), "{name}");
        }
    }

    #[test]
    fn a_definition_is_of_the_file_and_of_the_time_zone() {
        let ledger = report("ledger").expect("a report");
        let definition = ledger.definition(Tz::UTC);
        assert!(i64::try_from(definition).is_ok());
        assert_eq!(definition, ledger.definition(Tz::UTC));
        assert_ne!(definition, ledger.definition(Tz::Europe__London));
        let mut other = ledger.clone();
        other.sql = "SELECT 1";
        assert_ne!(definition, other.definition(Tz::UTC));
    }
}
