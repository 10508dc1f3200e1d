//! `chalkline catalog`: the catalogue, past the running service.

use std::process::ExitCode;

use transform::roster::{Mode, Request};

use super::registry;
use super::roster::{import, importer, tenant};
use crate::Config;
use crate::cli::{Catalog, CatalogImport};
use crate::output::Output;
use crate::whoever::whoever;

/// Does what is said of the catalogue.
pub async fn run(config: &Config, command: Catalog, output: Output) -> anyhow::Result<ExitCode> {
    let Catalog::Import(args) = command;
    let CatalogImport {
        path,
        of,
        delta,
        dry_run,
        show,
        force,
    } = args;
    let registry = registry(config)?;
    let tenant = tenant(&registry, &of).await?;
    let mode = if delta { Mode::Delta } else { Mode::Bulk };
    let mut request = Request::catalog(path, mode, whoever());
    request.forced = force;
    let importer = importer(config, registry)?;
    import(&importer, &tenant, request, dry_run.then_some(show), output).await
}
