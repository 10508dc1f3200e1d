//! What can be asked of a service: `GET /openapi.json` tells it to programs, in OpenAPI
//! 3.1, and `GET /docs` to people.
//!
//! | file | |
//! |---|---|
//! | `operation.rs` | one thing that can be asked |
//! | `problems.rs` | what several operations refuse alike |
//! | `page.rs` | the page, made of the document |
//! | `told.rs` | both, ready to be sent |

mod operation;
pub mod page;
mod problems;
mod told;

use serde_json::{Map, Value, json};

pub use self::operation::{Body, Key, Operation, answer, query, schema};
pub use self::problems::{Problems, TRACE_ID, problem};
pub use self::told::{Told, routes};

/// What a document says of a service before its operations.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its title, for people.
    pub title: &'static str,
    /// In a few words.
    pub summary: &'static str,
    /// Paragraphs, parted by blank lines.
    pub description: &'static str,
    /// What each group of operations is about, in the order of the page.
    pub tags: &'static [(&'static str, &'static str)],
}

/// The document of a service: these operations, and the components that they refer to.
pub fn document(about: &About, operations: &[Operation], components: Value) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(&operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.to_json();
    }
    let tag = |(name, about): &(&str, &str)| json!({ "name": name, "description": about });
    let tags: Vec<Value> = about.tags.iter().map(tag).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": env!("CARGO_PKG_VERSION"),
            "summary": about.summary,
            "description": about.description,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": components,
    })
}
