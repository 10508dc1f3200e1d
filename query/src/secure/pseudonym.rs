//! What stands in the place of a person's identifier.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How many bytes of the hash are shown: two people of one pseudonym are not to be
/// expected among 2^64.
const BYTES: usize = 16;

/// Turns identifiers into pseudonyms by a key that nobody ever sees: the same for the same
/// identifier, so that tables can be joined, and of no use in another query.
///
/// It is in no session's functions: nobody can ask for the pseudonym of an identifier
/// that they know.
pub(super) struct Pseudonym {
    key: [u8; 32],
    signature: Signature,
}

impl Pseudonym {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
        }
    }

    fn of(&self, identifier: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key may have any length");
        mac.update(identifier.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest[..BYTES]
            .iter()
            .fold(String::with_capacity(2 * BYTES), |mut text, byte| {
                write!(text, "{byte:02x}").expect("a text takes everything");
                text
            })
    }
}

impl ScalarUDFImpl for Pseudonym {
    fn name(&self) -> &str {
        "pseudonym"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [identifiers] = args.args.as_slice() else {
            return exec_err!("a pseudonym is of one identifier");
        };
        let identifiers = identifiers.to_array(rows)?;
        let Some(identifiers) = identifiers.as_string_opt::<i32>() else {
            return exec_err!("a pseudonym is of a text");
        };
        let pseudonyms: StringArray = identifiers
            .iter()
            .map(|identifier| identifier.map(|identifier| self.of(identifier)))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(pseudonyms) as ArrayRef))
    }
}

impl PartialEq for Pseudonym {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Pseudonym {}

impl Hash for Pseudonym {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.write_str("Pseudonym")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_makes_one_pseudonym_of_an_identifier_and_another_key_another() {
        let (one, two) = (Pseudonym::new([1; 32]), Pseudonym::new([2; 32]));
        assert_eq!(one.of("stu-1041"), one.of("stu-1041"));
        assert_ne!(one.of("stu-1041"), one.of("stu-1042"));
        assert_ne!(one.of("stu-1041"), two.of("stu-1041"));
        assert_eq!(one.of("stu-1041").len(), 2 * BYTES);
        assert_eq!(format!("{one:?}"), "Pseudonym");
    }
}
