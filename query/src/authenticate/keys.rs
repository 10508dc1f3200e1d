//! The public keys of a provider (RFC 7517), and what they have signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use schemas::SigningAlgorithm;
use serde::Deserialize;
use serde_json::Value;

/// The most keys of a provider that are looked at; they have two or three.
const MAX_KEYS: usize = 100;

/// One public key. Its kind says by which algorithm it signs, so that no token can have it
/// taken for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// By which tokens name it.
    pub(super) id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed: 4, x, y.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeySet(Vec<PublicKey>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl PublicKey {
    /// By which algorithm it signs.
    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        match self.material {
            Material::Rsa { .. } => SigningAlgorithm::Rs256,
            Material::P256(_) => SigningAlgorithm::Es256,
            Material::Ed25519(_) => SigningAlgorithm::EdDsa,
        }
    }

    /// Whether whoever has its secret half signed the message so. Of RSA keys those from
    /// 2,048 to 8,192 bits have.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }

    /// The key, if it is one with which the tokens that we read are signed.
    fn read(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_ref()?).ok();
        let coordinate = |part| bytes(part).filter(|bytes| bytes.len() == 32);
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                modulus: without_zeros(bytes(&jwk.n)?),
                exponent: without_zeros(bytes(&jwk.e)?),
            },
            ("EC", Some("P-256")) => {
                let (x, y) = (coordinate(&jwk.x)?, coordinate(&jwk.y)?);
                Material::P256([&[4], &x[..], &y[..]].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(coordinate(&jwk.x)?),
            _ => return None,
        };
        let key = Self {
            id: jwk.kid,
            material,
        };
        let is_for = |alg: &String| alg == key.algorithm().as_str();
        let signs = jwk.purpose.is_none_or(|purpose| purpose == "sig")
            && jwk.alg.as_ref().is_none_or(is_for)
            && jwk
                .key_ops
                .is_none_or(|uses| uses.iter().any(|one| one == "verify"));
        signs.then_some(key)
    }
}

fn without_zeros(bytes: Vec<u8>) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0);
    bytes[first.unwrap_or(bytes.len())..].to_vec()
}

impl KeySet {
    /// Reads a document of keys. Those of other kinds and for other purposes are left out.
    pub(super) fn read(document: &[u8]) -> serde_json::Result<Self> {
        let Document { keys } = serde_json::from_slice(document)?;
        let keys = keys.into_iter().take(MAX_KEYS).filter_map(PublicKey::read);
        Ok(Self(keys.collect()))
    }

    /// The key that a token names. One that names none is read by the only one there is.
    pub(super) fn find(&self, id: Option<&str>, algorithm: SigningAlgorithm) -> Option<&PublicKey> {
        let fits = |key: &&PublicKey| {
            key.algorithm() == algorithm && (id.is_none() || key.id.as_deref() == id)
        };
        let mut found = self.0.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn rsa(change: &Value) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode([&[0], &[0xc5; 256][..]].concat());
        let mut jwk = json!({"kty": "RSA", "kid": "r", "n": modulus, "e": "AQAB"});
        for (name, value) in change.as_object().expect("an object") {
            jwk[name] = value.clone();
        }
        jwk
    }

    #[rstest]
    #[case(rsa(&json!({})), Some(SigningAlgorithm::Rs256))]
    #[case(rsa(&json!({"alg": "RS256", "use": "sig", "key_ops": ["verify"]})),
        Some(SigningAlgorithm::Rs256))]
    #[case(rsa(&json!({"use": "enc"})), None)]
    #[case(rsa(&json!({"alg": "PS256"})), None)]
    #[case(rsa(&json!({"key_ops": ["encrypt"]})), None)]
    #[case(rsa(&json!({"n": null})), None)]
    #[case(json!({"kty": "oct", "k": "c2VjcmV0"}), None)]
    #[case(json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32])}),
        Some(SigningAlgorithm::EdDsa))]
    #[case(json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}), None)]
    #[case(json!({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"}), None)]
    #[case(json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode([1; 32]),
        "y": URL_SAFE_NO_PAD.encode([2; 32])}), Some(SigningAlgorithm::Es256))]
    fn keys_are_of_one_algorithm_each(
        #[case] jwk: Value,
        #[case] expected: Option<SigningAlgorithm>,
    ) {
        let document = json!({"keys": [7, jwk]}).to_string();
        let keys = KeySet::read(document.as_bytes()).expect("a document");
        let algorithms: Vec<_> = keys.iter().map(PublicKey::algorithm).collect();
        assert_eq!(algorithms, Vec::from_iter(expected));
    }

    #[test]
    fn a_token_without_a_name_is_read_by_the_only_key() {
        let document = |keys: Value| {
            let document = json!({ "keys": keys }).to_string();
            KeySet::read(document.as_bytes()).expect("a document")
        };
        let (first, second) = (rsa(&json!({})), rsa(&json!({"kid": "s"})));
        let one = document(json!([first]));
        let two = document(json!([first, second]));
        let rs256 = SigningAlgorithm::Rs256;
        assert!(one.find(None, rs256).is_some());
        assert!(one.find(Some("other"), rs256).is_none());
        assert!(one.find(Some("r"), SigningAlgorithm::Es256).is_none());
        assert!(two.find(None, rs256).is_none());
        assert!(two.find(Some("s"), rs256).is_some());
        assert!(
            document(json!([first, first]))
                .find(Some("r"), rs256)
                .is_none()
        );
    }
}
