//! What the commands do.

mod catalog;
mod check_config;
mod compact;
mod credential;
mod custom_type;
mod demo;
mod idp;
mod import;
pub mod key;
mod link;
mod outbox;
mod policy;
mod replay;
mod roster;
mod serve;
mod simulate;
mod spool;
mod sql;
mod tail;
mod tenant;
pub mod token;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use runtime::{MasterKey, Registry};

use crate::Config;
use crate::cli::{Cli, Command, Common, Import, Simulate, Tenant};
use crate::compose::Role;
use crate::output::Output;

/// Does what the command line says.
///
/// # Errors
/// When it cannot be done; [`crate::exit_code`] has the code for it.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { common, command } = cli;
    let output = Output { json: common.json };
    let config = || configuration(&common, None, None);
    match command {
        Command::Up(args) => {
            let dev = args.dev.then_some(("CHALKLINE_INGEST_DEV", "true"));
            serve::up(&configuration(&common, None, dev)?, output).await
        }
        Command::Ingest => serve::role(&config()?, Role::Ingest, output).await,
        Command::Transform => serve::role(&config()?, Role::Transform, output).await,
        Command::Query => serve::role(&config()?, Role::Query, output).await,
        Command::Demo(demo) => demo::run(&common, &demo, output).await,
        Command::Tenant(command) => {
            let config = config()?;
            let registry = match command {
                // The first tenant may be made before the first `up`.
                Tenant::Add { .. } => Config::registry(config.root()?, master_key()?),
                Tenant::Set { .. } | Tenant::Idp(_) | Tenant::List | Tenant::Show { .. } => {
                    registry(&config)?
                }
            };
            tenant::run(&config, &registry, command, output).await
        }
        Command::Key(command) => key::run(&registry(&config()?)?, command, output).await,
        Command::Token(command) => token::run(&registry(&config()?)?, command, output).await,
        Command::Policy(command) => policy::run(&registry(&config()?)?, command, output).await,
        Command::Sql(args) => sql::run(&config()?, *args, output).await,
        Command::Type(command) => custom_type::run(&registry(&config()?)?, command, output).await,
        Command::Link(args) => {
            let config = config()?;
            link::run(&config, &registry(&config)?, args, output).await
        }
        Command::Import(Import::Oulad(args)) => import::oulad(&config()?, args, output).await,
        Command::Import(Import::Xapi(args)) => import::xapi(&config()?, args, output).await,
        Command::Import(Import::Edx(args)) => import::edx(&config()?, args, output).await,
        Command::Import(Import::Events(args)) => import::events(&config()?, args, output).await,
        Command::Simulate(Simulate::School(args)) => {
            simulate::school(&config()?, args, output).await
        }
        Command::Roster(command) => roster::run(&config()?, command, output).await,
        Command::Catalog(command) => catalog::run(&config()?, command, output).await,
        Command::Compact(args) => compact::run(&config()?, args, output).await,
        Command::Replay(args) => replay::run(&config()?, args, output).await,
        Command::Spool(command) => spool::run(&config()?, command, output).await,
        Command::Outbox(command) => outbox::run(&config()?, command, output).await,
        Command::Tail(args) => tail::run(&config()?, args, output).await,
        Command::CheckConfig => check_config::run(&config()?, output),
    }
}

/// The configuration in effect: file, then environment, then command line.
/// `data_dir` is the data folder where none of them says one; `said` is a setting that
/// an option of the command stands for.
fn configuration(
    common: &Common,
    data_dir: Option<&str>,
    said: Option<(&str, &str)>,
) -> anyhow::Result<Config> {
    const DATA_DIR: &str = "CHALKLINE_DATA_DIR";
    let mut variables: Vec<_> = std::env::vars().collect();
    if let Some(stated) = &common.data_dir {
        variables.retain(|(name, _)| name != DATA_DIR);
        variables.push((DATA_DIR.to_owned(), stated.display().to_string()));
    }
    if let Some((name, value)) = said {
        variables.retain(|(set, _)| set != name);
        variables.push((name.to_owned(), value.to_owned()));
    }
    let mut config = Config::load(common.config.as_deref(), variables)?;
    if let Some(data_dir) = data_dir
        && config.data_dir == Config::default().data_dir
    {
        config.data_dir = data_dir.into();
    }
    Ok(config)
}

/// The tenants of the configured lake, which has to be there: a command in the
/// wrong folder would begin another one and find nothing in it.
fn registry(config: &Config) -> anyhow::Result<Registry> {
    if !config.has_lake() {
        bail!(
            "no Chalkline data in {}: run this where `chalkline up` was started, or name its \
             folder with --data-dir; `chalkline tenant add` begins a new one",
            config.lake_location()
        );
    }
    Ok(Config::registry(config.root()?, master_key()?))
}

/// The key that encrypts the tenants' secrets, if the operator has one.
fn master_key() -> anyhow::Result<Option<MasterKey>> {
    let Ok(text) = std::env::var("CHALKLINE_MASTER_KEY") else {
        return Ok(None);
    };
    let key = text
        .parse()
        .context("CHALKLINE_MASTER_KEY is no master key")?;
    Ok(Some(key))
}
