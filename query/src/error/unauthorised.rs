//! Why a request is not let in.

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthorised {
    #[error("no token")]
    Missing,
    #[error("not a token")]
    Malformed,
    #[error("a write key")]
    WriteKey,
    #[error("an unknown token")]
    Unknown,
    #[error("a revoked token")]
    Revoked,
    #[error("an expired token")]
    Expired,
    #[error("a log-in code that is not open")]
    Code,
    #[error("a token that is too long")]
    TooLong,
    #[error("a token that does not say whose data it asks about")]
    Tenant,
    #[error("a token of an unknown issuer")]
    Issuer,
    #[error("a token for somebody else")]
    Audience,
    #[error("a token that is signed in another way")]
    Algorithm,
    #[error("a token of an unknown key")]
    Key,
    #[error("a token with a wrong signature")]
    Signature,
    #[error("a token without an end")]
    Endless,
    #[error("a token whose time is over")]
    Over,
    #[error("a token whose time has not come")]
    Early,
    #[error("a token that does not say who somebody is")]
    Subject,
    #[error("a token whose email nobody has verified")]
    Unverified,
    #[error("a token of somebody who is not in the roster")]
    Unlisted,
    #[error("a token of whom the roster has several")]
    Ambiguous,
    #[error("a token of no known role")]
    Role,
    #[error("a token of several roles")]
    Roles,
    #[error("an embed token whose parent does not work")]
    Parent,
}

impl Unauthorised {
    /// Its code, for programs, and one sentence that says what to do.
    pub(super) fn code_and_detail(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => (
                "token_missing",
                "Send the header `Authorization: Bearer ct_…` with a query token.",
            ),
            Self::Malformed => (
                "token_malformed",
                "Send `Authorization: Bearer ct_…` with the token exactly as it was issued.",
            ),
            Self::WriteKey => (
                "token_is_write_key",
                "This is a write key, which only posts events; ask with a query token (ct_…).",
            ),
            Self::Unknown => (
                "token_unknown",
                "No such query token; check it, or issue one with `chalkline token issue`.",
            ),
            Self::Revoked => (
                "token_revoked",
                "This query token was revoked; issue a new one with `chalkline token issue`.",
            ),
            Self::Expired => (
                "token_expired",
                "This query token has expired; issue a new one with `chalkline token issue`.",
            ),
            Self::Code => (
                "code_unknown",
                "This link was used already or is older than 10 minutes; print a new one with \
                 `chalkline link`, or log in with a token.",
            ),
            Self::TooLong => (
                "token_too_long",
                "Send a token of at most 16 KiB; let the provider leave out what nobody needs.",
            ),
            Self::Tenant => (
                "token_tenant_missing",
                "Say whose data you ask about, by the claim `chalkline_tenant` or, where the \
                 token has none, by the header `X-Chalkline-Tenant`.",
            ),
            Self::Issuer => (
                "token_issuer_unknown",
                "The tenant trusts no such identity provider; name it with `chalkline tenant idp \
                 set`.",
            ),
            Self::Audience => (
                "token_audience_wrong",
                "The token is for somebody else; ask the provider for one whose `aud` is the \
                 audience that the tenant names.",
            ),
            Self::Algorithm => (
                "token_algorithm_refused",
                "The token is signed in a way that the tenant does not take from its provider.",
            ),
            Self::Key => (
                "token_key_unknown",
                "The provider has no key with which this token can have been signed; get a new \
                 one.",
            ),
            Self::Signature => (
                "token_signature_invalid",
                "The token is not signed by the provider that it names; get a new one.",
            ),
            Self::Endless => (
                "token_expiry_missing",
                "Let the provider say in `exp` when its tokens end.",
            ),
            Self::Over => (
                "token_expired",
                "This token has expired; get a new one from where it came.",
            ),
            Self::Early => (
                "token_not_yet_valid",
                "By our clock this token is of the future; compare the clocks.",
            ),
            Self::Subject => (
                "token_subject_missing",
                "Let the provider say who somebody is in the claim that the tenant names.",
            ),
            Self::Unverified => (
                "token_email_unverified",
                "The provider says that this email is not verified, and people are found by it; \
                 verify it there.",
            ),
            Self::Unlisted => (
                "token_subject_unknown",
                "The roster has nobody, or nobody who is enabled, whom the provider calls so; \
                 correct one of them, and import the roster.",
            ),
            Self::Ambiguous => (
                "token_subject_ambiguous",
                "The roster has several people whom the provider calls so; let them differ, and \
                 import the roster.",
            ),
            Self::Role => (
                "token_role_unknown",
                "The token names no role that the tenant has given a meaning; see `chalkline \
                 tenant idp show`.",
            ),
            Self::Roles => (
                "token_role_ambiguous",
                "The token names several roles; let the provider put one of them into it.",
            ),
            Self::Parent => (
                "token_revoked",
                "The query token with which this embed token was made works no more; make both \
                 anew.",
            ),
        }
    }
}
