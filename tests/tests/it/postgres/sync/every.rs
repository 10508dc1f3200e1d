//! Going on: what changes comes by itself, and what fails is tried again.

use std::time::Duration;

use e2e::{Postgres, Sandbox, eventually};
use serde_json::Value;

use super::super::run;
use super::{arguments, assert_stored, source};

async fn wait_for(sandbox: &Sandbox, what: &str, is_so: impl Fn(&Value) -> bool) {
    eventually(what, || async {
        let known = sandbox.cli(&["roster", "sources", "--tenant", &sandbox.tenant.id]);
        is_so(&known[0]).then_some(()).ok_or(known.to_string())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_until_it_is_told_to_stop() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let url = database.url("chalkline_reader");
    let arguments = arguments(&url, &sandbox.tenant.id, &["--every", "1s"]);
    let mut process = sandbox.spawn("sync", &arguments);
    wait_for(&sandbox, "the school", |known| {
        known["reached"]["import"] == 1
    })
    .await;
    run(&owner, "UPDATE lms.orgs SET name = 'North'").await;
    wait_for(&sandbox, "the change", |known| {
        known["reached"]["import"] == 2
    })
    .await;

    database.psql("REVOKE SELECT ON chalkline.orgs FROM chalkline_reader");
    wait_for(&sandbox, "the failure", |known| {
        known["last"]["state"] == "failed"
    })
    .await;
    database.psql("GRANT SELECT ON chalkline.orgs TO chalkline_reader");
    wait_for(&sandbox, "its end", |known| {
        known["last"]["state"] == "unchanged"
    })
    .await;
    assert!(
        process.log().contains("GRANT SELECT ON chalkline.orgs"),
        "{}",
        process.log()
    );

    process.signal("TERM");
    let ended = process.exit_within(Duration::from_secs(60)).await;
    assert_eq!(ended.expect("it ends").code(), Some(0), "{}", process.log());
    assert_eq!(source(&sandbox)["last"].get("error"), None);
    assert_stored(&sandbox, &database);
}
