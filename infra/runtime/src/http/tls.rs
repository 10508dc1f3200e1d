//! TLS of a listener: its certificate and key, read again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// What is offered to clients, the first first (ALPN).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The section `tls` of a listener. Without both files there is no TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate (PEM), followed by those of the authorities between it and
    /// the one that clients know.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    /// Everything that is wrong with the section of this name, `ingest.tls` for
    /// example, as far as the files' contents do not matter.
    pub fn problems(&self, section: &str) -> Vec<String> {
        let missing = match (&self.certificate, &self.key) {
            (Some(_), None) => "key",
            (None, Some(_)) => "certificate",
            _ => return Vec::new(),
        };
        vec![format!(
            "[{section}] {missing}: must be set too: TLS needs both files"
        )]
    }

    /// Whether there is TLS.
    pub fn is_set(&self) -> bool {
        self.certificate.is_some() && self.key.is_some()
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.is_set() { "https" } else { "http" }
    }

    /// Reads the files; `None` if there are none.
    ///
    /// # Errors
    /// [`TlsError`] when connections could not be secured with them.
    pub fn open(&self) -> Result<Option<Tls>, TlsError> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let files = Files {
                    certificate: certificate.clone(),
                    key: key.clone(),
                };
                Tls::open(files).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Why connections cannot be secured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: check that it is there and that this user may read it", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is none of PEM, or damaged.
    #[error("{} is no file of PEM: write it again", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{} holds no certificate: name the file that begins with -----BEGIN CERTIFICATE-----", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error("{} holds no private key: name the file that begins with -----BEGIN PRIVATE KEY-----, without a password", .0.display())]
    NoKey(PathBuf),
    /// The key is another certificate's.
    #[error("the key in {} does not fit the certificate in {}: name the key that it was made with", .key.display(), .certificate.display())]
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or the key cannot be used.
    #[error("cannot use the certificate in {} with the key in {}: make them again, with ECDSA P-256, Ed25519 or RSA from 2048 bits", .certificate.display(), .key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// There is no common version of the protocol.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// Secures connections. Clones do it with the same certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    files: Files,
    shown: Arc<Shown>,
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What clients are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

impl Tls {
    fn open(files: Files) -> Result<Self, TlsError> {
        let certified = files.read()?.certified(&files)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(certified))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            files,
            shown,
        })
    }

    /// Secures a connection; its first bytes may take their time.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    fn show(&self, certified: CertifiedKey) {
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        *shown = Arc::new(certified);
    }

    /// Looks at the files every so often until `stop`, and shows what is new in them.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(CHECK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::default();
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let tls = self.clone();
            let look = move || {
                watch.look(&tls);
                watch
            };
            match tokio::task::spawn_blocking(look).await {
                Ok(looked) => watch = looked,
                Err(_) => return,
            }
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.files).finish()
    }
}

/// What was found in the files the last time: nothing at first, since they may have
/// changed after they were opened.
#[derive(Debug, Default)]
struct Watch {
    seen: Option<Pem>,
    is_unreadable: bool,
}

impl Watch {
    /// Shows what is new in the files, or says once why it cannot be used.
    fn look(&mut self, tls: &Tls) {
        let pem = match tls.files.read() {
            Ok(pem) => pem,
            Err(error) => {
                if !std::mem::replace(&mut self.is_unreadable, true) {
                    tell(&error);
                }
                return;
            }
        };
        self.is_unreadable = false;
        if self.seen.as_ref() == Some(&pem) {
            return;
        }
        let certified = pem.certified(&tls.files);
        let is_first = self.seen.replace(pem).is_none();
        match certified {
            Ok(certified) => {
                tls.show(certified);
                if !is_first {
                    let path = tls.files.certificate.display();
                    tracing::info!(%path, "the TLS certificate was read again");
                }
            }
            Err(error) => tell(&error),
        }
    }
}

fn tell(error: &TlsError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the changed TLS certificate cannot be used: the former one stays"
    );
}

/// The contents of the files.
#[derive(Debug, PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(&self) -> Result<Pem, TlsError> {
        Ok(Pem {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

impl Pem {
    fn certified(&self, files: &Files) -> Result<CertifiedKey, TlsError> {
        let Files { certificate, key } = files;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|source| TlsError::Pem {
            path: certificate.clone(),
            source,
        })?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.clone()));
        }
        let private_key = match PrivateKeyDer::from_pem_slice(&self.key) {
            Ok(private_key) => private_key,
            Err(pem::Error::NoItemsFound) => return Err(TlsError::NoKey(key.clone())),
            Err(source) => {
                return Err(TlsError::Pem {
                    path: key.clone(),
                    source,
                });
            }
        };
        let (certificate, key) = (certificate.clone(), key.clone());
        CertifiedKey::from_der(chain, private_key, &default_provider()).map_err(|source| {
            match source {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    TlsError::OtherKey { certificate, key }
                }
                source => TlsError::Unusable {
                    certificate,
                    key,
                    source,
                },
            }
        })
    }
}

#[cfg(test)]
mod tests;
