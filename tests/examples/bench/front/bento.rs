//! Bento (once Benthos), which moves streams of messages, from HTTP to Kafka.

use std::process::Command;

use e2e::files;
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::server::{Server, free_address, set_up};
use crate::load::Door;

/// A running one.
pub struct Bento {
    /// Its process.
    pub server: Server,
    /// `host:port` of its front door.
    pub host: String,
    _folder: TempDir,
}

impl Bento {
    /// Its front door.
    pub const DOOR: Door = Door {
        taken: 200,
        ..Door::EVENTS
    };

    /// Starts it before that broker, whose topic exists.
    pub async fn start(brokers: &str) -> Self {
        let installed = set_up("bento.sh");
        let folder = TempDir::with_prefix("chalkline-bento-").expect("a temporary folder");
        let host = free_address();
        let mut command = Command::new(installed.join("bento"));
        command
            .arg("-c")
            .arg(files::workspace().join("infra/bench/peer/bento/bento.yaml"))
            .envs([("ADDRESS", host.as_str()), ("BROKERS", brokers)]);
        let server = Server::start(&mut command, &folder.path().join("bento.log"));
        e2e::eventually("Bento listens", || async {
            let connected = TcpStream::connect(&host).await;
            connected.map(drop).map_err(|error| error.to_string())
        })
        .await;
        Self {
            server,
            host,
            _folder: folder,
        }
    }
}
