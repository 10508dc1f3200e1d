//! The configuration: one TOML file and the environment, checked as a whole
//! before anything starts. Nothing else reads either.

mod dump;
mod layer;
mod problem;
mod tree;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::dump::{Secret, dump, is_secret};
pub use self::problem::{ConfigProblems, Problem};

use self::layer::Layer;
use self::tree::{Tree, probe};

/// What every variable of the configuration begins with.
pub const PREFIX: &str = "CHALKLINE_";

/// Variables with that prefix that are no configuration of a service.
pub const RESERVED: [&str; 7] = [
    "CHALKLINE_ADMIN",
    "CHALKLINE_CONFIG",
    "CHALKLINE_DATABASE_URL",
    "CHALKLINE_KEY",
    "CHALKLINE_MASTER_KEY",
    "CHALKLINE_TOKEN",
    "CHALKLINE_URL",
];

/// Variables that all programs know which send traces, and what they stand for. What is
/// said by our own wins.
pub const STANDARD: [(&str, &str); 2] = [
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "CHALKLINE_TELEMETRY_OTLP_ENDPOINT",
    ),
    ("OTEL_SERVICE_NAME", "CHALKLINE_TELEMETRY_SERVICE_NAME"),
];

/// A configuration, or a section of one, that can tell what is wrong with it.
pub trait Check {
    /// One sentence per problem, each beginning with the key it is about, as in
    /// `[ingest] body_limit: must be at least 1024`; empty when all is well.
    fn problems(&self) -> Vec<String>;
}

/// Reads a configuration: defaults, then `file`, then those of the variables
/// `env` that begin with [`PREFIX`]. `CHALKLINE_INGEST_LISTEN` is `listen` in
/// `[ingest]`, `CHALKLINE_DATA_DIR` is `data_dir`; a list is written
/// with commas. Where `T` has what they stand for, variables of [`STANDARD`] are read
/// as well.
///
/// `T` and its sections need `#[serde(default, deny_unknown_fields)]`, and must
/// not skip fields when serialised: the serialised default is the list of known
/// keys. A section is therefore never an `Option`. A key whose default is an
/// empty map takes any keys below it.
///
/// ```
/// use runtime::config::{self, Check};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Config {
///     ingest: Ingest,
/// }
///
/// #[derive(Debug, Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Ingest {
///     listen: std::net::SocketAddr,
/// }
///
/// impl Default for Ingest {
///     fn default() -> Self {
///         Self { listen: ([127, 0, 0, 1], 8080).into() }
///     }
/// }
///
/// impl Check for Config {
///     fn problems(&self) -> Vec<String> {
///         Vec::new()
///     }
/// }
///
/// let env = |name: &str| [(name.to_owned(), "127.0.0.1:0".to_owned())].into_iter();
/// let config: Config = config::load(None, env("CHALKLINE_INGEST_LISTEN"))?;
/// assert_eq!(config.ingest.listen.port(), 0);
///
/// let refused = config::load::<Config>(None, env("CHALKLINE_INGEST_LISTNE")).unwrap_err();
/// assert_eq!(
///     refused.problems()[0].to_string(),
///     "CHALKLINE_INGEST_LISTNE: unknown; did you mean CHALKLINE_INGEST_LISTEN?",
/// );
/// # Ok::<(), config::ConfigProblems>(())
/// ```
///
/// # Errors
/// [`ConfigProblems`]: everything that is wrong, at once. Values of keys that
/// hold secrets are not repeated.
pub fn load<T>(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<T, ConfigProblems>
where
    T: Default + Serialize + DeserializeOwned + Check,
{
    let known = Tree::known::<T>();
    let mut problems = Vec::new();
    let mut tree = Tree::default();

    let mut layers = Vec::new();
    if let Some(path) = file {
        match Layer::file(path, &known) {
            Ok(layer) => layers.push(layer),
            Err(problem) => problems.push(problem),
        }
    }
    layers.push(Layer::env(env, &known));

    for layer in layers {
        problems.extend(layer.unknown);
        for entry in layer.entries {
            // The first reading that fits; the last one's error if none does.
            let mut result = Err(String::new());
            for value in entry.readings {
                result = match probe::<T>(&entry.path, &value) {
                    Ok(()) => Ok(value),
                    Err(error) => Err(error),
                };
                if result.is_ok() {
                    break;
                }
            }
            match result {
                Ok(value) => tree.set(&entry.path, value),
                Err(error) => problems.push(Problem::value(entry.place, &entry.path, error)),
            }
        }
    }

    // Each value fits by itself; together they can fail only in ways that
    // belong to no single key.
    let config: T = match tree.read() {
        Ok(config) => config,
        Err(error) => {
            problems.push(Problem::general(error));
            return Err(ConfigProblems::new(problems));
        }
    };
    problems.extend(config.problems().into_iter().map(Problem::general));
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigProblems::new(problems))
    }
}

#[cfg(test)]
mod tests;
