//! The `chalkline` command; see the crate's documentation.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Planning a deep query needs more stack than the usual 2 MiB.
const STACK_BYTES: usize = 8 << 20;

/// How long blocking calls may still take at the end.
const LAST_CALLS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    chalkline::install_crypto();
    let cli = chalkline::Cli::parse();
    let json = cli.common.json;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .expect("threads can be started");
    let code = match runtime.block_on(chalkline::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            chalkline::print_error(&error, json);
            ExitCode::from(chalkline::exit_code(&error))
        }
    };
    // A blocking call that hangs, to a broker that is away for one, must not
    // keep the process when all else is done.
    runtime.shutdown_timeout(LAST_CALLS);
    code
}
