//! The calls of Segment's tracking API.

use serde_json::{Map, Value};

use crate::outcome::{Reason, Rejection};

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Somebody did something.
    Track,
    /// Somebody saw a page.
    Page,
    /// What says who somebody is, or is no learning; nothing is stored for it.
    Other,
}

/// All calls by name.
pub const CALLS: [(&str, Call); 6] = [
    ("track", Call::Track),
    ("page", Call::Page),
    ("identify", Call::Other),
    ("screen", Call::Other),
    ("group", Call::Other),
    ("alias", Call::Other),
];

impl Call {
    /// The names of all calls.
    pub fn all() -> impl Iterator<Item = (&'static str, Self)> {
        CALLS.into_iter()
    }

    /// The call that an event of a batch names.
    ///
    /// # Errors
    /// When it names none.
    pub fn of(event: &Map<String, Value>) -> Result<Self, Rejection> {
        let detail = "Send `type` as track, page, identify, screen, group or alias.";
        let refuse = |reason| Err(Rejection::new(reason, "/type", detail));
        match event.get("type") {
            None | Some(Value::Null) => refuse(Reason::MissingMember),
            Some(Value::String(name)) => Self::all()
                .find(|(known, _)| known == name)
                .map_or_else(|| refuse(Reason::UnknownType), |(_, call)| Ok(call)),
            Some(_) => refuse(Reason::WrongType),
        }
    }
}
