//! JSON as a tree, with the words and the place of what is wrong with it.

use schemas::event;
use serde_json::Value;

use crate::outcome::{Reason, Rejection};

/// Reads JSON whose syntax is known to be good.
///
/// # Errors
/// What keeps it from being read, and where: a member that stands twice,
/// nesting that is too deep, a number that no double holds, half a surrogate
/// pair.
pub fn read(json: &str) -> Result<Value, Rejection> {
    // A trail costs more than the tree: only what is refused leaves one.
    let mut deserializer = serde_json::Deserializer::from_str(json);
    if let Ok(tree) = event::unique_tree(&mut deserializer, &mut ()) {
        return Ok(tree);
    }
    let mut trail = Trail::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    event::unique_tree(&mut deserializer, &mut trail).map_err(|error| trail.rejection(&error))
}

/// One step of a JSON pointer, as RFC 6901 writes it.
pub fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Where the reader is; after an error, where it stopped.
#[derive(Default)]
struct Trail {
    steps: Vec<String>,
    repeated: bool,
}

impl Trail {
    fn rejection(&self, error: &serde_json::Error) -> Rejection {
        let message = error.to_string();
        let (reason, detail) = if self.repeated {
            (Reason::DuplicateMember, "Send this member once.")
        } else if message.starts_with("recursion limit exceeded") {
            (
                Reason::TooDeep,
                "Send at most 100 arrays and objects inside each other.",
            )
        } else if message.starts_with("number out of range") {
            (
                Reason::NumberOutOfRange,
                "Send a number that a double can hold.",
            )
        } else {
            (
                Reason::InvalidJson,
                "Send text without halves of surrogate pairs (\\uD800 to \\uDFFF).",
            )
        };
        // The way into a nest that is too deep is clear from its first steps.
        let shown = if reason == Reason::TooDeep {
            8
        } else {
            usize::MAX
        };
        let steps = self.steps.iter().take(shown).map(String::as_str);
        Rejection::new(reason, steps.collect::<String>(), detail)
    }
}

impl event::Trail for Trail {
    fn enter_member(&mut self, name: &str) {
        self.steps.push(step(name));
    }

    fn enter_element(&mut self, index: usize) {
        self.steps.push(format!("/{index}"));
    }

    fn leave(&mut self) {
        self.steps.pop();
    }

    fn repeated(&mut self) {
        self.repeated = true;
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":[0,{"b/c":1,"b/c":1}]}"#, Reason::DuplicateMember, "/a/1/b~1c")]
    #[case(r#"{"a":[1,2,1e400]}"#, Reason::NumberOutOfRange, "/a/2")]
    #[case(r#"{"~":"\ud800"}"#, Reason::InvalidJson, "/~0")]
    #[case(r#"{"a":[[],["\udc00x"]]}"#, Reason::InvalidJson, "/a/1/0")]
    fn what_cannot_be_read_is_pointed_at(
        #[case] json: &str,
        #[case] reason: Reason,
        #[case] pointer: &str,
    ) {
        let rejection = read(json).expect_err("refused");
        assert_eq!(
            (rejection.reason, rejection.pointer.as_str()),
            (reason, pointer)
        );
    }

    #[test]
    fn a_depth_bomb_is_defused() {
        let bomb = "[".repeat(200_000) + &"]".repeat(200_000);
        let rejection = read(&bomb).expect_err("refused");
        assert_eq!(rejection.reason, Reason::TooDeep);
        assert!(rejection.pointer.len() < 100);
    }
}
