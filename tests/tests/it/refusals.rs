//! Bad input gets its status, code and pointer; its neighbours are stored.

use std::io::Write as _;

use e2e::{Client, Reply, Sandbox, event, eventually};
use serde_json::{Value, json};

/// A good event with one thing wrong.
fn spoiled(spoil: impl Fn(&mut Value)) -> Value {
    let mut event = json!({
        "type": "content.opened", "time": "2025-09-14T10:00:00Z", "actor": "stu-1",
        "content": "bio-101/cell-division", "data": {},
    });
    spoil(&mut event);
    event
}

fn set(pointer: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |event| match pointer.strip_prefix("/data/") {
        Some(member) => event["data"][member] = value.clone(),
        None => event[&pointer[1..]] = value.clone(),
    }
}

fn without(member: &'static str) -> impl Fn(&mut Value) {
    move |event| {
        event.as_object_mut().expect("an object").remove(member);
    }
}

/// Events that can never be taken: what is wrong, the code, the pointer.
fn bad_events() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            spoiled(set("/type", json!("page.eaten"))),
            "unknown_type",
            "/type",
        ),
        (
            spoiled(set("/type", json!("custom.lab"))),
            "unregistered_type",
            "/type",
        ),
        (spoiled(without("type")), "missing_member", "/type"),
        (spoiled(without("actor")), "missing_member", "/actor"),
        (spoiled(without("time")), "missing_member", "/time"),
        (spoiled(without("content")), "missing_member", "/content"),
        (
            spoiled(set("/data/count", json!("many"))),
            "wrong_type",
            "/data/count",
        ),
        (spoiled(set("/actor", json!(7))), "wrong_type", "/actor"),
        (spoiled(set("/data", json!([]))), "wrong_type", "/data"),
        (
            spoiled(set("/time", json!("2025-09-14T10:00:00"))),
            "time_without_offset",
            "/time",
        ),
        (
            spoiled(set("/time", json!("yesterday"))),
            "invalid_time",
            "/time",
        ),
        (
            spoiled(set("/time", json!("2999-01-01T00:00:00Z"))),
            "time_in_future",
            "/time",
        ),
        (spoiled(set("/id", json!("seven"))), "invalid_id", "/id"),
        (json!(7), "not_an_object", ""),
    ]
}

/// One plain sentence that says what to do.
#[track_caller]
fn assert_helps(detail: &Value) {
    let detail = detail.as_str().expect("a detail");
    assert!(detail.ends_with('.') && detail.contains(' '), "{detail}");
}

#[tokio::test]
async fn a_bad_event_is_refused_alone() {
    let sandbox = Sandbox::up().await;
    let mut stored = 0;
    for (bad, code, pointer) in bad_events() {
        let neighbours = [
            event::nth(stored * event::types()),
            event::nth((stored + 1) * event::types()),
        ];
        let [before, after] = neighbours;
        let reply = sandbox.post(&[before, bad.clone(), after]).await;
        let reply = reply.expect_status(200);
        assert_eq!(
            reply.outcomes(),
            ["accepted", "rejected", "accepted"],
            "{bad}"
        );
        let rejected = &reply.json()["results"][1];
        assert_eq!(rejected["code"], json!(code), "{bad}");
        assert_eq!(rejected["pointer"], json!(format!("/1{pointer}")), "{bad}");
        assert_helps(&rejected["detail"]);
        stored += 2;

        let alone = sandbox.post(&[bad]).await;
        assert_problem(&alone, 400, "no_event_taken");
        let error = &alone.json()["errors"][0];
        assert_eq!(error["index"], json!(0));
        assert_eq!(error["code"], json!(code));
        assert_eq!(error["pointer"], json!(format!("/0{pointer}")));
        assert_helps(&error["detail"]);
    }
    sandbox.wait_for_count("clickstream", stored).await;
}

