//! The types of events and what each must carry.

use crate::Family;

/// A type of event that has a table.
#[derive(Debug, PartialEq, Eq)]
pub struct EventType {
    /// `family-like-noun.verb`, as clients send it.
    pub name: &'static str,
    /// The family whose table holds it.
    pub family: Family,
    /// What an event of this type must carry, each of them.
    pub requires: &'static [Requirement],
    /// Whether only a server knows it: a grade for example. What everybody can read
    /// in a page, a public key, does not post it.
    pub server_only: bool,
}

/// At least one of these members must be present: JSON pointers into the
/// native event.
pub type Requirement = &'static [&'static str];

impl EventType {
    /// The type of that name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|t| t.name == name)
    }

    /// What an event is of that a sender tells in another dialect and that none
    /// of our types says. Its own name is `<dialect>.<verb>`, such as
    /// `xapi.attended`, so that SQL can group by it. Not `custom.*`: those are
    /// the tenant's own types, whose events keep to a schema that it registered.
    pub fn foreign() -> &'static Self {
        &FOREIGN
    }

    /// What an event is of whose type is the tenant's own, [`CustomType`]: it may say
    /// anything that the tenant's schema takes.
    ///
    /// [`CustomType`]: crate::CustomType
    pub fn custom() -> &'static Self {
        &CUSTOM
    }

    /// Whether it is [`EventType::custom`].
    pub fn is_custom(&self) -> bool {
        *self == CUSTOM
    }

    /// All types, by family; without [`EventType::foreign`] and
    /// [`EventType::custom`], which nobody can send by these names.
    pub fn all() -> &'static [Self] {
        TYPES
    }
}

const fn t(name: &'static str, family: Family, requires: &'static [Requirement]) -> EventType {
    EventType {
        name,
        family,
        requires,
        server_only: false,
    }
}

const fn server(name: &'static str, family: Family, requires: &'static [Requirement]) -> EventType {
    EventType {
        server_only: true,
        ..t(name, family, requires)
    }
}

use Family::{Assessment, Attendance, Clickstream, Tutoring, Video};

const CONTENT: Requirement = &["/content"];
const THREAD: Requirement = &["/data/thread"];
const TARGET: Requirement = &["/data/target"];
const SESSION: Requirement = &["/session"];
const POSITION: Requirement = &["/data/position"];
const FROM: Requirement = &["/data/from"];
const TO: Requirement = &["/data/to"];
const ITEM: Requirement = &["/data/item"];
const ASSESSMENT: Requirement = &["/data/assessment"];
const CLASS: Requirement = &["/section", "/course"];
const PROMPT: Requirement = &["/data/prompt"];
const BOOKING: Requirement = &["/data/booking"];
const SCHEDULED_AT: Requirement = &["/data/scheduled_at"];

static FOREIGN: EventType = t("<dialect>.<verb>", Clickstream, &[]);

static CUSTOM: EventType = t("custom.<name>", Clickstream, &[]);

static TYPES: &[EventType] = &[
    t("page.viewed", Clickstream, &[&["/data/url", "/content"]]),
    t(
        "element.clicked",
        Clickstream,
        &[&["/data/element", "/content", "/data/url"]],
    ),
    t("content.opened", Clickstream, &[CONTENT]),
    t("content.completed", Clickstream, &[CONTENT]),
    t(
        "resource.downloaded",
        Clickstream,
        &[&["/content", "/data/url"]],
    ),
    t("search.performed", Clickstream, &[&["/data/query"]]),
    t("discussion.viewed", Clickstream, &[THREAD]),
    t("discussion.posted", Clickstream, &[THREAD]),
    t(
        "discussion.voted",
        Clickstream,
        &[&["/data/thread", "/data/target"]],
    ),
    server("notification.sent", Clickstream, &[TARGET]),
    t("notification.opened", Clickstream, &[TARGET]),
    t("session.started", Clickstream, &[SESSION]),
    t("session.ended", Clickstream, &[SESSION]),
    server(
        "enrollment.changed",
        Clickstream,
        &[&["/data/status"], &["/course", "/section"]],
    ),
    t("video.loaded", Video, &[CONTENT]),
    t("video.played", Video, &[CONTENT, POSITION]),
    t("video.paused", Video, &[CONTENT, POSITION]),
    t("video.seeked", Video, &[CONTENT, FROM, TO]),
    t("video.progressed", Video, &[CONTENT, FROM, TO]),
    t("video.rate_changed", Video, &[CONTENT, &["/data/rate"]]),
    t("video.captions_toggled", Video, &[CONTENT]),
    t("video.interacted", Video, &[CONTENT]),
    t("video.completed", Video, &[CONTENT]),
    t("video.stopped", Video, &[CONTENT]),
    t("assessment.started", Assessment, &[ASSESSMENT]),
    t("item.viewed", Assessment, &[ITEM]),
    t("item.answered", Assessment, &[ITEM]),
    t("item.hinted", Assessment, &[ITEM]),
    t("assessment.submitted", Assessment, &[ASSESSMENT]),
    server(
        "assessment.graded",
        Assessment,
        &[ASSESSMENT, &["/data/score"]],
    ),
    server(
        "grade.changed",
        Assessment,
        &[
            &["/data/assessment", "/data/category", "/course", "/section"],
            &["/data/new"],
        ],
    ),
    t("class.joined", Attendance, &[CLASS]),
    t("class.left", Attendance, &[CLASS]),
    server("attendance.marked", Attendance, &[CLASS, &["/data/status"]]),
    t("tutor.prompted", Tutoring, &[PROMPT]),
    t("tutor.responded", Tutoring, &[PROMPT]),
    t("tutor.rated", Tutoring, &[PROMPT, &["/data/rating"]]),
    t("tutoring.booked", Tutoring, &[BOOKING, SCHEDULED_AT]),
    t("tutoring.rescheduled", Tutoring, &[BOOKING, SCHEDULED_AT]),
    t("tutoring.cancelled", Tutoring, &[BOOKING]),
    server("tutoring.held", Tutoring, &[BOOKING]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (index, event_type) in TYPES.iter().enumerate() {
            assert!(TYPES[..index].iter().all(|t| t.name != event_type.name));
            assert_eq!(EventType::from_name(event_type.name), Some(event_type));
        }
        assert_eq!(EventType::from_name("page.eaten"), None);
    }
}
