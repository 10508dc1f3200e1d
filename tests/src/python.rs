//! Other engines: Python with `deltalake` and `duckdb`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::files;

/// A program that `infra/setup.sh --test` installed.
///
/// # Panics
/// When it is missing.
pub(crate) fn program(name: &str) -> PathBuf {
    let home = std::env::var_os("HOME").expect("HOME is set");
    let folder = PathBuf::from(home).join(".cache/chalkline/venv/bin");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is missing: run `infra/setup.sh --test`",
        program.display()
    );
    program
}

/// Runs `tests/python/<script>` and reads the JSON it prints.
///
/// # Panics
/// When Python is missing or the script fails.
pub fn run(script: &str, arguments: &[&str]) -> Value {
    let output = Command::new(program("python"))
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
