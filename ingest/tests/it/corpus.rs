//! What fuzzing began with and what it found: each input gets an answer that is
//! documented. `ingest/fuzz` has the targets.

use std::path::Path;

use axum::http::Request;

use crate::house::House;

type Headers = &'static [(&'static str, &'static str)];

/// The targets of the fuzzer: the path, and the headers.
const TARGETS: &[(&str, &str, Headers)] = &[
    ("native", "/v1/events", &[JSON]),
    ("ndjson", "/v1/events", &[LINES]),
    (
        "xapi",
        "/xapi/statements",
        &[JSON, ("x-experience-api-version", "1.0.3")],
    ),
    (
        "multipart",
        "/xapi/statements",
        &[
            ("content-type", "multipart/mixed; boundary=b"),
            ("x-experience-api-version", "2.0.0"),
        ],
    ),
    ("caliper", "/caliper", &[JSON]),
    ("edx", "/v1/edx/tracking", &[LINES]),
    ("segment", "/v1/batch", &[JSON]),
    ("canvas", "/v1/canvas", &[JSON]),
    ("gzip", "/v1/events", &[JSON, ("content-encoding", "gzip")]),
    ("zstd", "/v1/events", &[JSON, ("content-encoding", "zstd")]),
];

const JSON: (&str, &str) = ("content-type", "application/json");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const STATUSES: [u16; 7] = [200, 202, 204, 400, 403, 413, 415];

#[tokio::test]
async fn every_input_is_answered() {
    let house = House::new().await;
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let folders = std::fs::read_dir(&corpus).expect("the corpus");
    assert_eq!(folders.count(), TARGETS.len());
    let mut taken = 0;
    for (target, path, headers) in TARGETS {
        let inputs = std::fs::read_dir(corpus.join(target)).expect("inputs");
        for input in inputs {
            let input = input.expect("an input").path();
            let mut request =
                Request::post(*path).header("authorization", format!("Bearer {}", house.key));
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let body = std::fs::read(&input).expect("bytes");
            let request = request.body(body.into()).expect("a request");
            let reply = house.send(request).await;
            let status = reply.status.as_u16();
            assert!(STATUSES.contains(&status), "{}: {reply:?}", input.display());
            taken += u32::from(reply.status.is_success());
        }
    }
    assert!(taken > TARGETS.len() as u32, "nearly all was refused");
    // What entered the log can be read.
    assert_eq!(house.events().await.len(), house.records().await.len());
}
