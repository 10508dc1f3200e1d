//! A tracking event, taken apart. What a column takes is removed from it; what is
//! left is kept beside the columns.

use serde_json::{Map, Value};

use super::{names, values};
use crate::outcome::{Reason, Rejection};
use crate::tree;

/// The parts of a tracking event.
#[derive(Debug)]
pub struct Tracking {
    /// What happened, as Open edX calls it; the path of a request, for those of
    /// the server that are called by nothing else.
    pub name: String,
    /// When, and where the event says so.
    pub time: Option<String>,
    /// Whether a browser, a server or an app tells it.
    pub source: Option<String>,
    /// The course.
    pub course: Option<String>,
    /// The visit.
    pub session: Option<String>,
    /// The page on which it happened.
    pub page: Option<String>,
    /// The page before it.
    pub referrer: Option<String>,
    /// What browser or app it was.
    pub agent: Option<String>,
    /// What the type carries.
    pub event: Map<String, Value>,
    /// The form that it carries instead.
    pub form: Option<String>,
    /// The rest of its context.
    pub context: Map<String, Value>,
    /// All other members.
    pub rest: Map<String, Value>,
    /// Where they stand.
    pub at: Places,
}

/// Where in the sender's event parts stand that have more than one name.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// The time.
    pub time: &'static str,
    /// What the type carries.
    pub event: &'static str,
    /// The visit.
    pub session: &'static str,
}

impl Tracking {
    /// Takes an event apart: as the log has it, with `event_type`, `time` and
    /// `event`, or as the event router has it, with `name`, `timestamp` and `data`.
    ///
    /// # Errors
    /// When it does not say what happened, or its frame has other JSON types.
    pub fn of(value: Value) -> Result<Self, Rejection> {
        let Value::Object(mut rest) = value else {
            let detail = "Send each event as a JSON object.";
            return Err(Rejection::new(Reason::NotAnObject, "", detail));
        };
        let mut context = match rest.remove("context") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(context)) => context,
            Some(_) => return Err(wrong_type("/context", "an object")),
        };
        let name = name(&mut rest)?;
        let (at_event, payload) = match rest.remove("event") {
            None | Some(Value::Null) => ("/data", rest.remove("data")),
            event => ("/event", event),
        };
        let (event, form) = payload.map(carried).unwrap_or_default();
        let time = take_text(&mut rest, "time", "/time")?;
        let timestamp = take_text(&mut rest, "timestamp", "/timestamp")?;
        let at_time = if time.is_none() && timestamp.is_some() {
            "/timestamp"
        } else {
            "/time"
        };
        let mut either = |name: &str| {
            let inner = context.remove(name);
            let outer = rest.remove(name);
            let read = |value: Option<Value>| value.as_ref().and_then(values::text);
            match (read(outer), read(inner)) {
                (Some(text), _) => (true, Some(text)),
                (None, text) => (false, text),
            }
        };
        let (outer, session) = either("session");
        let at_session = if outer {
            "/session"
        } else {
            "/context/session"
        };
        let source = either("event_source").1;
        let page = either("page").1;
        let referrer = either("referer").1;
        let agent = either("agent").1;
        let course = context.remove("course_id").as_ref().and_then(values::text);
        let course = course.or_else(|| values::peek(&event, &["course_id"], values::text));
        Ok(Self {
            name,
            time: time.or(timestamp),
            source,
            course,
            session,
            page,
            referrer,
            agent,
            event,
            form,
            context,
            rest,
            at: Places {
                time: at_time,
                event: at_event,
                session: at_session,
            },
        })
    }
}

/// What happened: `event_type` names some events of apps by their web name, and
/// `name` says more of those that have both.
fn name(rest: &mut Map<String, Value>) -> Result<String, Rejection> {
    let name = take_text(rest, "name", "/name")?;
    let event_type = take_text(rest, "event_type", "/event_type")?;
    match (name, event_type) {
        (Some(name), Some(event_type)) if !names::knows(&name) && names::knows(&event_type) => {
            Ok(event_type)
        }
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => {
            let detail = "Add event_type: it says what happened, for example play_video.";
            Err(Rejection::new(Reason::MissingMember, "/event_type", detail))
        }
    }
}

