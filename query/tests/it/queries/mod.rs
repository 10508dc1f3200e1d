//! Queries that end when they should, and queries that are submitted.

mod cancel;
mod limits;
mod memory;
mod neighbours;
mod pages;
mod rights;
mod spill;
mod streams;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::response::Response;
use futures::StreamExt;
use schemas::Credential;
use serde_json::{Value, json};

use crate::school::{Answer, School, look};

/// A statement that works for years.
pub const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 2000000) a \
     CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";

/// What comes of a body, and whether it ends in an error.
pub async fn read(response: Response) -> (String, bool) {
    let mut chunks = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    let mut is_cut = false;
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => is_cut = true,
        }
    }
    (String::from_utf8(bytes).expect("a text"), is_cut)
}

/// A request that submits a query.
pub fn submission(token: &Credential, body: &Value) -> Request<Body> {
    Request::post("/v1/queries")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

impl School {
    /// Submits a query and answers with its id.
    pub async fn submit(&self, token: &Credential, sql: &str) -> String {
        let answer = self.answer(submission(token, &json!({ "sql": sql }))).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        let location = format!("/v1/queries/{id}");
        assert_eq!(answer.headers[header::LOCATION], location.as_str());
        id
    }

    /// What is said of a query.
    pub async fn query(&self, token: &Credential, id: &str) -> Answer {
        self.answer(look(token, &format!("/v1/queries/{id}"))).await
    }

    /// What is said of a query once it is no more in one of these states.
    pub async fn after(&self, token: &Credential, id: &str, states: &[&str]) -> Value {
        let left = async {
            loop {
                let answer = self.query(token, id).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                let query = answer.json();
                let status = query["status"].as_str().expect("a status");
                if !states.contains(&status) {
                    return query;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let left = tokio::time::timeout(Duration::from_secs(120), left).await;
        left.expect("it goes on")
    }

    /// What is said of a query once it has ended.
    pub async fn ended(&self, token: &Credential, id: &str) -> Value {
        self.after(token, id, &["queued", "running"]).await
    }

    /// Cancels a query, or forgets one that has ended.
    pub async fn delete(&self, token: &Credential, id: &str) -> Answer {
        let mut request = look(token, &format!("/v1/queries/{id}"));
        *request.method_mut() = Method::DELETE;
        self.answer(request).await
    }

    /// A page of a query's rows.
    pub async fn rows_of(&self, token: &Credential, id: &str, query: &str) -> Answer {
        let path = format!("/v1/queries/{id}/rows?{query}");
        self.answer(look(token, &path)).await
    }
}
