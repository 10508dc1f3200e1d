//! A school's own types: registered, checked against their schema, stored and asked for.

use std::time::Duration;

use e2e::{Client, Sandbox};
use serde_json::{Value, json};

/// Promised are 5 seconds; this is for a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

fn opened(data: &Value) -> Value {
    json!({
        "type": "custom.lab.opened", "time": "2026-09-14T10:00:00Z", "actor": "stu-1041",
        "course": "bio-101", "data": data,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_of_ones_own_is_checked_and_stored() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant.id.as_str();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lab-opened.json");
    let schema = json!({
        "type": "object", "required": ["station"], "additionalProperties": false,
        "properties": {
            "station": {"type": "string"}, "minutes": {"$ref": "#/$defs/minutes"},
            "partner": {"type": "string"}, "by": {"type": "string"},
        },
        "$defs": {"minutes": {"type": "integer", "minimum": 0}},
    });
    std::fs::write(&file, schema.to_string()).expect("written");

    let good = opened(&json!({
        "station": "bench 3", "minutes": 12, "partner": "with stu-1041", "by": "teacher-1",
    }));
    let refused = sandbox.post(std::slice::from_ref(&good)).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["errors"][0]["code"], "unregistered_type");

    let file = file.display().to_string();
    let register = [
        "type",
        "register",
        "--tenant",
        tenant,
        "custom.lab.opened",
        &file,
    ];
    let registered = sandbox.cli(&register);
    assert_eq!(registered["replaced"], json!(false));
    let taken = async {
        while sandbox.post(std::slice::from_ref(&good)).await.status != 202 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, taken).await;
    in_time.expect("the type is taken soon");

    // One good and two bad ones: each has its own answer.
    let bad = opened(&json!({"station": "bench 3", "minutes": -1}));
    let other = opened(&json!({"station": "bench 3", "teacher": "anna"}));
    let reply = sandbox
        .post(&[good.clone(), bad.clone(), other.clone()])
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let results = reply.json()["results"].clone();
    assert_eq!(results[0]["outcome"], "accepted");
    for (index, place) in [(1, "/1/data/minutes"), (2, "/2/data/teacher")] {
        assert_eq!(results[index]["code"], "schema_violation");
        let pointer = results[index]["pointer"].as_str().unwrap_or_default();
        assert!(pointer.ends_with(place), "{results}");
    }
    assert!(!reply.text().contains("anna"), "{}", reply.text());

    // Segment's senders have them too.
    let call = json!({
        "type": "track", "messageId": "m-1", "timestamp": "2026-09-14T10:00:00Z",
        "userId": "stu-1041", "event": "custom.lab.opened", "properties": {"station": "field"},
    });
    let request = sandbox.ingest("/v1/batch").json(&json!({"batch": [call]}));
    let reply = Client::send(request).await.expect("ingest answers");
    assert_eq!(reply.status, 200, "{}", reply.text());

    sandbox.wait_for_count("clickstream", 2).await;
    let rows = sandbox
        .sql("select dialect, event_type, course_id, extra from clickstream order by dialect")
        .await;
    let row = |index: usize, column: &str| rows[index][column].clone();
    for index in 0..2 {
        assert_eq!(row(index, "event_type"), "custom.lab.opened");
    }
    assert_eq!(row(0, "course_id"), "bio-101");
    let extra = row(0, "extra");
    let extra: Value = serde_json::from_str(extra.as_str().expect("JSON")).expect("JSON");
    assert_eq!(extra["data"]["station"], "bench 3");
    assert_eq!(extra["data"]["minutes"], json!(12));
    let text = extra.to_string();
    assert!(
        !text.contains("stu-1041") && !text.contains("teacher-1"),
        "{text}"
    );

    // The schema that senders read, with a key of the school.
    let request = sandbox.ingest_get("/v1/schemas/custom.lab.opened");
    let reply = Client::send(request).await.expect("ingest answers");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let served = reply.json();
    let validator = jsonschema::validator_for(&served).expect("a schema");
    assert!(validator.is_valid(&good) && !validator.is_valid(&bad) && !validator.is_valid(&other));

    sandbox.cli(&["type", "remove", "--tenant", tenant, "custom.lab.opened"]);
    let refused = async {
        while sandbox.post(std::slice::from_ref(&good)).await.status != 400 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, refused).await;
    in_time.expect("the type is refused soon");
    assert_eq!(
        sandbox.value("select count(*) as n from clickstream").await,
        json!(2)
    );
}
