//! What the specification asks of a statement: all that is wrong with one, each
//! with its place. One file per noun of the specification.
//!
//! Rules are those of xAPI 1.0.3, parts 2.2 to 2.5 and 4, and of IEEE 9274.1.1
//! (2.0) where they differ.

mod activity;
mod actor;
mod attachment;
mod context;
mod interaction;
mod object;
mod result;
mod statement;
mod text;
mod verb;

pub use text::is_uuid;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Version;
use crate::outcome::{Reason, Rejection};
use crate::tree;

/// The most problems that are told of one statement.
const MOST: usize = 20;

/// All that is wrong with a statement, as one rejection.
///
/// `parts` are the hashes of the attachments that came beside it, in small
/// letters.
///
/// # Errors
/// The first problem, with the others beside it.
pub fn check(
    statement: &Value,
    version: Version,
    parts: &HashSet<String>,
) -> Result<(), Rejection> {
    let mut check = Check {
        version,
        parts,
        trail: String::new(),
        problems: Vec::new(),
    };
    statement::check(&mut check, statement);
    Rejection::all(check.problems).map_or(Ok(()), Err)
}

/// A walk through a statement.
struct Check<'p> {
    version: Version,
    parts: &'p HashSet<String>,
    /// JSON pointer to where the walk is.
    trail: String,
    problems: Vec<Rejection>,
}

type Object = Map<String, Value>;

impl Check<'_> {
    /// Notes a problem of the place where the walk is.
    fn problem(&mut self, reason: Reason, detail: impl Into<String>) {
        if self.problems.len() < MOST {
            let problem = Rejection::new(reason, self.trail.as_str(), detail);
            self.problems.push(problem);
        }
    }

    /// Notes a problem of a member of the object where the walk is.
    fn problem_of(&mut self, name: &str, reason: Reason, detail: impl Into<String>) {
        self.step(&tree::step(name), |check| check.problem(reason, detail));
    }

    fn step(&mut self, step: &str, walk: impl FnOnce(&mut Self)) {
        let back = self.trail.len();
        self.trail.push_str(step);
        walk(self);
        self.trail.truncate(back);
    }

    /// An object that has no other members than these, none of them null.
    fn object<'v>(&mut self, value: &'v Value, members: &[&str]) -> Option<&'v Object> {
        let object = self.any_object(value)?;
        for (name, value) in object {
            if !members.contains(&name.as_str()) {
                let detail = "Leave this member out: the specification has none of this name \
                              here; names count with their case.";
                self.problem_of(name, Reason::UnknownMember, detail);
            } else if value.is_null() {
                let detail = "Leave the member out instead of sending null.";
                self.problem_of(name, Reason::WrongType, detail);
            }
        }
        Some(object)
    }

    fn any_object<'v>(&mut self, value: &'v Value) -> Option<&'v Object> {
        let object = value.as_object();
        if object.is_none() {
            self.problem(Reason::WrongType, "Send it as an object.");
        }
        object
    }

    /// Walks to a member if the object has it.
    fn member(&mut self, object: &Object, name: &str, walk: impl FnOnce(&mut Self, &Value)) {
        if let Some(value) = object.get(name).filter(|value| !value.is_null()) {
            self.step(&tree::step(name), |check| walk(check, value));
        }
    }

    /// Walks to a member that the object must have.
    fn required(&mut self, object: &Object, name: &str, walk: impl FnOnce(&mut Self, &Value)) {
        if object.contains_key(name) {
            self.member(object, name, walk);
        } else {
            let detail = format!("Add {name}: the specification asks for it.");
            self.problem_of(name, Reason::MissingMember, detail);
        }
    }

    /// Walks to each element of an array.
    fn each(&mut self, value: &Value, mut walk: impl FnMut(&mut Self, &Value)) {
        let Some(values) = value.as_array() else {
            return self.problem(Reason::WrongType, "Send it as an array.");
        };
        for (index, value) in values.iter().enumerate() {
            self.step(&format!("/{index}"), |check| walk(check, value));
        }
    }

    fn boolean(&mut self, value: &Value) {
        if !value.is_boolean() {
            self.problem(Reason::WrongType, "Send it as true or false.");
        }
    }

    fn number(&mut self, value: &Value) -> Option<f64> {
        let number = value.as_f64();
        if number.is_none() {
            self.problem(Reason::WrongType, "Send it as a number.");
        }
        number
    }

    /// One of these words, as they are spelt.
    fn word<'v>(&mut self, value: &'v Value, words: &[&str]) -> Option<&'v str> {
        let word = value.as_str().filter(|word| words.contains(word));
        if word.is_none() {
            let detail = format!("Send one of these, with their case: {}.", words.join(", "));
            self.problem(Reason::OutOfRange, detail);
        }
        word
    }

    /// Extensions: any JSON under names that are IRIs.
    fn extensions(&mut self, value: &Value) {
        let Some(extensions) = self.any_object(value) else {
            return;
        };
        for name in extensions.keys() {
            if !text::is_iri(name) {
                let detail = "Name the extension with an IRI.";
                self.problem_of(name, Reason::InvalidFormat, detail);
            }
        }
    }
}
