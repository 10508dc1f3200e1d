use std::process::ExitCode;

use runtime::{Shutdown, telemetry};

use super::master_key;
use crate::compose::{self, Role};
use crate::output::Output;
use crate::{Addresses, Config, DataDir, Services};

/// `chalkline up`: until a signal says stop.
pub async fn up(config: &Config, output: Output) -> anyhow::Result<ExitCode> {
    let data_dir = DataDir::lock(&config.data_dir)?;
    let metrics = telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let starting = compose::up(config, master_key()?, metrics, &shutdown);
    if let Some(services) = unless_stopped(&shutdown, starting).await? {
        data_dir.announce(services.addresses())?;
        services
            .admin()
            .map_or(Ok(()), |admin| data_dir.admit(admin))?;
        show(services.addresses(), output);
        services.run().await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `chalkline ingest`, `transform` or `query`: until a signal says stop.
pub async fn role(config: &Config, role: Role, output: Output) -> anyhow::Result<ExitCode> {
    let metrics = telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let starting = compose::role(config, role, master_key()?, metrics, &shutdown);
    if let Some(services) = unless_stopped(&shutdown, starting).await? {
        show(services.addresses(), output);
        services.run().await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The services once they are started; `None` when the shutdown began before,
/// while a broker that is away was waited for, for example.
pub async fn unless_stopped(
    shutdown: &Shutdown,
    starting: impl Future<Output = anyhow::Result<Services>>,
) -> anyhow::Result<Option<Services>> {
    let stop = shutdown.token();
    tokio::select! {
        services = starting => services.map(Some),
        () = stop.cancelled() => Ok(None),
    }
}

fn show(addresses: &Addresses, output: Output) {
    let lines: Vec<_> = [
        ("POST events to", &addresses.ingest_url, "/v1/events"),
        ("POST SQL to", &addresses.query_url, "/v1/sql"),
        ("transform health", &addresses.transform_url, "/readyz"),
    ]
    .into_iter()
    .filter_map(|(what, url, path)| Some(format!("{what:17} {}{path}", url.as_ref()?)))
    .collect();
    output.show(addresses, lines.join("\n"));
}
