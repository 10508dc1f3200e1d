//! Rosters are taken for jobs, and jobs are told.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::{StreamExt, stream};
use ingest::{Config, RosterConfig};
use rstest::rstest;
use runtime::inbox::Inbox;
use schemas::headers;
use schemas::roster::job::{Job, JobState, RosterUploaded};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::house::{House, NOW, Reply, credential, neighbours_key, tenant_id};
use crate::log_failures;

pub const ZIP: &[u8] = b"PK\x03\x04 what is in it is looked at by whoever imports it";

fn request(path: &str, key: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/zip")
}

async fn upload(house: &House, query: &str, body: impl Into<Body>) -> Reply {
    let request = request(&format!("/v1/roster{query}"), &house.key);
    house
        .send(request.body(body.into()).expect("a request"))
        .await
}

pub async fn get(house: &House, path: &str, key: &str) -> Reply {
    let request = Request::get(path).header("authorization", format!("Bearer {key}"));
    house
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

pub fn inbox(house: &House) -> Inbox {
    Inbox::new(house.registry.root().clone())
}

/// The jobs whose bundles wait.
pub async fn waiting(house: &House) -> Vec<Uuid> {
    let waiting = inbox(house).waiting().await.expect("lists");
    waiting.into_iter().map(|bundle| bundle.job).collect()
}

pub fn job_of(reply: &Reply) -> Uuid {
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    let job = reply.body["job"].as_str().expect("a job");
    let url = format!("/v1/roster/jobs/{job}");
    assert_eq!(
        (reply.header("location"), &reply.body["url"]),
        (url.as_str(), &json!(url))
    );
    job.parse().expect("an id")
}

#[tokio::test]
async fn a_bundle_is_stored_its_job_told_and_the_log_says_so() {
    let house = House::new().await;
    let chunks = ZIP
        .chunks(7)
        .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)));
    let body = Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()));
    let reply = upload(&house, "?source=PowerSchool%20nightly&force=true", body).await;
    let job = job_of(&reply);

    let mut stored = Vec::new();
    let copied = inbox(&house).copy(&tenant_id(), job, &mut stored).await;
    assert!(copied.expect("copies"));
    assert_eq!(stored, ZIP);
    let url = format!("/v1/roster/jobs/{job}");
    let told = get(&house, &url, &house.key).await;
    let checksum = told.body["checksum"].as_str().expect("a checksum");
    assert_eq!(
        told.body,
        json!({
            "id": job, "state": "waiting", "kind": "import", "source": "PowerSchool nightly",
            "checksum": checksum, "by": "key web", "forced": true, "created_at": NOW,
            "tables": {}, "found": {"fatal": 0, "errors": 0, "warnings": 0}, "url": url,
        })
    );
    let list = get(&house, "/v1/roster/jobs", &house.key).await;
    assert_eq!(list.body, json!({ "jobs": [told.body] }));
    let found = get(&house, &format!("{url}/diagnostics.csv"), &house.key).await;
    assert_eq!(
        (found.status.as_u16(), found.code()),
        (404, "no_diagnostics")
    );

    let records = house.records().await;
    assert_eq!(records.len(), 1);
    let header = |name| std::str::from_utf8(records[0].headers.get(name).expect("a header"));
    assert_eq!(header(headers::KIND), Ok(headers::kind::ROSTER_UPLOADED));
    assert_eq!(header(headers::TENANT), Ok("demo"));
    let notice: RosterUploaded = serde_json::from_slice(&records[0].value).expect("a notice");
    let expected = RosterUploaded {
        job,
        checksum: checksum.to_owned(),
        bytes: ZIP.len() as u64,
    };
    assert_eq!(notice, expected);
}

