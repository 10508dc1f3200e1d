//! A JSON Schema, and what is wrong with data that does not keep to it.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::cost;
use crate::outcome::{Reason, Rejection};
use crate::tree;

/// The most problems that are told of one event.
const PROBLEMS: usize = 10;

/// The largest compiled pattern, in bytes: `(a{1000}){1000}` is short and not small.
const PATTERN_BYTES: usize = 1 << 20;

/// A compiled JSON Schema. It refers to nothing outside itself, and its patterns and
/// references take linear time.
pub struct Schema(Validator);

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

impl Schema {
    /// Compiles a schema, of draft 2020-12 unless its `$schema` says otherwise.
    ///
    /// # Errors
    /// What is wrong with it, in words for who wrote it.
    pub fn new(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err("a schema is a JSON object".to_owned());
        }
        cost::check(schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let compiled = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(patterns)
            .build(schema);
        compiled
            .map(Self)
            .map_err(|error| match error.instance_path().as_str() {
                "" => error.to_string(),
                at => format!("{error} (at {at})"),
            })
    }

    /// Checks the `data` of an event.
    ///
    /// # Errors
    /// [`Reason::SchemaViolation`] for the first things that are wrong. No value of the
    /// event is repeated.
    pub fn check(&self, data: &Value) -> Result<(), Rejection> {
        let problems = self.0.iter_errors(data).take(PROBLEMS);
        match Rejection::all(problems.map(|error| explain(&error)).collect()) {
            None => Ok(()),
            Some(rejection) => Err(rejection),
        }
    }
}

fn explain(error: &ValidationError<'_>) -> Rejection {
    use ValidationErrorKind as Kind;

    let at = |name: Option<&str>| {
        let step = name.map(tree::step).unwrap_or_default();
        format!("/data{}{step}", error.instance_path())
    };
    let (pointer, detail) = match error.kind() {
        Kind::Required { property } => {
            let detail = "Add it: the schema of this type requires it.";
            (at(property.as_str()), detail.to_owned())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let detail = "Leave it out: the schema of this type has no such member.";
            (
                at(unexpected.first().map(String::as_str)),
                detail.to_owned(),
            )
        }
        Kind::FalseSchema => {
            let detail = "Leave it out: the schema of this type takes nothing here.";
            (at(None), detail.to_owned())
        }
        // Its message would name the member, and members may be named after people.
        Kind::PropertyNames { .. } => {
            let detail = "Name all members as the schema of this type says.";
            (at(None), detail.to_owned())
        }
        _ => {
            let masked = error.masked().to_string();
            let masked = masked.trim_end_matches('.');
            (
                at(None),
                format!("Correct it for the schema of this type: {masked}."),
            )
        }
    };
    Rejection::new(Reason::SchemaViolation, pointer, detail)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(&json!({
            "type": "object",
            "properties": {
                "station": { "type": "string", "pattern": "^[A-Z][0-9]$" },
                "minutes": { "type": "integer", "minimum": 0, "maximum": 600 },
                "kind": { "enum": ["bench", "field"] },
                "steps": { "type": "array", "items": { "$ref": "#/$defs/step" } },
                "gone": false,
                "labels": { "propertyNames": { "maxLength": 3 } },
                "when": { "type": "string", "format": "date" },
            },
            "required": ["station"],
            "additionalProperties": false,
            "$defs": { "step": { "type": "object", "required": ["n"] } },
        }))
        .expect("a schema")
    }

    #[rstest]
    #[case(json!({"station": "A1", "minutes": 10, "kind": "field", "steps": [{"n": 1}]}), None)]
    #[case(json!({}), Some("/data/station"))]
    #[case(json!({"station": "anna"}), Some("/data/station"))]
    #[case(json!({"station": "A1", "minutes": "anna"}), Some("/data/minutes"))]
    #[case(json!({"station": "A1", "minutes": 601}), Some("/data/minutes"))]
    #[case(json!({"station": "A1", "kind": "anna"}), Some("/data/kind"))]
    #[case(json!({"station": "A1", "a/anna": 1}), Some("/data/a~1anna"))]
    #[case(json!({"station": "A1", "steps": [{"n": 1}, {}]}), Some("/data/steps/1/n"))]
    #[case(json!({"station": "A1", "gone": "anna"}), Some("/data/gone"))]
    #[case(json!({"station": "A1", "labels": {"anna": 1}}), Some("/data/labels"))]
    #[case(json!({"station": "A1", "when": "anna"}), Some("/data/when"))]
    fn what_is_wrong_is_pointed_to_and_not_repeated(
        #[case] data: Value,
        #[case] pointer: Option<&str>,
    ) {
        let refused = schema().check(&data).err();
        assert_eq!(refused.as_ref().map(|r| r.pointer.as_str()), pointer);
        if let Some(rejection) = refused {
            assert_eq!(rejection.reason, Reason::SchemaViolation);
            assert!(rejection.detail.ends_with('.'), "{rejection:?}");
            assert!(!rejection.detail.contains("anna"), "{rejection:?}");
        }
    }

    #[test]
    fn more_than_one_problem_is_told_but_not_without_end() {
        let rejection = schema()
            .check(&json!({"minutes": -1, "kind": 3}))
            .expect_err("refused");
        assert_eq!(rejection.also.len(), 2);
        let many: Vec<_> = (0..100).map(|_| json!({})).collect();
        let rejection = schema()
            .check(&json!({"station": "A1", "steps": many}))
            .expect_err("refused");
        assert_eq!(rejection.also.len(), PROBLEMS - 1);
    }

    #[rstest]
    #[case(json!("x"))]
    #[case(json!(true))]
    #[case(json!({"type": "strin"}))]
    #[case(json!({"properties": {"a": {"pattern": "("}}}))]
    #[case(json!({"properties": {"a": {"pattern": "(?=a)"}}}))]
    #[case(json!({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}))]
    #[case(json!({"$ref": "https://example.com/schema.json"}))]
    #[case(json!({"$ref": "file:///etc/passwd"}))]
    #[case(json!({"$ref": "#/$defs/none"}))]
    fn what_is_no_schema_is_refused(#[case] schema: Value) {
        let error = Schema::new(&schema).expect_err("refused");
        assert!(!error.is_empty());
    }

    #[test]
    fn a_schema_that_refers_to_itself_takes_trees() {
        let schema = Schema::new(&json!({
            "$defs": { "node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } } },
            "properties": { "root": { "$ref": "#/$defs/node" } },
        }))
        .expect("a schema");
        let mut tree = json!({});
        for _ in 0..100 {
            tree = json!({ "next": tree });
        }
        assert!(schema.check(&json!({ "root": tree })).is_ok());
    }
}
