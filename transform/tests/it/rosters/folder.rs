//! What others put into a folder is imported once it is complete, and put aside.

use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
use lake::imports::{ImportKind, JobState};
use object_store::ObjectStoreExt;
use runtime::{Leases, Root};
use seaweed::Server;
use transform::roster::{FOLDER_LEASE, LEASE};
use uuid::Uuid;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::school::School;
use super::uploads::{House, TURN, zip};
use crate::support::{Running, tenant_id};

const CATALOG: &str = "program_id,title\narts,Arts\n";

/// A house that looks into a folder often.
async fn house() -> House {
    let mut house = House::new().await;
    house.sandbox.config.roster.inbox_settle_ms = 100;
    house
}

fn start(house: &House, folder: Root) -> Running {
    let leases = |work: &'static str| {
        let root = house.sandbox.registry.root().clone();
        Leases::new(root, work, Uuid::now_v7().to_string(), TURN)
    };
    let watched = (folder, leases(FOLDER_LEASE));
    house.sandbox.start_with_folder(leases(LEASE), watched)
}

fn local(folder: &Path) -> Root {
    Root::open(&folder.display().to_string(), Default::default()).expect("opens")
}

/// The name that a file had before it was put aside.
fn before(name: &str) -> String {
    let parts = name.split_once("Z-");
    parts.map_or(name, |(_, name)| name).to_owned()
}

/// The names of the files of a folder, those of before.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let files = files.map(|file| file.expect("a file"));
    let files = files.filter(|file| !file.path().is_dir());
    let names = files.map(|file| file.file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.map(|name| before(&name)).collect();
    names.sort();
    names
}

