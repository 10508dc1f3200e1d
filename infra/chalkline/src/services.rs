//! What the services of a process share, and how they run and stop together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use eventlog::EventLog;
use lake::Lake;
use runtime::{Clock, Health, Leases, MasterKey, Metrics, Registry, Shutdown, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::compose::Role;
use crate::{Addresses, Admin, Config};

/// How long the services may take to stop.
const GRACE: Duration = Duration::from_secs(8);
/// How long the log may take to close after them; together less than the 10 s
/// after which orchestrators kill.
const CLOSE: Duration = Duration::from_secs(1);

/// The services of one process, composed by [`crate::compose`].
pub struct Services {
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    /// Who this process is to others that do the same work.
    pub(crate) holder: String,
    /// Whether no other process publishes to the same tables.
    pub(crate) is_alone: bool,
    pub(crate) lake: Lake,
    pub(crate) log: Option<Arc<dyn EventLog>>,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    pub(crate) shutdown: Shutdown,
    /// The door for commands, if this process has one.
    pub(crate) admin: Option<Admin>,
    addresses: Addresses,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Services {
    pub(crate) fn new(
        config: &Config,
        master_key: Option<MasterKey>,
        metrics: Metrics,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let root = config.root()?;
        Ok(Self {
            clock: Clock::system(),
            health: Health::new(),
            holder: Uuid::now_v7().to_string(),
            is_alone: false,
            lake: Lake::new(root.url().clone(), root.store(), root.options().clone()),
            log: None,
            metrics,
            registry: Config::registry(root, master_key),
            shutdown: shutdown.clone(),
            admin: None,
            addresses: Addresses::of_this_process(),
            tasks: JoinSet::new(),
        })
    }

    /// Where the services listen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The door for commands that change a running system, if there is one.
    pub fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    /// The tenants that the services serve.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// By which this process and others take turns at some work; one that dies is
    /// missed after this time.
    pub(crate) fn leases(
        &self,
        config: &Config,
        work: &'static str,
        time: Duration,
    ) -> anyhow::Result<Leases> {
        let holder = self.holder.clone();
        Ok(Leases::new(config.root()?, work, holder, time))
    }

    /// Binds a service's address now, so that one which is taken is an error at
    /// the start. `scheme` is that of its address for clients.
    pub(crate) async fn listen(
        &mut self,
        role: Role,
        address: SocketAddr,
        scheme: &str,
    ) -> anyhow::Result<TcpListener> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            let name = role.name();
            let variable = name.to_uppercase();
            format!(
                "cannot listen on {address} for {name}: set `listen` in [{name}], or \
                     CHALKLINE_{variable}_LISTEN"
            )
        })?;
        let url = match role {
            Role::Ingest => &mut self.addresses.ingest_url,
            Role::Transform => &mut self.addresses.transform_url,
            Role::Query => &mut self.addresses.query_url,
        };
        *url = Some(format!("{scheme}://{}", listener.local_addr()?));
        Ok(listener)
    }

    pub(crate) fn spawn(
        &mut self,
        service: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(service);
    }

    /// Runs until the shutdown begins, or until a service fails, which begins
    /// it; then stops all in order. Parts that are late are named in the log.
    ///
    /// # Errors
    /// When a service failed.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let stop = self.shutdown.token();
        let first = tokio::select! {
            () = stop.cancelled() => None,
            Some(ended) = self.tasks.join_next() => Some(ended),
        };
        self.shutdown.finish(GRACE).await;
        if let Some(log) = self.log.take()
            && tokio::time::timeout(CLOSE, log.close()).await.is_err()
        {
            tracing::warn!(components = "log", "did not close within the grace period");
        }
        telemetry::flush().await;
        let rest = std::iter::from_fn(|| self.tasks.try_join_next());
        first
            .into_iter()
            .chain(rest)
            .try_for_each(|ended| ended.context("a service has panicked")?)
    }
}
