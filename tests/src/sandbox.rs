//! A whole Chalkline in a temporary folder, from starting it to ending it.

use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use crate::tenant::{cli, cli_with_code};
use crate::{Address, Client, Process, Tenant, eventually, https, on_s3};

/// The data folder in a sandbox's folder.
pub(crate) const DATA: &str = "data";

/// A running system with one tenant; its methods are that tenant's [`Client`].
pub struct Sandbox {
    client: Client,
    address: Arc<RwLock<Address>>,
    processes: Vec<(Service, Process)>,
    settings: Vec<Setting>,
    folder: TempDir,
}

/// What a process of the sandbox runs: all in one, or one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Service {
    /// The subcommand.
    command: &'static str,
    /// Its port, where it has one that outlives a restart.
    port: Option<u16>,
}

impl Deref for Sandbox {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Sandbox {
    /// Starts `chalkline up` and makes a tenant.
    pub async fn up() -> Self {
        Self::up_with(&[]).await
    }

    /// Starts `chalkline up` with further settings, as `CHALKLINE_…` variables.
    pub async fn up_with(settings: &[(&'static str, &str)]) -> Self {
        let any = || "127.0.0.1:0".to_owned();
        let mut all = vec![
            ("CHALKLINE_INGEST_LISTEN", any()),
            ("CHALKLINE_QUERY_LISTEN", any()),
            ("CHALKLINE_TRANSFORM_LISTEN", any()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned())),
        );
        Self::start(&["up"], all).await
    }

    /// As [`Sandbox::up`], with the lake in a place of its own on that server.
    pub async fn up_on_s3(server: &seaweed::Server) -> Self {
        let settings = on_s3(server);
        let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Self::up_with(&settings).await
    }

    /// Starts `ingest`, `transform` and `query` apart, over this Kafka and one
    /// local lake, and makes a tenant.
    pub async fn cluster(brokers: &str) -> Self {
        Self::roles(brokers, &["ingest", "transform", "query"]).await
    }

    /// As [`Sandbox::cluster`], with the lake in a place of its own on that
    /// server.
    pub async fn cluster_on_s3(brokers: &str, server: &seaweed::Server) -> Self {
        let roles = ["ingest", "transform", "query"];
        Self::roles_on_s3(brokers, server, &roles, &[]).await
    }

    /// As [`Sandbox::cluster_on_s3`], with only some of the roles, and with
    /// further settings, as `CHALKLINE_…` variables.
    pub async fn roles_on_s3(
        brokers: &str,
        server: &seaweed::Server,
        roles: &[&'static str],
        settings: &[(&'static str, &str)],
    ) -> Self {
        let mut all = on_s3(server);
        all.push(("CHALKLINE_KAFKA_BROKERS", brokers.to_owned()));
        let further = settings.iter();
        all.extend(further.map(|(name, value)| (*name, (*value).to_owned())));
        Self::start(roles, all).await
    }

    /// As [`Sandbox::cluster`], with only some of the roles.
    pub async fn roles(brokers: &str, roles: &[&'static str]) -> Self {
        let settings = vec![("CHALKLINE_KAFKA_BROKERS", brokers.to_owned())];
        Self::start(roles, settings).await
    }

    /// As [`Sandbox::roles`], with further settings, as `CHALKLINE_…` variables.
    pub async fn roles_with(
        brokers: &str,
        roles: &[&'static str],
        settings: &[(&'static str, &str)],
    ) -> Self {
        let mut all = vec![("CHALKLINE_KAFKA_BROKERS", brokers.to_owned())];
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        Self::start(roles, all).await
    }

    async fn start(commands: &[&'static str], settings: Vec<Setting>) -> Self {
        let folder = TempDir::with_prefix("chalkline-e2e-").expect("a temporary folder");
        let address = Arc::new(RwLock::new(Address::default()));
        let tenant = Tenant::add(folder.path(), &settings, "Test School", &[]);
        let mut sandbox = Self {
            client: Client::new(https::client(&settings), address.clone(), tenant),
            address,
            processes: Vec::new(),
            settings,
            folder,
        };
        for command in commands {
            // A role's port stays the same over restarts, as in a cluster.
            let port = (*command != "up").then(free_port);
            sandbox.launch(Service { command, port });
        }
        sandbox.ready().await;
        sandbox
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// The folder of the lake.
    pub fn lake(&self) -> PathBuf {
        self.data().join("lake")
    }

    /// A setting that the sandbox was started with.
    ///
    /// # Panics
    /// When it has none of that name.
    pub fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(known, _)| *known == name);
        &found.expect("such a setting").1
    }

    /// The folder of a table of the tenant.
    pub fn table(&self, table: &str) -> PathBuf {
        self.lake().join(&self.tenant.id).join(table)
    }

    /// Where the tenant's table lies, for other engines.
    pub fn table_url(&self, table: &str) -> String {
        let root = self.settings.iter().find(|(name, _)| *name == LAKE_URL);
        root.map_or_else(
            || self.table(table).display().to_string(),
            |(_, root)| format!("{root}/{}/{table}", self.tenant.id),
        )
    }

    /// What other engines have to be told to read it.
    pub fn storage_options(&self) -> Value {
        let of = |(name, value): &Setting| {
            let name = name.strip_prefix("CHALKLINE_LAKE_OPTIONS_AWS_")?;
            Some((format!("AWS_{name}"), Value::from(value.as_str())))
        };
        self.settings.iter().filter_map(of).collect()
    }

    /// Everything the processes printed.
    pub fn logs(&self) -> String {
        self.processes
            .iter()
            .map(|(_, process)| process.log())
            .collect()
    }

    /// Runs `chalkline <arguments> --json` on the sandbox's data.
    ///
    /// # Panics
    /// When it fails.
    pub fn cli(&self, arguments: &[&str]) -> Value {
        cli(self.folder.path(), &self.settings, arguments)
    }

    /// As [`Sandbox::cli`], of a command that may fail in part: its exit code, and what
    /// it prints.
    ///
    /// # Panics
    /// When it prints no JSON.
    pub fn cli_with_code(&self, arguments: &[&str]) -> (i32, Value) {
        cli_with_code(self.folder.path(), &self.settings, arguments)
    }

    /// Starts a command on the sandbox's data without waiting for it.
    pub fn spawn(&self, name: &str, arguments: &[&str]) -> Process {
        let data = self.data().display().to_string();
        let arguments = [arguments, &["--data-dir", &data, "--json"]].concat();
        Process::start(self.folder.path(), name, &arguments, &self.settings)
    }

    /// Starts one more `chalkline transform` over the same data without waiting
    /// for it; also says where its health and metrics are. Its log has that name.
    pub fn another_transform(&self, name: &str) -> (Process, String) {
        self.another_transform_with(name, &[])
    }

    /// As [`Sandbox::another_transform`], with further settings.
    pub fn another_transform_with(
        &self,
        name: &str,
        further: &[(&'static str, String)],
    ) -> (Process, String) {
        let listen = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{listen}");
        let mut settings = self.settings.clone();
        settings.push(("CHALKLINE_DATA_DIR", self.data().display().to_string()));
        settings.push(("CHALKLINE_TRANSFORM_LISTEN", listen));
        settings.extend_from_slice(further);
        let process = Process::start(self.folder.path(), name, &["transform"], &settings);
        (process, url)
    }

    /// A path in the sandbox's folder, beside the data.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a file into the sandbox's folder, for a command to read.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// Makes another tenant; `options` as for `chalkline tenant add`.
    pub fn tenant(&self, name: &str, options: &[&str]) -> Client {
        let tenant = Tenant::add(self.folder.path(), &self.settings, name, options);
        Client::new(self.client.http().clone(), self.address.clone(), tenant)
    }

    /// Sends senders to nobody until [`lead_to`](Self::lead_to) or
    /// [`replace`](Self::replace), as a balancer does in front of what is about to
    /// stop; says where they were sent before.
    pub fn divert(&self) -> String {
        let mut address = self.address.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut address.ingest, "http://127.0.0.1:1".to_owned())
    }

    /// Sends senders there again.
    pub fn lead_to(&self, ingest: String) {
        let mut address = self.address.write().unwrap_or_else(PoisonError::into_inner);
        address.ingest = ingest;
    }

    /// Kills every process (SIGKILL).
    pub fn crash(&mut self) {
        for (_, process) in &mut self.processes {
            process.kill();
        }
    }

    /// Kills one process by its command (SIGKILL).
    pub fn crash_one(&mut self, command: &str) {
        self.process_mut(command).kill();
    }

    /// Asks one process by its command to end (SIGTERM), and waits until it has.
    ///
    /// # Panics
    /// When it takes more than a minute.
    pub async fn stop_one(&mut self, command: &str) {
        let process = self.process_mut(command);
        process.signal("TERM");
        let ended = process.exit_within(Duration::from_secs(60)).await;
        assert!(ended.is_some(), "{command} does not end");
    }

    /// Starts what does not run and waits until all of it is ready.
    pub async fn restart(&mut self) {
        let gone: Vec<Service> = self
            .processes
            .extract_if(.., |(_, process)| process.exited().is_some())
            .map(|(service, _)| service)
            .collect();
        for service in gone {
            self.launch(service);
        }
        self.ready().await;
    }

    /// Ends what runs and starts these roles instead, over the same data.
    pub async fn replace(&mut self, roles: &[&'static str]) {
        self.processes.clear();
        for command in roles {
            let port = Some(free_port());
            self.launch(Service { command, port });
        }
        self.ready().await;
    }

    /// Asks every process to end (SIGTERM), all at once, and says how each
    /// ended; `None` if it did not within `limit`.
    pub async fn terminate(&mut self, limit: Duration) -> Vec<Option<ExitStatus>> {
        for (_, process) in &self.processes {
            process.signal("TERM");
        }
        let ends = self.processes.iter_mut();
        join_all(ends.map(|(_, process)| process.exit_within(limit))).await
    }

    /// A process by its command.
    ///
    /// # Panics
    /// When there is none.
    pub fn process(&self, command: &str) -> &Process {
        let found = self.processes.iter().find(|(s, _)| s.command == command);
        &found.expect("such a process").1
    }

    /// Where a role, which is not `up`, listens.
    ///
    /// # Panics
    /// When there is none.
    pub fn url(&self, role: &str) -> String {
        let found = self.processes.iter().find(|(s, _)| s.command == role);
        let port = found.and_then(|(service, _)| service.port);
        format!("http://127.0.0.1:{}", port.expect("such a role"))
    }

    fn process_mut(&mut self, command: &str) -> &mut Process {
        let found = self
            .processes
            .iter_mut()
            .find(|(s, _)| s.command == command);
        &mut found.expect("such a process").1
    }

    fn launch(&mut self, service: Service) {
        let mut settings = self.settings.clone();
        settings.push(("CHALKLINE_DATA_DIR", self.data().display().to_string()));
        if let Some(port) = service.port {
            let url = format!("http://127.0.0.1:{port}");
            let mut address = self.address.write().unwrap_or_else(PoisonError::into_inner);
            let listen = match service.command {
                "ingest" => {
                    address.ingest = url;
                    "CHALKLINE_INGEST_LISTEN"
                }
                "query" => {
                    address.query = url;
                    "CHALKLINE_QUERY_LISTEN"
                }
                _ => "CHALKLINE_TRANSFORM_LISTEN",
            };
            settings.push((listen, format!("127.0.0.1:{port}")));
        }
        let process = Process::start(
            self.folder.path(),
            service.command,
            &[service.command],
            &settings,
        );
        self.processes.push((service, process));
    }

    /// Waits until every process says that it is ready.
    async fn ready(&mut self) {
        let http = self.client.http().clone();
        // Told by a child that ended at once: its reason is in its log.
        for (service, process) in &mut self.processes {
            let id = process.id();
            let data = self.folder.path().join(DATA);
            let process = std::cell::RefCell::new(process);
            let urls = eventually(&format!("{} is ready", service.command), || async {
                if let Some(status) = process.borrow_mut().exited() {
                    panic!("{} ended with {status}", service.command);
                }
                let urls = match service.port {
                    Some(port) => vec![format!("http://127.0.0.1:{port}")],
                    None => announced(&data, id)?,
                };
                for url in &urls {
                    let answer = http.get(format!("{url}/readyz"));
                    let answer = answer.send().await.map_err(|error| error.to_string())?;
                    if !answer.status().is_success() {
                        return Err(answer.text().await.unwrap_or_default());
                    }
                }
                Ok(urls)
            })
            .await;
            if service.port.is_none() {
                let mut address = self.address.write().unwrap_or_else(PoisonError::into_inner);
                address.ingest.clone_from(&urls[0]);
                address.query.clone_from(&urls[1]);
            }
        }
    }
}

/// Where the `up` of that process id says in its data folder that it listens.
fn announced(data: &Path, id: u32) -> Result<Vec<String>, String> {
    let text = std::fs::read(data.join("up.json")).map_err(|error| error.to_string())?;
    let up: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    // A killed predecessor leaves its own behind.
    if up["pid"].as_u64() != Some(u64::from(id)) {
        return Err("up.json is another process's".to_owned());
    }
    ["ingest_url", "query_url"]
        .iter()
        .map(|name| up[name].as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("no addresses in {up}"))
}

/// The setting that says where the lake is, where it is not in the data folder.
const LAKE_URL: &str = "CHALKLINE_LAKE_URL";

/// A setting's variable and its value.
pub(crate) type Setting = (&'static str, String);

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
