//! The services put together: all in one process over the embedded log, or one
//! of them over Kafka. The services do not know which.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use eventlog::{EmbeddedLog, EventLog, KafkaLog};
use ingest::Ingest;
use lake::Lake;
use query::Query;
use runtime::{Clock, Health, MasterKey, Metrics, Registry, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use transform::Transform;

use crate::{Addresses, Config};

/// How long everything may take to stop: less than the 10 s after which
/// orchestrators kill.
const GRACE: Duration = Duration::from_secs(9);

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes events.
    Ingest,
    /// Writes tables.
    Transform,
    /// Answers questions.
    Query,
}

/// What the services of a process share.
pub struct Services {
    addresses: Addresses,
    clock: Clock,
    health: Health,
    lake: Lake,
    metrics: Metrics,
    registry: Registry,
    shutdown: Shutdown,
    log: Option<Arc<dyn EventLog>>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// Starts all services in this process over the embedded log.
///
/// # Errors
/// When the log or the lake cannot be opened or an address is taken.
pub async fn up(
    config: &Config,
    master_key: Option<MasterKey>,
    metrics: Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<Services> {
    let mut services = Services::new(config, master_key, metrics, shutdown)?;
    let log = EmbeddedLog::open(config.embedded_log()).await;
    services.log = Some(Arc::new(log.context("cannot open the event log")?));
    for role in [Role::Ingest, Role::Transform, Role::Query] {
        services.start(config, role).await?;
    }
    Ok(services)
}

/// Starts one service over Kafka.
///
/// # Errors
/// When Kafka or the lake cannot be opened or the address is taken.
pub async fn role(
    config: &Config,
    role: Role,
    master_key: Option<MasterKey>,
    metrics: Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<Services> {
    let mut services = Services::new(config, master_key, metrics, shutdown)?;
    if role != Role::Query {
        let log = KafkaLog::open(config.kafka.clone()).await;
        services.log = Some(Arc::new(log.context("cannot open the event log")?));
    }
    services.start(config, role).await?;
    Ok(services)
}

impl Services {
    fn new(
        config: &Config,
        master_key: Option<MasterKey>,
        metrics: Metrics,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let root = config.root()?;
        Ok(Self {
            addresses: Addresses::of_this_process(),
            clock: Clock::system(),
            health: Health::new(),
            lake: Lake::new(root.url().clone(), root.store(), root.options().clone()),
            metrics,
            registry: Config::registry(root, master_key),
            shutdown: shutdown.clone(),
            log: None,
            tasks: JoinSet::new(),
        })
    }

    /// Where the services listen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The tenants that the services serve.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Binds an address now, so that one which is taken is an error at the start.
async fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
