//! Reports: views that every tenant's SQL session has besides its tables. Each
//! is a file `reports/<name>.sql`; its golden answers lie beside it in
//! `<name>.slt`.

/// One report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Its name in SQL.
    pub name: &'static str,
    /// The query that it is, over the tenant's tables.
    pub sql: &'static str,
}

/// All reports, by name.
pub fn reports() -> &'static [Report] {
    static REPORTS: &[Report] = include!(concat!(env!("OUT_DIR"), "/reports.rs"));
    REPORTS
}

/// The SQL of the report of that name.
pub fn report(name: &str) -> Option<&'static str> {
    let found = reports().iter().find(|report| report.name == name)?;
    Some(found.sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_is_found_by_its_name_and_hides_no_table() {
        assert!(report("ledger").is_some_and(|sql| sql.contains("balanced")));
        assert_eq!(report("ledgers"), None);
        for one in reports() {
            assert_eq!(report(one.name), Some(one.sql));
            assert_eq!(crate::Table::from_name(one.name), None, "{}", one.name);
        }
    }
}
