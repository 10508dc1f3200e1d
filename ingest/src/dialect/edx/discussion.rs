//! What happens in the forum.

use schemas::event::limits::{ANSWER, LINE};
use schemas::event::{Clickstream, Data};
use serde_json::Value;

use super::names::Told;
use super::tracking::Tracking;
use super::values::{peek, take, text, text_of};

/// A thread, a response to it or a comment on that: written, read or voted for.
pub fn tell(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let mut data = of_forum(tracking);
    let votes = event_type == "discussion.voted";
    if data.thread_id.is_none() && !(votes && data.target_id.is_some()) {
        return None;
    }
    if votes {
        data.value = take(&mut tracking.event, &["vote_value"], text_of(ANSWER));
    }
    without_ids(tracking);
    Some(Told {
        event_type,
        content: None,
        data: Data::Clickstream(data),
    })
}

/// A search in the forum, in notes or in a book.
pub fn searched(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let query = take(
        &mut tracking.event,
        &["query", "search_string"],
        text_of(LINE),
    )?;
    Some(Told {
        event_type,
        content: take(&mut tracking.event, &["chapter"], text)
            .and_then(|chapter| super::address::address(&chapter)),
        data: Data::Clickstream(Clickstream {
            query: Some(query),
            ..Clickstream::default()
        }),
    })
}

/// The thread of an event of the forum, and what in it is acted on.
pub fn of_forum(tracking: &Tracking) -> Clickstream {
    let event = &tracking.event;
    let id = peek(event, &["id"], text);
    let thread = if tracking.name.starts_with("edx.forum.thread.") {
        id.clone()
    } else {
        let thread = event.get("discussion").and_then(Value::as_object);
        thread.and_then(|thread| peek(thread, &["id"], text))
    };
    Clickstream {
        target_id: id.filter(|id| Some(id) != thread.as_ref()),
        thread_id: thread,
        ..Clickstream::default()
    }
}

/// Removes what the columns of the forum have taken.
pub fn without_ids(tracking: &mut Tracking) {
    tracking.event.remove("id");
    tracking.event.remove("discussion");
}
