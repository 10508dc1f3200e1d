//! Who floods the door leaves other tenants, and its own other keys, their place.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures::{StreamExt, stream};
use ingest::Config;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::house::{House, Reply, click, credential, neighbours_key};

/// A request with a key whose body says that it is so long, and comes when it may.
fn slow(key: &str, length: usize, body: Body) -> Request<Body> {
    Request::post("/v1/events")
        .header("authorization", format!("Bearer {key}"))
        .header("content-length", length.to_string())
        .body(body)
        .expect("a request")
}

/// Posts an event whose end does not come until `released`: what has arrived holds a
/// place. Or what it is answered when there is none.
async fn hold(
    house: &Arc<House>,
    key: &str,
    released: watch::Receiver<bool>,
) -> Result<JoinHandle<Reply>, Reply> {
    let (polled, polling) = oneshot::channel();
    let event = format!("{:8000}", click(1).to_string());
    let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(event))]);
    let body = Body::from_stream(begun.chain(stream::once(async move {
        polled.send(()).expect("awaited");
        let mut released = released;
        released
            .wait_for(|released| *released)
            .await
            .expect("is released");
        Ok(Bytes::from(" ".repeat(1_000)))
    })));
    let request = slow(key, 9_000, body);
    let house = Arc::clone(house);
    let mut reply = tokio::spawn(async move { house.send(request).await });
    tokio::select! {
        biased;
        Ok(()) = polling => Ok(reply),
        reply = &mut reply => Err(reply.expect("answers")),
    }
}

#[tokio::test]
async fn who_floods_the_door_shuts_out_nobody_else() {
    let config = Config {
        max_compressed_bytes: 1_000,
        max_body_bytes: 10_000,
        memory_limit_bytes: 300_000,
        ..Config::default()
    };
    let house = Arc::new(House::with_config(config).await);
    let (release, released) = watch::channel(false);
    let mut held = Vec::new();
    let refused = loop {
        match hold(&house, &house.key, released.clone()).await {
            Ok(reply) => held.push(reply),
            Err(refused) => break refused,
        }
    };
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
    );
    // Each costs 27,000 bytes: three quarters of half the memory.
    assert_eq!(held.len(), 4);

    let neighbour = neighbours_key();
    let post = |key: &str, n: u64| {
        let body = click(n).to_string();
        let request = slow(key, body.len(), body.into());
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.send(request).await.status })
    };
    // A large one beside many small ones.
    let large = hold(&house, &neighbour, released.clone()).await;
    held.push(large.expect("has its place"));
    let small: Vec<_> = (0..15).map(|n| post(&neighbour, n)).collect();
    for status in small {
        assert_eq!(status.await.expect("answers"), StatusCode::ACCEPTED);
    }
    // Another key of the tenant that floods.
    let other = post(&credential("daily", [7; 32]), 20).await;
    assert_eq!(other.expect("answers"), StatusCode::ACCEPTED);
    // The flood goes on, and gets nothing of what the other one left.
    let refused = hold(&house, &house.key, released.clone()).await;
    assert_eq!(refused.expect_err("no place").code(), "overloaded");

    release.send(true).expect("awaited");
    for reply in held {
        assert_eq!(reply.await.expect("answers").status, StatusCode::ACCEPTED);
    }
    let again = hold(&house, &house.key, released)
        .await
        .expect("has its place");
    assert_eq!(again.await.expect("answers").status, StatusCode::ACCEPTED);
}
