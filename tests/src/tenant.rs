//! Commands on a sandbox's data, and the tenants made by them.

use std::path::Path;

use serde_json::Value;

use crate::process::chalkline;
use crate::sandbox::{DATA, Setting};

/// A tenant with a key and a token, made on the command line.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// Its write key.
    pub key: String,
    /// Its query token, of a steward.
    pub token: String,
}

impl Tenant {
    /// Makes one in the data of that sandbox's folder; `options` as for `chalkline
    /// tenant add`.
    pub(crate) fn add(folder: &Path, settings: &[Setting], name: &str, options: &[&str]) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let cli = |arguments: &[&str]| cli(folder, settings, arguments);
        let id = text(&cli(&[&["tenant", "add", name], options].concat())["tenant"]);
        let key = cli(&["key", "issue", "--tenant", &id]);
        let token = cli(&["token", "issue", "--tenant", &id, "--role", "steward"]);
        Self {
            id,
            key: text(&key["key"]),
            token: text(&token["token"]),
        }
    }
}

/// Runs `chalkline <arguments> --json` on the data of that sandbox's folder.
///
/// # Panics
/// When it fails.
pub(crate) fn cli(folder: &Path, settings: &[Setting], arguments: &[&str]) -> Value {
    let (code, said) = cli_with_code(folder, settings, arguments);
    assert_eq!(code, 0, "chalkline {arguments:?}: {said}");
    said
}

/// As [`cli`], with the exit code of a command that could not do all of its work.
pub(crate) fn cli_with_code(
    folder: &Path,
    settings: &[Setting],
    arguments: &[&str],
) -> (i32, Value) {
    let output = chalkline()
        .args(arguments)
        .arg("--json")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .env("CHALKLINE_DATA_DIR", folder.join(DATA))
        .output()
        .expect("chalkline starts");
    let code = output.status.code().expect("it was not killed");
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "chalkline {arguments:?} ended with {code} and printed no JSON ({error}): {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (code, said)
}
