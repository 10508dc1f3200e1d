//! A real Kafka broker for tests, run by `infra/kafka/run.sh` on free ports.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// Who may log in to a secure broker.
pub const USER: &str = "chalkline";
/// The password of [`USER`].
pub const PASSWORD: &str = "correct-horse";

/// How far Java compiles the broker, as in `infra/kafka/run.sh`.
const JIT: &str = "CHALKLINE_KAFKA_JIT";

/// How long a broker may take to answer its first question: three that start
/// together on a busy machine take a minute.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// One broker in its own process group and data folder on 127.0.0.1.
///
/// Dropping it kills the broker and removes the folder. So does the end of
/// this process, however it comes about: a broker in a `static` leaves nothing
/// behind.
#[derive(Debug)]
pub struct KafkaBroker {
    process: Process,
    data: PathBuf,
    ports: Ports,
    jwks: Option<PathBuf>,
    /// In a cluster: its number, and who votes.
    member: Option<Member>,
}

#[derive(Debug, Clone)]
struct Member {
    number: usize,
    voters: String,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    broker: u16,
    controller: u16,
    secure: u16,
}

#[derive(Debug)]
struct Process {
    broker: Child,
    /// Kills the group when its standard input ends, and removes the folder
    /// unless a line came first.
    watchdog: Child,
}

