//! Whatever is sent to the door of Open edX, it answers.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::edx::{golden, track};
use crate::house::House;

/// JSON that no member expects.
fn odd_values() -> Vec<Value> {
    let nested = (0..60).fold(json!(1), |inner, n| {
        if n % 2 == 0 {
            json!([inner])
        } else {
            json!({"a": inner})
        }
    });
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!("x"),
        json!("\u{0}"),
        json!("%ff@a.bc&input_=_1_1"),
        json!("{\"a\":[1,{}]}"),
        json!("[[["),
        json!("\\ud800"),
        json!([]),
        json!({}),
        json!([{"id": {}}, "input_a_1_1=%"]),
        json!({"id": [], "by": 7, "": null}),
        json!("z".repeat(40_000)),
        nested,
    ]
}

#[tokio::test]
async fn no_value_of_any_member_causes_a_panic() {
    let house = House::new().await;
    for pair in golden() {
        let mut event = pair["tracking"].clone();
        // As the server tells it, so that each member can be changed.
        if let Some(Ok(inner @ Value::Object(_))) =
            event["event"].as_str().map(serde_json::from_str)
        {
            event["event"] = inner;
        }
        let mut pointers: Vec<String> = Vec::new();
        for parent in ["", "/context", "/event", "/data", "/event/submission"] {
            let members = event.pointer(parent).and_then(Value::as_object);
            pointers.extend(
                members
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| format!("{parent}/{name}")),
            );
        }
        let mut body = Vec::new();
        for pointer in &pointers {
            for odd in odd_values() {
                let mut changed = event.clone();
                *changed.pointer_mut(pointer).expect("a member") = odd;
                body.push(changed);
            }
        }
        let body = Value::Array(body);
        let reply = track(&house, body.to_string(), "application/json").await;
        assert!(reply.status.is_success(), "{}", reply.body);
        for result in reply.body["results"].as_array().expect("results") {
            let Some(pointer) = result["pointer"].as_str() else {
                continue;
            };
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(body.pointer(parent).is_some(), "{result}");
            assert!(
                result["detail"]
                    .as_str()
                    .is_some_and(|detail| detail.ends_with('.')),
                "{result}"
            );
        }
    }
}

#[test]
fn whatever_is_sent_the_answer_is_documented() {
    const STATUSES: [u16; 4] = [200, 202, 400, 413];
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let house = runtime.block_on(House::new());
    let pieces = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "{", "}", "[", "]", "\"", "\\\"", ",", ":", "\\u", "\\ud800", "null", "1e999", "-",
            "\n", "\0", "%", "@", " - {", "#", "&", "=", "+", "/",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    let edit = (any::<prop::sample::Index>(), 0_usize..4, pieces);
    let edits = prop::collection::vec(edit, 0..5);
    let lines: Vec<_> = golden()
        .iter()
        .map(|pair| pair["tracking"].to_string())
        .collect();
    let body = (prop::sample::select(lines), edits).prop_map(|(body, edits)| {
        let mut body = body.into_bytes();
        for (at, cut, piece) in edits {
            let at = at.index(body.len() + 1);
            let end = (at + cut).min(body.len());
            body.splice(at..end, piece);
        }
        body
    });
    let kinds = prop::sample::select(vec!["application/json", "text/plain"]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    let all = runner.run(&(body, kinds), |(body, kind)| {
        let reply = runtime.block_on(track(&house, body, kind));
        prop_assert!(STATUSES.contains(&reply.status.as_u16()), "{reply:?}");
        Ok(())
    });
    all.expect("every answer is documented");
}
