//! Why a write key opens nothing, and how its sender reads that.

/// Why a write key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no `Authorization` header.
    #[error("no key was sent")]
    Missing,
    /// The header is not `Bearer ck_…`.
    #[error("the key has another shape than ck_<tenant>_<id>_<secret>")]
    Malformed,
    /// No such tenant or key, or another secret.
    #[error("the key is not known")]
    Unknown,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It is a query token.
    #[error("the credential is a query token")]
    QueryToken,
    /// A secret key stands in the address.
    #[error("a secret key stands in the address")]
    SecretInAddress,
    /// A page in a browser has a secret key.
    #[error("a page has a secret key")]
    SecretInPage,
    /// The request with a public key is no page's.
    #[error("a public key came from no page")]
    NoOrigin,
    /// Who listens has a public key.
    #[error("a public key listens")]
    PublicListens,
    /// Who sends a roster has a public key.
    #[error("a public key sends a roster")]
    PublicRoster,
    /// Who sends a roster has a key for some families of events.
    #[error("a key for some families sends a roster")]
    FamiliesOnly,
    /// The page with a public key is of another site.
    #[error("the page is of a site that the key is not for")]
    OtherOrigin,
}

impl KeyError {
    /// 401 where the key opens nothing, 403 where it does elsewhere.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::SecretInAddress
            | Self::SecretInPage
            | Self::NoOrigin
            | Self::OtherOrigin
            | Self::PublicListens
            | Self::PublicRoster
            | Self::FamiliesOnly => 403,
            _ => 401,
        }
    }

    /// Its code, and what to do.
    pub(crate) fn code_and_detail(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "missing_key",
                "Send a write key as `Authorization: Bearer ck_…`.",
            ),
            Self::Malformed => (
                "malformed_key",
                "Send the whole write key as `Authorization: Bearer ck_<tenant>_<id>_<secret>`.",
            ),
            Self::Unknown => (
                "unknown_key",
                "Ask the operator for a write key: this one is not known.",
            ),
            Self::Revoked => (
                "revoked_key",
                "Ask the operator for a new write key: this one was revoked.",
            ),
            Self::Expired => (
                "expired_key",
                "Ask the operator for a new write key: this one has expired.",
            ),
            Self::QueryToken => (
                "query_token",
                "Send a write key (ck_…): query tokens (ct_…) only read.",
            ),
            Self::SecretInAddress => (
                "secret_key_in_address",
                "Send a secret key as `Authorization: Bearer ck_…`, and rotate this one: addresses \
                 are written to logs. Only a public key may stand in `?key=`.",
            ),
            Self::SecretInPage => (
                "secret_key_in_page",
                "Use a public key in pages (`chalkline key issue --public`), and rotate this one: \
                 whoever opens the page can read it.",
            ),
            Self::NoOrigin => (
                "missing_origin",
                "Use a secret key on servers: a public key is for pages, whose browser sends the \
                 header Origin.",
            ),
            Self::PublicListens => (
                "secret_key_needed",
                "Listen with a secret key: everybody can read a public one.",
            ),
            Self::PublicRoster => (
                "secret_key_needed",
                "Send rosters and catalogues, and ask for their jobs, from a server with a secret \
                 key: everybody can read a public one.",
            ),
            Self::FamiliesOnly => (
                "roster_not_allowed",
                "Use a secret key that is not limited to some families of events: a roster or a \
                 catalogue replaces what is known of everybody.",
            ),
            Self::OtherOrigin => (
                "origin_not_allowed",
                "Ask the operator for a public key for the site of this page (`chalkline key issue \
                 --public --origin`), as the header Origin names it.",
            ),
        }
    }
}
