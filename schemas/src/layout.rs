//! Where everything lies below the lake's root: the only place that spells
//! these paths.
//!
//! ```text
//! <root>/<tenant>/<table>/term=<term>/….parquet
//! <root>/<tenant>/_roster/<import>.json
//! <root>/<tenant>/_roster/jobs/<job>.json
//! <root>/<tenant>/_roster/jobs/<job>.diagnostics.csv
//! <root>/<tenant>/_roster/sources/<source>.json
//! <root>/_inbox/<tenant>/<job>.zip
//! <root>/_tenants/<tenant>/versions/<version>.json
//! <root>/_tenants/<tenant>/secret
//! <root>/_tenants/<tenant>/signing-key
//! <root>/_leases/<tenant>/<work>/<epoch>.json
//! <root>/_log/<log id>/<partition>.json
//! <root>/_log/check
//! ```

use uuid::Uuid;

use crate::{SourceName, Table, TenantId, Term};

/// The folder of a table.
pub fn table(tenant: &TenantId, table: Table) -> String {
    format!("{tenant}/{table}")
}

/// The folder of a term inside a table's folder.
pub fn term_partition(term: &Term) -> String {
    format!("term={term}")
}

/// The term of a folder made by [`term_partition`].
pub fn parse_term_partition(folder: &str) -> Option<Term> {
    folder.strip_prefix("term=")?.parse().ok()
}

/// The folder of the documents of a tenant's roster imports.
pub fn roster_imports(tenant: &TenantId) -> String {
    format!("{tenant}/_roster")
}

/// The document of an import; numbers start at 1 and sort as text.
pub fn roster_import(tenant: &TenantId, number: u64) -> String {
    format!("{}/{number:020}.json", roster_imports(tenant))
}

/// The number in a file name made by [`roster_import`].
pub fn parse_roster_import(file_name: &str) -> Option<u64> {
    file_name.strip_suffix(".json")?.parse().ok()
}

/// The folder of what is known of the jobs that import a tenant's rosters.
pub fn roster_jobs(tenant: &TenantId) -> String {
    format!("{}/jobs", roster_imports(tenant))
}

/// What is known of a job.
pub fn roster_job(tenant: &TenantId, job: Uuid) -> String {
    format!("{}/{job}.json", roster_jobs(tenant))
}

/// The job in a file name made by [`roster_job`].
pub fn parse_roster_job(file_name: &str) -> Option<Uuid> {
    file_name.strip_suffix(".json")?.parse().ok()
}

/// What is wrong with the bundle of a job.
pub fn roster_diagnostics(tenant: &TenantId, job: Uuid) -> String {
    format!("{}/{job}.diagnostics.csv", roster_jobs(tenant))
}

/// The folder of what is known of the databases from which a tenant's rosters are read.
pub fn roster_sources(tenant: &TenantId) -> String {
    format!("{}/sources", roster_imports(tenant))
}

/// What is known of such a database.
pub fn roster_source(tenant: &TenantId, source: &SourceName) -> String {
    format!("{}/{source}.json", roster_sources(tenant))
}

/// The source in a file name made by [`roster_source`].
pub fn parse_roster_source(file_name: &str) -> Option<SourceName> {
    file_name.strip_suffix(".json")?.parse().ok()
}

/// The folder in which the bundles of all tenants lie that wait to be imported: one
/// listing tells all that waits.
pub const INBOX: &str = "_inbox";

/// The folder of a tenant's bundles that wait.
pub fn inbox(tenant: &TenantId) -> String {
    format!("{INBOX}/{tenant}")
}

/// What a job that waits imports, called a zip file whatever it is: the job says by which
/// name it is read. Later jobs sort after earlier ones.
pub fn inbox_bundle(tenant: &TenantId, job: Uuid) -> String {
    format!("{}/{job}.zip", inbox(tenant))
}

