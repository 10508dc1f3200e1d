//! The data of a clickstream event, and of one of no type of ours.

use schemas::event::Clickstream;
use serde_json::Value;

use super::assessment::response;
use super::parts::{Parts, id, kind};

/// The data of an event of that type; notes what it takes.
pub fn clickstream(
    parts: &Parts<'_>,
    event_type: &str,
    taken: &mut Vec<&'static str>,
) -> Clickstream {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let mut data = Clickstream::default();
    match event_type {
        "page.viewed" => {
            data.url = text(id(parts.object).filter(|iri| is_address(iri)));
            data.referrer = text(referrer(parts));
            data.target_id = text(id(parts.target));
        }
        "resource.downloaded" => {
            data.url = text(id(parts.object).filter(|iri| is_address(iri)));
        }
        "search.performed" => {
            data.query = text(terms(parts));
            taken.push("/generated/query/searchTerms");
            taken.push("/object/searchTerms");
        }
        "notification.sent" => data.target_id = text(parts.content()),
        "session.ended" if parts.action == "TimedOut" => data.status = text(Some("timed_out")),
        _ if event_type.starts_with("discussion.") => {
            let object = id(parts.object);
            let is_message = match kind(parts.object) {
                Some(kind) => kind == "Message",
                None => parts.kind == "MessageEvent",
            };
            let thread = is_message.then(|| thread(parts.object)).flatten();
            // A message that is a part of nothing begins a thread.
            data.thread_id = text(thread.or(object));
            data.target_id = text(object.filter(|_| thread.is_some()));
        }
        _ => {
            data.target_id = text(id(parts.target).filter(|id| Some(*id) != parts.content()));
            if let Some((value, place)) = answered(parts) {
                data.value = Some(value);
                taken.push(place);
            }
        }
    }
    if data.target_id.is_some() && data.target_id.as_deref() == id(parts.target) {
        taken.push("/target/id");
    }
    if data.referrer.is_some() {
        taken.extend(["/referrer/id", "/navigatedFrom/id"]);
    }
    data
}

/// What a search was for.
pub fn terms<'v>(parts: &Parts<'v>) -> Option<&'v str> {
    let queries = [&parts.generated["query"], parts.object];
    let mut terms = queries.iter().map(|query| &query["searchTerms"]);
    terms.find_map(Value::as_str)
}

/// The thread of a message: what it is a part of, or what the one is that it answers.
fn thread(message: &Value) -> Option<&str> {
    id(&message["isPartOf"]).or_else(|| id(&message["replyTo"]["isPartOf"]))
}

fn referrer<'v>(parts: &Parts<'v>) -> Option<&'v str> {
    id(&parts.event["referrer"]).or_else(|| id(&parts.event["navigatedFrom"]))
}

/// The answer of a survey, or the choice of who ranks; not what people write to each
/// other.
fn answered(parts: &Parts<'_>) -> Option<(String, &'static str)> {
    let told = kind(parts.generated)?;
    (told == "Rating" || told.ends_with("Response"))
        .then(|| response(parts.generated))
        .flatten()
}

fn is_address(iri: &str) -> bool {
    iri.starts_with("http://") || iri.starts_with("https://")
}
