//! The processes of a sandbox: started, found, killed, ended, started again.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;

use super::{DATA, Sandbox};
use crate::{Process, eventually};

/// What a process of the sandbox runs: all in one, or one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Service {
    /// The subcommand.
    pub(super) command: &'static str,
    /// Its port, where it has one that outlives a restart.
    pub(super) port: Option<u16>,
}

impl Sandbox {
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

    pub(super) fn launch(&mut self, service: Service) {
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
    pub(super) async fn ready(&mut self) {
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

/// A port that nobody listens on now.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}
