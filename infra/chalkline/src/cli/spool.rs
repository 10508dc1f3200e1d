//! What can be said of what the spool could not send.

use clap::Subcommand;

/// `chalkline spool`.
#[derive(Debug, Subcommand)]
pub enum Spool {
    /// List the files with events that the spool could not send
    ///
    /// An event is put aside when Kafka never takes it, because it is too large for
    /// `kafka.max_record_bytes` by now, and an entry of the spool when it cannot be read.
    #[command(after_help = "Example: chalkline spool list --config chalkline.toml")]
    List,
    /// Send the events of such files to Kafka
    ///
    /// A file goes when Kafka has acknowledged all of its events. Of one that was cut
    /// short what can be read is sent; the rest stays, as a file that ends in .rest. It
    /// may be stopped at any moment and said again, also beside a running ingest: an
    /// event is stored once.
    #[command(after_help = "Example: chalkline spool retry 1042.entry 1042-1.entry")]
    Retry {
        /// Names of the files, as `list` shows them; all if absent
        #[arg(value_name = "FILE")]
        files: Vec<String>,
    },
}
