//! How the brokers are reached: plain, TLS, SASL.

use std::fmt;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize, Serializer};

/// Encryption and authentication towards the brokers.
///
/// Without `tls` nothing is encrypted, without `sasl` nobody logs in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Encrypt, and check the brokers' certificates.
    pub tls: Option<Tls>,
    /// Log in.
    pub sasl: Option<Sasl>,
}

/// Encryption. The brokers' certificates and names are always checked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Certificates of the authorities to trust, PEM; the system's if absent.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, PEM, when the brokers ask for one.
    pub certificate_file: Option<PathBuf>,
    /// The key of our certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// The password of `key_file`.
    pub key_password: Option<Secret>,
}

/// Who logs in, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "mechanism", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sasl {
    /// Name and password as they are: only inside TLS.
    #[serde(rename = "PLAIN")]
    Plain {
        /// The user.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// Salted challenge and response with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256 {
        /// The user.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// Salted challenge and response with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512 {
        /// The user.
        username: String,
        /// The user's password.
        password: Secret,
    },
}

/// A password: neither `Debug` nor serialising shows it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl Security {
    pub(super) fn apply(&self, client: &mut ClientConfig) {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca_file),
                ("ssl.certificate.location", &tls.certificate_file),
                ("ssl.key.location", &tls.key_file),
            ];
            for (name, file) in files {
                if let Some(file) = file {
                    client.set(name, file.to_string_lossy());
                }
            }
            if let Some(Secret(password)) = &tls.key_password {
                client.set("ssl.key.password", password);
            }
        }
        let (mechanism, username, Secret(password)) = match &self.sasl {
            None => return,
            Some(Sasl::Plain { username, password }) => ("PLAIN", username, password),
            Some(Sasl::ScramSha256 { username, password }) => ("SCRAM-SHA-256", username, password),
            Some(Sasl::ScramSha512 { username, password }) => ("SCRAM-SHA-512", username, password),
        };
        client
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", username)
            .set("sasl.password", password);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "plaintext", None)]
    #[case("[tls]", "ssl", None)]
    #[case(
        "[sasl]\nmechanism = 'PLAIN'\nusername = 'u'\npassword = 'hush'",
        "sasl_plaintext",
        Some("PLAIN")
    )]
    #[case(
        "[tls]\n[sasl]\nmechanism = 'SCRAM-SHA-512'\nusername = 'u'\npassword = 'hush'",
        "sasl_ssl",
        Some("SCRAM-SHA-512")
    )]
    fn settings_become_properties(
        #[case] toml: &str,
        #[case] protocol: &str,
        #[case] mechanism: Option<&str>,
    ) {
        let security: Security = toml::from_str(toml).unwrap();
        let mut client = ClientConfig::new();
        security.apply(&mut client);
        assert_eq!(client.get("security.protocol"), Some(protocol));
        assert_eq!(client.get("sasl.mechanism"), mechanism);
        assert_eq!(client.get("sasl.password"), mechanism.map(|_| "hush"));
        assert!(!format!("{security:?}").contains("hush"));
    }
}
