//! Other engines: Python with `deltalake` and `duckdb`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::files;

/// The interpreter that `infra/setup.sh --test` installed.
fn interpreter() -> PathBuf {
    let home = std::env::var_os("HOME").expect("HOME is set");
    PathBuf::from(home).join(".cache/chalkline/venv/bin/python")
}

/// Runs `tests/python/<script>` and reads the JSON it prints.
///
/// # Panics
/// When Python is missing or the script fails.
pub fn run(script: &str, arguments: &[&str]) -> Value {
    let python = interpreter();
    assert!(
        python.is_file(),
        "{} is missing: run `infra/setup.sh --test`",
        python.display()
    );
    let output = Command::new(python)
        .arg(files::workspace().join("tests/python").join(script))
        .args(arguments)
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{script} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}
