//! The documents of imports and jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lake::imports::{Import, ImportKind, Imports, Job, JobState, Jobs};
use schemas::TenantId;
use uuid::Uuid;

use crate::support::TestLake;

fn demo() -> TenantId {
    "demo".parse().expect("a tenant")
}

fn import(number: u64) -> Import {
    let at = DateTime::UNIX_EPOCH;
    Import {
        number,
        id: Uuid::now_v7(),
        kind: ImportKind::Import,
        source: "roster.zip".to_owned(),
        checksum: None,
        by: "tests".to_owned(),
        started_at: at,
        finished_at: at,
        forced: false,
        tables: BTreeMap::new(),
        versions: BTreeMap::new(),
    }
}

#[tokio::test]
async fn the_newest_is_found_from_one_that_is_known() {
    let test = TestLake::new();
    let imports = Imports::new(test.lake.clone(), demo());
    assert_eq!(imports.newest().await.expect("reads"), None);
    let all: Vec<_> = (1..=12).map(import).collect();
    assert!(imports.create(&all[0]).await.expect("writes"));
    let since = async |known: &Import| imports.newest_since(known).await.expect("reads");
    assert_eq!(since(&all[0]).await.as_ref(), Some(&all[0]));
    for import in &all[1..] {
        assert!(imports.create(import).await.expect("writes"));
    }
    for known in &all {
        assert_eq!(since(known).await.as_ref(), Some(&all[11]));
    }
    assert_eq!(
        imports.newest().await.expect("reads").as_ref(),
        Some(&all[11])
    );
    // One that is another by now, and one that is gone.
    assert_eq!(since(&import(7)).await, None);
    assert_eq!(since(&import(13)).await, None);
}

fn job(number: u128, state: JobState) -> Job {
    let (id, now) = (Uuid::from_u128(number), DateTime::UNIX_EPOCH);
    Job {
        state,
        ..Job::new(id, ImportKind::Import, "roster.zip", "tests", now)
    }
}

#[tokio::test]
async fn jobs_whose_process_is_gone_are_told_by_the_readers_clock_and_nothing_is_written() {
    let test = TestLake::new();
    let jobs = Jobs::new(test.lake.clone(), demo(), Duration::from_secs(60));
    let uploaded = Job {
        uploaded: true,
        ..job(3, JobState::Running)
    };
    for job in [
        &job(1, JobState::Done),
        &job(2, JobState::Running),
        &uploaded,
    ] {
        jobs.save(job).await.expect("saves");
    }
    let written = Utc::now();
    let states = async |after: i64, most: usize| {
        let now = written + TimeDelta::seconds(after);
        let listed = jobs.list_at(most, now).await.expect("lists");
        listed.iter().map(|job| job.state).collect::<Vec<_>>()
    };
    use JobState::{Done, Failed, Running, Waiting};
    assert_eq!(states(0, 10).await, [Running, Running, Done]);
    assert_eq!(states(3_600, 10).await, [Waiting, Failed, Done]);
    assert_eq!(states(3_600, 1).await, [Waiting]);
    let check = test.lake.document(schemas::layout::STORE_CHECK).await;
    assert_eq!(check.expect("reads"), None);
}
