//! Schemathesis: asks all that a service's document tells of, in ways that fit the document
//! and in ways that do not, and judges each answer by it.

use std::process::{Command, Output};

use crate::{files, python};

/// How much is asked: of each operation `CHALKLINE_TORTURE_EXAMPLES` ways by chance and all
/// ways to miss what the document says; else what there is time for in a few seconds.
fn extent() -> Vec<String> {
    match std::env::var("CHALKLINE_TORTURE_EXAMPLES") {
        Ok(examples) => vec!["--max-examples".to_owned(), examples],
        Err(_) => [
            "--max-examples=8",
            "--phases=examples,fuzzing",
            "--max-time=15",
        ]
        .map(str::to_owned)
        .into(),
    }
}

/// Who asks for what; the same for the same document, whoever runs it.
#[derive(Debug, Clone, Copy)]
pub struct Schemathesis<'a> {
    /// The address of the service.
    pub address: &'a str,
    /// What is sent as `Authorization: Bearer`.
    pub credential: Option<&'a str>,
    /// Paths that are not asked for.
    pub without: &'a [&'a str],
}

impl Schemathesis<'_> {
    /// Asks, and insists that every answer is one of which the document tells.
    ///
    /// # Panics
    /// When an answer is not, or a server error: with what Schemathesis says of it, among
    /// which is a line for `curl`. Also when it is not installed.
    pub fn run(&self) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let configuration = files::workspace().join("tests/python/schemathesis.toml");
        let mut command = Command::new(python::program("schemathesis"));
        command
            .current_dir(folder.path())
            .arg("--config-file")
            .arg(configuration)
            .arg("run")
            .arg(format!("{}/openapi.json", self.address))
            .args(extent());
        for path in self.without {
            command.args(["--exclude-path", path]);
        }
        if let Some(credential) = self.credential {
            command.args(["--header", &format!("Authorization: Bearer {credential}")]);
        }
        let Output { status, stdout, .. } = command.output().expect("Schemathesis starts");
        let said = String::from_utf8_lossy(&stdout);
        assert!(status.success(), "{self:?}: {said}");
    }
}
