//! The form of a problem, as a browser tells it: `input_<problem>_2_1=choice_0&…`.

use serde_json::{Map, Value};

/// The answers of a form.
#[derive(Debug, PartialEq)]
pub struct Form {
    /// The problem, as its page's ids call it.
    pub problem: String,
    /// What was entered, by part.
    pub answers: Map<String, Value>,
}

impl Form {
    /// Reads a form that is one of a problem.
    pub fn read(text: &str) -> Option<Self> {
        let mut problem = None;
        let mut answers = Map::new();
        for field in text.split('&') {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let name = decoded(name);
            let Some(part) = name.strip_prefix("input_") else {
                continue;
            };
            let value = Value::String(decoded(value));
            // Of checkboxes there may be many: `input_…[]`.
            let (part, many) = match part.strip_suffix("[]") {
                Some(part) => (part, true),
                None => (part, false),
            };
            problem = problem.or_else(|| of_part(part).map(str::to_owned));
            match answers.get_mut(part) {
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
                None if many => {
                    answers.insert(part.to_owned(), Value::Array(vec![value]));
                }
                None => {
                    answers.insert(part.to_owned(), value);
                }
            }
        }
        answers.sort_keys();
        let problem = problem?;
        Some(Self { problem, answers })
    }
}

/// The problem of a part: `<problem>_2_1` without the two numbers.
fn of_part(part: &str) -> Option<&str> {
    let part = part.strip_suffix("_dynamath").unwrap_or(part);
    let (part, field) = part.rsplit_once('_')?;
    let (problem, response) = part.rsplit_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (!problem.is_empty() && is_number(field) && is_number(response)).then_some(problem)
}

/// A text of a form: `+` is a blank and `%2B` a `+`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, left) = match (first, after) {
            (b'+', _) => (b' ', after),
            (b'%', [high, low, left @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, left),
                _ => (b'%', after),
            },
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = left;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_says_its_problem_and_what_was_entered() {
        let form = Form::read(
            "x=1&input_p_1_2_1=a+b%2B%C3%BC&input_p_1_3_1%5B%5D=choice_0&input_p_1_3_1[]=choice_2",
        );
        let form = form.expect("a problem's form");
        assert_eq!(form.problem, "p_1");
        let expected = json!({"p_1_2_1": "a b+\u{fc}", "p_1_3_1": ["choice_0", "choice_2"]});
        assert_eq!(Value::Object(form.answers), expected);
    }

    #[test]
    fn other_texts_are_no_forms_of_problems() {
        for text in [
            "",
            "a=b",
            "input_",
            "input_p=1",
            "input__2_1=",
            "%",
            "input_p_x_1=%zz",
        ] {
            assert_eq!(Form::read(text), None, "{text}");
        }
        let form = Form::read("input_p_2_1=%&input_p_2_1=%f").expect("a form");
        assert_eq!(Value::Object(form.answers), json!({"p_2_1": ["%", "%f"]}));
    }
}
