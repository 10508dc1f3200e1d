//! Rosters and catalogues that wait in the inbox are imported, whatever became of their
//! notices.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use lake::imports::{ImportKind, Imports, Job, JobState, Jobs};
use runtime::inbox::Inbox;
use runtime::{Clock, Leases};
use schemas::{Family, headers};
use transform::roster::{Importer, LEASE, Request};
use uuid::Uuid;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::lake::silent;
use super::school::{Bundle, School};
use crate::support::{Running, Sandbox, event, raw, record, tenant_id};

pub const TURN: Duration = Duration::from_millis(600);

pub struct House {
    pub sandbox: Sandbox,
    pub inbox: Inbox,
}

impl House {
    /// A house in which nobody looks into the inbox unless told to.
    pub async fn new() -> Self {
        let mut sandbox = Sandbox::new().await;
        sandbox.config.roster.scan_interval_ms = 3_600_000;
        let inbox = Inbox::new(sandbox.registry.root().clone());
        Self { sandbox, inbox }
    }

    fn start(&self) -> Running {
        self.start_with(TURN)
    }

    /// The same, missing another process after this time.
    fn start_with(&self, time: Duration) -> Running {
        let root = self.sandbox.registry.root().clone();
        let leases = Leases::new(root, LEASE, Uuid::now_v7().to_string(), time);
        self.sandbox.start_with_rosters(leases)
    }

    /// Waits until the service is at work.
    async fn at_work(&self) {
        let event = record("demo", &event(1, Family::Video));
        self.sandbox.append(vec![event]).await;
        self.sandbox.wait_for_the_end().await;
    }

    /// Uploads a bundle; its job.
    async fn upload(&self, bytes: Vec<u8>) -> Job {
        let job = job();
        self.put(job.id, bytes).await;
        self.create(&job).await;
        job
    }

    async fn put(&self, job: Uuid, bytes: Vec<u8>) {
        let begun = self.inbox.begin(&tenant_id("demo"), job).await;
        let mut upload = begun.expect("begins");
        upload.write(&Bytes::from(bytes)).await.expect("writes");
        upload.finish().await.expect("finishes");
    }

    async fn create(&self, job: &Job) {
        let created = self.inbox.create_job(&tenant_id("demo"), job).await;
        assert!(created.expect("creates"));
    }

