//! The `@context` of JSON-LD, which says that a document is Caliper's, and the
//! envelope's `dataVersion`, which is the same IRI.

use serde_json::Value;

/// What to do about another one.
pub const ADVICE: &str = "Send events of Caliper 1.1 or 1.2: \
                          http://purl.imsglobal.org/ctx/caliper/v1p2.";

/// Whether that is the context of Caliper 1.1 or 1.2, or of an extension of one.
pub fn is_of_caliper(iri: &str) -> bool {
    let Some(version) = rest(iri).and_then(|rest| rest.strip_prefix("ctx/caliper/")) else {
        return false;
    };
    ["v1p1", "v1p2"].iter().any(|known| {
        let after = version.strip_prefix(known);
        after.is_some_and(|after| after.is_empty() || after.starts_with(['/', '-']))
    })
}

/// Whether a `@context` is one of Caliper's, has it among others, or spells its terms
/// out.
pub fn is_good(context: &Value) -> bool {
    match context {
        Value::String(iri) => is_of_caliper(iri),
        Value::Array(contexts) => contexts.iter().any(is_good),
        Value::Object(terms) => terms
            .values()
            .filter_map(Value::as_str)
            .any(|iri| rest(iri).is_some_and(|rest| rest.starts_with("caliper"))),
        _ => false,
    }
}

fn rest(iri: &str) -> Option<&str> {
    let (_, rest) = iri.split_once("://purl.imsglobal.org/")?;
    (iri.starts_with("http:") || iri.starts_with("https:")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!("http://purl.imsglobal.org/ctx/caliper/v1p1"), true)]
    #[case(json!("https://purl.imsglobal.org/ctx/caliper/v1p2"), true)]
    #[case(json!("http://purl.imsglobal.org/ctx/caliper/v1p1/ToolUseProfile-extension"), true)]
    #[case(json!([{"query": "http://schema.org/query"}, "http://purl.imsglobal.org/ctx/caliper/v1p2"]), true)]
    #[case(json!({"caliper": "http://purl.imsglobal.org/caliper/", "id": "@id"}), true)]
    #[case(json!("http://purl.imsglobal.org/ctx/caliper/v1/Context"), false)]
    #[case(json!("http://purl.imsglobal.org/ctx/caliper/v1p20"), false)]
    #[case(json!("http://some.example/ctx/caliper/v1p2"), false)]
    #[case(json!({"query": "http://schema.org/query"}), false)]
    #[case(json!([]), false)]
    #[case(json!(7), false)]
    fn contexts(#[case] context: Value, #[case] good: bool) {
        assert_eq!(is_good(&context), good);
    }
}
