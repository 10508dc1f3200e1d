use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use roster::Entity;
use schemas::{Table, roster::versions_sql};
use transform::roster::{ImportKind, JobState, Phase, Refusal, Request};

use super::lake::{Stored, demo, silent};
use super::school::School;

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_stored_with_its_history_and_the_same_again_changes_nothing() {
    let stored = Stored::new().await;
    let school = School::of(10);
    let first = stored.import(&school.bulk()).await;
    assert_eq!((first.state, first.import), (JobState::Done, Some(1)));
    let values = stored.values().await;
    assert_eq!(values["users"].len(), 10);
    assert_eq!(values["enrollments"].len(), 10);
    // In 1.1 roles are made of the users.
    assert_eq!(values["roles"].len(), 10);
    let import = stored.newest().await.expect("an import");
    assert_eq!(import.kind, ImportKind::Import);
    assert_eq!(import.id, first.id);
    assert_eq!(import.tables["users"].added, 10);

    let again = stored.import(&school.bulk()).await;
    assert_eq!((again.state, again.import), (JobState::Unchanged, None));
    assert_eq!(again.checksum, first.checksum);
    assert_eq!(stored.newest().await, Some(import));
    let history = stored.history().await;
    assert_eq!(history["users_history"].len(), 10);
    assert_eq!(history["users_history"][0], "u0000|1|added");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_added_to_the_history_and_only_its_terms_are_written_anew() {
    let stored = Stored::new().await;
    let mut school = School::of(12);
    stored.import(&school.bulk()).await;
    let files = files(&stored, Table::Roster(Entity::Enrollments)).await;
    assert_eq!(files.len(), 3, "fall, spring and none: {files:?}");

    // A section of spring, and with it its enrollments, comes to fall.
    school.sections.insert(1, (1, 0));
    school.users.insert(2, 99);
    stored.import(&school.bulk()).await;
    let sections = stored.ask(
        &[Table::Roster(Entity::Sections)],
        "SELECT term, count(*) FROM sections GROUP BY term ORDER BY term",
    );
    assert_eq!(sections.await, ["fall|3", "no-term|1"]);
    let history = stored.history().await;
    let users = &history["users_history"];
    assert_eq!(users.len(), 13);
    assert!(users.contains(&"u0002|2|changed".to_owned()));
    let changed = history["enrollments_history"].iter();
    assert_eq!(changed.filter(|row| row.ends_with("|2|changed")).count(), 3);

    let now = self::files(&stored, Table::Roster(Entity::Enrollments)).await;
    assert_eq!(now.get("no-term"), files.get("no-term"));
    assert_ne!(now.get("fall"), files.get("fall"));
    assert_eq!(now.get("spring"), None);
}

/// The paths of a table's files by term.
async fn files(stored: &Stored, table: Table) -> BTreeMap<String, Vec<String>> {
    let held = stored.lake.open(&demo(), table).await.expect("opens");
    let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for file in held.expect("a table").data_files() {
        let term = file.term().map(ToString::to_string).unwrap_or_default();
        files.entry(term).or_default().push(file.path().to_owned());
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_say_when_the_next_one_came() {
    let stored = Stored::new().await;
    let mut school = School::of(4);
    stored.import(&school.bulk()).await;
    for (day, name) in [(2, 70), (3, 71)] {
        stored.clock.set(
            format!("2026-10-{day:02}T08:00:00Z")
                .parse()
                .expect("a time"),
        );
        school.users.insert(1, name);
        stored.import(&school.bulk()).await;
    }
    let sql = versions_sql(Entity::Users);
    let sql = format!(
        "SELECT given_name, CAST(recorded_at AS DATE), CAST(superseded_at AS DATE) \
         FROM ({sql}) WHERE user_id = 'u0001' ORDER BY import"
    );
    let versions = stored
        .ask(&[Table::RosterHistory(Entity::Users)], &sql)
        .await;
    let expected = [
        "N1|2026-10-01|2026-10-02",
        "N70|2026-10-02|2026-10-03",
        "N71|2026-10-03|",
    ];
    assert_eq!(versions, expected);
    for entity in Entity::ALL {
        let table = Table::RosterHistory(entity);
        // All of them are SQL.
        stored.ask(&[table], &versions_sql(entity)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_that_ends_too_much_is_refused_unless_forced() {
    let stored = Stored::new().await;
    stored.import(&School::of(60).bulk()).await;
    let values = stored.values().await;
    let half = School::of(30).bulk();
    let refused = stored.import(&half).await;
    assert_eq!((refused.state, refused.import), (JobState::Refused, None));
    assert!(
        refused
            .error
            .expect("why")
            .contains("30 of 60 users would end")
    );
    assert_eq!(stored.values().await, values);

    let mut request = Request::new(half.path(), "tests");
    let check = stored
        .importer
        .check(&stored.tenant, request.clone(), 2, silent());
    let preview = check.await.expect("checks");
    assert!(matches!(preview.refusal, Some(Refusal::Vanished(_))));
    assert_eq!(preview.tables[&Entity::Users].counts.ended, 30);
    request.forced = true;
    let forced = stored
        .importer
        .import(&stored.tenant, request, silent())
        .await;
    assert_eq!(forced.expect("imports").state, JobState::Done);
    assert!(stored.newest().await.expect("an import").forced);
    assert_eq!(stored.values().await["users"].len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_none_is_refused_or_fails_and_its_job_says_why() {
    let stored = Stored::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes.csv"), "a,b\n1,2\n").expect("writes");
    let import = |path: std::path::PathBuf| {
        let request = Request::new(path, "tests");
        stored.importer.import(&stored.tenant, request, silent())
    };
    let refused = import(folder.path().to_owned()).await.expect("ends");
    assert_eq!(refused.state, JobState::Refused);
    assert!(refused.found.fatal > 0);
    let csv = stored.importer.diagnostics(&demo(), refused.id).await;
    let csv = csv.expect("reads").expect("diagnostics");
    assert!(String::from_utf8_lossy(&csv).contains("no_files"));

    let failed = import(folder.path().join("notes.csv")).await;
    failed.expect_err("it is no zip file");
    let jobs = stored.importer.jobs(&demo(), 10).await.expect("lists");
    let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Failed, JobState::Refused]);
    assert!(
        jobs[0]
            .error
            .as_deref()
            .is_some_and(|why| why.contains("zip"))
    );
    assert_eq!(stored.newest().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_would_change_and_changes_nothing() {
    let stored = Stored::new().await;
    let mut school = School::of(6);
    stored.import(&school.bulk()).await;
    school.users.insert(1, 50);
    school.users.insert(9, 9);
    school.enrollments.remove(&0);
    let (values, import) = (stored.values().await, stored.newest().await);
    let bundle = school.bulk();
    let request = Request::new(bundle.path(), "tests");
    let check = stored.importer.check(&stored.tenant, request, 1, silent());
    let preview = check.await.expect("checks");
    assert_eq!(
        (stored.values().await, stored.newest().await),
        (values, import)
    );
    assert_eq!(preview.refusal, None);
    let users = &preview.tables[&Entity::Users];
    assert_eq!((users.counts.added, users.counts.changed), (1, 1));
    assert_eq!(users.fields["given_name"], 1);
    let [change] = users.changes.as_slice() else {
        panic!("one is shown: {users:?}");
    };
    assert_eq!((change.key.as_str(), change.change), ("u0001", "changed"));
    let [field] = change.fields.as_slice() else {
        panic!("one field: {change:?}");
    };
    assert_eq!(field.field, "given_name");
    assert_eq!(field.old.as_deref(), Some("N1"));
    assert_eq!(field.new.as_deref(), Some("N50"));
    let ended = &preview.tables[&Entity::Enrollments].changes[0];
    assert_eq!((ended.key.as_str(), ended.change), ("e0000", "ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_its_phases_in_order() {
    let stored = Stored::new().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let bundle = School::of(3).bulk();
    let request = Request::new(bundle.path(), "tests");
    let progress = Arc::new(move |step: transform::roster::Step| {
        teller.lock().expect("no panic").push(step.phase);
    });
    let done = stored
        .importer
        .import(&stored.tenant, request, progress)
        .await;
    done.expect("imports");
    let told = told.lock().expect("no panic").clone();
    let expected = [
        Phase::Reading,
        Phase::Checking,
        Phase::Comparing,
        Phase::Healing,
        Phase::Writing,
        Phase::Publishing,
        Phase::Tidying,
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_imports_leave_few_files_and_a_short_log() {
    let stored = Stored::new().await;
    let mut school = School::of(5);
    for name in 0..70 {
        school.users.insert(1, 1_000 + name);
        stored.import(&school.bulk()).await;
    }
    let newest = stored.newest().await.expect("an import");
    assert_eq!(newest.number, 70);
    let table = Table::RosterHistory(Entity::Users);
    let version = newest.version(table).expect("a version");
    let held = stored.lake.open_at(&demo(), table, version).await;
    let held = held.expect("opens").expect("a table");
    assert!(held.files() < 32, "{} files", held.files());
    assert!(held.versions_since_checkpoint().await.expect("reads") < 40);
    assert_eq!(stored.history().await["users_history"].len(), 74);
    assert_eq!(stored.rollback(Some(1)).await.state, JobState::Done);
    assert!(stored.values().await["users"][1].contains("N1000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_not_there_is_named() {
    let stored = Stored::new().await;
    let request = Request::new("/nowhere/night.zip", "tests");
    let failed = stored.importer.import(&stored.tenant, request, silent());
    let error = failed.await.expect_err("there is none");
    assert_eq!(error.to_string(), "the bundle night.zip cannot be read");
    let jobs = stored.importer.jobs(&stored.tenant.id, 1).await;
    let told = jobs.expect("reads").remove(0).error.expect("why");
    assert!(told.contains("night.zip"), "{told}");
}
