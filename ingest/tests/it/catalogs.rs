//! Catalogues are taken for jobs as rosters are, in the form in which they come.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::Request;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use rstest::rstest;
use schemas::headers;
use schemas::roster::job::ImportKind;
use serde_json::json;

use crate::house::{House, NOW, Reply, credential, tenant_id};
use crate::rosters::{ZIP, get, inbox, job_of, small, stored, waiting};

const CSV: &str = "content_id,course_id,kind\nbio/quiz,bio,assessment\n";
const OBJECT: &str = r#"{"contents": [{"content_id": "bio/quiz", "kind": "assessment"}]}"#;
const ARRAY: &str = r#"[{"content_id": "bio/quiz", "kind": "assessment"}]"#;
const LINE: &str = r#"{"content_id": "bio/quiz", "kind": "assessment"}"#;

/// Uploads a body with such headers; those without a value are not sent.
async fn upload(
    house: &House,
    query: &str,
    headers: &[(&'static str, &str)],
    body: impl Into<Body>,
) -> Reply {
    let mut request = Request::post(format!("/v1/catalog{query}"))
        .header("authorization", format!("Bearer {}", house.key))
        .body(body.into())
        .expect("a request");
    for (name, value) in headers {
        let value = value.parse().expect("a value");
        request.headers_mut().insert(*name, value);
    }
    house.send(request).await
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("compresses");
    encoder.finish().expect("compresses")
}

#[tokio::test]
async fn a_catalogue_is_stored_its_job_told_with_those_of_rosters_and_the_log_says_so() {
    let house = House::new().await;
    let chunks = CSV.as_bytes().chunks(7);
    let chunks = chunks.map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)));
    let body = Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()));
    let query = "?table=contents&delta=true&source=LMS%20nightly&force=true";
    let csv = [("content-type", "text/csv; charset=utf-8")];
    let job = job_of(&upload(&house, query, &csv, body).await);

    let mut copy = Vec::new();
    let copied = inbox(&house).copy(&tenant_id(), job, &mut copy).await;
    assert!(copied.expect("copies"));
    assert_eq!(copy, CSV.as_bytes());
    let url = format!("/v1/roster/jobs/{job}");
    let told = get(&house, &url, &house.key).await;
    assert_eq!(
        told.body,
        json!({
            "id": job, "state": "waiting", "kind": "catalog", "source": "LMS nightly",
            "checksum": told.body["checksum"], "by": "key web", "forced": true, "delta": true,
            "file": "contents.csv", "created_at": NOW, "tables": {},
            "found": {"fatal": 0, "errors": 0, "warnings": 0}, "url": url,
        })
    );
    let list = get(&house, "/v1/roster/jobs", &house.key).await;
    assert_eq!(list.body, json!({ "jobs": [told.body] }));
    let records = house.records().await;
    let kind = records[0].headers.get(headers::KIND).expect("a header");
    assert_eq!(kind, headers::kind::ROSTER_UPLOADED.as_bytes());
}

#[rstest]
#[case::zip("", "application/zip", ZIP, "catalog.zip")]
#[case::csv("?table=awards", "text/csv", b"user_id,award_id\n", "awards.csv")]
#[case::object("", "application/json", OBJECT.as_bytes(), "catalog.json")]
#[case::array("?table=contents", "application/json", ARRAY.as_bytes(), "contents.json")]
#[case::lines("?table=contents", "application/x-ndjson", LINE.as_bytes(), "contents.jsonl")]
#[case::zip_unsaid("", "", ZIP, "catalog.zip")]
#[case::csv_unsaid("?table=contents", "", CSV.as_bytes(), "contents.csv")]
#[case::object_unsaid("", "application/octet-stream", OBJECT.as_bytes(), "catalog.json")]
#[case::lines_unsaid("?table=contents", "", LINE.as_bytes(), "contents.jsonl")]
#[tokio::test]
async fn the_form_is_said_by_the_type_or_seen(
    #[case] query: &str,
    #[case] media_type: &str,
    #[case] body: &'static [u8],
    #[case] file: &str,
    #[values(false, true)] is_compressed: bool,
) {
    let house = House::new().await;
    let mut headers = vec![("content-type", media_type)];
    let mut sent = body.to_vec();
    if is_compressed {
        headers.push(("content-encoding", "gzip"));
        sent = gzip(body);
    }
    let job = job_of(&upload(&house, query, &headers, sent).await);
    let job = stored(&house, job).await;
    assert_eq!(
        (job.kind, job.file.as_deref()),
        (ImportKind::Catalog, Some(file))
    );
    let mut copy = Vec::new();
    let copied = inbox(&house).copy(&tenant_id(), job.id, &mut copy).await;
    assert!(copied.expect("copies"));
    assert_eq!(copy, body, "it is stored inflated");
}

