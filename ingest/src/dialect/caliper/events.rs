//! The types of events: what is done in each, to what, and what comes of it.

use super::kinds::{
    ALL_RESOURCES, ANNOTATIONS, ANY, ASSIGNABLE, Kinds, MEASURES, MEDIA, POINTS, QUESTIONS,
    RESOURCES, RESPONSES, SESSIONS, SOFTWARE,
};
use super::words::ACTIONS;

/// A type of event.
#[derive(Debug)]
pub struct EventKind {
    /// Its name.
    pub name: &'static str,
    /// What can be done.
    pub actions: &'static [&'static str],
    /// To what.
    pub object: Kinds,
    /// Where in that, or towards what.
    pub target: Kinds,
    /// What comes of it.
    pub generated: Kinds,
    /// What it must have beside what all events must have.
    pub requires: &'static [&'static str],
}

impl EventKind {
    /// The type of that name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        EVENTS.iter().find(|kind| kind.name == name)
    }
}

const ATTEMPT: &[&str] = &["Attempt"];

/// Resources and what is made of them, but no people.
const THINGS: Kinds = &[
    RESOURCES,
    ASSIGNABLE,
    MEDIA,
    QUESTIONS,
    SOFTWARE,
    RESPONSES,
    ANNOTATIONS,
    MEASURES,
    SESSIONS,
    POINTS,
    &[
        "Attempt",
        "Collection",
        "Comment",
        "Rating",
        "SearchResponse",
    ],
];

const fn kind(
    name: &'static str,
    actions: &'static [&'static str],
    object: Kinds,
    generated: Kinds,
) -> EventKind {
    EventKind {
        name,
        actions,
        object,
        target: THINGS,
        generated,
        requires: &[],
    }
}

/// Some senders, Canvas among them, tell what was attempted by the attempt; and tell
/// of topics and messages that they were created.
static EVENTS: &[EventKind] = &[
    EventKind {
        target: ANY,
        ..kind("Event", ACTIONS, ANY, ANY)
    },
    kind(
        "AnnotationEvent",
        &["Bookmarked", "Highlighted", "Shared", "Tagged"],
        ALL_RESOURCES,
        &[ANNOTATIONS],
    ),
    kind(
        "AssessmentEvent",
        &[
            "Paused",
            "Reset",
            "Restarted",
            "Resumed",
            "Started",
            "Submitted",
        ],
        &[ASSIGNABLE, ATTEMPT],
        &[ATTEMPT],
    ),
    kind(
        "AssessmentItemEvent",
        &["Completed", "Skipped", "Started"],
        &[&["AssessmentItem"], ATTEMPT],
        &[ATTEMPT, RESPONSES],
    ),
    kind(
        "AssignableEvent",
        &[
            "Activated",
            "Completed",
            "Deactivated",
            "Reviewed",
            "Started",
            "Submitted",
        ],
        &[RESOURCES, ASSIGNABLE, MEDIA, ATTEMPT],
        &[ATTEMPT],
    ),
    kind(
        "FeedbackEvent",
        &["Commented", "Ranked"],
        ANY,
        &[&["Comment", "Rating"]],
    ),
    kind(
        "ForumEvent",
        &["Subscribed", "Unsubscribed"],
        &[&["Forum"]],
        THINGS,
    ),
    kind("GradeEvent", &["Graded"], &[ATTEMPT], &[POINTS]),
    kind(
        "MediaEvent",
        &[
            "ChangedResolution",
            "ChangedSize",
            "ChangedSpeed",
            "ChangedVolume",
            "ClosedPopout",
            "DisabledClosedCaptioning",
            "EnabledClosedCaptioning",
            "Ended",
            "EnteredFullScreen",
            "ExitedFullScreen",
            "ForwardedTo",
            "JumpedTo",
            "Muted",
            "OpenedPopout",
            "Paused",
            "Restarted",
            "Resumed",
            "Rewound",
            "Started",
            "Unmuted",
        ],
        &[MEDIA],
        THINGS,
    ),
    kind(
        "MessageEvent",
        &["Created", "MarkedAsRead", "MarkedAsUnread", "Posted"],
        &[&["Message"]],
        THINGS,
    ),
    kind("NavigationEvent", &["NavigatedTo"], THINGS, THINGS),
    kind("OutcomeEvent", &["Graded"], &[ATTEMPT], &[POINTS]),
    kind(
        "QuestionnaireEvent",
        &["Started", "Submitted"],
        &[&["Questionnaire"]],
        THINGS,
    ),
    kind(
        "QuestionnaireItemEvent",
        &["Completed", "Skipped", "Started"],
        &[&["QuestionnaireItem"]],
        &[RESPONSES],
    ),
    kind("ReadingEvent", ACTIONS, ALL_RESOURCES, THINGS),
    kind(
        "ResourceManagementEvent",
        &[
            "Archived",
            "Copied",
            "Created",
            "Deleted",
            "Described",
            "Downloaded",
            "Modified",
            "Printed",
            "Published",
            "Restored",
            "Retrieved",
            "Saved",
            "Unpublished",
            "Uploaded",
        ],
        &[RESOURCES, ASSIGNABLE, MEDIA, QUESTIONS, &["Collection"]],
        ALL_RESOURCES,
    ),
    kind("SearchEvent", &["Searched"], ANY, &[&["SearchResponse"]]),
    kind(
        "SessionEvent",
        &["LoggedIn", "LoggedOut", "TimedOut"],
        &[SOFTWARE, SESSIONS],
        THINGS,
    ),
    kind(
        "SurveyEvent",
        &["OptedIn", "OptedOut"],
        &[&["Survey"]],
        THINGS,
    ),
    kind(
        "SurveyInvitationEvent",
        &["Accepted", "Declined", "Sent"],
        &[&["SurveyInvitation"]],
        THINGS,
    ),
    kind(
        "ThreadEvent",
        &["Created", "MarkedAsRead", "MarkedAsUnread"],
        &[&["Thread"]],
        THINGS,
    ),
    EventKind {
        requires: &["federatedSession"],
        ..kind(
            "ToolLaunchEvent",
            &["Launched", "Returned"],
            &[SOFTWARE],
            THINGS,
        )
    },
    kind("ToolUseEvent", &["Used"], &[SOFTWARE], &[MEASURES]),
    kind(
        "ViewEvent",
        &["Viewed"],
        &[RESOURCES, ASSIGNABLE, MEDIA, QUESTIONS, &["Collection"]],
        THINGS,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_of_the_vocabulary() {
        for kind in EVENTS {
            for action in kind.actions {
                assert!(ACTIONS.contains(action), "{action} of {}", kind.name);
            }
        }
        assert!(EventKind::from_name("MediaEvent").is_some());
        assert!(EventKind::from_name("Person").is_none());
    }
}
