//! Pages and the ways between them, enrollments, and what else is no answer and
//! no video.

use schemas::event::limits::LINE;
use schemas::event::{Clickstream, Data};
use serde_json::Value;

use super::address::{address, jump};
use super::block::is_usage_key;
use super::names::Told;
use super::tracking::Tracking;
use super::values::{number, peek, take, text};
use super::{discussion, form::Form};

/// Parts of paths that no page has: they are asked for by one.
const WITHIN_PAGES: &[&str] = &[
    "/api/",
    "/change_enrollment",
    "/event",
    "/handler",
    "/heartbeat",
    "/jsi18n",
    "/segmentio/",
    "/static/",
    "/user_api/",
];

/// A request to the server: of a page, or of something within one.
pub fn requested(tracking: &mut Tracking) -> Option<Told> {
    let path = tracking.name.as_str();
    let filled = |name: &str| {
        let fields = tracking.event.get(name).and_then(Value::as_object);
        fields.is_some_and(|fields| !fields.is_empty())
    };
    let ajax = tracking
        .event
        .get("GET")
        .is_some_and(|get| get.get("ajax").is_some());
    let within = WITHIN_PAGES.iter().any(|part| path.contains(part));
    if filled("POST") || ajax || within {
        return None;
    }
    let url = address(path).filter(|url| url.len() <= LINE)?;
    Some(viewed(None, Some(url), referrer(tracking)))
}

/// A way that was taken: to another unit of a sequence, or along a link.
pub fn navigated(tracking: &mut Tracking, _: &'static str) -> Option<Told> {
    let target = take(&mut tracking.event, &["target_url"], text);
    let from = peek(&tracking.event, &["current_url"], text);
    let sequence = take(&mut tracking.event, &["id"], text);
    match target {
        Some(target) => {
            let content = sequence.or_else(|| jump(&target));
            let from = from.or_else(|| tracking.page.clone());
            let from = from.as_deref().and_then(address);
            let url = address(&target).filter(|url| url.len() <= LINE);
            url.as_ref().or(content.as_ref())?;
            Some(viewed(content, url, from))
        }
        None => {
            let url = page(tracking);
            url.as_ref().or(sequence.as_ref())?;
            Some(viewed(sequence, url, referrer(tracking)))
        }
    }
}

fn viewed(content: Option<String>, url: Option<String>, referrer: Option<String>) -> Told {
    Told {
        event_type: "page.viewed",
        content,
        data: Data::Clickstream(Clickstream {
            url,
            referrer: referrer.filter(|referrer| referrer.len() <= LINE),
            ..Clickstream::default()
        }),
    }
}

/// A bookmark that was followed, or a page of a book.
pub fn opened(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    let block = take(event, &["component_usage_id"], text);
    let chapter = |value: &Value| address(&text(value)?);
    let content = block.or_else(|| take(event, &["chapter"], chapter))?;
    Some(plain(event_type, Some(content), Clickstream::default()))
}

/// A block whose completion has changed, if that is to the end.
pub fn completed(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    let event = &mut tracking.event;
    peek(event, &["completion"], number).filter(|share| *share >= 1.0)?;
    let block = take(event, &["block_id", "block_key"], text)?;
    Some(plain(event_type, Some(block), Clickstream::default()))
}

/// An enrollment.
pub fn enrolled(tracking: &mut Tracking, event_type: &'static str) -> Option<Told> {
    tracking.course.as_ref()?;
    let status = if tracking.name.ends_with(".deactivated") {
        "inactive"
    } else {
        "active"
    };
    let data = Clickstream {
        status: Some(status.to_owned()),
        ..Clickstream::default()
    };
    Some(plain(event_type, None, data))
}

fn plain(event_type: &'static str, content: Option<String>, data: Clickstream) -> Told {
    Told {
        event_type,
        content,
        data: Data::Clickstream(data),
    }
}

/// What is told of an event that none of our types is.
pub fn other(tracking: &mut Tracking) -> (Option<String>, Clickstream) {
    let mut data = Clickstream::default();
    if tracking.name.starts_with("edx.forum.") {
        data = discussion::of_forum(tracking);
        discussion::without_ids(tracking);
    }
    data.url = if tracking.name.starts_with('/') {
        address(&tracking.name).filter(|url| url.len() <= LINE)
    } else {
        page(tracking)
    };
    data.referrer = referrer(tracking).filter(|referrer| referrer.len() <= LINE);
    (about(tracking), data)
}

/// The block that an event is about.
fn about(tracking: &Tracking) -> Option<String> {
    let block = |value: &Value| text(value).filter(|key| is_usage_key(key));
    let names = &[
        "problem_id",
        "problem",
        "module_id",
        "usage_key",
        "block_id",
        "component_usage_id",
        "id",
    ];
    let module = tracking.context.get("module").and_then(Value::as_object);
    peek(&tracking.event, names, block)
        .or_else(|| peek(module?, &["usage_key"], block))
        .or_else(|| {
            let form = Form::read(tracking.form.as_deref()?)?;
            let course = tracking.course.as_deref();
            Some(super::block::usage_key(course, "problem", &form.problem))
        })
}

/// The page on which it happened, if that is one.
pub fn page(tracking: &Tracking) -> Option<String> {
    tracking
        .page
        .as_deref()
        .and_then(address)
        .filter(|url| url.len() <= LINE)
}

fn referrer(tracking: &Tracking) -> Option<String> {
    tracking.referrer.as_deref().and_then(address)
}
