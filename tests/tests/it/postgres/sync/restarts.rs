//! When everything has to be read, and what a kill costs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use e2e::{Postgres, Sandbox};
use serde_json::json;

use super::super::{add_students, run};
use super::{arguments, assert_stored, changes, done, source, sync, synced, unchanged};

fn document(sandbox: &Sandbox, name: &str) -> PathBuf {
    let roster = sandbox.lake().join(&sandbox.tenant.id).join("_roster");
    roster.join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_came_between_has_everything_read() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let name = ["--name", "lms"];
    assert_eq!(synced(&sandbox, &database, &name), (done(), true));
    assert_eq!(synced(&sandbox, &database, &name), (unchanged(), false));

    // Somebody goes back: the database is right.
    run(&owner, "UPDATE lms.orgs SET name = 'North'").await;
    assert_eq!(synced(&sandbox, &database, &name), (done(), false));
    sandbox.cli(&["roster", "rollback", "--tenant", &sandbox.tenant.id]);
    let again = sync(&sandbox, &database, &name);
    assert_eq!(again["last"]["full"], true, "{again}");
    assert_eq!(changes(&again, "orgs"), json!([0, 2, 0]));

    // The same under another name is another source.
    assert_eq!(
        synced(&sandbox, &database, &["--name", "other"]),
        (unchanged(), true)
    );
    assert_eq!(synced(&sandbox, &database, &name), (unchanged(), false));

    // A view is made of something else, without any row being written.
    database.psql(
        "CREATE OR REPLACE VIEW chalkline.categories AS
         SELECT category_id, upper(name) AS name, weight, deleted_at IS NOT NULL AS is_deleted,
                modified_at, watermark FROM lms.categories",
    );
    assert_eq!(synced(&sandbox, &database, &name), (done(), true));

    // Another database under the name, as after a restore elsewhere.
    let restored = Postgres::shared().school();
    let other = sync(&sandbox, &restored, &name);
    assert_eq!(other["last"]["full"], true, "{other}");
    assert_eq!(changes(&other, "orgs"), json!([0, 2, 0]));
    assert_eq!(synced(&sandbox, &restored, &name), (unchanged(), false));
    assert_stored(&sandbox, &restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_import_and_its_source_reads_the_same_rows_again() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let name = ["--name", "lms"];
    assert_eq!(synced(&sandbox, &database, &name), (done(), true));
    let state = document(&sandbox, "sources/lms.json");
    let before = fs::read(&state).expect("it is known");

    run(&owner, "UPDATE lms.orgs SET name = 'North'").await;
    assert_eq!(synced(&sandbox, &database, &name), (done(), false));
    // As if it had been killed before it could say so.
    fs::write(&state, before).expect("written");
    let again = sync(&sandbox, &database, &name);
    assert_eq!(again["last"]["state"], "unchanged", "{again}");
    assert_eq!(again["last"]["full"], false);
    assert!(again["last"]["rows"]["orgs"].as_u64() >= Some(2), "{again}");
    assert_eq!(again["reached"]["import"], 2);
    assert_stored(&sandbox, &database);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_when_its_import_is_seen_it_goes_on() {
    let sandbox = Sandbox::up_with(&[("CHALKLINE_TRANSFORM_MAINTENANCE_LEASE_MS", "600")]).await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    add_students(&owner, 500).await;
    let url = database.url("chalkline_reader");
    let arguments = arguments(&url, &sandbox.tenant.id, &["--name", "lms"]);
    for import in 1..=4 {
        let rename = format!("UPDATE lms.people SET given_name = 'N{import}'");
        run(&owner, &rename).await;
        let document = document(&sandbox, &format!("{import:020}.json"));
        let mut process = sandbox.spawn(&format!("sync-{import}"), &arguments);
        for _ in 0..60_000 {
            if document.exists() || process.exited().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        process.kill();
        assert!(document.exists(), "{}", process.log());
    }
    let (state, _) = synced(&sandbox, &database, &["--name", "lms"]);
    assert_eq!(state, "unchanged");
    assert_eq!(source(&sandbox)["reached"]["import"], 4);
    assert_stored(&sandbox, &database);
}