async fn until(folder: &Path, expected: &[&str]) {
    let reached = async {
        while names(folder) != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let limit = Duration::from_secs(120);
    let in_time = tokio::time::timeout(limit, reached).await;
    assert!(in_time.is_ok(), "{:?}", names(folder));
}

/// The text of the file of a folder whose name ends so.
fn text(folder: &Path, end: &str) -> String {
    let mut files = std::fs::read_dir(folder).expect("a folder");
    let found = files.find_map(|file| {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("UTF-8");
        name.ends_with(end).then(|| file.path())
    });
    std::fs::read_to_string(found.expect("such a file")).expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_into_a_folder_is_imported_and_put_aside() {
    let house = house().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (demo, nobody) = (folder.path().join("demo"), folder.path().join("nobody"));
    for folder in [&demo, &nobody] {
        std::fs::create_dir(folder).expect("a folder");
        std::fs::write(folder.join("bad.zip"), "PK, and no more").expect("writes");
    }
    let bytes = zip(&School::of(5).bulk());
    let half = demo.join("Roster [1] 100%.zip.filepart");
    std::fs::write(&half, &bytes[..bytes.len() / 2]).expect("writes");
    let running = start(&house, local(folder.path()));

    until(&demo.join("failed"), &["bad.zip", "bad.zip.error.txt"]).await;
    let why = text(&demo.join("failed"), "bad.zip.error.txt");
    assert!(
        why.starts_with("refused: ") && why.contains("not a zip file"),
        "{why}"
    );
    // What is half there is left alone, and so is what is nobody's.
    assert_eq!(names(&demo), ["Roster [1] 100%.zip.filepart"]);
    std::fs::write(&half, &bytes).expect("writes");
    std::fs::rename(&half, demo.join("Roster [1] 100%.zip")).expect("renames");
    until(&demo.join("done"), &["Roster [1] 100%.zip"]).await;
    assert_eq!(names(&demo.join("taken")), [""; 0]);
    assert_eq!(names(&nobody), ["bad.zip"]);
    let jobs = house.inbox.jobs(&tenant_id("demo"), 9).await;
    let jobs = jobs.expect("reads");
    assert_eq!(
        (jobs[0].state, jobs[0].source.as_str()),
        (JobState::Done, "Roster [1] 100%.zip")
    );
    assert_eq!(house.imports().await, [jobs[0].id]);

    // Of one that is refused for its rows they are told, to nobody else on this machine.
    let mut empty = ZipWriter::new(Cursor::new(Vec::new()));
    empty
        .start_file("users.csv", SimpleFileOptions::default())
        .expect("begins");
    empty.write_all(b"sourcedId\n").expect("writes");
    let empty = empty.finish().expect("finishes").into_inner();
    std::fs::write(demo.join("empty.zip"), empty).expect("writes");
    let failed = [
        "bad.zip",
        "bad.zip.error.txt",
        "empty.zip",
        "empty.zip.diagnostics.csv",
        "empty.zip.error.txt",
    ];
    until(&demo.join("failed"), &failed).await;
    let found = text(&demo.join("failed"), ".diagnostics.csv");
    assert!(found.starts_with("severity,code,file,"), "{found}");
    for aside in ["taken", "done", "failed"] {
        let mode = std::fs::metadata(demo.join(aside)).expect("a folder");
        assert_eq!(mode.permissions().mode() & 0o007, 0, "{aside}");
    }
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogues_have_a_folder_of_their_own_and_their_names_say_what_they_are() {
    let house = house().await;
    let folder = tempfile::tempdir().expect("a folder");
    let demo = folder.path().join("demo");
    let catalog = demo.join("catalog");
    std::fs::create_dir_all(&catalog).expect("a folder");
    std::fs::write(demo.join("programs.csv"), CATALOG).expect("writes");
    std::fs::write(catalog.join("programs.csv"), CATALOG).expect("writes");
    std::fs::write(catalog.join("Fall.json"), r#"{"calendar_days": [}"#).expect("writes");
    std::fs::write(catalog.join("nothing.csv"), CATALOG).expect("writes");
    let running = start(&house, local(folder.path()));

    until(&catalog.join("done"), &["programs.csv"]).await;
    let failed = [
        "Fall.json",
        "Fall.json.diagnostics.csv",
        "Fall.json.error.txt",
        "nothing.csv",
        "nothing.csv.error.txt",
    ];
    until(&catalog.join("failed"), &failed).await;
    let why = text(&catalog.join("failed"), "nothing.csv.error.txt");
    assert!(
        why.contains("nothing.csv is none of the catalogue's"),
        "{why}"
    );
    assert_eq!(names(&demo), ["programs.csv"], "that is no place for it");
    let jobs = house.inbox.jobs(&tenant_id("demo"), 9).await;
    for job in jobs.expect("reads") {
        assert_eq!(
            (job.kind, job.by.as_str()),
            (ImportKind::Catalog, "inbox folder")
        );
    }
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_nowhere() {
    let house = house().await;
    let (folder, other) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, other) = (folder.expect("a folder"), other.expect("a folder"));
    let secret = other.path().join("programs.csv");
    std::fs::write(&secret, CATALOG).expect("writes");
    // Where a tenant's folder is, who runs Chalkline says.
    let (demo, home) = (folder.path().join("demo"), tempfile::tempdir());
    let home = home.expect("a folder");
    symlink(home.path(), &demo).expect("links");
    let catalog = demo.join("catalog");
    std::fs::create_dir(&catalog).expect("a folder");
    symlink(&secret, catalog.join("programs.csv")).expect("links");
    house.sandbox.tenant("linked").await;
    let linked = folder.path().join("linked");
    std::fs::create_dir(&linked).expect("a folder");
    symlink(other.path(), linked.join("catalog")).expect("links");
    let bytes = zip(&School::of(5).bulk());
    std::fs::write(linked.join("roster.zip"), bytes).expect("writes");
    let running = start(&house, local(folder.path()));

    let failed = ["programs.csv", "programs.csv.error.txt"];
    until(&catalog.join("failed"), &failed).await;
    let why = text(&catalog.join("failed"), ".error.txt");
    assert!(why.starts_with("it is a link"), "{why}");
    until(&linked.join("done"), &["roster.zip"]).await;
    assert_eq!(std::fs::read_to_string(&secret).expect("is there"), CATALOG);
    assert_eq!(names(other.path()), ["programs.csv"]);
    let jobs = house.inbox.jobs(&tenant_id("demo"), 9).await;
    assert_eq!(jobs.expect("reads"), []);
    running.stop().await.expect("stops");
}

/// A process that is killed leaves files at every step, and the next one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_next_goes_on_where_a_file_lies() {
    let house = house().await;
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("demo/taken");
    std::fs::create_dir_all(&taken).expect("a folder");
    // It was taken, and not uploaded yet, or not as a whole.
    let job = Uuid::now_v7();
    let bytes = zip(&School::of(5).bulk());
    let mut half = house
        .inbox
        .begin(&tenant_id("demo"), job)
        .await
        .expect("begins");
    half.write(&bytes[..99].to_vec().into())
        .await
        .expect("writes");
    half.finish().await.expect("finishes");
    std::fs::write(taken.join(format!("{job}-roster.zip")), &bytes).expect("writes");
    let running = start(&house, local(folder.path()));
    until(&folder.path().join("demo/done"), &["roster.zip"]).await;
    assert_eq!(house.imports().await, [job]);
    running.stop().await.expect("stops");

    // It was imported, and not put aside yet.
    let done = folder.path().join("demo/done");
    let file = std::fs::read_dir(&done).expect("lists").next();
    let file = file.expect("one").expect("a file");
    let back = taken.join(format!("{job}-roster.zip"));
    std::fs::rename(file.path(), back).expect("renames");
    let running = start(&house, local(folder.path()));
    until(&done, &["roster.zip"]).await;
    assert_eq!(house.imports().await, [job]);
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_an_object_store_is_looked_into_alike() {
    let house = house().await;
    let server = Server::shared();
    let root = Root::open(&server.new_root(), server.options()).expect("opens");
    let store = root.store();
    let put = async |path: &str, bytes: Vec<u8>| {
        let put = store.put(&path.into(), bytes.into()).await;
        put.expect("puts");
    };
    put("demo/roster.zip", zip(&School::of(5).bulk())).await;
    put("demo/bad.zip", b"no zip".to_vec()).await;
    put("demo/catalog/programs.csv", CATALOG.into()).await;
    let running = start(&house, root);
    let names = async || {
        let objects: Vec<_> = store.list(None).try_collect().await.expect("lists");
        let paths = objects.iter().map(|object| {
            let name = before(object.location.filename().expect("a name"));
            let folder = object.location.parent().expect("a folder");
            format!("{folder}/{name}")
        });
        let mut paths: Vec<_> = paths.collect();
        paths.sort();
        paths
    };
    let expected = [
        "demo/catalog/done/programs.csv",
        "demo/done/roster.zip",
        "demo/failed/bad.zip",
        "demo/failed/bad.zip.error.txt",
    ];
    let reached = async {
        while names().await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(120), reached).await;
    assert!(in_time.is_ok(), "{:?}", names().await);
    assert_eq!(house.imports().await.len(), 2);
    running.stop().await.expect("stops");
}
