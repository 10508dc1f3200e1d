//! The words of xAPI and its profiles that have a meaning here.
//!
//! IRIs stand without `http://` or `https://`: senders use either. The verbs are
//! those of ADL, of the video profile, of cmi5 and of the senders that many
//! schools run, Open edX and Moodle.

use serde_json::{Map, Value};

/// The verb that revokes a statement.
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// Statements of this category keep to the video profile.
pub const VIDEO_PROFILE: &str = "w3id.org/xapi/video";

/// A verb that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Abandoned,
    Answered,
    Asked,
    Attempted,
    Completed,
    Downloaded,
    Earned,
    Failed,
    Initialized,
    Interacted,
    LoggedIn,
    LoggedOut,
    Navigated,
    Opened,
    Passed,
    Paused,
    Played,
    Posted,
    Progressed,
    Registered,
    Satisfied,
    Searched,
    Seeked,
    Submitted,
    Terminated,
    Unregistered,
    Viewed,
    Voted,
    Waived,
}

const VERBS: &[(&str, Verb)] = &[
    ("activitystrea.ms/schema/1.0/access", Verb::Viewed),
    ("activitystrea.ms/schema/1.0/open", Verb::Opened),
    ("activitystrea.ms/schema/1.0/search", Verb::Searched),
    ("activitystrea.ms/schema/1.0/submit", Verb::Submitted),
    ("adlnet.gov/expapi/verbs/abandoned", Verb::Abandoned),
    ("adlnet.gov/expapi/verbs/answered", Verb::Answered),
    ("adlnet.gov/expapi/verbs/asked", Verb::Asked),
    ("adlnet.gov/expapi/verbs/attempted", Verb::Attempted),
    ("adlnet.gov/expapi/verbs/commented", Verb::Posted),
    ("adlnet.gov/expapi/verbs/completed", Verb::Completed),
    ("adlnet.gov/expapi/verbs/experienced", Verb::Viewed),
    ("adlnet.gov/expapi/verbs/failed", Verb::Failed),
    ("adlnet.gov/expapi/verbs/initialized", Verb::Initialized),
    ("adlnet.gov/expapi/verbs/interacted", Verb::Interacted),
    ("adlnet.gov/expapi/verbs/launched", Verb::Opened),
    ("adlnet.gov/expapi/verbs/logged-in", Verb::LoggedIn),
    ("adlnet.gov/expapi/verbs/logged-out", Verb::LoggedOut),
    ("adlnet.gov/expapi/verbs/mastered", Verb::Passed),
    ("adlnet.gov/expapi/verbs/passed", Verb::Passed),
    ("adlnet.gov/expapi/verbs/progressed", Verb::Progressed),
    ("adlnet.gov/expapi/verbs/registered", Verb::Registered),
    ("adlnet.gov/expapi/verbs/scored", Verb::Earned),
    ("adlnet.gov/expapi/verbs/terminated", Verb::Terminated),
    ("id.tincanapi.com/verb/downloaded", Verb::Downloaded),
    ("id.tincanapi.com/verb/earned", Verb::Earned),
    ("id.tincanapi.com/verb/replied", Verb::Posted),
    ("id.tincanapi.com/verb/unregistered", Verb::Unregistered),
    ("id.tincanapi.com/verb/viewed", Verb::Viewed),
    ("w3id.org/xapi/acrossx/verbs/evaluated", Verb::Answered),
    ("w3id.org/xapi/acrossx/verbs/posted", Verb::Posted),
    ("w3id.org/xapi/acrossx/verbs/searched", Verb::Searched),
    ("w3id.org/xapi/adl/verbs/abandoned", Verb::Abandoned),
    ("w3id.org/xapi/adl/verbs/logged-in", Verb::LoggedIn),
    ("w3id.org/xapi/adl/verbs/logged-out", Verb::LoggedOut),
    ("w3id.org/xapi/adl/verbs/satisfied", Verb::Satisfied),
    ("w3id.org/xapi/adl/verbs/waived", Verb::Waived),
    ("w3id.org/xapi/dod-isd/verbs/accessed", Verb::Viewed),
    ("w3id.org/xapi/dod-isd/verbs/navigated", Verb::Navigated),
    ("w3id.org/xapi/openedx/verb/voted", Verb::Voted),
    ("w3id.org/xapi/video/verbs/paused", Verb::Paused),
    ("w3id.org/xapi/video/verbs/played", Verb::Played),
    ("w3id.org/xapi/video/verbs/seeked", Verb::Seeked),
];

/// What an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Assessment,
    Course,
    Discussion,
    /// A question, task or problem.
    Item,
    Video,
    /// An activity of another type, or of none.
    Other,
}

