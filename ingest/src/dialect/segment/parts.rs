//! A call, taken apart. What a column takes is removed from it; what is left is kept
//! beside the columns.

use schemas::event::limits;
use serde_json::{Map, Value};

use crate::dialect::Context;
use crate::dialect::name::{name, take_name, take_text};
use crate::outcome::{Reason, Rejection};

/// Members of a call that say nothing of what happened, or who somebody is.
const DROPPED: [&str; 14] = [
    "_metadata",
    "anonymousId",
    "channel",
    "integrations",
    "messageId",
    "options",
    "previousId",
    "projectId",
    "receivedAt",
    "traits",
    "type",
    "userId",
    "version",
    "writeKey",
];

/// Members of a context that tell of a device, a place or a person.
const PRIVATE: [&str; 10] = [
    "consent",
    "device",
    "externalIds",
    "ip",
    "location",
    "network",
    "screen",
    "traits",
    "userAgent",
    "userAgentData",
];

/// The parts of a call.
#[derive(Debug)]
pub struct Parts {
    /// The call without the other parts.
    pub event: Map<String, Value>,
    /// What it says of what happened.
    pub properties: Map<String, Value>,
    /// What sends, and in which surroundings; without the page.
    pub context: Map<String, Value>,
    /// The page on which it happened.
    pub page: Map<String, Value>,
    /// Whether there is a page at all.
    in_browser: bool,
}

impl Parts {
    /// Takes a call apart.
    ///
    /// # Errors
    /// When a part is no object.
    pub fn of(mut event: Map<String, Value>) -> Result<Self, Rejection> {
        let properties = take_object(&mut event, "properties", "/properties")?;
        let mut context = take_object(&mut event, "context", "/context")?;
        let page = take_object(&mut context, "page", "/context/page")?;
        Ok(Self {
            in_browser: !page.is_empty(),
            event,
            properties,
            context,
            page,
        })
    }

    /// Takes a thing that the call names in its properties.
    pub fn take_thing(&mut self, names: &[&str]) -> Option<String> {
        take_name(&mut self.properties, names)
    }

    /// Takes a member of the properties, or else of the page.
    pub fn take_of_page(&mut self, member: &str) -> Option<String> {
        let of_page = take_text(&mut self.page, member);
        let found = take_text(&mut self.properties, member).or(of_page);
        found.filter(|text| !text.trim().is_empty())
    }

    /// Takes what sends. The rest of the context is kept, less what tells of a
    /// device, a place or a person.
    pub fn take_context(&mut self) -> Context {
        let text = |value: Option<&Value>| value.and_then(name);
        let inside = |part: &str, member: &str| {
            let part = self.context.get(part)?;
            text(part.get(member))
        };
        let app = inside("app", "name").or_else(|| text(self.context.get("app")));
        let platform = inside("os", "name").or_else(|| inside("device", "type"));
        let in_browser =
            self.in_browser || inside("library", "name").is_some_and(|name| name == "analytics.js");
        let platform = platform.or_else(|| in_browser.then(|| "web".to_owned()));
        let library = inside("library", "name").map(|name| match inside("library", "version") {
            Some(version) => format!("{name} {version}"),
            None => name,
        });
        let locale =
            take_text(&mut self.context, "locale").filter(|locale| locale.len() <= limits::NAME);
        self.context
            .retain(|name, _| !PRIVATE.contains(&name.as_str()));
        self.context.remove("library");
        self.context
            .extend(library.map(|library| ("library".to_owned(), library.into())));
        // What `url` says without them.
        self.page.remove("path");
        self.page.remove("search");
        if !self.page.is_empty() {
            let page = std::mem::take(&mut self.page);
            self.context.insert("page".to_owned(), Value::Object(page));
        }
        Context {
            app,
            platform: platform.map(|name| name.to_lowercase()),
            locale,
            unknown: std::mem::take(&mut self.context),
        }
    }

    /// What is left of the call itself.
    pub fn rest(mut self) -> Map<String, Value> {
        self.event
            .retain(|name, _| !DROPPED.contains(&name.as_str()));
        if !self.properties.is_empty() {
            let properties = Value::Object(self.properties);
            self.event.insert("properties".to_owned(), properties);
        }
        self.event
    }
}

/// Takes a member that is an object. PHP writes an empty one as an array.
fn take_object(
    members: &mut Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Result<Map<String, Value>, Rejection> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(Value::Array(array)) if array.is_empty() => Ok(Map::new()),
        Some(_) => {
            let detail = "Send it as an object.";
            Err(Rejection::new(Reason::WrongType, pointer, detail))
        }
    }
}