/// An `application/problem+json` body with everything a sender needs.
#[track_caller]
fn assert_problem(reply: &Reply, status: u16, code: &str) {
    let problem = reply.json();
    assert_eq!(reply.status, status, "{code}: {problem}");
    assert_eq!(problem["code"], json!(code), "{problem}");
    assert_eq!(problem["status"], json!(status));
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    assert_helps(&problem["detail"]);
    assert!(problem["title"].is_string() && problem["trace_id"].is_string());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_as_a_whole() {
    /// Above the default caps of 16 MiB inflated and 2 MiB compressed.
    const OVER: usize = 17 << 20;
    let sandbox = Sandbox::up().await;
    let json = ("content-type", "application/json");
    let encoded = |encoding| vec![json, ("content-encoding", encoding)];
    let spaces = vec![b' '; OVER];
    let noise: Vec<u8> = {
        use rand::{RngCore as _, SeedableRng as _};
        let mut bytes = vec![0; 3 << 20];
        rand::rngs::StdRng::seed_from_u64(7).fill_bytes(&mut bytes);
        bytes
    };
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let bodies = [
        (vec![json], b"{\"type\":".to_vec(), 400, "invalid_json"),
        (vec![json], b"[{} {}]".to_vec(), 400, "invalid_json"),
        (vec![json], b"\xff\xfe".to_vec(), 400, "invalid_utf8"),
        (vec![json], b"[]".to_vec(), 400, "no_events"),
        (vec![json], b"".to_vec(), 400, "no_events"),
        (vec![json], b"\"page.viewed\"".to_vec(), 400, "not_events"),
        (vec![json], many.into_bytes(), 413, "too_many_events"),
        (vec![json], spaces.clone(), 413, "body_too_large"),
        (
            vec![("content-type", "text/html")],
            b"{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (encoded("br"), b"{}".to_vec(), 415, "unsupported_encoding"),
        (
            encoded("gzip"),
            b"no gzip".to_vec(),
            400,
            "invalid_compression",
        ),
        (
            encoded("gzip"),
            noise.clone(),
            413,
            "compressed_body_too_large",
        ),
        (
            encoded("gzip"),
            gzip(&spaces),
            413,
            "inflated_body_too_large",
        ),
        (
            encoded("zstd"),
            zstd::encode_all(spaces.as_slice(), 1).expect("memory takes it"),
            413,
            "inflated_body_too_large",
        ),
    ];
    for (headers, body, status, code) in bodies {
        let reply = sandbox.post_body(&headers, body).await;
        assert_problem(&reply, status, code);
    }
    // It is none the worse for it.
    sandbox.post(&[event::nth(0)]).await.expect_status(202);
    sandbox.wait_for_count("clickstream", 1).await;
}

#[tokio::test]
async fn keys_open_the_door_only_while_they_are_valid() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant.id.clone();
    let with = |key: &str| {
        let mut client = Client::clone(&sandbox);
        key.clone_into(&mut client.tenant.key);
        client
    };
    let mut forged = sandbox.tenant.key.clone();
    forged.truncate(forged.len() - 4);
    for (key, code) in [
        ("secret", "malformed_key"),
        ("ck_nobody_a_b", "unknown_key"),
        (forged.as_str(), "unknown_key"),
        (sandbox.tenant.token.as_str(), "query_token"),
    ] {
        let reply = with(key).post(&[event::nth(0)]).await;
        assert_problem(&reply, 401, code);
    }

    let issued = sandbox.cli(&["key", "issue", "--tenant", &tenant, "--family", "video"]);
    let client = with(issued["key"].as_str().expect("a key"));
    let number = |table| (0..).find(|n| event::table(*n) == table).expect("one");
    eventually("the new key works", || async {
        let reply = client.post(&[event::nth(number("video"))]).await;
        (reply.status == 202)
            .then_some(())
            .ok_or_else(|| reply.text())
    })
    .await;
    let other = client.post(&[event::nth(number("assessment"))]).await;
    assert_problem(&other, 403, "wrong_scope");

    let id = issued["id"].as_str().expect("an id");
    sandbox.cli(&["key", "revoke", "--tenant", &tenant, id]);
    let refused = eventually("the revoked key is refused", || async {
        let reply = client.post(&[event::nth(number("video"))]).await;
        if reply.status == 202 {
            return Err("it still works".to_owned());
        }
        Ok(reply)
    })
    .await;
    assert_problem(&refused, 401, "revoked_key");
}

#[tokio::test]
async fn questions_are_gated_too() {
    let sandbox = Sandbox::up().await;
    for sql in [
        "drop table video",
        "insert into video select * from video",
        "create external table t stored as parquet location '/tmp'",
        "copy video to '/tmp/video.parquet'",
        "set datafusion.execution.batch_size = 1",
        "select * from video; select * from video",
        "select * from '/etc/passwd'",
        "selec 1",
        "",
    ] {
        let reply = sandbox.ask(sql, json!([])).await.expect("query answers");
        assert!(
            (400..500).contains(&reply.status),
            "{sql}: {}",
            reply.text()
        );
        assert_helps(&reply.json()["detail"]);
    }
    let mut client = Client::clone(&sandbox);
    client.tenant.token = client.tenant.key.clone();
    let reply = client
        .ask("select 1", json!([]))
        .await
        .expect("query answers");
    assert_problem(&reply, 401, "token_is_write_key");

    let tenant = sandbox.tenant.id.clone();
    let issued = sandbox.cli(&["token", "issue", "--tenant", &tenant, "--role", "analyst"]);
    client.tenant.token = issued["token"].as_str().expect("a token").to_owned();
    eventually("the new token works", || async {
        let reply = client.ask("select 1 as one", json!([])).await;
        let reply = reply.map_err(|error| error.to_string())?;
        (reply.status == 200)
            .then_some(())
            .ok_or_else(|| reply.text())
    })
    .await;
    sandbox.cli(&[
        "token",
        "revoke",
        "--tenant",
        &tenant,
        issued["id"].as_str().expect("an id"),
    ]);
    eventually("the revoked token is refused", || async {
        let reply = client.ask("select 1 as one", json!([])).await;
        let status = reply.map_err(|error| error.to_string())?.status;
        (status == 401)
            .then_some(())
            .ok_or_else(|| "it still works".to_owned())
    })
    .await;
}
