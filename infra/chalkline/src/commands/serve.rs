use std::process::ExitCode;

use runtime::{Shutdown, telemetry};

use super::master_key;
use crate::compose::{self, Role};
use crate::output::Output;
use crate::{Addresses, Config, DataDir};

/// `chalkline up`: until a signal says stop.
pub async fn up(config: &Config, output: Output) -> anyhow::Result<ExitCode> {
    let data_dir = DataDir::lock(&config.data_dir)?;
    let metrics = telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let services = compose::up(config, master_key()?, metrics, &shutdown).await?;
    data_dir.announce(services.addresses())?;
    show(services.addresses(), output);
    services.run().await?;
    Ok(ExitCode::SUCCESS)
}

/// `chalkline ingest`, `transform` or `query`: until a signal says stop.
pub async fn role(config: &Config, role: Role, output: Output) -> anyhow::Result<ExitCode> {
    let metrics = telemetry::init(&config.telemetry)?;
    let shutdown = Shutdown::on_signals()?;
    let services = compose::role(config, role, master_key()?, metrics, &shutdown).await?;
    show(services.addresses(), output);
    services.run().await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints where the services listen.
pub fn show(addresses: &Addresses, output: Output) {
    let lines: Vec<_> = [
        ("events", &addresses.ingest_url),
        ("SQL", &addresses.query_url),
        ("transform health", &addresses.transform_url),
    ]
    .into_iter()
    .filter_map(|(what, url)| Some(format!("{what:17} {}", url.as_ref()?)))
    .collect();
    output.show(addresses, lines.join("\n"));
}
