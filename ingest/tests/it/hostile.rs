//! Whatever is sent, each door answers with a status that it documents.

use std::cell::Cell;
use std::io::Write;

use crate::house::House;
use axum::body::Body;
use axum::http::Request;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const EVENTS: &[u8] = br#"{"sent_at":"2026-09-14T11:59:59Z","events":[
    {"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01","type":"video.progressed","actor":"mailto:Ann@x.org",
     "time":"2026-09-14T10:00:00.123Z","content":"c","context":{"app":"web","ip":"192.0.2.1"},
     "data":{"from":61.0,"to":76.5,"played_segments":[[0,12.5]],"x":[{"ann@x.org":"\\u00e9%40\\n"}]}},
    {"type":"item.answered","actor":"stu-1042","time":"2026-09-14T12:00:00+02:00",
     "data":{"item":"q","response":["a",1e3],"attempt":2,"by":"ann"},"mood":null}]}"#;

const STATEMENTS: &[u8] = br#"[{"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01",
    "actor":{"mbox":"mailto:Ann@x.org","name":"Ann  Berg"},"timestamp":"2026-09-14T24:00Z",
    "verb":{"id":"http://example.com/verbs/met-Ann+Berg","display":{"en-GB":"met"}},
    "object":{"id":"http://example.com/%C3%BC?u=ann%40x.org","definition":{"type":"http://e.com/t",
     "interactionType":"choice","choices":[{"id":"a"},{"id":"b"}]}},
    "result":{"score":{"raw":1,"max":2},"duration":"PT1H0.5S","response":"\\u0041nn Berg"},
    "context":{"team":{"objectType":"Group","member":[{"mbox":"mailto:ben@x.org"}]},"language":"de-CH-1901",
     "extensions":{"http://e.com/x":{"openid":"https://ids.example/b","mbox":"mailto:c@x.org"}}}}]"#;

const MULTIPART: &[u8] = b"--b\r\nContent-Type: application/json\r\n\r\n[{\"actor\":{\"mbox\":\"mailto:a@x.org\"},\
    \"verb\":{\"id\":\"http://e.com/v\"},\"object\":{\"id\":\"http://e.com/o\"},\"attachments\":[{\"usageType\":\
    \"http://e.com/u\",\"display\":{\"en\":\"x\"},\"contentType\":\"text/plain\",\"length\":3,\"sha2\":\
    \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}]}]\r\n--b\r\n\
    Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: \
    ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\r\n\r\nabc\r\n--b--\r\n";

const ENVELOPE: &[u8] = br#"{"sensor":"https://e.com/s","sendTime":"2026-09-14T11:59:59.000Z",
    "dataVersion":"http://purl.imsglobal.org/ctx/caliper/v1p2","data":[{"type":"MediaEvent",
     "@context":["http://purl.imsglobal.org/ctx/caliper/v1p2",{"q":"http://e.com/q"}],
     "id":"urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01","action":"Paused","actor":"https://e.com/users/7",
     "object":{"id":"https://e.com/v","type":"VideoObject","duration":"PT20M"},
     "target":{"id":"https://e.com/v?t=1","type":"MediaLocation","currentTime":"PT1M0.5S"},
     "eventTime":"2026-09-14T10:00:00.123Z","session":{"id":"urn:s","type":"Session","user":"ann@x.org"},
     "extensions":{"x":{"type":"Person","id":"urn:u:Ann+Berg","name":"Ann  Berg"}}},
    {"id":"https://e.com/users/7","type":"Person"}]}"#;

/// Bytes of any kind, or a good body with a few bytes replaced.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            ",",
            ":",
            "\\u",
            "\\ud800",
            "null",
            "1e999",
            "-",
            "\n",
            "\r\n",
            "\0",
            "%",
            "%25",
            "+",
            "  ",
            "--b",
            "--b--",
            "Ann Berg",
            "ann@x.org",
            "\u{fc}",
            "\u{a0}",
            "60",
            "24:00",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    let edits = prop::collection::vec((any::<Index>(), 0_usize..4, pieces), 0..5);
    let edited =
        (select(vec![EVENTS, STATEMENTS, MULTIPART, ENVELOPE]), edits).prop_map(|(body, edits)| {
            let mut body = body.to_vec();
            for (at, cut, piece) in edits {
                let at = at.index(body.len() + 1);
                let end = (at + cut).min(body.len());
                body.splice(at..end, piece);
            }
            body
        });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..200), 9 => edited]
}

/// Method and path, and what may be answered there.
fn door() -> impl Strategy<Value = (&'static str, String, &'static [u16])> {
    const EVENTS: &[u16] = &[200, 202, 400, 401, 403, 413, 415];
    const STATEMENTS: &[u16] = &[200, 204, 400, 401, 403, 413, 415];
    prop_oneof![
        Just(("POST", "/v1/events".to_owned(), EVENTS)),
        Just(("POST", "/caliper".to_owned(), EVENTS)),
        Just(("POST", "/xapi/statements".to_owned(), STATEMENTS)),
        "[a-z0-9%=&+-]{0,20}".prop_map(|query| {
            let path = format!("/xapi/statements?statementId={query}");
            ("PUT", path, STATEMENTS)
        }),
        Just((
            "PUT",
            "/xapi/statements?statementId=0197c3b2%2D8a5e-7c10-9d55-3f1f6f0c1a01".to_owned(),
            STATEMENTS
        )),
    ]
}

fn header(values: &[&'static str]) -> impl Strategy<Value = Option<Vec<u8>>> {
    let known = select(values.to_vec()).prop_map(|value| value.as_bytes().to_vec());
    // All that may stand in a header.
    let other = prop::collection::vec(prop_oneof![32..127_u8, 128..=255_u8], 0..20);
    prop::option::weighted(0.9, prop_oneof![19 => known, 1 => other])
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

#[test]
fn every_answer_is_documented() {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let house = runtime.block_on(House::new());
    let types = header(&[
        "application/json",
        "application/x-ndjson",
        "text/plain",
        "multipart/mixed; boundary=b",
        "multipart/mixed; boundary=\"b\"",
        "multipart/mixed",
    ]);
    let encodings = header(&["identity", "gzip", "gzip", "zstd"]);
    let versions = header(&["1.0.3", "2.0.0"]);
    let request = (door(), types, encodings, versions, body(), any::<bool>());
    let taken = Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(3_000));
    let all = runner.run(
        &request,
        |((method, path, statuses), kind, encoding, version, body, packed)| {
            let body = if packed { gzip(&body) } else { body };
            let mut request = Request::builder()
                .method(method)
                .uri(&path)
                .header("authorization", format!("Bearer {}", house.key));
            // Most are packed as they claim to be.
            let encoding = encoding.filter(|value| packed || value != b"gzip");
            for (name, value) in [
                ("content-type", kind),
                ("content-encoding", encoding),
                ("x-experience-api-version", version),
            ] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            // A broken escape is no URI: the server refuses it before us.
            let Ok(request) = request.body(Body::from(body)) else {
                return Ok(());
            };
            let reply = runtime.block_on(house.send(request));
            taken.set(taken.get() + u32::from(reply.status.is_success()));
            prop_assert!(statuses.contains(&reply.status.as_u16()), "{reply:?}");
            Ok(())
        },
    );
    all.expect("every answer is documented");
    assert!(taken.get() > 0, "all was refused");
}
