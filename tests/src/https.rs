//! A school's own certificates, and clients that trust its authority.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::sandbox::Setting;

/// The setting that says whom commands trust, and here all clients of a sandbox.
const CA_FILE: &str = "CHALKLINE_CA_FILE";

/// An authority of a school's own, and the certificate of its server on this machine.
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// When `openssl` is missing or cannot.
    pub fn new() -> Self {
        let certificates = Self(TempDir::with_prefix("chalkline-tls-").expect("a folder"));
        let (authority, key) = (certificates.path("ca.pem"), certificates.path("ca.key"));
        certificates.make("ca", &["basicConstraints=critical,CA:TRUE"], &[]);
        let names = [
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "basicConstraints=critical,CA:FALSE",
        ];
        let [by, with] = ["-CA", "-CAkey"].map(Path::new);
        let signed_by = [by, authority.as_path(), with, key.as_path()];
        certificates.make("school", &names, &signed_by);
        certificates
    }

    /// Makes `<name>.pem` and `<name>.key`.
    fn make(&self, name: &str, extensions: &[&str], signed_by: &[&Path]) {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:P-256", "-nodes", "-days", "30"])
            .args(["-subj", &format!("/CN={name}")])
            .args(extensions.iter().flat_map(|text| ["-addext", *text]))
            .args(signed_by)
            .arg("-out")
            .arg(self.path(&format!("{name}.pem")))
            .arg("-keyout")
            .arg(self.path(&format!("{name}.key")))
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{made:?}");
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The settings with which both doors show the certificate, and whoever asks them
    /// trusts the authority.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let file = |name| self.path(name).display().to_string();
        vec![
            ("CHALKLINE_INGEST_TLS_CERTIFICATE", file("school.pem")),
            ("CHALKLINE_INGEST_TLS_KEY", file("school.key")),
            ("CHALKLINE_QUERY_TLS_CERTIFICATE", file("school.pem")),
            ("CHALKLINE_QUERY_TLS_KEY", file("school.key")),
            (CA_FILE, file("ca.pem")),
        ]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

/// A client that trusts whom the settings say beside the authorities that all know.
pub(crate) fn client(settings: &[Setting]) -> reqwest::Client {
    // Another test may have installed it already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let mut http = reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .no_proxy();
    if let Some((_, file)) = settings.iter().find(|(name, _)| *name == CA_FILE) {
        let pem = std::fs::read(file).expect("the authority's certificate");
        let authority = reqwest::Certificate::from_pem(&pem).expect("is one");
        http = http.add_root_certificate(authority);
    }
    http.build().expect("a client without files needs nothing")
}
