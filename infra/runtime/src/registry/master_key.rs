//! The key that encrypts the tenants' secrets.

use rand::TryRngCore;
use rand::rngs::OsRng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// 32 bytes that encrypt the tenants' secrets at rest with AES-256-GCM.
///
/// ```
/// use runtime::MasterKey;
///
/// assert!("00ff".repeat(16).parse::<MasterKey>().is_ok());
/// assert!("too short".parse::<MasterKey>().is_err());
/// ```
#[derive(Clone)]
pub struct MasterKey(LessSafeKey);

/// The text is no master key; the text is not repeated, as it may nearly be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 64 hexadecimal characters (openssl rand -hex 32)")]
pub struct MasterKeyError;

impl std::str::FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| MasterKeyError)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| MasterKeyError)?;
        Ok(Self(LessSafeKey::new(key)))
    }
}

impl MasterKey {
    /// A random nonce followed by `secret`, encrypted and bound to `context`:
    /// it opens only with the same context.
    pub(super) fn seal(&self, secret: &[u8], context: &str) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce);
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed,
            )
            .expect("a secret is far shorter than the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed; `None` under another key or context, or when damaged.
    pub(super) fn open(&self, sealed: &[u8], context: &str) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        let secret = self
            .0
            .open_in_place(nonce, Aad::from(context), &mut bytes)
            .ok()?;
        Some(secret.to_vec())
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Fills `bytes` from the operating system's random source.
pub(super) fn random(bytes: &mut [u8]) {
    OsRng
        .try_fill_bytes(bytes)
        .expect("the operating system has a random source");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_in_its_context() {
        let key: MasterKey = "11".repeat(32).parse().expect("a key");
        let other: MasterKey = "22".repeat(32).parse().expect("a key");
        let sealed = key.seal(b"secret", "demo");
        assert_ne!(sealed, key.seal(b"secret", "demo"), "a nonce is used once");
        assert_eq!(key.open(&sealed, "demo").as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open(&sealed, "other"), None);
        assert_eq!(other.open(&sealed, "demo"), None);
        assert_eq!(key.open(&sealed[..4], "demo"), None);
    }
}
