//! Ralph, a learning record store in Python, over a database.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::server::{Server, free_address, set_up};
use crate::load::Door;

/// Who may write, with this password.
const USER: &str = "bench";

/// What it keeps statements in.
const BACKEND: &str = "async_mongo";

/// What a process of Ralph says when it is ready.
const READY: &str = "Application startup complete";

/// A running one.
pub struct Ralph {
    /// Its processes, without the database's.
    pub server: Server,
    /// `host:port` of its front door.
    pub host: String,
    database: Database,
    _folder: TempDir,
}

/// What it writes to.
struct Database {
    /// With `pymongo`.
    python: PathBuf,
    url: String,
    _server: Server,
}

impl Ralph {
    /// Its front door.
    pub const DOOR: Door = Door {
        path: "/xAPI/statements/",
        taken: 200,
        ..Door::STATEMENTS
    };

    /// Starts it with so many processes.
    pub async fn start(workers: usize) -> Self {
        let installed = set_up("ralph.sh");
        let folder = TempDir::with_prefix("chalkline-ralph-").expect("a temporary folder");
        let database = Database::start(&installed, folder.path()).await;
        let users = folder.path().join("users.json");
        run(Command::new(installed.join("venv/bin/ralph"))
            .args(["auth", "--username", USER, "--password", USER])
            .args(["--scope", "statements/write", "--write-to-disk"])
            .args(["--agent-ifi-mbox", "mailto:bench@school.example"])
            .env("RALPH_AUTH_FILE", &users)
            .env("RALPH_RUNSERVER_BACKEND", BACKEND));

        let host = free_address();
        let (_, port) = host.rsplit_once(':').expect("an address has a port");
        let mut command = Command::new(installed.join("venv/bin/uvicorn"));
        command
            .args(["ralph.api:app", "--host", "127.0.0.1", "--port", port])
            .args(["--workers", &workers.to_string(), "--no-access-log"])
            .env("RALPH_AUTH_FILE", &users)
            .env("RALPH_RUNSERVER_BACKEND", BACKEND)
            .env("RALPH_BACKENDS__LRS__MONGO__CONNECTION_URI", &database.url)
            .current_dir(folder.path());
        let server = Server::start(&mut command, &folder.path().join("ralph.log"));
        server.says(READY, workers).await;
        Self {
            server,
            host,
            database,
            _folder: folder,
        }
    }

    /// How many statements it keeps.
    pub fn statements(&self) -> u64 {
        let count = self
            .database
            .does("print(statements.estimated_document_count())");
        count.trim().parse().expect("a count")
    }

    /// What stands behind `Basic` in a request's head.
    pub fn key() -> String {
        STANDARD.encode(format!("{USER}:{USER}"))
    }
}

impl Database {
    /// Starts a MongoDB in memory, with the index that Ralph's question for what is
    /// there already needs.
    async fn start(installed: &Path, folder: &Path) -> Self {
        let address = free_address();
        let (_, port) = address.rsplit_once(':').expect("an address has a port");
        let path = installed.display();
        let mut command = Command::new("java");
        command
            .args(["-Xmx2g", "-cp", &format!("{path}/classes:{path}/jars/*")])
            .args(["Database", port]);
        let server = Server::start(&mut command, &folder.join("database.log"));
        server.says("ready", 1).await;
        let database = Self {
            python: installed.join("venv/bin/python"),
            url: format!("mongodb://{address}/"),
            _server: server,
        };
        database.does("statements.create_index('_source.id', unique=True)");
        database
    }

    /// Does this to its `statements`, and says what that prints.
    fn does(&self, what: &str) -> String {
        let find =
            "import pymongo, sys; statements = pymongo.MongoClient(sys.argv[1]).statements.marsha";
        let program = format!("{find}; {what}");
        run(Command::new(&self.python).args(["-c", &program, &self.url]))
    }
}

/// Runs a command that must not fail, and says what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("Ralph is installed");
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problems}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
