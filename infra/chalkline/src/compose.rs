//! The services put together: all in one process over the embedded log, or one
//! of them over Kafka. The services do not know which.

use std::sync::Arc;

use anyhow::Context as _;
use eventlog::{EmbeddedLog, EventLog, KafkaLog, SpoolConfig, Spooled};
use ingest::Ingest;
use query::Query;
use runtime::{MasterKey, Metrics, Shutdown};
use transform::Transform;
use transform::replay::Replay;

use crate::admin::Door;
use crate::recorder::LogRecorder;
use crate::{Config, Services};

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

impl Role {
    /// Its section of the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Transform => "transform",
            Self::Query => "query",
        }
    }
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
    config.check_lake().await?;
    let mut services = Services::new(config, master_key, metrics, shutdown)?;
    let log = EmbeddedLog::open(config.embedded_log()).await;
    let log = log.context("cannot open the event log")?;
    // Nobody else has the embedded log open: its name is this process's alone.
    services.holder = format!("up-{}", log.id());
    services.is_alone = true;
    services.log = Some(Arc::new(log));
    for role in [Role::Ingest, Role::Transform, Role::Query] {
        start(&mut services, config, role).await?;
    }
    open_door(&mut services).await?;
    Ok(services)
}

/// Opens the door for commands: nobody else can reach the log of this process.
async fn open_door(services: &mut Services) -> anyhow::Result<()> {
    let door = Door::new().await?;
    services.admin = Some(door.admin().clone());
    let log = services.log.clone().context("the log is open")?;
    let replay = Replay::new(log, services.lake.clone(), services.registry.clone());
    let shutdown = services.shutdown.clone();
    services.spawn(async move {
        door.serve(replay, shutdown).await;
        Ok(())
    });
    Ok(())
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
    config.check_lake().await?;
    let mut services = Services::new(config, master_key, metrics, shutdown)?;
    services.log = match role {
        Role::Ingest => Some(spooled(config, &config.spool).await?),
        Role::Transform => Some(Arc::new(kafka(config).await?)),
        // What is asked is recorded there, before it is answered.
        Role::Query => Some(spooled(config, &config.audit_spool).await?),
    };
    if role == Role::Transform {
        operate(&mut services, config).await?;
    }
    start(&mut services, config, role).await?;
    Ok(services)
}

async fn kafka(config: &Config) -> anyhow::Result<KafkaLog> {
    let log = KafkaLog::open(config.kafka.clone()).await;
    log.context("cannot open the event log")
}

/// Kafka, with this spool before it, if it has a folder.
async fn spooled(config: &Config, spool: &SpoolConfig) -> anyhow::Result<Arc<dyn EventLog>> {
    if spool.dir.is_none() {
        return Ok(Arc::new(kafka(config).await?));
    }
    let kafka = config.kafka.clone();
    let limit = kafka.max_record_bytes;
    let open = move || KafkaLog::open(kafka.clone());
    let log = Spooled::open(spool, limit, open).await;
    Ok(Arc::new(
        log.context("cannot open the event log with its spool")?,
    ))
}

/// Serves health and metrics of a transform service that runs alone: no other
/// door has them.
async fn operate(services: &mut Services, config: &Config) -> anyhow::Result<()> {
    let listener = services
        .listen(Role::Transform, config.transform.listen, "http")
        .await?;
    let operations = runtime::ops::router(services.health.clone(), services.metrics.clone());
    let stop = services.shutdown.clone();
    services.spawn(async move {
        runtime::http::serve(listener, operations, &stop).await;
        Ok(())
    });
    Ok(())
}

async fn start(services: &mut Services, config: &Config, role: Role) -> anyhow::Result<()> {
    let (registry, clock) = (services.registry.clone(), services.clock.clone());
    let (lake, shutdown) = (services.lake.clone(), services.shutdown.clone());
    let health = services.health.clone();
    let operations = runtime::ops::router(health.clone(), services.metrics.clone());
    let log = services.log.clone().context("this service needs a log");
    match role {
        Role::Ingest => {
            let tls = config
                .ingest
                .tls
                .open()
                .context("cannot use [ingest.tls]")?;
            let scheme = config.ingest.tls.scheme();
            let listener = services.listen(role, config.ingest.listen, scheme).await?;
            let ingest = Ingest::new(config.ingest.clone(), log?, registry, clock, &health)
                .with_routes(operations)
                .with_tls(tls);
            services.spawn(async move {
                ingest.run(listener, shutdown).await;
                Ok(())
            });
        }
        Role::Transform => {
            let settings = config.transform.clone();
            let time = settings.maintenance.lease();
            let mut transform =
                Transform::new(settings, log?, registry, lake, clock, &health).with_upkeep_leases(
                    services.leases(config, transform::maintenance::LEASE, time)?,
                );
            let rosters = services.leases(config, transform::roster::LEASE, time)?;
            transform = transform.with_roster_leases(rosters);
            if let Some(folder) = config.roster_inbox()? {
                let leases = services.leases(config, transform::roster::FOLDER_LEASE, time)?;
                transform = transform.with_roster_folder(folder, leases);
            }
            if !services.is_alone {
                let reports = services.leases(config, transform::REPORT_LEASE, time)?;
                let time = config.transform.audit_lease();
                let audits = services.leases(config, transform::AUDIT_LEASE, time)?;
                transform = transform
                    .with_report_leases(reports)
                    .with_audit_leases(audits);
            }
            services.spawn(async move { Ok(transform.run(shutdown).await?) });
        }
        Role::Query => {
            let tls = config.query.tls.open().context("cannot use [query.tls]")?;
            let scheme = config.query.tls.scheme();
            let listener = services.listen(role, config.query.listen, scheme).await?;
            let recorder = Arc::new(LogRecorder::new(log?));
            let settings = config.query.clone();
            let query = Query::new(settings, lake, registry, clock, recorder, &health)
                .context("cannot start the query service")?
                .with_routes(operations)
                .with_tls(tls);
            services.spawn(async move {
                query.run(listener, shutdown).await;
                Ok(())
            });
        }
    }
    Ok(())
}