/// What a type carries, and its form: browsers send either as JSON in a text.
fn carried(value: Value) -> (Map<String, Value>, Option<String>) {
    match value {
        Value::Object(members) => (members, None),
        // The form, then the page that answered it.
        Value::Array(mut values) if !values.is_empty() => {
            (Map::new(), values::text(&values.swap_remove(0)))
        }
        Value::String(text) => match tree::read(&text) {
            Ok(Value::String(form)) => (Map::new(), Some(form)),
            Ok(value @ (Value::Object(_) | Value::Array(_))) => carried(value),
            // A form, or JSON that was cut off: nobody knows what of it names
            // somebody.
            _ => (Map::new(), Some(text)),
        },
        _ => (Map::new(), None),
    }
}

/// Takes a member that is text.
fn take_text(
    members: &mut Map<String, Value>,
    name: &str,
    pointer: &str,
) -> Result<Option<String>, Rejection> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(wrong_type(pointer, "text")),
    }
}

fn wrong_type(pointer: &str, kind: &str) -> Rejection {
    Rejection::new(Reason::WrongType, pointer, format!("Send it as {kind}."))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"a": 1}), json!({"a": 1}), None)]
    #[case(json!("{\"a\": 1}"), json!({"a": 1}), None)]
    #[case(json!("input_p_2_1=x"), json!({}), Some("input_p_2_1=x"))]
    #[case(json!("\"input_p_2_1=x\""), json!({}), Some("input_p_2_1=x"))]
    #[case(json!("[\"input_p_2_1=x\", \"<p>\"]"), json!({}), Some("input_p_2_1=x"))]
    #[case(json!(["input_p_2_1=x", "<p>"]), json!({}), Some("input_p_2_1=x"))]
    #[case(json!([]), json!({}), None)]
    #[case(json!(7), json!({}), None)]
    fn a_type_carries_members_or_a_form(
        #[case] event: Value,
        #[case] members: Value,
        #[case] form: Option<&str>,
    ) {
        let tracking = json!({"event_type": "x", "time": "t", "event": event});
        let tracking = Tracking::of(tracking).expect("an event");
        assert_eq!(Value::Object(tracking.event), members);
        assert_eq!(tracking.form.as_deref(), form);
    }

    #[rstest]
    #[case(json!({"name": "a", "event_type": "b"}), "a")]
    #[case(json!({"name": "new.name", "event_type": "play_video"}), "play_video")]
    #[case(json!({"name": "edx.video.played", "event_type": "play_video"}), "edx.video.played")]
    #[case(json!({"name": "", "event_type": "b"}), "b")]
    #[case(json!({"name": null, "event_type": "b"}), "b")]
    fn an_event_is_called_by_what_says_most(#[case] tracking: Value, #[case] name: &str) {
        assert_eq!(Tracking::of(tracking).expect("an event").name, name);
    }

    #[rstest]
    #[case(json!([]), Reason::NotAnObject, "")]
    #[case(json!({}), Reason::MissingMember, "/event_type")]
    #[case(json!({"event_type": " "}), Reason::MissingMember, "/event_type")]
    #[case(json!({"event_type": 1}), Reason::WrongType, "/event_type")]
    #[case(json!({"name": {}}), Reason::WrongType, "/name")]
    #[case(json!({"name": "x", "context": []}), Reason::WrongType, "/context")]
    #[case(json!({"name": "x", "time": 1}), Reason::WrongType, "/time")]
    #[case(json!({"name": "x", "timestamp": 1}), Reason::WrongType, "/timestamp")]
    fn a_bad_frame_is_pointed_at(
        #[case] tracking: Value,
        #[case] reason: Reason,
        #[case] pointer: &str,
    ) {
        let rejection = Tracking::of(tracking).expect_err("refused");
        assert_eq!(
            (rejection.reason, rejection.pointer.as_str()),
            (reason, pointer)
        );
        assert!(rejection.detail.ends_with('.'));
    }
}
