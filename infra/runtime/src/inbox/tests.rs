use schemas::roster::job::ImportKind;

use super::*;

fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant")
}

fn job(id: u128, uploaded: bool) -> Job {
    let (id, now) = (Uuid::from_u128(id), DateTime::UNIX_EPOCH);
    Job {
        uploaded,
        ..Job::new(id, ImportKind::Import, "roster.zip", "sis", now)
    }
}

async fn put(inbox: &Inbox, of: &str, id: u128, chunks: &[Bytes]) -> Stored {
    let mut upload = inbox
        .begin(&tenant(of), Uuid::from_u128(id))
        .await
        .expect("begins");
    for chunk in chunks {
        upload.write(chunk).await.expect("writes");
    }
    upload.finish().await.expect("finishes")
}

async fn check(inbox: &Inbox) {
    // More than two parts, in chunks that no part is a multiple of.
    let chunk = Bytes::from(vec![7; 3_000_001]);
    let large: Vec<_> = std::iter::repeat_n(chunk, 7).collect();
    let stored = put(inbox, "one", 3, &large).await;
    assert_eq!(stored.bytes, 21_000_007);
    let hello = [Bytes::from_static(b"hel"), Bytes::from_static(b"lo")];
    let stored = put(inbox, "two", 2, &hello).await;
    let of_hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(stored.checksum, of_hello);
    let begun = inbox.begin(&tenant("one"), Uuid::from_u128(1)).await;
    let mut begun = begun.expect("begins");
    begun.write(&large[0]).await.expect("writes");

    let places = |waiting: &[Waiting]| -> Vec<_> {
        let places = waiting.iter();
        places
            .map(|w| (w.tenant.to_string(), w.job.as_u128()))
            .collect()
    };
    let place = |of: &str, id| (of.to_owned(), id);
    let all = inbox.waiting().await.expect("lists");
    assert_eq!(places(&all), [place("two", 2), place("one", 3)]);
    begun.abort().await;
    let of_one = inbox.waiting_of(&tenant("one")).await.expect("lists");
    assert_eq!(places(&of_one), [place("one", 3)]);

    let mut copy = Vec::new();
    let (one, third) = (tenant("one"), Uuid::from_u128(3));
    assert!(inbox.copy(&one, third, &mut copy).await.expect("copies"));
    assert_eq!(copy, vec![7; 21_000_007]);
    inbox.remove(&one, third).await.expect("removes");
    inbox.remove(&one, third).await.expect("it is gone already");
    assert!(!inbox.copy(&one, third, &mut copy).await.expect("looks"));

    for (id, uploaded) in [(1, true), (2, false), (3, true), (4, true)] {
        let created = inbox.create_job(&one, &job(id, uploaded)).await;
        assert!(created.expect("creates"));
    }
    let again = inbox.create_job(&one, &job(1, true)).await;
    assert!(!again.expect("looks"));
    assert_eq!(
        inbox.job(&one, third).await.expect("reads"),
        Some(job(3, true))
    );
    assert_eq!(inbox.job(&tenant("two"), third).await.expect("reads"), None);
    let jobs = inbox.jobs(&one, 2).await.expect("reads");
    assert_eq!(jobs, [job(4, true), job(3, true)]);
    let jobs = inbox.jobs(&one, 9).await.expect("reads");
    assert_eq!(jobs.len(), 3, "those of commands are not among them");
    assert_eq!(inbox.diagnostics(&one, third).await.expect("reads"), None);
}

#[tokio::test]
async fn bundles_wait_whole_in_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = folder.path().display().to_string();
    let root = Root::open(&location, Default::default()).expect("opens");
    let inbox = Inbox::new(root);
    check(&inbox).await;
    let path = inbox.local_path(&tenant("two"), Uuid::from_u128(2));
    let bytes = std::fs::read(path.expect("a folder")).expect("a file");
    assert_eq!(bytes, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_wait_whole_in_an_object_store() {
    let options = seaweed::Server::shared().options();
    let root = Root::open("s3://lake/inbox-test", options).expect("opens");
    check(&Inbox::new(root)).await;
}
