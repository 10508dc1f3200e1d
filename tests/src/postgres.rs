//! A PostgreSQL server, and databases in it that `infra/postgres/setup.sh` set up.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::files;

/// How long a server may take to start, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A server in a folder of its own. Both go when this is dropped or this process ends,
/// however that comes about.
#[derive(Debug)]
pub struct Postgres {
    server: Child,
    /// Ends the server and removes the folder when its standard input ends.
    watchdog: Child,
    folder: PathBuf,
    port: u16,
}

/// A database of a test's own.
#[derive(Debug)]
pub struct Database {
    name: String,
    port: u16,
}

impl Postgres {
    /// The server of this process, started at the first call.
    ///
    /// # Panics
    /// When PostgreSQL is missing or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        // What tests write outlives no crash of the machine.
        SHARED.get_or_init(|| Self::with(&["fsync=off"]))
    }

    /// A server with these settings, `name=value`, beside those that all have.
    ///
    /// # Panics
    /// When PostgreSQL is missing or does not start.
    pub fn with(settings: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chalkline-postgres-{}-{count}", std::process::id());
        Self::start(std::env::temp_dir().join(name), settings)
    }

    /// An empty database.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn empty(&self) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Database {
            name: format!("lms_{count}"),
            port: self.port,
        };
        let admin = Database {
            name: "postgres".to_owned(),
            port: self.port,
        };
        admin.psql(&format!("CREATE DATABASE {}", database.name));
        database
    }

    /// A database with the reference LMS and its small school.
    ///
    /// # Panics
    /// When it cannot be set up.
    pub fn school(&self) -> Database {
        let database = self.empty();
        database.set_up(&["--seed"]);
        database
    }

    fn start(folder: PathBuf, settings: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let data = folder.join("data");
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        run(as_postgres("initdb")
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"])
            .arg(&data));
        let log = File::create(folder.join("log")).expect("the folder is writable");
        let server = as_postgres("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&folder)
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "max_connections=400"])
            .args(["-c", "shared_preload_libraries=pg_stat_statements"])
            .args(settings.iter().flat_map(|setting| ["-c", *setting]))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            // What interrupts the tests must not interrupt it.
            .process_group(0)
            .spawn()
            .expect("postgres starts");
        let watchdog = watch(server.id(), &folder);
        let mut postgres = Self {
            server,
            watchdog,
            folder,
            port,
        };
        postgres.wait_until_ready();
        postgres
    }

    fn wait_until_ready(&mut self) {
        let start = Instant::now();
        loop {
            let asked = Command::new(binary("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1"])
                .arg(format!("--port={}", self.port))
                .status();
            if asked.expect("pg_isready starts").success() {
                return;
            }
            let ended = self.server.try_wait().expect("the server is our child");
            if ended.is_some() || start.elapsed() > READY_WITHIN {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("PostgreSQL did not start ({ended:?}); its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The watchdog does the rest.
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().expect("the watchdog is our child");
        self.server.wait().expect("the server is our child");
    }
}

impl Database {
    /// Its address, for this role.
    pub fn url(&self, role: &str) -> String {
        format!("postgresql://{role}@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// Runs `infra/postgres/setup.sh` with these arguments.
    ///
    /// # Panics
    /// When it fails.
    pub fn set_up(&self, arguments: &[&str]) {
        // Roles belong to the server: two at once would get in each other's way.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let script = files::workspace().join("infra/postgres/setup.sh");
        run(Command::new(script)
            .args(arguments)
            .arg(self.url("postgres")));
        // All tests share the server, and its roles.
        self.psql("ALTER ROLE chalkline_reader CONNECTION LIMIT -1");
    }

    /// Runs SQL as the owner, one statement after the other.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn psql(&self, sql: &str) {
        run(Command::new("psql")
            .args([
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--command",
            ])
            .arg(sql)
            .arg(self.url("postgres")));
    }

    /// Connections to it, so many at most.
    ///
    /// # Panics
    /// When there is none to be had.
    pub async fn pool(&self, role: &str, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(READY_WITHIN)
            .connect(&self.url(role))
            .await
            .expect("the database answers")
    }
}

/// A program of the server's, as somebody whom it does not refuse: it never runs as root.
fn as_postgres(program: &str) -> Command {
    let binary = binary(program);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        command.arg(binary);
        command
    } else {
        Command::new(binary)
    };
    // Where the tests run may be a folder that this user cannot enter.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id starts");
    output.stdout.trim_ascii() == b"0"
}

/// A program of the oldest PostgreSQL that we take, or of a newer one.
fn binary(program: &str) -> PathBuf {
    (15..=20)
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin/{program}")))
        .find(|path| path.is_file())
        .expect("PostgreSQL is missing: run infra/setup.sh --test")
}

/// Runs a command to its end.
///
/// # Panics
/// When it fails, with what it said.
fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the command starts");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn watch(server: u32, folder: &Path) -> Child {
    // Asked to end at once it takes its shared memory with it; killed, it does not.
    const SCRIPT: &str = "\
        read -r _
        kill -s QUIT \"$1\" 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 \"$1\" 2>/dev/null || break
            sleep 0.2
        done
        rm -rf \"$2\"";
    Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(server.to_string())
        .arg(folder)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh starts")
}
