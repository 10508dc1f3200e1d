//! What there is to ask about, as the service lists it.

use serde::Deserialize;
use serde_json::Value;

/// Tables and functions: `GET /v1/tables`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Catalogue {
    /// The tables that the asker may name.
    pub tables: Vec<Table>,
    /// The functions that SQL may call; none of a service before it listed them.
    #[serde(default)]
    pub functions: Vec<Function>,
}

/// A table or view.
#[derive(Debug, Clone, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// `BASE TABLE` or `VIEW`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What it holds.
    pub description: Option<String>,
    /// Its columns.
    #[serde(default)]
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in SQL.
    #[serde(rename = "type", default)]
    pub data_type: String,
    /// What it tells about people: `personal`, `key`, `record` or `plain`.
    pub class: Option<String>,
    /// What it holds.
    pub description: Option<String>,
}

/// A function.
#[derive(Debug, Clone, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// `scalar`, `aggregate`, `window`, `lambda` or `table`.
    #[serde(default)]
    pub kind: String,
    /// How it is called.
    pub syntax: Option<String>,
    /// What it does.
    pub description: Option<String>,
}

/// A report: of `GET /v1/reports`.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub description: Option<String>,
    /// It is complete up to this moment.
    pub data_as_of: Option<String>,
    /// Whether it is being computed by a new definition.
    #[serde(default)]
    pub recomputing: bool,
}

/// Whom the service takes the asker for: `GET /v1/session`.
#[derive(Debug, Clone, Deserialize)]
pub struct Who {
    /// Whose data they ask about.
    pub tenant: String,
    /// What they are.
    pub role: String,
    /// Everything, as it was said.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

/// Which reports there are: `GET /v1/reports`.
#[derive(Debug, Clone, Deserialize)]
pub struct Reports {
    /// All of them.
    pub reports: Vec<Report>,
}

impl Catalogue {
    /// Where the service tells it.
    pub const PATH: &str = "/v1/tables";

    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

impl Reports {
    /// Where the service tells them.
    pub const PATH: &str = "/v1/reports";
}

impl Who {
    /// Where the service tells it.
    pub const PATH: &str = "/v1/session";
}