#[rstest]
#[case::no_key("", &[], ZIP, 401, "missing_key")]
#[case::public("page", &[("origin", "https://north.school.example")], ZIP, 403, "secret_key_needed")]
#[case::for_videos("video", &[], ZIP, 403, "roster_not_allowed")]
#[case::json("web", &[("content-type", "application/json")], ZIP, 415, "unsupported_media_type")]
#[case::no_type("web", &[("content-type", "")], ZIP, 415, "unsupported_media_type")]
#[case::gzip("web", &[("content-encoding", "gzip")], ZIP, 415, "unsupported_media_type")]
#[case::no_zip("web", &[], b"sourcedId,status\n", 400, "not_a_zip")]
#[case::a_beginning("web", &[], b"PK\x03", 400, "not_a_zip")]
#[case::empty("web", &[], b"", 400, "not_a_zip")]
#[case::declared("web", &[("content-length", "1025")], ZIP, 413, "roster_too_large")]
#[case::declared_and_asked_first(
    "web",
    &[("content-length", "99999999999"), ("expect", "100-continue")],
    ZIP,
    413,
    "roster_too_large"
)]
#[tokio::test]
async fn what_is_no_roster_or_from_nobody_is_refused(
    #[case] key: &str,
    #[case] headers: &[(&'static str, &str)],
    #[case] body: &'static [u8],
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = small().await;
    let numbers = [("web", 1), ("video", 2), ("page", 5)];
    let number = numbers.into_iter().find(|(name, _)| *name == key);
    let key = number.map(|(name, number)| credential(name, [number; 32]));
    let mut request = request("/v1/roster", &key.clone().unwrap_or_default());
    let sent = request.headers_mut().expect("headers");
    if key.is_none() {
        sent.remove("authorization");
    }
    for (name, value) in headers {
        sent.insert(*name, value.parse().expect("a value"));
    }
    let reply = house
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
    assert!(waiting(&house).await.is_empty());
    assert_eq!(house.records().await.len(), 0);
    let jobs = get(&house, "/v1/roster/jobs", &house.key).await;
    assert_eq!(jobs.body, json!({ "jobs": [] }));
}

/// A house that takes rosters of up to 1 KiB.
pub async fn small() -> House {
    let roster = RosterConfig {
        max_bytes: 1024,
        ..RosterConfig::default()
    };
    House::with_config(Config {
        roster,
        ..Config::default()
    })
    .await
}

#[rstest]
#[case("?dry_run=true")]
#[case("?force=perhaps")]
#[tokio::test]
async fn other_parameters_are_refused(#[case] query: &str) {
    let house = House::new().await;
    let reply = upload(&house, query, ZIP).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (400, "unknown_parameter")
    );
}

#[tokio::test]
async fn a_body_is_cut_off_at_the_limit_and_nothing_of_it_is_left() {
    let house = small().await;
    let chunk = |bytes: &[u8]| Ok::<_, std::io::Error>(Bytes::copy_from_slice(bytes));
    let rest = [0; 1024 - ZIP.len()];
    let fits = Body::from_stream(stream::iter([chunk(ZIP), chunk(&rest)]));
    let job = job_of(&upload(&house, "", fits).await);
    let more = Body::from_stream(stream::iter([chunk(ZIP), chunk(&rest), chunk(b"1")]));
    let reply = upload(&house, "", more).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (413, "roster_too_large")
    );
    let detail = reply.body["detail"].as_str().expect("text");
    assert!(detail.contains("1024 bytes"), "{detail}");

    let cut = std::io::Error::other("the connection is gone");
    let cut = Body::from_stream(stream::iter([chunk(ZIP), Err(cut)]));
    let reply = upload(&house, "", cut).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (400, "body_cut_short")
    );

    assert_eq!(waiting(&house).await, [job]);
    let folder = inbox(&house)
        .local_path(&tenant_id(), job)
        .expect("a folder");
    let files = std::fs::read_dir(folder.parent().expect("a folder")).expect("lists");
    assert_eq!(files.count(), 1, "nothing of the others");
}