const THINGS: &[(&str, Thing)] = &[
    ("activitystrea.ms/schema/1.0/question", Thing::Item),
    ("activitystrea.ms/schema/1.0/video", Thing::Video),
    ("adlnet.gov/expapi/activities/assessment", Thing::Assessment),
    ("adlnet.gov/expapi/activities/attempt", Thing::Assessment),
    ("adlnet.gov/expapi/activities/cmi.interaction", Thing::Item),
    ("adlnet.gov/expapi/activities/course", Thing::Course),
    ("adlnet.gov/expapi/activities/question", Thing::Item),
    (
        "id.tincanapi.com/activitytype/discussion",
        Thing::Discussion,
    ),
    (
        "id.tincanapi.com/activitytype/forum-reply",
        Thing::Discussion,
    ),
    (
        "id.tincanapi.com/activitytype/forum-topic",
        Thing::Discussion,
    ),
    ("id.tincanapi.com/activitytype/lms/course", Thing::Course),
    (
        "id.tincanapi.com/activitytype/school-assignment",
        Thing::Assessment,
    ),
    ("w3id.org/xapi/cmi5/activitytype/course", Thing::Course),
    (
        "w3id.org/xapi/openedx/activity/practice-assessment",
        Thing::Assessment,
    ),
    (
        "w3id.org/xapi/openedx/activity/proctored-assessment",
        Thing::Assessment,
    ),
    (
        "w3id.org/xapi/openedx/activity/timed-assessment",
        Thing::Assessment,
    ),
    ("w3id.org/xapi/video/activity-type/video", Thing::Video),
];

/// Names of extensions.
pub mod extension {
    pub const ATTEMPT: &str = "id.tincanapi.com/extension/attempt-id";
    pub const CMI5_PROGRESS: &str = "w3id.org/xapi/cmi5/result/extensions/progress";
    pub const CMI5_SESSION: &str = "w3id.org/xapi/cmi5/context/extensions/sessionid";
    pub const EDX_SESSION: &str = "w3id.org/xapi/openedx/extensions/session-id";
    pub const LENGTH: &str = "w3id.org/xapi/video/extensions/length";
    pub const PLAYED_SEGMENTS: &str = "w3id.org/xapi/video/extensions/played-segments";
    pub const PROGRESS: &str = "w3id.org/xapi/video/extensions/progress";
    pub const SESSION: &str = "w3id.org/xapi/video/extensions/session-id";
    pub const SPEED: &str = "w3id.org/xapi/video/extensions/speed";
    pub const SPEED_TO: &str = "w3id.org/xapi/video/extensions/speed-to";
    pub const TIME: &str = "w3id.org/xapi/video/extensions/time";
    pub const TIME_FROM: &str = "w3id.org/xapi/video/extensions/time-from";
    pub const TIME_TO: &str = "w3id.org/xapi/video/extensions/time-to";

    /// What the video profile says of captions.
    pub const CAPTIONS: &[&str] = &[
        "w3id.org/xapi/video/extensions/cc-enabled",
        "w3id.org/xapi/video/extensions/cc-subtitle-enabled",
        "w3id.org/xapi/video/extensions/cc-subtitle-lang",
    ];
    /// What it says of the player's other controls.
    pub const CONTROLS: &[&str] = &[
        "w3id.org/xapi/video/extensions/full-screen",
        "w3id.org/xapi/video/extensions/quality",
        "w3id.org/xapi/video/extensions/screen-size",
        "w3id.org/xapi/video/extensions/track",
        "w3id.org/xapi/video/extensions/video-playback-size",
        "w3id.org/xapi/video/extensions/volume",
    ];
}

/// The verb of that IRI.
pub fn verb(iri: &str) -> Option<Verb> {
    look_up(VERBS, iri)
}

/// What an activity of that type is.
pub fn thing(iri: &str) -> Thing {
    look_up(THINGS, iri).unwrap_or(Thing::Other)
}

/// An IRI without the scheme that every one of the web has.
pub fn bare(iri: &str) -> &str {
    iri.strip_prefix("https://")
        .or_else(|| iri.strip_prefix("http://"))
        .unwrap_or(iri)
}

/// The extension of that name.
pub fn extension<'v>(extensions: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let named = |(iri, _): &(&String, _)| bare(iri) == name;
    extensions.iter().find(named).map(|(_, value)| value)
}

/// Takes the extension of that name if it can be `read`.
pub fn take<T>(
    extensions: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    let named = |(iri, _): &(&String, _)| bare(iri) == name;
    let (iri, value) = extensions.iter().find(named)?;
    let value = read(value)?;
    let iri = iri.clone();
    extensions.remove(&iri);
    Some(value)
}

/// The IRIs of all verbs and of all things.
#[cfg(test)]
pub fn known() -> (Vec<&'static str>, Vec<&'static str>) {
    let verbs = VERBS.iter().map(|(iri, _)| *iri);
    let things = THINGS.iter().map(|(iri, _)| *iri);
    (verbs.collect(), things.collect())
}

fn look_up<T: Copy>(table: &[(&str, T)], iri: &str) -> Option<T> {
    let iri = bare(iri);
    let found = table
        .binary_search_by(|(known, _)| (*known).cmp(iri))
        .ok()?;
    Some(table[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_for_the_search() {
        assert!(VERBS.is_sorted_by_key(|(iri, _)| *iri));
        assert!(THINGS.is_sorted_by_key(|(iri, _)| *iri));
    }

    #[test]
    fn either_scheme_is_known() {
        for scheme in ["http", "https"] {
            let iri = format!("{scheme}://adlnet.gov/expapi/verbs/completed");
            assert_eq!(verb(&iri), Some(Verb::Completed));
        }
        assert_eq!(verb("adlnet.gov/expapi/verbs/eaten"), None);
    }
}
