//! How the brokers are reached: plain, TLS, SASL.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use serde::{Deserialize, Serialize, Serializer};

use crate::OpenError;

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
    /// A token of an identity provider (OpenID Connect, client credentials),
    /// fetched again before it expires.
    #[serde(rename = "OAUTHBEARER")]
    OAuthBearer {
        /// The provider's token endpoint, `https://`.
        token_url: String,
        /// Our name at the provider.
        client_id: String,
        /// Our password there.
        client_secret: Secret,
        /// What to ask for, when the provider wants to be told.
        #[serde(default)]
        scope: Option<String>,
        /// Certificates of the authorities to trust for the endpoint, PEM; the
        /// system's if absent.
        #[serde(default)]
        token_ca_file: Option<PathBuf>,
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
        if let Some(sasl) = &self.sasl {
            sasl.apply(client);
        }
    }

    /// Whether the files can be read; librdkafka would not say which cannot.
    pub(super) fn check_files(&self) -> Result<(), OpenError> {
        let mut files = Vec::new();
        if let Some(tls) = &self.tls {
            files.push(("security.tls.ca_file", &tls.ca_file));
            files.push(("security.tls.certificate_file", &tls.certificate_file));
            files.push(("security.tls.key_file", &tls.key_file));
        }
        if let Some(Sasl::OAuthBearer { token_ca_file, .. }) = &self.sasl {
            files.push(("security.sasl.token_ca_file", token_ca_file));
        }
        for (name, path) in files {
            if let Some(path) = path {
                File::open(path).map_err(|source| OpenError::File {
                    name,
                    path: path.clone(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// What to look at when one side does not trust the other.
    pub(super) fn what_to_check(&self, refusal: RDKafkaErrorCode) -> &'static str {
        match (refusal, &self.sasl) {
            (RDKafkaErrorCode::SSL, _) => {
                "that security.tls.ca_file holds the authority of the brokers' certificates, \
                 that these name the hosts in brokers, and certificate_file and key_file if \
                 the brokers ask for ours"
            }
            (_, Some(Sasl::OAuthBearer { .. })) => {
                "token_url, client_id and client_secret in security.sasl, and that the brokers \
                 accept OAUTHBEARER with tokens of that provider"
            }
            (_, Some(_)) => {
                "username and password in security.sasl, and that the brokers accept its mechanism"
            }
            (_, None) => "whether the brokers want security.sasl",
        }
    }
}

impl Sasl {
    fn apply(&self, client: &mut ClientConfig) {
        let (mechanism, username, Secret(password)) = match self {
            Self::Plain { username, password } => ("PLAIN", username, password),
            Self::ScramSha256 { username, password } => ("SCRAM-SHA-256", username, password),
            Self::ScramSha512 { username, password } => ("SCRAM-SHA-512", username, password),
            Self::OAuthBearer {
                token_url,
                client_id,
                client_secret: Secret(client_secret),
                scope,
                token_ca_file,
            } => {
                client
                    .set("sasl.mechanism", "OAUTHBEARER")
                    .set("sasl.oauthbearer.method", "oidc")
                    .set("sasl.oauthbearer.token.endpoint.url", token_url)
                    .set("sasl.oauthbearer.client.id", client_id)
                    .set("sasl.oauthbearer.client.secret", client_secret);
                if let Some(scope) = scope {
                    client.set("sasl.oauthbearer.scope", scope);
                }
                if let Some(file) = token_ca_file {
                    client.set("https.ca.location", file.to_string_lossy());
                }
                return;
            }
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
    #[case(
        "[tls]\n[sasl]\nmechanism = 'OAUTHBEARER'\ntoken_url = 'https://t'\nclient_id = 'u'\nclient_secret = 'hush'",
        "sasl_ssl",
        Some("OAUTHBEARER")
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
        let secret = client.get("sasl.password");
        let secret = secret.or(client.get("sasl.oauthbearer.client.secret"));
        assert_eq!(secret, mechanism.map(|_| "hush"));
        assert!(!format!("{security:?}").contains("hush"));
    }
}
