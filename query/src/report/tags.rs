//! What an asker says to hold already.

use axum::http::{HeaderMap, header};

/// The entity tags of `If-None-Match`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tags(Vec<String>);

impl Tags {
    /// Those of a request. `*` is none: whoever asks for a report wants its rows.
    pub(crate) fn held(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::IF_NONE_MATCH).into_iter();
        let tags = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| opaque(tag.trim()).to_owned());
        Self(tags.collect())
    }

    /// Whether one of them is this tag, weak or not.
    pub(crate) fn contains(&self, tag: &str) -> bool {
        self.0.iter().any(|held| held == opaque(tag))
    }
}

/// A tag without the mark that it is weak: a proxy that compresses may take it off.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], false)]
    #[case(&["W/\"a\""], true)]
    #[case(&["\"a\""], true)]
    #[case(&["\"b\", W/\"a\""], true)]
    #[case(&["\"b\"", "\"a\""], true)]
    #[case(&["\"b\""], false)]
    #[case(&["a"], false)]
    #[case(&["*"], false)]
    fn a_tag_is_found_among_those_held(#[case] held: &[&'static str], #[case] expected: bool) {
        let mut headers = HeaderMap::new();
        for value in held {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        assert_eq!(
            Tags::held(&headers).contains("W/\"a\""),
            expected,
            "{held:?}"
        );
    }
}
