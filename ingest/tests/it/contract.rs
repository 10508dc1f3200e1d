//! What senders read before they send.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use schemas::event::{EventType, json_schema};

use crate::house::House;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn every_type_has_its_json_schema_without_a_key() {
    let house = House::new().await;
    let list = house.send(get("/v1/schemas")).await;
    let types = list.body["types"].as_array().expect("types");
    assert_eq!(types.len(), EventType::all().len());
    for (listed, event_type) in types.iter().zip(EventType::all()) {
        assert_eq!(listed["type"], event_type.name);
        assert_eq!(listed["family"], event_type.family.as_str());
        let path = listed["schema"].as_str().expect("a path");
        for path in [path.to_owned(), format!("{path}.json")] {
            let schema = house.send(get(&path)).await;
            assert_eq!(schema.status, StatusCode::OK);
            assert_eq!(schema.header("content-type"), "application/schema+json");
            assert_eq!(schema.body, json_schema(event_type));
        }
    }
    let lost = house.send(get("/v1/schemas/page.veiwed")).await;
    assert_eq!(
        (lost.status, lost.code()),
        (StatusCode::NOT_FOUND, "not_found")
    );
}