#[tokio::test]
async fn the_same_bytes_get_the_job_that_waits_last() {
    let house = House::new().await;
    let other = [ZIP, b"!"].concat();
    let first = job_of(&upload(&house, "", ZIP).await);
    assert_eq!(job_of(&upload(&house, "", ZIP).await), first);
    let forced = job_of(&upload(&house, "?force=true", ZIP).await);
    let second = job_of(&upload(&house, "", other.clone()).await);
    assert!(first < forced && forced < second);
    // What came between would be the last word otherwise.
    let third = job_of(&upload(&house, "", ZIP).await);
    assert!(second < third);
    assert_eq!(waiting(&house).await, [first, forced, second, third]);
    assert_eq!(house.records().await.len(), 4);

    // Of one that has ended nothing more is to be expected.
    let mut job = stored(&house, third).await;
    job.state = JobState::Done;
    job.finished_at = Some(job.created_at);
    let path = schemas::layout::roster_job(&tenant_id(), third);
    let folder = house.registry.root().local_path().expect("a folder");
    let written = std::fs::write(folder.join(path), serde_json::to_vec(&job).expect("JSON"));
    written.expect("writes");
    assert_ne!(job_of(&upload(&house, "", ZIP).await), third);
    let told = get(&house, &format!("/v1/roster/jobs/{third}"), &house.key).await;
    let diagnostics = format!("/v1/roster/jobs/{third}/diagnostics.csv");
    assert_eq!(told.body["diagnostics"], diagnostics);
    let csv = schemas::layout::roster_diagnostics(&tenant_id(), third);
    std::fs::write(folder.join(csv), "severity,code\n").expect("writes");
    let request =
        Request::get(&diagnostics).header("authorization", format!("Bearer {}", house.key));
    let response = house
        .open(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(
        response.headers()["content-type"],
        "text/csv; charset=utf-8"
    );
    let csv = axum::body::to_bytes(response.into_body(), 100).await;
    assert_eq!(csv.expect("a body"), "severity,code\n");
}

pub async fn stored(house: &House, job: Uuid) -> Job {
    let job = inbox(house).job(&tenant_id(), job).await;
    job.expect("reads").expect("is known")
}

#[tokio::test]
async fn jobs_of_others_are_not_told() {
    let house = House::new().await;
    let job = job_of(&upload(&house, "", ZIP).await);
    let theirs = neighbours_key();
    let url = format!("/v1/roster/jobs/{job}");
    for path in [&url, &format!("{url}/diagnostics.csv"), "/v1/roster/jobs/7"] {
        let reply = get(&house, path, &theirs).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (404, "unknown_job"));
    }
    let none = get(&house, "/v1/roster/jobs", &theirs).await;
    assert_eq!(none.body, json!({ "jobs": [] }));
    for path in [&url, "/v1/roster/jobs"] {
        let reply = get(&house, path, &credential("video", [2; 32])).await;
        assert_eq!(reply.code(), "roster_not_allowed");
    }
}

#[tokio::test]
async fn one_of_a_tenant_comes_at_a_time_and_some_of_all() {
    let roster = RosterConfig {
        concurrent_uploads: 2,
        ..RosterConfig::default()
    };
    let house = House::with_config(Config {
        roster,
        ..Config::default()
    })
    .await;
    let (sent, comes) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let comes = stream::unfold(comes, async |mut comes| Some((comes.recv().await?, comes)));
    let slow = upload(&house, "", Body::from_stream(comes.boxed()));
    let others = async {
        sent.send(Ok(Bytes::from_static(ZIP)))
            .await
            .expect("is read");
        // It is read, so the first has its place.
        sent.send(Ok(Bytes::from_static(b".")))
            .await
            .expect("is read");
        let reply = upload(&house, "", ZIP).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (503, "too_many_uploads")
        );
        let theirs = request("/v1/roster", &neighbours_key()).body(ZIP.into());
        let reply = house.send(theirs.expect("a request")).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED);
        drop(sent);
    };
    let (slow, ()) = tokio::join!(slow, others);
    job_of(&slow);
    job_of(&upload(&house, "", ZIP).await);
}

#[tokio::test]
async fn it_is_promised_by_the_store_alone() {
    // This log takes no notices.
    let house = log_failures::house().await;
    let job = job_of(&upload(&house, "", ZIP).await);
    assert_eq!(waiting(&house).await, [job]);
    assert_eq!(stored(&house, job).await.state, JobState::Waiting);

    let house = House::new().await;
    let folder = house.registry.root().local_path().expect("a folder");
    std::fs::write(folder.join(schemas::layout::INBOX), "no folder").expect("writes");
    let reply = upload(&house, "", ZIP).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (503, "store_unavailable")
    );
    assert_eq!(house.records().await.len(), 0);
    let jobs = get(&house, "/v1/roster/jobs", &house.key).await;
    assert_eq!(jobs.body["jobs"], Value::Array(Vec::new()));
}
