//! The family of the program that asks: what is kept of its `User-Agent`.

use axum::http::{HeaderMap, header};

/// Names that stand in the header, and their families. Most browsers claim to be others
/// too: the first that matches is meant.
const FAMILIES: [(&str, &str); 14] = [
    ("chalkline/", "chalkline"),
    ("curl/", "curl"),
    ("python-requests/", "python-requests"),
    ("Python-urllib/", "python"),
    ("okhttp/", "okhttp"),
    ("node", "node"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The family of whatever sends these headers; `None` if it does not say what it is.
pub(super) fn family(headers: &HeaderMap) -> Option<&'static str> {
    let user_agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let mut families = FAMILIES.iter();
    let known = families.find(|(mark, _)| user_agent.contains(mark));
    Some(known.map_or("other", |(_, family)| *family))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("curl/8.5.0", "curl")]
    #[case(
        "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
        "Chrome"
    )]
    #[case("Mozilla/5.0 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge")]
    #[case("Ann's own program", "other")]
    fn of_a_program_only_its_family_is_kept(#[case] user_agent: &str, #[case] expected: &str) {
        let mut headers = HeaderMap::new();
        assert_eq!(family(&headers), None);
        headers.insert(header::USER_AGENT, user_agent.parse().expect("a header"));
        assert_eq!(family(&headers), Some(expected));
    }
}
