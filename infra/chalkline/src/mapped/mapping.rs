//! The mapping file: which events a row becomes, and what their members are made of.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono_tz::Tz;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::expression::Expression;

/// A mapping file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Where times happened that do not say their offset.
    pub time_zone: Option<Tz>,
    /// Texts that mean that there is nothing.
    #[serde(default = "blank")]
    pub null: Vec<String>,
    /// What stands between the cells of a CSV file; a comma, or of `.tsv` a tab, if
    /// absent.
    pub delimiter: Option<char>,
    /// What a row becomes: one event for each of these whose `when` holds.
    pub events: Vec<EventRule>,
    /// The file's text.
    #[serde(skip)]
    text: String,
}

/// An event that a row becomes.
#[derive(Debug, Deserialize)]
pub struct EventRule {
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// For which rows.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// Members of its `data`.
    #[serde(default)]
    pub data: BTreeMap<String, Expression>,
    /// Members of its `context`.
    #[serde(default)]
    pub context: BTreeMap<String, Expression>,
    /// Its other members.
    #[serde(flatten)]
    pub members: BTreeMap<String, Expression>,
}

/// Holds for a row whose column has one of these texts, or is filled at all.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// Its texts; any but none if absent.
    #[serde(default)]
    pub is: Vec<String>,
}

impl Mapping {
    /// Reads a mapping file, TOML or, by its ending, JSON.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the mapping {}", path.display()))?;
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        Self::parse(&text, is_json).with_context(|| format!("{} is no mapping", path.display()))
    }

    pub(super) fn parse(text: &str, is_json: bool) -> anyhow::Result<Self> {
        let mut mapping: Self = if is_json {
            serde_json::from_str(text)?
        } else {
            toml::from_str(text)?
        };
        if mapping.events.is_empty() {
            bail!("it says no [[events]] that rows become");
        }
        if mapping.delimiter.is_some_and(|c| !c.is_ascii()) {
            bail!("delimiter is one ASCII sign, for example \";\"");
        }
        text.clone_into(&mut mapping.text);
        Ok(mapping)
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }
}

fn blank() -> Vec<String> {
    vec![String::new()]
}
