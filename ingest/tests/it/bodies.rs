//! Content types, encodings, caps and slow clients.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures::{StreamExt, stream};
use ingest::Config;
use rstest::rstest;
use serde_json::json;

use crate::house::{House, click};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("compresses");
    encoder.finish().expect("compresses")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("compresses")
}

#[rstest]
#[case(&[])]
#[case(&[("content-type", "application/json")])]
#[case(&[("content-type", "Application/JSON; charset=utf-8"), ("content-encoding", "identity")])]
#[case(&[("content-type", "text/plain;charset=UTF-8")])]
#[tokio::test]
async fn json_may_be_called_several_things(#[case] headers: &[(&str, &str)]) {
    let house = House::new().await;
    let reply = house.post_bytes(click(1).to_string(), headers).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}

#[rstest]
#[case("content-type", "application/xml", "unsupported_media_type", "accept")]
#[case(
    "content-type",
    "application/x-www-form-urlencoded",
    "unsupported_media_type",
    "accept"
)]
#[case("content-type", "", "unsupported_media_type", "accept")]
#[case("content-encoding", "br", "unsupported_encoding", "accept-encoding")]
#[case(
    "content-encoding",
    "gzip, zstd",
    "unsupported_encoding",
    "accept-encoding"
)]
#[tokio::test]
async fn other_types_and_encodings_are_refused(
    #[case] header: &str,
    #[case] value: &str,
    #[case] code: &str,
    #[case] accepted: &str,
) {
    let house = House::new().await;
    let reply = house
        .post_bytes(click(1).to_string(), &[(header, value)])
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, code)
    );
    assert!(!reply.header(accepted).is_empty());
}

#[tokio::test]
async fn json_is_not_taken_for_lines_nor_lines_for_json() {
    let house = House::new().await;
    let lines = format!("{}\n{}\n", click(1), click(2));
    let reply = house.post_bytes(lines, &[]).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::BAD_REQUEST, "invalid_json")
    );
    assert!(
        reply.body["detail"]
            .as_str()
            .expect("text")
            .contains("line 2 column 1")
    );
    let array = json!([click(1)]).to_string();
    let reply = house
        .post_bytes(array, &[("content-type", "application/x-ndjson")])
        .await;
    assert_eq!(reply.body["errors"][0]["code"], "not_an_object");
}

#[tokio::test]
async fn compressed_bodies_are_inflated() {
    let house = House::new().await;
    let body = json!([click(1), click(2)]).to_string();
    let mut members = gzip(&body.as_bytes()[..40]);
    members.extend(gzip(&body.as_bytes()[40..]));
    for (encoding, compressed) in [
        ("gzip", gzip(body.as_bytes())),
        ("GZIP", members),
        ("zstd", zstd(body.as_bytes())),
    ] {
        let reply = house
            .post_bytes(compressed, &[("content-encoding", encoding)])
            .await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{encoding}");
    }
}

#[tokio::test]
async fn what_does_not_inflate_is_refused() {
    let house = House::new().await;
    let body = click(1).to_string();
    let mut cut = gzip(body.as_bytes());
    cut.truncate(cut.len() - 9);
    // A frame that asks its reader for a window of 1 GiB.
    let wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00];
    for (encoding, compressed) in [
        ("gzip", body.clone().into_bytes()),
        ("gzip", cut),
        ("zstd", body.into_bytes()),
        ("zstd", wide.to_vec()),
    ] {
        let reply = house
            .post_bytes(compressed, &[("content-encoding", encoding)])
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::BAD_REQUEST, "invalid_compression"),
            "{encoding}"
        );
    }
}

fn small() -> Config {
    Config {
        max_compressed_bytes: 2_000,
        max_body_bytes: 10_000,
        max_events: 3,
        ..Config::default()
    }
}

#[rstest]
#[case("gzip", gzip(&vec![b' '; 1 << 20]))]
#[case("zstd", zstd(&vec![b' '; 1 << 20]))]
#[tokio::test]
async fn a_bomb_is_stopped_at_the_cap(#[case] encoding: &str, #[case] bomb: Vec<u8>) {
    assert!(bomb.len() < 2_000);
    let house = House::with_config(small()).await;
    let reply = house
        .post_bytes(bomb, &[("content-encoding", encoding)])
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::PAYLOAD_TOO_LARGE, "inflated_body_too_large")
    );
    assert!(
        reply.body["detail"]
            .as_str()
            .expect("text")
            .contains("10000")
    );
}

