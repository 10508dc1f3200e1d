//! From an actor, as a client app names a person, to an opaque student key.

use std::borrow::Cow;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{StudentKey, TenantId};

/// The key of a tenant's student hashes: 32 random bytes that never leave the
/// ingest and transform services. Losing it makes old and new rows of one
/// student strangers to each other.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantSecret([u8; 32]);

impl TenantSecret {
    /// Wraps 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TenantSecret(…)")
    }
}

/// Turns actors into [`StudentKey`]s: HMAC-SHA-256 under the tenant's secret,
/// cut to 16 bytes. Equal actors give equal keys within a tenant only.
#[derive(Clone)]
pub struct StudentHasher(Hmac<Sha256>);

impl std::fmt::Debug for StudentHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StudentHasher(…)")
    }
}

impl StudentHasher {
    /// A hasher for one tenant.
    pub fn new(secret: &TenantSecret) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length"))
    }

    /// The key of a *normalised* actor; see [`normalise_actor`].
    pub fn key(&self, normalised: &str) -> StudentKey {
        let mut mac = self.0.clone();
        mac.update(normalised.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        StudentKey::from_bytes(key)
    }
}

/// The part of an actor that names the person: an account name as it is, a
/// mailbox without `mailto:` and in small letters, since no one has two that
/// differ in case, an IRI without the tenant's `prefixes` (the longest that
/// matches).
pub fn normalise_actor<'a>(actor: &'a str, prefixes: &[String]) -> Cow<'a, str> {
    /// The scheme of mailboxes.
    const MAILTO: &str = "mailto:";

    let actor = actor.trim();
    let mailbox = actor
        .split_at_checked(MAILTO.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(MAILTO))
        .map(|(_, mailbox)| mailbox);
    let name = strip_prefix(mailbox.unwrap_or(actor), prefixes);
    if mailbox.is_some() || is_mailbox(name) {
        name.to_lowercase().into()
    } else {
        name.into()
    }
}

/// Whether a name is a mailbox, as people write it without `mailto:`.
fn is_mailbox(name: &str) -> bool {
    let parted = name.split_once('@');
    let of_mailbox = |c: char| !c.is_whitespace() && !"@:/".contains(c);
    parted.is_some_and(|(user, host)| {
        [user, host]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(of_mailbox))
    })
}

/// `id` without the longest of `prefixes` that it starts with; unchanged when
/// nothing would be left.
pub fn strip_prefix<'a>(id: &'a str, prefixes: &[String]) -> &'a str {
    prefixes
        .iter()
        .filter_map(|prefix| id.strip_prefix(prefix.as_str()))
        .filter(|rest| !rest.is_empty())
        .min_by_key(|rest| rest.len())
        .unwrap_or(id)
}

/// The key under which a student's records stand in the log: one student's
/// events stay in order and their duplicates meet.
pub fn log_key(tenant: &TenantId, student: &StudentKey) -> Vec<u8> {
    format!("{tenant}/{student}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_people_meet_and_tenants_do_not() {
        let a = StudentHasher::new(&TenantSecret::from_bytes([1; 32]));
        let b = StudentHasher::new(&TenantSecret::from_bytes([2; 32]));
        assert_eq!(a.key("stu-1041"), a.key("stu-1041"));
        assert_ne!(a.key("stu-1041"), a.key("stu-1042"));
        assert_ne!(a.key("stu-1041"), b.key("stu-1041"));
    }

    #[test]
    fn normalising_keeps_the_part_that_names_the_person() {
        let prefixes = [
            "https://lms.example/users/".to_owned(),
            "https://lms.example/".to_owned(),
        ];
        for (actor, expected) in [
            ("stu-1041", "stu-1041"),
            (" stu-1041 ", "stu-1041"),
            ("mailto:ann@school.example", "ann@school.example"),
            ("MailTo:Ann@School.example", "ann@school.example"),
            ("Ann@School.example", "ann@school.example"),
            ("Ann@home@School", "Ann@home@School"),
            ("https://Lms.example/@Ann", "https://Lms.example/@Ann"),
            ("@Ann", "@Ann"),
            ("Stu-1041", "Stu-1041"),
            ("https://lms.example/users/7", "7"),
            ("https://lms.example/other", "other"),
            ("https://lms.example/", "https://lms.example/"),
        ] {
            assert_eq!(normalise_actor(actor, &prefixes), expected, "{actor}");
        }
    }
}
