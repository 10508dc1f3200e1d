//! From a session's id to the partition of its rows.

use schemas::Term;
use schemas::roster::NO_TERM;
use xxhash_rust::xxh3::xxh3_64;

/// The characters of a term.
const MOST: usize = 40;

/// What ids of days between terms begin with; no session may look like them, nor like
/// [`NO_TERM`].
const RESERVED: &str = "between-terms-";

/// A session's id as a [`Term`]: itself, where it can be one; else what of it can be,
/// and six characters of a hash, so that no two ids become one term. It depends on
/// the id only, so a session keeps its partition whatever it is called.
///
/// ```
/// assert_eq!(roster::term_slug("as-trm-222-1234").as_str(), "as-trm-222-1234");
/// assert_eq!(roster::term_slug("Fall 2026").as_str(), "fall-2026-a1cf20");
/// ```
pub fn term_slug(id: &str) -> Term {
    if let Ok(term) = Term::new(id)
        && !id.starts_with(RESERVED)
        && id != NO_TERM
    {
        return term;
    }
    let mut slug = String::new();
    for character in id.chars() {
        let character = character.to_ascii_lowercase();
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let hash = format!("{:06x}", xxh3_64(id.as_bytes()) & 0xFF_FFFF);
    if slug.starts_with(RESERVED) {
        slug.insert_str(0, "t-");
    }
    slug.truncate(MOST - hash.len() - 1);
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "t" } else { slug };
    Term::new(format!("{slug}-{hash}")).expect("it is made of a-z 0-9 - and short")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_that_differ_in_case_or_signs_stay_apart() {
        let slugs = [
            "fall-1", "Fall-1", "fall 1", "fall_1", "FALL-1", "", "ü", "?",
        ];
        let mut terms: Vec<_> = slugs.map(term_slug).to_vec();
        terms.sort();
        terms.dedup();
        assert_eq!(terms.len(), slugs.len());
        assert!(
            !term_slug("between-terms-2026")
                .as_str()
                .starts_with(RESERVED)
        );
        assert_ne!(term_slug(NO_TERM).as_str(), NO_TERM);
    }

    proptest! {
        #[test]
        fn every_id_makes_a_term(id in ".{0,300}") {
            term_slug(&id);
        }
    }
}
