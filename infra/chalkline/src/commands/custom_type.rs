use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use runtime::{Clock, Registry};
use schemas::{CustomType, CustomTypeName, MAX_CUSTOM_TYPES, MAX_SCHEMA_BYTES, Tenant, TenantId};
use serde_json::{Value, json};

use super::credential::{time, update};
use super::tenant::find;
use crate::cli;
use crate::output::{Output, table};

/// `chalkline type …`.
pub async fn run(
    registry: &Registry,
    command: cli::Type,
    output: Output,
) -> anyhow::Result<ExitCode> {
    match command {
        cli::Type::Register {
            tenant,
            name,
            schema,
            description,
        } => {
            let own = CustomType {
                schema: read_schema(&schema)?,
                registered_at: Clock::system().now(),
                description,
                name,
            };
            let replaced = register(registry, &tenant, &own).await?;
            let done = if replaced {
                "has another schema"
            } else {
                "is registered"
            };
            output.show(
                &json!({ "tenant": tenant, "type": own.name, "replaced": replaced }),
                format!("{} {done}: it holds within 5 seconds.", own.name),
            );
        }
        cli::Type::List { tenant } => {
            let tenant = find(registry, &tenant).await?;
            let rows = tenant.custom_types.iter().map(|own| {
                [
                    own.name.to_string(),
                    own.description.clone().unwrap_or_default(),
                    time(Some(own.registered_at)),
                ]
            });
            let text = if tenant.custom_types.is_empty() {
                format!(
                    "{} has no types of its own: chalkline type register --help says how to make \
                     one.",
                    tenant.id
                )
            } else {
                table(["TYPE", "DESCRIPTION", "REGISTERED"], rows).to_string()
            };
            output.show(
                &json!({ "tenant": tenant.id, "types": tenant.custom_types }),
                text,
            );
        }
        cli::Type::Show { tenant, name } => {
            let tenant = find(registry, &tenant).await?;
            let own = own(&tenant, &name)?;
            output.show(own, serde_json::to_string_pretty(&own.schema)?);
        }
        cli::Type::Remove { tenant, name } => {
            update(registry, &tenant, |document| {
                let types = &mut document.custom_types;
                let found = types.iter().position(|own| own.name == name);
                types.remove(found.ok_or_else(|| UnknownType::new(&tenant, &name))?);
                Ok::<_, UnknownType>(())
            })
            .await?;
            output.show(
                &json!({ "tenant": tenant, "type": name, "removed": true }),
                format!("{name} is removed: within 5 seconds its events are refused."),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds a type, or takes its schema instead of the one before, and says which.
async fn register(
    registry: &Registry,
    tenant: &TenantId,
    own: &CustomType,
) -> anyhow::Result<bool> {
    let mut replaced = false;
    update(registry, tenant, |document| {
        let types = &mut document.custom_types;
        let is_full = types.len() == MAX_CUSTOM_TYPES;
        match types.iter_mut().find(|known| known.name == own.name) {
            Some(known) => {
                replaced = true;
                let before = known.description.take();
                *known = own.clone();
                known.description = known.description.take().or(before);
            }
            None if is_full => return Err(TooManyTypes),
            None => {
                replaced = false;
                types.push(own.clone());
            }
        }
        Ok(())
    })
    .await?;
    Ok(replaced)
}

fn read_schema(file: &Path) -> anyhow::Result<Value> {
    let is_input = file == Path::new("-");
    let text = if is_input {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let name = if is_input {
        "the standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let text = text.with_context(|| format!("cannot read the schema {name}"))?;
    if text.len() > MAX_SCHEMA_BYTES {
        bail!(
            "{name} has {} bytes: a schema may have {MAX_SCHEMA_BYTES}",
            text.len()
        );
    }
    let schema = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
    if let Err(problem) = ingest::Schema::new(&schema) {
        bail!("{name} is no JSON Schema that can be used: {problem}");
    }
    Ok(schema)
}

fn own<'t>(tenant: &'t Tenant, name: &CustomTypeName) -> Result<&'t CustomType, UnknownType> {
    let found = tenant.custom_types.iter().find(|own| own.name == *name);
    found.ok_or_else(|| UnknownType::new(&tenant.id, name))
}

/// The tenant has no such type.
#[derive(Debug, thiserror::Error)]
#[error("tenant {tenant} has no type {name}: chalkline type list --tenant {tenant} shows all")]
struct UnknownType {
    tenant: TenantId,
    name: CustomTypeName,
}

impl UnknownType {
    fn new(tenant: &TenantId, name: &CustomTypeName) -> Self {
        Self {
            tenant: tenant.clone(),
            name: name.clone(),
        }
    }
}

/// The tenant has as many types as one may have.
#[derive(Debug, thiserror::Error)]
#[error("a tenant has at most {MAX_CUSTOM_TYPES} types of its own: remove one first")]
struct TooManyTypes;
