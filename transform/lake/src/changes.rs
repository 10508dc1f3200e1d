//! What changed in a table between two versions, file by file.

use schemas::{Term, layout};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashMap};

use crate::{LakeError, LakeTable};

/// The files by which two versions of a table differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The later version.
    pub version: u64,
    /// Every file whose rows came or went in between; one whose rows came and
    /// went is there for each.
    pub files: Vec<ChangedFile>,
}

/// A file whose rows came or went.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedFile {
    /// The term of its rows.
    pub term: Term,
    /// Where it lies, or lay, in the table's folder.
    pub(crate) path: String,
    /// Whether its rows went; else they came.
    pub removed: bool,
}

impl LakeTable {
    /// How this version differs from an earlier one; `since` is `None` for the
    /// time before the table was made.
    ///
    /// `None` when that cannot be told: a commit in between is no longer there,
    /// or did something else than add and remove files. Then anything may have
    /// changed. Only for tables by term.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn changes(&self, since: Option<u64>) -> Result<Option<Changes>, LakeError> {
        let version = self.version();
        if since > Some(version) {
            return Ok(None);
        }
        let log = self.delta.log_store();
        let mut files = BTreeSet::new();
        for commit in since.map_or(0, |since| since + 1)..=version {
            let entry = log.read_commit_entry(commit).await;
            let Some(bytes) = entry.map_err(|e| self.error(e))? else {
                return Ok(None);
            };
            let Some(changed) = changed_files(&bytes, commit == 0) else {
                return Ok(None);
            };
            files.extend(changed);
        }
        Ok(Some(Changes {
            version,
            files: files.into_iter().collect(),
        }))
    }
}

/// The members of an action that puts a file into a table or takes it away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    path: String,
    data_change: bool,
    #[serde(default)]
    partition_values: Option<HashMap<String, Option<String>>>,
    #[serde(default)]
    deletion_vector: Option<Value>,
}

/// The files whose rows a commit changes; `None` when it may change others, too.
fn changed_files(commit: &[u8], first: bool) -> Option<Vec<ChangedFile>> {
    let mut files = Vec::new();
    for line in commit
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
    {
        let actions: HashMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
        for (name, action) in actions {
            match name.as_str() {
                "add" | "remove" => {
                    let file: File = serde_json::from_str(action.get()).ok()?;
                    if file.data_change {
                        files.push(changed(file, name == "remove")?);
                    }
                }
                "commitInfo" | "txn" => {}
                // What a table is when it is made changes no rows.
                "metaData" | "protocol" if first => {}
                _ => return None,
            }
        }
    }
    Some(files)
}

fn changed(file: File, removed: bool) -> Option<ChangedFile> {
    // Ours have neither: they were written by somebody else.
    if file.path.contains('%') || file.deletion_vector.is_some() {
        return None;
    }
    let term = match &file.partition_values {
        Some(values) => values.get("term")?.as_ref()?.parse().ok()?,
        None => layout::parse_term_partition(file.path.split('/').next()?)?,
    };
    Some(ChangedFile {
        term,
        path: file.path,
        removed,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ADD: &str = r#"{"add":{"path":"term=2026-27/a.parquet","partitionValues":{"term":"2026-27"},"size":1,"modificationTime":0,"dataChange":true}}"#;

    #[rstest]
    #[case::added(ADD, Some(vec!["term=2026-27/a.parquet"]))]
    #[case::removed(
        r#"{"remove":{"path":"term=2026-27/a.parquet","dataChange":true}}"#,
        Some(vec!["term=2026-27/a.parquet"])
    )]
    #[case::compacted(
        r#"{"remove":{"path":"term=2026-27/a.parquet","dataChange":false}}"#,
        Some(vec![])
    )]
    #[case::others_say_nothing(
        "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n{\"txn\":{\"appId\":\"a\",\"version\":1}}\n",
        Some(vec![])
    )]
    #[case::columns_changed(r#"{"metaData":{"id":"x"}}"#, None)]
    #[case::format_changed(r#"{"protocol":{"minReaderVersion":3}}"#, None)]
    #[case::unknown(r#"{"magic":{}}"#, None)]
    #[case::not_json("{", None)]
    #[case::no_term(r#"{"remove":{"path":"a.parquet","dataChange":true}}"#, None)]
    #[case::encoded(r#"{"remove":{"path":"term=a/%20.parquet","dataChange":true}}"#, None)]
    #[case::rows_hidden(
        r#"{"add":{"path":"term=a/b.parquet","dataChange":true,"partitionValues":{"term":"a"},"deletionVector":{}}}"#,
        None
    )]
    fn only_what_is_understood_is_told(#[case] commit: &str, #[case] expected: Option<Vec<&str>>) {
        let files = changed_files(commit.as_bytes(), false);
        let paths = files.map(|files| files.into_iter().map(|f| f.path).collect::<Vec<_>>());
        let expected = expected.map(|paths| paths.iter().map(ToString::to_string).collect());
        assert_eq!(paths, expected);
    }

    #[test]
    fn making_a_table_changes_no_rows() {
        let made = "{\"protocol\":{}}\n{\"metaData\":{\"id\":\"x\"}}\n";
        assert_eq!(changed_files(made.as_bytes(), true), Some(Vec::new()));
        let made = format!("{made}{ADD}\n");
        assert_eq!(
            changed_files(made.as_bytes(), true).map(|f| f.len()),
            Some(1)
        );
    }
}
