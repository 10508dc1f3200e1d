//! The ways to start a sandbox.

use std::sync::{Arc, RwLock};

use tempfile::TempDir;

use super::processes::{Service, free_port};
use super::{Sandbox, Setting};
use crate::{Address, Client, Tenant, https, on_s3};

impl Sandbox {
    /// Starts `chalkline up` and makes a tenant.
    pub async fn up() -> Self {
        Self::up_with(&[]).await
    }

    /// Starts `chalkline up` with further settings, as `CHALKLINE_…` variables.
    pub async fn up_with(settings: &[(&'static str, &str)]) -> Self {
        let any = || "127.0.0.1:0".to_owned();
        let mut all = vec![
            ("CHALKLINE_INGEST_LISTEN", any()),
            ("CHALKLINE_QUERY_LISTEN", any()),
            ("CHALKLINE_TRANSFORM_LISTEN", any()),
        ];
        all.extend(
            settings
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned())),
        );
        Self::start(&["up"], all).await
    }

    /// As [`Sandbox::up`], with the lake in a place of its own on that server.
    pub async fn up_on_s3(server: &seaweed::Server) -> Self {
        let settings = on_s3(server);
        let settings: Vec<_> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
        Self::up_with(&settings).await
    }

    /// Starts `ingest`, `transform` and `query` apart, over this Kafka and one
    /// local lake, and makes a tenant.
    pub async fn cluster(brokers: &str) -> Self {
        Self::roles(brokers, &["ingest", "transform", "query"]).await
    }

    /// As [`Sandbox::cluster`], with the lake in a place of its own on that
    /// server.
    pub async fn cluster_on_s3(brokers: &str, server: &seaweed::Server) -> Self {
        let roles = ["ingest", "transform", "query"];
        Self::roles_on_s3(brokers, server, &roles, &[]).await
    }

    /// As [`Sandbox::cluster_on_s3`], with only some of the roles, and with
    /// further settings, as `CHALKLINE_…` variables.
    pub async fn roles_on_s3(
        brokers: &str,
        server: &seaweed::Server,
        roles: &[&'static str],
        settings: &[(&'static str, &str)],
    ) -> Self {
        let mut all = on_s3(server);
        all.push(("CHALKLINE_KAFKA_BROKERS", brokers.to_owned()));
        let further = settings.iter();
        all.extend(further.map(|(name, value)| (*name, (*value).to_owned())));
        Self::start(roles, all).await
    }

    /// As [`Sandbox::cluster`], with only some of the roles.
    pub async fn roles(brokers: &str, roles: &[&'static str]) -> Self {
        let settings = vec![("CHALKLINE_KAFKA_BROKERS", brokers.to_owned())];
        Self::start(roles, settings).await
    }

    /// As [`Sandbox::roles`], with further settings, as `CHALKLINE_…` variables.
    pub async fn roles_with(
        brokers: &str,
        roles: &[&'static str],
        settings: &[(&'static str, &str)],
    ) -> Self {
        let mut all = vec![("CHALKLINE_KAFKA_BROKERS", brokers.to_owned())];
        all.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        Self::start(roles, all).await
    }

    async fn start(commands: &[&'static str], settings: Vec<Setting>) -> Self {
        let folder = TempDir::with_prefix("chalkline-e2e-").expect("a temporary folder");
        let address = Arc::new(RwLock::new(Address::default()));
        let tenant = Tenant::add(folder.path(), &settings, "Test School", &[]);
        let mut sandbox = Self {
            client: Client::new(https::client(&settings), address.clone(), tenant),
            address,
            processes: Vec::new(),
            settings,
            folder,
        };
        for command in commands {
            // A role's port stays the same over restarts, as in a cluster.
            let port = (*command != "up").then(free_port);
            sandbox.launch(Service { command, port });
        }
        sandbox.ready().await;
        sandbox
    }
}
