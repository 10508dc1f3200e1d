//! The README's examples: what it says is asked is answered as it says.

use std::iter::Peekable;
use std::str::Chars;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::reports::school;
use crate::school::token;

const README: &str = include_str!("../../README.md");
const ADDRESS: &str = "http://127.0.0.1:8081";

/// Blocks of the README with their kind: each question is followed by its
/// answer.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts = README.split("```").skip(1).step_by(2);
    parts
        .map(|block| block.split_once('\n').expect("a kind and a text"))
        .collect()
}

/// The words of a command, as a shell reads them.
fn words(command: &str) -> Vec<String> {
    fn word(letters: &mut Peekable<Chars<'_>>) -> String {
        let mut word = String::new();
        while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace()) {
            match letter {
                '\'' => word.extend(letters.by_ref().take_while(|letter| *letter != '\'')),
                '\\' => {
                    letters.next();
                }
                letter => word.push(letter),
            }
        }
        word
    }
    let mut letters = command.chars().peekable();
    let mut words = Vec::new();
    while letters.peek().is_some() {
        let word = word(&mut letters);
        if !word.is_empty() {
            words.push(word);
        }
        letters.next_if(|letter| letter.is_whitespace());
    }
    words
}

/// What `curl` would send.
fn request(command: &str) -> Request<Body> {
    let mut words = words(command).into_iter().skip(1);
    let mut request = Request::builder();
    let mut body = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "-d" => body = words.next(),
            "-H" => {
                let line = words.next().expect("a header");
                let (name, value) = line.split_once(": ").expect("a name and a value");
                let value = match name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str()) {
                    true => format!("Bearer {}", token("north", "steward").reveal()),
                    false => value.to_owned(),
                };
                request = request.header(name, value);
            }
            address => {
                let path = address.strip_prefix(ADDRESS).expect("our address");
                request = request.uri(path);
            }
        }
    }
    if body.is_some() {
        request = request.method("POST");
    }
    let body = body.map_or_else(Body::empty, Body::from);
    request.body(body).expect("a request")
}

/// Cuts a token, which is another each time, to what the README shows of it.
fn abridge(answered: &mut Value, expected: &Value) {
    let shown = expected["token"]
        .as_str()
        .and_then(|text| text.strip_suffix('…'));
    let is_such = |token: &Value| {
        let token = token.as_str();
        shown.is_some_and(|shown| token.is_some_and(|token| token.starts_with(shown)))
    };
    if is_such(&answered["token"]) {
        answered["token"] = expected["token"].clone();
    }
}

#[tokio::test]
async fn examples_are_answered_as_written() {
    let school = school().await;
    let blocks = blocks();
    let mut examples = 0;
    for pair in blocks.windows(2) {
        let [(_, command), (kind, expected)] = pair else {
            continue;
        };
        if !command.starts_with("curl ") {
            continue;
        }
        examples += 1;
        let answer = school.answer(request(command)).await;
        assert_eq!(answer.status, 200, "{command}\n{}", answer.text());
        match *kind {
            "json" => {
                let expected: Value = serde_json::from_str(expected).expect("JSON");
                let mut answered = answer.json();
                abridge(&mut answered, &expected);
                assert_eq!(answered, expected, "{command}\n{}", answer.text());
            }
            _ => assert_eq!(answer.text().replace("\r\n", "\n"), *expected, "{command}"),
        }
    }
    assert_eq!(examples, 4);
}

#[tokio::test]
async fn statements_are_answered() {
    let school = school().await;
    school.import_north().await;
    let statements = blocks().into_iter().filter(|(kind, _)| *kind == "sql");
    let mut answered = 0;
    for (_, sql) in statements {
        // Nobody was shown to anybody yet.
        let (params, rows) = if sql.contains("disclosures") {
            (json!(["stu-1"]), 0)
        } else if sql.contains("$2") {
            (json!(["2026-09-11T00:00:00Z", "2026-09-09"]), 1)
        } else {
            (json!([]), 1)
        };
        let answer = school
            .ask_with("north", json!({ "sql": sql, "params": params }))
            .await;
        assert_eq!(answer.rows().as_array().map(Vec::len), Some(rows), "{sql}");
        answered += 1;
    }
    assert_eq!(answered, 3);
}
