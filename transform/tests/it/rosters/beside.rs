//! Rosters that are imported beside a service.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::{Clock, Leases, Root};
use schemas::StudentHasher;
use transform::roster::{Importer, JobState, LEASE, Request};

use super::school::Bundle;
use crate::support::{Sandbox, tenant_id, time};

impl Sandbox {
    /// Who imports rosters into its lake.
    pub fn importer(&self) -> Importer {
        let folder = self.folder.path().join("leases");
        std::fs::create_dir_all(&folder).expect("a folder");
        let root = Root::open(&folder.display().to_string(), HashMap::new()).expect("a root");
        let leases = Leases::new(root, LEASE, "tests".to_owned(), Duration::from_secs(60));
        let (lake, registry) = (self.lake.clone(), self.registry.clone());
        Importer::new(
            lake,
            registry,
            leases,
            Clock::fixed(time("2026-10-01T08:00:00Z")),
        )
    }

    /// Imports a roster, whatever it ends.
    pub async fn import(&self, tenant: &str, bundle: &Bundle) {
        let tenant = self.registry.tenant(&tenant_id(tenant)).await;
        let tenant = tenant.expect("reads").expect("a tenant");
        let mut request = Request::new(bundle.path(), "tests");
        request.forced = true;
        let importer = self.importer();
        let job = importer.import(&tenant, request, Arc::new(|_| {}));
        assert_eq!(job.await.expect("imports").state, JobState::Done);
    }

    /// What makes keys of names, as rosters do.
    pub async fn hasher(&self, tenant: &str) -> StudentHasher {
        let secret = self.registry.secret(&tenant_id(tenant)).await;
        StudentHasher::new(&secret.expect("a secret"))
    }
}
