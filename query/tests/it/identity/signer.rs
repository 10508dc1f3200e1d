//! Keys of providers, drawn anew for each test, and what they sign.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};

/// A key with its id.
pub struct Signer {
    id: String,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

impl Signer {
    pub fn es256(id: &str) -> Self {
        let random = SystemRandom::new();
        let secret = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let secret = secret.expect("a key");
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret.as_ref(), &random);
        Self::of(id, Key::Es256(key.expect("a key")))
    }

    pub fn ed25519(id: &str) -> Self {
        let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(secret.as_ref()).expect("a key");
        Self::of(id, Key::Ed25519(key))
    }

    pub fn rs256(id: &str) -> Self {
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-outform", "DER"])
            .args(["-pkeyopt", "rsa_keygen_bits:2048"])
            .output()
            .expect("openssl is installed");
        assert!(made.status.success(), "{made:?}");
        let key = RsaKeyPair::from_pkcs8(&made.stdout)
            .or_else(|_| RsaKeyPair::from_der(&made.stdout))
            .expect("a key");
        Self::of(id, Key::Rs256(Box::new(key)))
    }

    fn of(id: &str, key: Key) -> Self {
        Self {
            id: id.to_owned(),
            key,
        }
    }

    /// The algorithm's name.
    pub fn name(&self) -> &'static str {
        match self.key {
            Key::Es256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
            Key::Rs256(_) => "RS256",
        }
    }

    /// The public half, as providers publish it.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256",
                    "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Key::Ed25519(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().as_ref()),
            }),
            Key::Rs256(key) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": encode(public.n), "e": encode(public.e)})
            }
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token as the provider makes them.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(
            &json!({"alg": self.name(), "kid": self.id, "typ": "JWT"}),
            claims,
        )
    }

    /// A token that says of itself what it likes.
    pub fn token_with(&self, head: &Value, claims: &Value) -> String {
        let unsigned = unsigned(head, claims);
        format!("{unsigned}.{}", encode(self.sign(unsigned.as_bytes())))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => {
                let signature = key.sign(&random, message).expect("signed");
                signature.as_ref().to_vec()
            }
            Key::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.expect("signed");
                signature
            }
        }
    }
}

/// What is signed.
pub fn unsigned(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode(value.to_string());
    format!("{}.{}", part(head), part(claims))
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
