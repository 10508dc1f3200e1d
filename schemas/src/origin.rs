//! The sites whose pages may use a public key.

use serde::{Deserialize, Serialize};

/// A site, `https://lms.example`, all sites below a name,
/// `https://*.school.example`, or any, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Why a text names no site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a site is https:// or http:// and a host, with a port where it has one and nothing behind: \
     https://lms.example, https://*.school.example for all below that name, or * for any"
)]
pub struct OriginError;

/// Stands for one or more names before a dot.
const BELOW: &str = "*.";

impl Origin {
    /// Reads a site as an operator writes it; letters may be large.
    ///
    /// # Errors
    /// [`OriginError`] when it is something else: with a path for example.
    pub fn new(text: &str) -> Result<Self, OriginError> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" {
            return Ok(Self(text));
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let named = host.strip_prefix(BELOW).unwrap_or(host);
        // Addresses of IPv6 have colons in brackets.
        let letter = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        let sound = !named.is_empty() && named.chars().all(letter) && !named.starts_with('.');
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) => Some(port),
            Some(Err(_)) => return Err(OriginError),
        };
        let usual = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(OriginError),
        };
        if !sound {
            return Err(OriginError);
        }
        // As browsers write it.
        Ok(Self(match port.filter(|port| *port != usual) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }))
    }

    /// Whether a page is of this site, by its header `Origin`.
    pub fn allows(&self, origin: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let Ok(Self(page)) = Self::new(origin) else {
            return false;
        };
        let Some((scheme, below)) = self.0.split_once(&format!("://{BELOW}")) else {
            return page == self.0;
        };
        let host = page
            .strip_prefix(scheme)
            .and_then(|p| p.strip_prefix("://"));
        let name = host.and_then(|host| host.strip_suffix(below)?.strip_suffix('.'));
        name.is_some_and(|name| !name.is_empty())
    }

    /// The site as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Origin {
    type Err = OriginError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://lms.example", "https://lms.example", true)]
    #[case("https://LMS.example/", "https://lms.example", true)]
    #[case("https://lms.example:443", "https://lms.example", true)]
    #[case("https://lms.example", "https://lms.example:8443", false)]
    #[case("https://lms.example", "http://lms.example", false)]
    #[case("https://lms.example", "https://lms.example.evil.example", false)]
    #[case("https://lms.example", "https://evil-lms.example", false)]
    #[case("https://*.school.example", "https://north.school.example", true)]
    #[case("https://*.school.example", "https://a.b.school.example", true)]
    #[case("https://*.school.example", "https://school.example", false)]
    #[case("https://*.school.example", "https://evilschool.example", false)]
    #[case("https://*.school.example", "http://north.school.example", false)]
    #[case("http://localhost:3000", "http://localhost:3000", true)]
    #[case("http://[::1]:3000", "http://[::1]:3000", true)]
    #[case("http://[::1]", "http://[::1]", true)]
    #[case("*", "https://anything.example", true)]
    #[case("*", "null", true)]
    #[case("https://lms.example", "null", false)]
    #[case("https://lms.example", "", false)]
    fn pages_of_a_site_are_told_from_others(
        #[case] site: &str,
        #[case] page: &str,
        #[case] allowed: bool,
    ) {
        assert_eq!(Origin::new(site).expect("a site").allows(page), allowed);
    }

    #[rstest]
    fn other_texts_are_no_sites(
        #[values(
            "",
            "lms.example",
            "ftp://lms.example",
            "https://",
            "https://lms.example/path",
            "https://*",
            "https://a*b.example",
            "https://user@lms.example",
            "https://lms.example:x",
            "https://lms.example?x",
            "https://.example",
            "https://*.*.example",
            "null"
        )]
        text: &str,
    ) {
        assert_eq!(Origin::new(text), Err(OriginError), "{text}");
    }
}
