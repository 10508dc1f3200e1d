//! Where the database is. Its password is never shown.

use std::str::FromStr;

use schemas::SourceName;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

/// The address of a PostgreSQL database. It is shown without its password.
#[derive(Clone)]
pub struct Address(PgConnectOptions);

/// A text that is no address. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of PostgreSQL: write postgresql://user@host:5432/database")]
pub struct AddressError;

impl Address {
    /// How to connect there.
    pub(super) fn options(&self) -> PgConnectOptions {
        let options = self.0.clone().application_name("chalkline roster sync");
        // Slow statements would be logged with their text, which is the school's.
        options.disable_statement_logging()
    }

    /// Who reads.
    pub fn user(&self) -> &str {
        self.0.get_username()
    }

    /// The database's own name.
    pub fn database(&self) -> &str {
        self.0.get_database().unwrap_or_else(|| self.user())
    }

    /// The name of the source where nobody gives it another.
    pub fn source_name(&self) -> SourceName {
        SourceName::of_database(self.database())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        let options = url.parse().ok().filter(|_| is_url);
        options.map(Self).ok_or(AddressError)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, port) = (self.0.get_host(), self.0.get_port());
        write!(f, "{} on {host}:{port} as {}", self.database(), self.user())
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_nothing_that_is_shown() {
        let url = "postgresql://reader:s3cret@db.school.example:5433/LMS?sslmode=require";
        let address: Address = url.parse().expect("an address");
        assert_eq!(
            address.to_string(),
            "LMS on db.school.example:5433 as reader"
        );
        assert!(!format!("{address:?}").contains("s3cret"));
        assert_eq!(address.source_name().as_str(), "lms");
        let url = "postgresql://reader:s3cret@db:port/lms";
        let error = url.parse::<Address>().expect_err("no port");
        assert!(!format!("{error:?} {error}").contains("s3cret"));
        assert!("lms".parse::<Address>().is_err());
    }
}