#[rstest]
#[case::a_form("", &[("content-type", "multipart/form-data; boundary=x")], CSV, 415, "unsupported_media_type")]
#[case::text("?table=contents", &[("content-type", "text/plain")], CSV, 415, "unsupported_media_type")]
#[case::zstd("", &[("content-encoding", "zstd")], OBJECT, 415, "unsupported_media_type")]
#[case::no_gzip("", &[("content-encoding", "gzip")], OBJECT, 400, "invalid_compression")]
#[case::no_zip("", &[("content-type", "application/zip")], CSV, 400, "not_a_catalog")]
#[case::no_json("", &[("content-type", "application/json")], CSV, 400, "not_a_catalog")]
#[case::empty("?table=contents", &[], "", 400, "not_a_catalog")]
#[case::of_no_table("", &[("content-type", "text/csv")], CSV, 400, "missing_table")]
#[case::rows_of_no_table("", &[], ARRAY, 400, "missing_table")]
#[case::of_rosters("?table=users", &[], CSV, 400, "unknown_parameter")]
#[case::named_twice("?table=contents", &[("content-type", "application/json")], OBJECT, 400, "unknown_parameter")]
#[case::other("?dry_run=true", &[], OBJECT, 400, "unknown_parameter")]
#[case::declared("", &[("content-length", "1025")], OBJECT, 413, "catalog_too_large")]
#[case::asked_first(
    "",
    &[("content-length", "99999999999"), ("expect", "100-continue")],
    OBJECT,
    413,
    "catalog_too_large"
)]
#[tokio::test]
async fn what_is_no_catalogue_is_refused(
    #[case] query: &str,
    #[case] headers: &[(&'static str, &str)],
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let house = small().await;
    let reply = upload(&house, query, headers, body).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
    assert!(waiting(&house).await.is_empty());
    assert_eq!(house.records().await.len(), 0);
}

#[tokio::test]
async fn only_who_may_send_rosters_sends_catalogues() {
    let house = House::new().await;
    let page = [("origin", "https://north.school.example")];
    let keys = [
        ("video", 2, &[][..], "roster_not_allowed"),
        ("page", 5, &page[..], "secret_key_needed"),
    ];
    for (name, number, headers, code) in keys {
        let authorization = format!("Bearer {}", credential(name, [number; 32]));
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        let reply = upload(&house, "", &all, OBJECT).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, code));
    }
}

#[tokio::test]
async fn what_it_inflates_to_is_cut_off_at_the_limit() {
    let house = small().await;
    let encoded = [("content-encoding", "gzip")];
    let table = "?table=contents";
    let fits = gzip(&[b'x'; 1024]);
    let job = job_of(&upload(&house, table, &encoded, fits).await);
    let more = gzip(&vec![b'x'; 5 << 20]);
    let reply = upload(&house, table, &encoded, more).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (413, "catalog_too_large")
    );
    let cut = gzip(&[b'x'; 900]);
    let reply = upload(&house, table, &encoded, cut[..cut.len() - 1].to_vec()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (400, "invalid_compression")
    );
    assert_eq!(waiting(&house).await, [job]);
    let file = inbox(&house).local_path(&tenant_id(), job);
    let file = file.expect("a folder");
    let files = std::fs::read_dir(file.parent().expect("a folder")).expect("lists");
    assert_eq!(files.count(), 1, "nothing of the others");
}

#[tokio::test]
async fn the_same_bytes_get_the_same_job_only_where_they_are_the_same_catalogue() {
    let house = House::new().await;
    let sent = async |query: &str| job_of(&upload(&house, query, &[], ARRAY).await);
    let contents = sent("?table=contents").await;
    assert_eq!(sent("?table=contents").await, contents);
    let delta = sent("?table=contents&delta=true").await;
    let programs = sent("?table=programs&delta=true").await;
    let forced = sent("?table=programs&delta=true&force=true").await;
    let all = [contents, delta, programs, forced];
    assert_eq!(waiting(&house).await, all);

    let zip = [("content-type", "application/zip")];
    let catalog = job_of(&upload(&house, "", &zip, ZIP).await);
    let roster = Request::post("/v1/roster")
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", "application/zip");
    let reply = house
        .send(roster.body(ZIP.into()).expect("a request"))
        .await;
    assert_ne!(job_of(&reply), catalog);
}
