//! The version of the specification that a request keeps to.

use axum::http::HeaderMap;

use super::Refusal;

/// The header that names it, in requests and answers.
pub const HEADER: &str = "x-experience-api-version";

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0.3, for requests that say 1.0 or any 1.0.x.
    V1,
    /// 2.0.0, the same as IEEE 9274.1.1.
    V2,
}

impl Version {
    /// All versions, as `GET /xapi/about` tells them.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The version that the header names.
    ///
    /// # Errors
    /// When there is none, or none of ours.
    pub fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = headers.get(HEADER).ok_or(Refusal::NoVersion)?;
        let text = value.to_str().unwrap_or_default();
        if Self::is_of(text, "1.0") {
            Ok(Self::V1)
        } else if Self::is_of(text, "2.0") {
            Ok(Self::V2)
        } else {
            Err(Refusal::UnknownVersion)
        }
    }

    /// Whether a text is `family` or one of its patches: 1.0.2 is of 1.0.
    pub fn is_of(text: &str, family: &str) -> bool {
        text.strip_prefix(family).is_some_and(|patch| {
            patch.is_empty()
                || patch.strip_prefix('.').is_some_and(|patch| {
                    !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())
                })
        })
    }

    /// The version as answers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0.3",
            Self::V2 => "2.0.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_belong_to_their_family() {
        for text in ["1.0", "1.0.0", "1.0.9", "1.0.12"] {
            assert!(Version::is_of(text, "1.0"), "{text}");
        }
        for text in ["", "1", "1.0.", "1.0.x", "1.1.0", "1.01", "0.9.9", "2.0.0"] {
            assert!(!Version::is_of(text, "1.0"), "{text}");
        }
    }
}