impl KafkaBroker {
    /// Starts a broker and waits until it answers.
    ///
    /// # Panics
    ///
    /// When Java or the broker's jars are missing or the broker does not
    /// answer; the message says what to run.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a broker that also listens on [`secure_address`](Self::secure_address)
    /// with TLS and SASL PLAIN, SCRAM-SHA-512 and OAUTHBEARER. `jwks` holds the
    /// keys that tokens for the audience `kafka` may be signed with.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_secure(jwks: &Path) -> Self {
        Self::start_with(Some(jwks.to_owned())).await
    }

    /// Starts a cluster of three brokers, of which any one can be missed, and
    /// waits until all of them answer.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_three() -> [Self; 3] {
        blocking(move || {
            let ports = [(); 3].map(|()| free_ports());
            let voters = (1..).zip(ports).map(|(number, ports)| {
                let port = ports.controller;
                format!("{number}@127.0.0.1:{port}")
            });
            let voters = voters.collect::<Vec<_>>().join(",");
            let mut number = 0;
            let mut brokers = ports.map(|ports| {
                number += 1;
                let voters = voters.clone();
                Self::spawn(ports, None, Some(Member { number, voters }))
            });
            for broker in &mut brokers {
                broker.wait_until_ready();
            }
            brokers
        })
        .await
    }

    async fn start_with(jwks: Option<PathBuf>) -> Self {
        blocking(move || {
            let mut broker = Self::spawn(free_ports(), jwks, None);
            broker.wait_until_ready();
            broker
        })
        .await
    }

    fn spawn(ports: Ports, jwks: Option<PathBuf>, member: Option<Member>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let jars = jars();
        assert!(
            jars.join("pom.xml").exists(),
            "the Kafka broker is not in {}: run infra/kafka/fetch.sh first",
            jars.display()
        );
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chalkline-kafka-{}-{count}", std::process::id());
        let data = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&data).expect("the temporary folder is writable");
        let process = spawn(&data, ports, jwks.as_deref(), member.as_ref());
        Self {
            process,
            data,
            ports,
            jwks,
            member,
        }
    }

    /// The broker's address, `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.broker)
    }

    /// The address that wants TLS and a login: [`USER`] with [`PASSWORD`], or a
    /// token.
    pub fn secure_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.secure)
    }

    /// The authority of the broker's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.data.join("tls/ca.pem")
    }

    /// What Kafka's own tool `name` prints about this broker, such as
    /// `consumer-groups`; see `infra/kafka/tool.sh`.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub async fn tool(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("bash");
        command
            .arg(scripts().join("tool.sh"))
            .args([name, "--bootstrap-server", &self.address()])
            .args(arguments);
        blocking(move || {
            let output = command.output().expect("bash is installed");
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            let problems = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}{problems}");
            told
        })
        .await
    }

    /// Stops the broker in good order (SIGTERM) and waits for its end.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Kills the broker (SIGKILL).
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    /// Freezes the broker (SIGSTOP): connections stay, nothing answers.
    pub fn pause(&self) {
        signal(&self.process.broker, "STOP");
    }

    /// Lets a paused broker go on (SIGCONT).
    pub fn resume(&self) {
        signal(&self.process.broker, "CONT");
    }

    /// Starts the stopped or killed broker again: same data, same address.
    pub async fn restart(self) -> Self {
        let mut broker = self;
        blocking(move || {
            broker.kill();
            let (jwks, member) = (broker.jwks.as_deref(), broker.member.as_ref());
            broker.process = spawn(&broker.data, broker.ports, jwks, member);
            broker.wait_until_ready();
            broker
        })
        .await
    }

    fn end(&mut self, name: &str) {
        if matches!(self.process.broker.try_wait(), Ok(None)) {
            signal(&self.process.broker, name);
            // A paused process ends only when it goes on.
            signal(&self.process.broker, "CONT");
        }
        self.process.broker.wait().expect("the broker is our child");
        if let Some(mut keep_folder) = self.process.watchdog.stdin.take() {
            // It waits for this line; if it is gone, it keeps the folder too.
            let _ = keep_folder.write_all(b"\n");
        }
        self.process
            .watchdog
            .wait()
            .expect("the watchdog is our child");
    }

    fn wait_until_ready(&mut self) {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.address())
            .set("group.id", "ready")
            .set_log_level(
                // Refused connections are expected here.
                rdkafka::config::RDKafkaLogLevel::Emerg,
            );
        let client: BaseConsumer = config.create().expect("these settings are valid");
        let start = Instant::now();
        loop {
            if client
                .fetch_metadata(None, Duration::from_millis(500))
                .is_ok_and(|m| !m.brokers().is_empty())
            {
                return;
            }
            let ended = self
                .process
                .broker
                .try_wait()
                .expect("the broker is our child");
            if ended.is_some() || start.elapsed() > READY_WITHIN {
                let log = std::fs::read_to_string(self.data.join("broker.log")).unwrap_or_default();
                panic!("the Kafka broker did not start ({ended:?}); its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        self.kill();
        // Nothing depends on it being gone.
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn spawn(data: &Path, ports: Ports, jwks: Option<&Path>, member: Option<&Member>) -> Process {
    let scripts = scripts();
    let log = File::options()
        .create(true)
        .append(true)
        .open(data.join("broker.log"));
    let log = log.expect("the broker's folder is writable");
    let mut command = Command::new("bash");
    if std::env::var_os(JIT).is_none() {
        // It lives for a minute: optimising it costs more than it brings.
        command.env(JIT, "1");
    }
    if let Some(jwks) = jwks {
        command
            .env("CHALKLINE_KAFKA_SECURE_PORT", ports.secure.to_string())
            .env("CHALKLINE_KAFKA_PASSWORD", PASSWORD)
            .env("CHALKLINE_KAFKA_JWKS", jwks);
    }
    if let Some(Member { number, voters }) = member {
        command
            .env("CHALKLINE_KAFKA_NODE", number.to_string())
            .env("CHALKLINE_KAFKA_VOTERS", voters)
            .env("CHALKLINE_KAFKA_HEAP", "256m");
    }
    let broker = command
        .arg(scripts.join("run.sh"))
        .arg(data)
        .args([ports.broker, ports.controller].map(|port| port.to_string()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("bash is installed");
    let group = broker.id();
    let watchdog = Command::new("sh")
        .args([
            "-c",
            r#"keep=yes; read -r _ || keep=; kill -s KILL -- "-$1" 2>/dev/null; [ $keep ] || rm -rf "$2""#,
            "sh",
        ])
        .arg(group.to_string())
        .arg(data)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh is installed");
    Process { broker, watchdog }
}

/// Where `run.sh` and `tool.sh` are.
fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/kafka")
}

/// The folder that `fetch.sh` fills.
fn jars() -> PathBuf {
    std::env::var_os("CHALKLINE_KAFKA_DIR").map_or_else(
        || {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_default())
                .join(".cache/chalkline/kafka")
        },
        PathBuf::from,
    )
}

/// Ports that nobody listens on now, below those that Linux gives to outgoing
/// connections: one of these could take a port before the broker does.
fn free_ports() -> Ports {
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test programs that run at the same time begin at different ones.
    let begin = std::process::id().wrapping_mul(37);
    let mut free = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .map(|next| (FIRST + begin.wrapping_add(next) % PORTS) as u16)
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let mut port = || free.next().expect("the numbers have no end");
    Ports {
        broker: port(),
        controller: port(),
        secure: port(),
    }
}

fn signal(process: &Child, name: &str) {
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"-$2\" 2>/dev/null", "sh", name])
        .arg(process.id().to_string())
        .status();
    sent.expect("sh is installed");
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
