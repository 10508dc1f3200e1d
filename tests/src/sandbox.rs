//! A whole Chalkline in a temporary folder, from starting it to ending it.

mod processes;
mod school;
mod start;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tempfile::TempDir;

use self::processes::{Service, free_port};
use crate::tenant::{cli, cli_with_code};
use crate::{Address, Client, Process, Tenant};

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

impl Deref for Sandbox {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Sandbox {
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
        let listens = ("CHALKLINE_TRANSFORM_LISTEN", listen);
        let process = self.another("transform", name, &[&[listens][..], further].concat());
        (process, url)
    }

    /// Starts one more process of that command over the same data without waiting for it;
    /// the further settings say where it listens. Its log has that name.
    pub fn another(
        &self,
        command: &str,
        name: &str,
        further: &[(&'static str, String)],
    ) -> Process {
        let mut settings = self.settings.clone();
        settings.push(("CHALKLINE_DATA_DIR", self.data().display().to_string()));
        settings.extend_from_slice(further);
        Process::start(self.folder.path(), name, &[command], &settings)
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
}

/// The setting that says where the lake is, where it is not in the data folder.
const LAKE_URL: &str = "CHALKLINE_LAKE_URL";

/// A setting's variable and its value.
pub(crate) type Setting = (&'static str, String);
