use std::sync::{Arc, Mutex};

use transform::roster::{JobState, Phase, Request, Step};

use super::lake::{Stored, demo, silent};
use super::school::School;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_imports_at_once_one_waits() {
    let stored = Stored::new().await;
    let (one, two) = (School::of(8), School::of(9));
    let (one, two) = (one.bulk(), two.bulk());
    let other = stored.another("other", stored.lake.clone());
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |import: usize| {
        let told = Arc::clone(&told);
        Arc::new(move |step: Step| {
            let mut told = told.lock().expect("no panic");
            if told.last() != Some(&(import, step.phase)) {
                told.push((import, step.phase));
            }
        })
    };
    let first = Request::new(one.path(), "one");
    let second = Request::new(two.path(), "two");
    let (first, second) = tokio::join!(
        stored.importer.import(&stored.tenant, first, tell(1)),
        other.import(&stored.tenant, second, tell(2)),
    );
    let (first, second) = (first.expect("imports"), second.expect("imports"));
    assert_eq!([first.state, second.state], [JobState::Done; 2]);
    let mut numbers = [first.import, second.import];
    numbers.sort();
    assert_eq!(numbers, [Some(1), Some(2)]);

    // One began when the other had ended, and said before that it waits.
    let told = told.lock().expect("no panic").clone();
    let place = |import, phase| told.iter().position(|step| *step == (import, phase));
    let late = if first.import == Some(2) { 1 } else { 2 };
    let waits = place(late, Phase::Waiting).expect("it says that it waits");
    let begins = place(late, Phase::Reading).expect("it reads");
    let ends = place(3 - late, Phase::Tidying).expect("it ends");
    assert!(waits < begins && ends < begins, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_process_is_gone_has_failed_and_its_turn_runs_out() {
    let stored = Stored::new().await;
    let bundle = School::of(4).bulk();
    // It stops in the middle, and never comes back.
    let dying = stored.another("dying", stored.lake.clone());
    let request = Request::new(bundle.path(), "dying");
    let (tenant, path) = (stored.tenant.clone(), bundle.path());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let (reached, reaches) = std::sync::mpsc::channel();
    let (_forever, never) = std::sync::mpsc::channel::<()>();
    let (reached, never) = (Mutex::new(reached), Mutex::new(never));
    runtime.spawn(async move {
        let progress = Arc::new(move |step: Step| {
            if step.phase == Phase::Publishing {
                reached.lock().expect("no panic").send(()).expect("heard");
                let _ = never.lock().expect("no panic").recv();
            }
        });
        dying.import(&tenant, request, progress).await
    });
    let waited = tokio::task::spawn_blocking(move || reaches.recv()).await;
    waited.expect("no panic").expect("it gets there");
    let jobs = stored.importer.jobs(&demo(), 10).await.expect("lists");
    assert_eq!(jobs[0].state, JobState::Running);
    // Its threads are gone, or hang for ever.
    runtime.shutdown_background();

    let request = Request::new(path, "next");
    let next = stored
        .importer
        .import(&stored.tenant, request, silent())
        .await;
    assert_eq!(next.expect("its turn comes").state, JobState::Done);
    let jobs = stored.importer.jobs(&demo(), 10).await.expect("lists");
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[1].by, "dying");
    assert_eq!(jobs[1].state, JobState::Failed);
    assert_eq!(stored.values().await["users"].len(), 4);
}
