use std::process::ExitCode;

use crate::Config;
use crate::output::Output;

/// `chalkline check-config`: what was loaded is right, so print it.
pub fn run(config: &Config, output: Output) -> anyhow::Result<ExitCode> {
    let text = runtime::config::dump(config);
    let json: toml::Table = toml::from_str(&text)?;
    output.show(&json, text);
    Ok(ExitCode::SUCCESS)
}