    /// A job that has ended.
    async fn ended(&self, job: Uuid) -> Job {
        let ended = async {
            loop {
                let found = self.inbox.job(&tenant_id("demo"), job).await;
                let found = found.expect("reads").expect("is known");
                let is_removed = !self.waits(job).await;
                if !found.state.is_open() && is_removed {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let limit = Duration::from_secs(120);
        tokio::time::timeout(limit, ended).await.expect("in time")
    }

    async fn waits(&self, job: Uuid) -> bool {
        let waiting = self.inbox.waiting().await.expect("lists");
        waiting.iter().any(|bundle| bundle.job == job)
    }

    pub async fn imports(&self) -> Vec<Uuid> {
        let imports = Imports::new(self.sandbox.lake.clone(), tenant_id("demo"));
        let imports = imports.list().await.expect("lists");
        imports.iter().rev().map(|import| import.id).collect()
    }
}

fn job() -> Job {
    let kind = ImportKind::Import;
    Job {
        uploaded: true,
        ..Job::new(Uuid::now_v7(), kind, "nightly", "sis", Utc::now())
    }
}

pub fn zip(bundle: &Bundle) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in std::fs::read_dir(bundle.path()).expect("a folder") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("UTF-8");
        zip.start_file(name, SimpleFileOptions::default())
            .expect("begins");
        let bytes = std::fs::read(file.path()).expect("reads");
        zip.write_all(&bytes).expect("writes");
    }
    zip.finish().expect("finishes").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_the_start_is_imported_in_its_order() {
    let house = House::new().await;
    let first = house.upload(zip(&School::of(8).bulk())).await;
    let broken = house.upload(b"PK\x03\x04 and no more".to_vec()).await;
    let second = house.upload(zip(&School::of(9).bulk())).await;
    let again = house.upload(zip(&School::of(9).bulk())).await;
    let running = house.start();

    let done = house.ended(first.id).await;
    assert_eq!((done.state, done.import), (JobState::Done, Some(1)));
    assert_eq!((done.source.as_str(), done.by.as_str()), ("nightly", "sis"));
    assert_eq!(done.tables["users"].added, 8);
    assert!(done.checksum.is_some() && done.duration().is_some());
    let refused = house.ended(broken.id).await;
    assert_eq!(refused.state, JobState::Refused);
    let why = refused.error.expect("why");
    assert!(why.contains("not a zip file"), "{why}");
    assert_eq!(house.ended(second.id).await.import, Some(2));
    assert_eq!(house.ended(again.id).await.state, JobState::Unchanged);
    assert_eq!(house.imports().await, [first.id, second.id]);
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_in_the_log_says_when_to_look() {
    let house = House::new().await;
    let running = house.start();
    house.at_work().await;
    let job = house.upload(zip(&School::of(4).bulk())).await;
    let notice = raw(
        b"demo/_roster".to_vec(),
        &[
            (headers::TENANT, "demo"),
            (headers::KIND, headers::kind::ROSTER_UPLOADED),
            (headers::RECEIVED_AT, "1789000000000000"),
        ],
        Vec::new(),
    );
    house.sandbox.append(vec![notice]).await;
    assert_eq!(house.ended(job.id).await.state, JobState::Done);
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_notice_it_is_found_by_looking() {
    let mut house = House::new().await;
    house.sandbox.config.roster.scan_interval_ms = 50;
    let running = house.start();
    house.at_work().await;
    // One that nobody was promised is not imported, and in nobody's way.
    let unclaimed = Uuid::now_v7();
    house.put(unclaimed, zip(&School::of(3).bulk())).await;
    let job = house.upload(zip(&School::of(4).bulk())).await;
    assert_eq!(house.ended(job.id).await.state, JobState::Done);
    assert!(house.waits(unclaimed).await);
    assert_eq!(house.imports().await, [job.id]);
    // Its sender is answered a little later.
    let late = Job {
        id: unclaimed,
        ..self::job()
    };
    house.create(&late).await;
    assert!(!house.ended(unclaimed).await.state.is_open());
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_process_died_goes_on_from_where_it_was() {
    let house = House::new().await;
    let demo = tenant_id("demo");
    let bundle = School::of(6).bulk();
    // It came to its end, and could not say so.
    let root = house.sandbox.registry.root().clone();
    let leases = Leases::new(root, LEASE, "dead".to_owned(), TURN);
    let importer = Importer::new(
        house.sandbox.lake.clone(),
        house.sandbox.registry.clone(),
        leases,
        Clock::system(),
    );
    let tenant = house.sandbox.registry.tenant(&demo).await;
    let tenant = tenant.expect("reads").expect("is there");
    let request = Request::new(bundle.path(), "sis");
    let done = importer.import(&tenant, request, silent()).await;
    let done = done.expect("imports");
    let jobs = Jobs::new(house.sandbox.lake.clone(), demo.clone(), TURN);
    let saved = |job: Job| {
        let jobs = jobs.clone();
        async move { jobs.save(&job).await.expect("saves") }
    };
    let running = Job {
        state: JobState::Running,
        uploaded: true,
        finished_at: None,
        import: None,
        tables: BTreeMap::new(),
        ..done.clone()
    };
    house.put(done.id, zip(&bundle)).await;
    saved(running.clone()).await;
    // It did not, once, and again and again.
    let once = Job {
        id: Uuid::now_v7(),
        created_at: Utc::now(),
        ..running.clone()
    };
    house.put(once.id, zip(&School::of(7).bulk())).await;
    saved(once.clone()).await;
    let often = Job {
        id: Uuid::now_v7(),
        lost: 2,
        ..once.clone()
    };
    house.put(often.id, zip(&School::of(8).bulk())).await;
    saved(often.clone()).await;

    let running = house.start();
    let found = house.ended(done.id).await;
    assert_eq!((found.state, found.import), (JobState::Done, Some(1)));
    assert_eq!(found.tables["users"].added, 6);
    let found = house.ended(once.id).await;
    assert_eq!((found.state, found.import), (JobState::Done, Some(2)));
    let found = house.ended(often.id).await;
    assert_eq!((found.state, found.lost), (JobState::Failed, 3));
    assert!(found.error.expect("why").contains("3 processes"));
    assert_eq!(house.imports().await, [done.id, once.id]);
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_else_imports_it_waits() {
    let house = House::new().await;
    let demo = tenant_id("demo");
    let root = house.sandbox.registry.root().clone();
    // It does not run out during the test.
    let long = Duration::from_secs(300);
    let other = Leases::new(root, LEASE, "other".to_owned(), long);
    assert!(other.hold(&demo).await.expect("holds"));
    let job = house.upload(zip(&School::of(4).bulk())).await;
    let running = house.start_with(long);
    house.at_work().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(house.waits(job.id).await);
    other.release(&demo).await.expect("releases");
    assert_eq!(house.ended(job.id).await.state, JobState::Done);
    running.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_read_by_its_name_and_as_bulk_or_delta() {
    let house = House::new().await;
    let catalog = |file: &str, delta: bool| Job {
        kind: ImportKind::Catalog,
        file: Some(file.to_owned()),
        delta,
        ..job()
    };
    let upload = async |job: &Job, bytes: &[u8]| {
        house.put(job.id, bytes.to_vec()).await;
        house.create(job).await;
    };
    let first = catalog("programs.csv", false);
    upload(&first, b"program_id,title\narts,Arts\nlaw,Law\n").await;
    // Only what is named changes.
    let second = catalog("catalog.json", true);
    upload(
        &second,
        br#"{"programs": [{"program_id": "arts", "title": "Fine arts"}]}"#,
    )
    .await;
    let third = catalog("programs.jsonl", true);
    upload(&third, br#"{"program_id": "law", "status": "tobedeleted"}"#).await;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("programs.csv", options).expect("begins");
    zip.write_all(b"program_id,title\narts,Fine arts\n")
        .expect("writes");
    let same = catalog("catalog.zip", false);
    upload(&same, zip.finish().expect("finishes").get_ref()).await;
    let unnamed = catalog("Programs 2026.csv", false);
    upload(&unnamed, b"program_id,title\narts,Arts\n").await;
    let running = house.start();

    let counts = async |job: &Job| {
        let job = house.ended(job.id).await;
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
        let programs = job.tables["programs"];
        [programs.added, programs.changed, programs.ended]
    };
    assert_eq!(counts(&first).await, [2, 0, 0]);
    assert_eq!(counts(&second).await, [0, 1, 0]);
    assert_eq!(counts(&third).await, [0, 0, 1]);
    assert_eq!(house.ended(same.id).await.state, JobState::Unchanged);
    let refused = house.ended(unnamed.id).await;
    assert_eq!(refused.state, JobState::Refused);
    let why = refused.error.expect("why");
    assert!(why.contains("Programs 2026.csv is none"), "{why}");
    let imports = Imports::new(house.sandbox.lake.clone(), tenant_id("demo"));
    let kinds = imports.list().await.expect("lists");
    assert!(
        kinds
            .iter()
            .all(|import| import.kind == ImportKind::Catalog)
    );
    assert_eq!(house.imports().await, [first.id, second.id, third.id]);
    running.stop().await.expect("stops");
}
