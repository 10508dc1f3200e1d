//! Certificates and clients that trust them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::http::TlsConfig;

/// A folder with certificates for `localhost`, each its own authority.
pub(in crate::http) struct Certificates(TempDir);

impl Certificates {
    pub(in crate::http) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(in crate::http) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes `<name>.pem` and `<name>.key`.
    pub(in crate::http) fn make(&self, name: &str) -> TlsConfig {
        let config = TlsConfig {
            certificate: Some(self.path(&format!("{name}.pem"))),
            key: Some(self.path(&format!("{name}.key"))),
        };
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
            .args(["-subj", &format!("/CN={name}"), "-addext"])
            .arg("subjectAltName=DNS:localhost,IP:127.0.0.1")
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-out")
            .arg(self.path(&format!("{name}.pem")))
            .arg("-keyout")
            .arg(self.path(&format!("{name}.key")))
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{made:?}");
        config
    }

    /// A client that trusts only the certificate of this name.
    pub(in crate::http) fn client(&self, name: &str, protocols: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.pem")));
        roots
            .add(certificate.expect("a certificate"))
            .expect("is trusted");
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }
}

pub(in crate::http) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}