#[tokio::test]
async fn bodies_and_batches_have_caps() {
    let house = House::with_config(small()).await;
    let long = vec![b' '; 10_001];
    let length = long.len().to_string();
    for headers in [&[][..], &[("content-length", length.as_str())]] {
        let reply = house.post_bytes(long.clone(), headers).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
        );
    }
    let mut state = 1_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    let noise: Vec<u8> = (0..1_000).flat_map(|_| noise()).collect();
    let reply = house
        .post_bytes(gzip(&noise), &[("content-encoding", "gzip")])
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::PAYLOAD_TOO_LARGE, "compressed_body_too_large")
    );
    let four = json!([click(1), click(2), click(3), click(4)]);
    let reply = house.post(&four).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too_many_events")
    );
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn a_refused_body_is_read_on_so_that_its_sender_sees_the_answer() {
    let house = House::with_config(small()).await;
    let (read, reading) = tokio::sync::watch::channel(0_usize);
    let endless = stream::repeat_with(move || {
        read.send_modify(|bytes| *bytes += 1_000);
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1_000]))
    });
    let reply = house.post_bytes(Body::from_stream(endless), &[]).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let bytes = *reading.borrow();
    assert!((30_000..40_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let config = Config {
        body_timeout_ms: 20,
        ..Config::default()
    };
    let house = House::with_config(config).await;
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"["))]);
    let slow = Body::from_stream(first.chain(stream::pending()));
    let reply = house.post_bytes(slow, &[]).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::REQUEST_TIMEOUT, "body_timeout")
    );
    assert_eq!(reply.header("connection"), "close");
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let house = House::new().await;
    let whole = format!("{}\n{}", click(1), click(2));
    let chunks = [Ok(Bytes::from(whole)), Err(std::io::Error::other("gone"))];
    let broken = Body::from_stream(stream::iter(chunks));
    let reply = house
        .post_bytes(broken, &[("content-type", "application/x-ndjson")])
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::BAD_REQUEST, "body_cut_short")
    );
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn an_event_has_a_cap_of_its_own_that_the_log_may_lower() {
    let event = click(1).to_string();
    let longer = format!("{} }}", &event[..event.len() - 1]);
    let config = Config {
        max_event_bytes: event.len(),
        ..Config::default()
    };
    let house = House::with_config(config).await;
    let reply = house.post_bytes(format!("[{longer},{event}]"), &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.outcomes(), ["event_too_large /0", "accepted"]);
    let reply = house.post_bytes(longer, &[]).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (400, "no_event_taken")
    );

    // More than the log takes is refused before it is read, whatever is set.
    let config = Config {
        max_event_bytes: 15_000_000,
        ..Config::default()
    };
    let house = House::with_config(config).await;
    let many = format!(r#"{{"x":[{}{{}}]}}"#, "{},".repeat(4_000_000));
    let reply = house.post_bytes(many, &[]).await;
    assert_eq!(reply.body["errors"][0]["code"], "event_too_large");
}

#[tokio::test]
async fn a_full_memory_asks_to_come_back_before_reading() {
    let config = Config {
        max_compressed_bytes: 1_000,
        max_body_bytes: 10_000,
        memory_limit_bytes: 33_000,
        ..Config::default()
    };
    let house = std::sync::Arc::new(House::with_config(config).await);
    // This one holds its place as long as the last of its body has not arrived.
    let (hold, held) = tokio::sync::oneshot::channel::<()>();
    let (polled, polling) = tokio::sync::oneshot::channel::<()>();
    let event = format!("{:8000}", click(1).to_string());
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(event))]);
    let body = Body::from_stream(begun.chain(stream::once(async move {
        polled.send(()).expect("awaited");
        held.await.ok();
        Ok(Bytes::from(" ".repeat(1_000)))
    })));
    let first = tokio::spawn({
        let house = std::sync::Arc::clone(&house);
        async move { house.post_bytes(body, &[("content-length", "9000")]).await }
    });
    polling.await.expect("polled");

    let unread = Body::from_stream(stream::once(async {
        panic!("the body is not to be read");
        #[expect(unreachable_code, reason = "gives the stream its type")]
        Ok::<_, std::io::Error>(Bytes::new())
    }));
    let refused = house
        .post_bytes(unread, &[("content-length", "5000")])
        .await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
    );
    // Nothing has come back yet, so it may take longer.
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((8..=12).contains(&seconds), "{seconds}");

    hold.send(()).expect("awaited");
    assert_eq!(first.await.expect("answers").status, StatusCode::ACCEPTED);
    let small = house.post(&click(2)).await;
    assert_eq!(small.status, StatusCode::ACCEPTED);
}
