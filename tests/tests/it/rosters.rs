//! Rosters on the command line: all or nothing, also when it is killed.

use std::time::Duration;

use e2e::Sandbox;
use serde_json::{Value, json};

fn roster(sandbox: &Sandbox, tenant: &str, arguments: &[&str]) -> Value {
    sandbox.cli(&[&["roster"][..], arguments, &["--tenant", tenant]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_is_imported_once_and_kept_up_to_date_by_bulk_or_delta() {
    let sandbox = Sandbox::up().await;
    let one = sandbox.tenant("One", &[]).tenant.id.clone();
    let two = sandbox.tenant("Two", &[]).tenant.id.clone();
    let school = sandbox.school("600", "1.2");
    let bundle = format!("{school}/roster.zip");

    let preview = roster(&sandbox, &one, &["import", &bundle, "--dry-run"]);
    assert_eq!(roster(&sandbox, &one, &["imports"]), json!([]));
    for tenant in [&one, &two] {
        let first = roster(&sandbox, tenant, &["import", &bundle]);
        assert_eq!(first["state"], "done", "{first}");
        assert_eq!(first["import"], 1);
        assert_eq!(first["found"]["fatal"], 0);
        let users = &first["tables"]["users"];
        assert_eq!(*users, preview["tables"]["users"]["counts"]);
    }
    let again = roster(&sandbox, &one, &["import", &bundle]);
    assert_eq!(again["state"], "unchanged");

    // A week later, the same by bulk and by what has changed.
    let bulk = roster(
        &sandbox,
        &one,
        &["import", &format!("{school}/roster-a-week-later.zip")],
    );
    let delta = roster(
        &sandbox,
        &two,
        &["import", &format!("{school}/roster-changes.zip")],
    );
    let changes = |job: &Value| {
        let enrollments = &job["tables"]["enrollments"];
        ["added", "changed", "ended"].map(|what| enrollments[what].clone())
    };
    assert_eq!(changes(&bulk), changes(&delta));
    let after = roster(
        &sandbox,
        &two,
        &["import", &format!("{school}/roster-a-week-later.zip")],
    );
    assert_eq!(after["state"], "unchanged", "{after}");

    let back = roster(&sandbox, &one, &["rollback"]);
    assert_eq!(
        (&back["state"], &back["import"]),
        (&json!("done"), &json!(3))
    );
    let same = roster(&sandbox, &one, &["import", &bundle]);
    assert_eq!(same["state"], "unchanged");
    let imports = roster(&sandbox, &one, &["imports"]);
    let kinds: Vec<_> = imports.as_array().expect("a list").iter().collect();
    assert_eq!(kinds.len(), 3);
    assert_eq!(
        (&kinds[0]["kind"], &kinds[0]["to"]),
        (&json!("rollback"), &json!(1))
    );

    let jobs = roster(&sandbox, &one, &["jobs"]);
    let job = jobs[0]["id"].as_str().expect("an id");
    let diagnostics = roster(&sandbox, &one, &["diagnostics", job]);
    assert!(diagnostics.is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_and_a_bundle_that_ends_half_a_school_is_refused() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant("One", &[]).tenant.id.clone();
    let large = sandbox.school("90", "1.1");
    let small = sandbox.school("30", "1.1");
    roster(
        &sandbox,
        &tenant,
        &["import", &format!("{large}/roster.zip")],
    );
    let bundle = format!("{small}/roster.zip");
    let import = ["roster", "import", &bundle, "--tenant", &tenant];
    let (code, refused) = sandbox.cli_with_code(&import);
    assert_eq!(
        (code, &refused["state"]),
        (1, &json!("refused")),
        "{refused}"
    );
    let why = refused["error"].as_str().expect("why");
    assert!(why.contains("would end"), "{why}");
    let forced = sandbox.cli(&[&import[..], &["--force"]].concat());
    assert_eq!(forced["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_leaves_nothing_half_visible() {
    let sandbox = Sandbox::up_with(&[("CHALKLINE_TRANSFORM_MAINTENANCE_LEASE_MS", "600")]).await;
    let killed = sandbox.tenant("Killed", &[]).tenant.id.clone();
    let whole = sandbox.tenant("Whole", &[]).tenant.id.clone();
    let school = sandbox.school("1500", "1.1");
    let bundle = format!("{school}/roster.zip");
    let expected = roster(&sandbox, &whole, &["import", &bundle]);
    assert_eq!(expected["state"], "done");

    let mut kills = 0;
    for try_number in 1..40 {
        let name = format!("import-{try_number}");
        let arguments = ["roster", "import", &bundle, "--tenant", &killed];
        let mut process = sandbox.spawn(&name, &arguments);
        let ended = process
            .exit_within(Duration::from_millis(250 * try_number))
            .await;
        if ended.is_some() {
            break;
        }
        process.kill();
        kills += 1;
        let imports = roster(&sandbox, &killed, &["imports"]);
        let imports = imports.as_array().expect("a list").len();
        if imports > 0 {
            break;
        }
    }
    assert!(kills > 0, "it was never killed");
    // Once more, and then there is nothing left to do, and nothing is there twice.
    roster(&sandbox, &killed, &["import", &bundle]);
    let last = roster(&sandbox, &killed, &["import", &bundle]);
    assert_eq!(last["state"], "unchanged");
    let imports = roster(&sandbox, &killed, &["imports"]);
    assert_eq!(imports.as_array().map(Vec::len), Some(1), "{imports}");
    assert_eq!(imports[0]["tables"], expected["tables"]);
    let jobs = roster(&sandbox, &killed, &["jobs", "--last", "100"]);
    let states = jobs.as_array().expect("a list").iter();
    let open = states.filter(|job| job["state"] == "running" || job["state"] == "waiting");
    assert_eq!(open.count(), 0, "{jobs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_comes_after_its_roster_in_any_form_and_goes_back_with_it() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant("One", &[]).tenant.id.clone();
    let school = sandbox.school("60", "1.2");
    roster(
        &sandbox,
        &tenant,
        &["import", &format!("{school}/roster.zip")],
    );
    let catalog = |path: &str, more: &[&str]| {
        let import = ["catalog", "import", path, "--tenant", &tenant];
        sandbox.cli(&[&import[..], more].concat())
    };
    let folder = format!("{school}/catalog");
    let json = format!("{school}/catalog.json");

    let preview = catalog(&folder, &["--dry-run", "--show", "2"]);
    let shown = preview["tables"]["contents"]["changes"].as_array();
    assert_eq!(shown.expect("a list").len(), 2);
    let first = catalog(&folder, &[]);
    assert_eq!(
        (&first["state"], &first["import"], &first["kind"]),
        (&json!("done"), &json!(2), &json!("catalog")),
        "{first}"
    );
    let nothing = json!({ "fatal": 0, "errors": 0, "warnings": 0 });
    assert_eq!(first["found"], nothing);
    for (name, table) in preview["tables"].as_object().expect("tables") {
        assert_eq!(first["tables"][name], table["counts"], "{name}");
        assert!(table["counts"]["added"].as_u64() > Some(0), "{name}");
    }
    assert_eq!(
        first["tables"].as_object().map(serde_json::Map::len),
        Some(9)
    );
    assert_eq!(catalog(&json, &[])["state"], "unchanged");

    // One day of the calendar more, and nothing else.
    let path = sandbox.path("calendar_days.csv");
    std::fs::write(&path, "day,kind,title\n2024-10-01,closure,Storm\n").expect("written");
    let changed = catalog(&path, &["--delta"]);
    assert_eq!(changed["tables"]["calendar_days"]["added"], 1);
    let jobs = roster(&sandbox, &tenant, &["jobs"]);
    let jobs = jobs.as_array().expect("a list").iter().rev();
    let kinds: Vec<_> = jobs.map(|job| job["kind"].clone()).collect();
    assert_eq!(kinds, ["import", "catalog", "catalog", "catalog"]);

    // Back to the roster alone.
    roster(&sandbox, &tenant, &["rollback", "1"]);
    let again = catalog(&folder, &[]);
    let contents = &again["tables"]["contents"];
    assert_eq!(contents, &first["tables"]["contents"]);
    let imports = roster(&sandbox, &tenant, &["imports"]);
    assert_eq!(imports[0]["kind"], "catalog");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_with_faults_says_where_and_exits_with_one_when_it_is_refused() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant("One", &[]).tenant.id.clone();
    let path = sandbox.path("contents.csv");
    std::fs::write(&path, "content_id,kind,parent_id\na,page,b\nb,page,a\n").expect("written");
    let import = ["catalog", "import", &path, "--tenant", &tenant];
    let (code, refused) = sandbox.cli_with_code(&import);
    assert_eq!((code, &refused["state"]), (1, &json!("refused")));
    let job = refused["id"].as_str().expect("an id");
    let found = roster(&sandbox, &tenant, &["diagnostics", job]);
    assert_eq!(found[0]["code"], "parent_circle");
    assert_eq!(
        (&found[0]["file"], &found[0]["line"]),
        (&json!("contents.csv"), &json!(2))
    );
}