/// Whose bundle it is, and its job, of a path made by [`inbox_bundle`].
pub fn parse_inbox_bundle(path: &str) -> Option<(TenantId, Uuid)> {
    let below = path.strip_prefix(INBOX)?.strip_prefix('/')?;
    let (tenant, file_name) = below.split_once('/')?;
    let job = file_name.strip_suffix(".zip")?.parse().ok()?;
    Some((tenant.parse().ok()?, job))
}

/// The folder in which all tenants' documents lie.
pub const TENANTS: &str = "_tenants";

/// The folder of a tenant's document versions.
pub fn tenant_versions(tenant: &TenantId) -> String {
    format!("{TENANTS}/{tenant}/versions")
}

/// One version of a tenant's document; versions start at 1 and sort as text.
pub fn tenant_version(tenant: &TenantId, version: u64) -> String {
    format!("{}/{version:010}.json", tenant_versions(tenant))
}

/// The version in a file name made by [`tenant_version`].
pub fn parse_tenant_version(file_name: &str) -> Option<u64> {
    file_name.strip_suffix(".json")?.parse().ok()
}

/// The tenant's secret.
pub fn tenant_secret(tenant: &TenantId) -> String {
    format!("{TENANTS}/{tenant}/secret")
}

/// The key by which a tenant's embed tokens are signed.
pub fn tenant_signing_key(tenant: &TenantId) -> String {
    format!("{TENANTS}/{tenant}/signing-key")
}

/// The folder of a tenant's lease for some work, by epoch.
pub fn leases(tenant: &TenantId, work: &str) -> String {
    format!("_leases/{tenant}/{work}")
}

/// One epoch of a lease; epochs start at 1 and sort as text.
pub fn lease(tenant: &TenantId, work: &str, epoch: u64) -> String {
    format!("{}/{epoch:020}.json", leases(tenant, work))
}

/// The epoch in a file name made by [`lease`].
pub fn parse_lease(file_name: &str) -> Option<u64> {
    file_name.strip_suffix(".json")?.parse().ok()
}

/// An empty object that is written to see whether the store takes objects.
pub const STORE_CHECK: &str = "_log/check";

/// The floor of one log partition: every record below it is published.
pub fn floor(log_id: &str, partition: u32) -> String {
    format!("_log/{log_id}/{partition}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        let term: Term = "2026-27".parse().expect("a term");
        assert_eq!(parse_term_partition(&term_partition(&term)), Some(term));
        assert_eq!(parse_term_partition("term=No Term"), None);

        let tenant: TenantId = "demo".parse().expect("a tenant");
        let path = tenant_version(&tenant, 42);
        let file_name = path.rsplit('/').next().expect("a file name");
        assert_eq!(parse_tenant_version(file_name), Some(42));

        let path = lease(&tenant, "maintenance", 7);
        let file_name = path.rsplit('/').next().expect("a file name");
        assert_eq!(parse_lease(file_name), Some(7));

        let path = roster_import(&tenant, 12);
        let file_name = path.rsplit('/').next().expect("a file name");
        assert_eq!(parse_roster_import(file_name), Some(12));
        let job = Uuid::from_u128(9);
        let path = roster_job(&tenant, job);
        let file_name = path.rsplit('/').next().expect("a file name");
        assert_eq!(parse_roster_job(file_name), Some(job));
        assert_eq!(parse_roster_job(&format!("{job}.diagnostics.csv")), None);
        let source = SourceName::of_database("lms");
        let path = roster_source(&tenant, &source);
        let file_name = path.rsplit('/').next().expect("a file name");
        assert_eq!(parse_roster_source(file_name), Some(source));

        let path = inbox_bundle(&tenant, job);
        assert_eq!(parse_inbox_bundle(&path), Some((tenant.clone(), job)));
        assert_eq!(parse_inbox_bundle(&format!("{path}/x")), None);
        assert_eq!(parse_inbox_bundle(&roster_job(&tenant, job)), None);
    }
}
