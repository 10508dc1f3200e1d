//! Language tags of RFC 5646.

use std::collections::HashSet;

/// Tags from before the grammar.
const GRANDFATHERED: &[&str] = &[
    "art-lojban",
    "cel-gaulish",
    "en-gb-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "no-bok",
    "no-nyn",
    "sgn-be-fr",
    "sgn-be-nl",
    "sgn-ch-de",
    "zh-guoyu",
    "zh-hakka",
    "zh-min",
    "zh-min-nan",
    "zh-xiang",
];

/// Whether the tag is well-formed, no singleton or variant in it twice.
pub fn is_tag(text: &str) -> bool {
    let tag = text.to_ascii_lowercase();
    langtag(&tag).is_some() || GRANDFATHERED.contains(&tag.as_str())
}

/// Reads subtags in the order that the grammar has them.
fn langtag(tag: &str) -> Option<()> {
    let mut subtags = tag.split('-').peekable();
    if subtags.peek() == Some(&"x") {
        return private(subtags);
    }
    let language = subtags.next()?;
    if !alphabetic(language, 2..=8) {
        return None;
    }
    if language.len() <= 3 {
        for _ in 0..3 {
            subtags.next_if(|subtag| alphabetic(subtag, 3..=3));
        }
    }
    subtags.next_if(|subtag| alphabetic(subtag, 4..=4));
    let digits = |subtag: &str| subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit());
    subtags.next_if(|subtag| alphabetic(subtag, 2..=2) || digits(subtag));
    let mut seen = HashSet::new();
    while let Some(variant) = subtags.next_if(|subtag| is_variant(subtag)) {
        seen.insert(variant).then_some(())?;
    }
    while let Some(singleton) = subtags.next_if(|s| *s != "x" && alphanumeric(s, 1..=1)) {
        seen.insert(singleton).then_some(())?;
        subtags.next_if(|subtag| alphanumeric(subtag, 2..=8))?;
        while subtags
            .next_if(|subtag| alphanumeric(subtag, 2..=8))
            .is_some()
        {}
    }
    match subtags.peek() {
        None => Some(()),
        Some(_) => private(subtags),
    }
}

/// `x-…`
fn private<'a>(mut subtags: impl Iterator<Item = &'a str>) -> Option<()> {
    (subtags.next()? == "x").then_some(())?;
    let mut rest = subtags.peekable();
    rest.peek()?;
    rest.all(|subtag| alphanumeric(subtag, 1..=8)).then_some(())
}

fn is_variant(subtag: &str) -> bool {
    let year = subtag.len() == 4 && subtag.starts_with(|c: char| c.is_ascii_digit());
    alphanumeric(subtag, 5..=8) || (year && alphanumeric(subtag, 4..=4))
}

fn alphabetic(subtag: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn alphanumeric(subtag: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_the_grammar() {
        for tag in [
            "de",
            "cmn",
            "en-GB",
            "es-419",
            "zh-Hant",
            "sr-Latn-RS",
            "zh-Hans-CN",
            "zh-yue-HK",
            "sl-rozaj-biske",
            "de-CH-1901",
            "en-a-bbb-x-a-ccc",
            "x-whatever",
            "i-klingon",
            "de-DE-u-co-phonebk",
            "und",
        ] {
            assert!(is_tag(tag), "{tag}");
        }
    }

    #[test]
    fn others() {
        for tag in [
            "",
            "a",
            "something",
            "a12345678",
            "zh-z-aaa-z-bbb-c-ccc",
            "en_GB",
            "de-",
            "-de",
            "x",
            "en-a",
            "de-1901-1901",
            "de-DE-DE",
            "ü",
        ] {
            assert!(!is_tag(tag), "{tag}");
        }
    }
}
