//! Catalogues, stored as rosters are.

use roster::{Entity, Mode};
use schemas::{Table, roster::versions_sql};
use tempfile::TempDir;
use transform::roster::{ImportKind, Job, JobState, Request};

use super::lake::{Stored, silent};
use super::school::School;

fn folder(contents: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let header = "content_id,version,course_id,kind,due_on,due_at";
    let write = |name, text| std::fs::write(folder.path().join(name), text).expect("written");
    write("contents.csv", format!("{header}\n{contents}\n"));
    let people = "user_id,program_id,begins_on\nu0001,arts,2026-08-17\n";
    write("program_enrollments.csv", people.to_owned());
    write("programs.csv", "program_id,title\narts,Arts\n".to_owned());
    write(
        "calendar_days.csv",
        "day,kind\n2026-09-07,holiday\n".to_owned(),
    );
    folder
}

async fn import(stored: &Stored, contents: &str, mode: Mode) -> Job {
    let folder = folder(contents);
    let request = Request::catalog(folder.path(), mode, "tests");
    let done = stored.importer.import(&stored.tenant, request, silent());
    done.await.expect("imports")
}

const FILM: &str = "film,1,bio,video,2026-09-08,";
const QUIZ: &str = "quiz,,bio,assessment,,2026-09-08T23:59:00-05:00";

#[tokio::test(flavor = "multi_thread")]
async fn a_due_date_that_changes_leaves_the_old_version() {
    let stored = Stored::new().await;
    stored.import(&School::of(4).bulk()).await;
    let first = import(&stored, &format!("{FILM}\n{QUIZ}"), Mode::Bulk).await;
    assert_eq!((first.state, first.import), (JobState::Done, Some(2)));
    assert_eq!((first.found.fatal, first.found.errors), (0, 0));
    let found = stored.newest().await.expect("an import");
    assert_eq!(found.kind, ImportKind::Catalog);
    // What the roster is, the catalogue leaves.
    let values = stored.values().await;
    assert_eq!(values["users"].len(), 4);
    let contents = [
        "film|1|bio||video||||||2026-09-08||||",
        "quiz||bio||assessment|||||||2026-09-09T04:59:00Z|||",
    ];
    assert_eq!(values["contents"].len(), 2);
    for (row, expected) in values["contents"].iter().zip(contents) {
        let row: String = row.split('|').collect();
        assert_eq!(row, expected.replace('|', ""));
    }

    let again = import(&stored, &format!("{FILM}\n{QUIZ}"), Mode::Bulk).await;
    assert_eq!(again.state, JobState::Unchanged);

    stored
        .clock
        .set("2026-10-02T08:00:00Z".parse().expect("a time"));
    let later = FILM.replace("2026-09-08", "2026-09-15");
    let changed = import(&stored, &later, Mode::Delta).await;
    assert_eq!(changed.tables["contents"].changed, 1);
    let sql = versions_sql(Entity::Contents);
    let sql = format!(
        "SELECT due_on, change, \"import\", CAST(superseded_at AS DATE) FROM ({sql}) \
         WHERE content_id = 'film' ORDER BY \"import\""
    );
    let versions = stored.ask(&[Table::RosterHistory(Entity::Contents)], &sql);
    let expected = ["2026-09-08|added|2|2026-10-02", "2026-09-15|changed|3|"];
    assert_eq!(versions.await, expected);
    // The same day again by hand, as a bulk of the course: the quiz is gone.
    let gone = import(&stored, &later, Mode::Bulk).await;
    assert_eq!(gone.tables["contents"].ended, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_goes_over_rosters_and_catalogues_alike() {
    let stored = Stored::new().await;
    stored.import(&School::of(4).bulk()).await;
    let roster = stored.values().await;
    import(&stored, FILM, Mode::Bulk).await;
    let both = stored.values().await;
    assert_eq!(both.len(), roster.len() + 4);
    let mut school = School::of(4);
    school.users.insert(9, 9);
    stored.import(&school.bulk()).await;

    stored.rollback(Some(2)).await;
    assert_eq!(stored.values().await, both);
    stored.rollback(Some(1)).await;
    assert_eq!(stored.values().await, roster);
    let history = stored.history().await;
    assert_eq!(
        history["contents_history"],
        ["film|1|2|added", "film|1|5|ended"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_cannot_be_read_is_refused_and_says_why() {
    let stored = Stored::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.json");
    std::fs::write(&path, "{\"contents\": [").expect("written");
    let request = Request::catalog(path, Mode::Bulk, "tests");
    let job = stored
        .importer
        .import(&stored.tenant, request, silent())
        .await
        .expect("a job");
    assert_eq!((job.state, job.found.fatal), (JobState::Refused, 1));
    assert_eq!(job.kind, ImportKind::Catalog);
    let diagnostics = stored.importer.diagnostics(&stored.tenant.id, job.id).await;
    let csv = diagnostics.expect("reads").expect("some");
    assert!(String::from_utf8_lossy(&csv).contains("fatal,invalid_json,,1,"));
}
