//! What an event says, as one of our types of events.

use super::assessment::score;
use super::clickstream::terms;
use super::parts::{Parts, is_one_of, kind};
use super::people::Cast;
use super::video;

/// The type of ours that says what the event says, if one does.
///
/// An event that lacks what a type must carry, a grade without points for example, is
/// still a good event: it has no type of ours.
pub fn meaning(parts: &Parts<'_>, cast: &Cast) -> Option<&'static str> {
    let when = |holds: bool, name: &'static str| holds.then_some(name);
    let session = parts.session().is_some();
    let assigned = parts.assignable().is_some();
    let content = parts.content().is_some();
    match (parts.kind, parts.action) {
        ("MediaEvent", _) => Some(video::meaning(parts)),

        ("AssessmentEvent", "Started") => when(assigned, "assessment.started"),
        ("AssessmentEvent" | "AssignableEvent", "Submitted") => {
            when(assigned, "assessment.submitted")
        }
        ("AssignableEvent", "Started") => match parts.assignable().map(kind) {
            Some(Some("Assessment" | "AssessmentItem")) => Some("assessment.started"),
            _ => when(content, "content.opened"),
        },
        ("AssignableEvent", "Completed") => when(content, "content.completed"),
        ("AssessmentItemEvent", "Started") => when(assigned, "item.viewed"),
        ("AssessmentItemEvent", "Completed") => when(assigned, "item.answered"),
        ("GradeEvent", "Graded") => {
            let graded = assigned && score(parts).is_some() && cast.is_person;
            when(graded && knows_assignee(parts), "assessment.graded")
        }

        ("NavigationEvent", _) => when(content, "page.viewed"),
        ("ViewEvent", _) if is_one_of(parts.object, &["AssessmentItem"]) => Some("item.viewed"),
        ("ViewEvent", _) if is_one_of(parts.object, &["Thread", "Message", "Forum"]) => {
            Some("discussion.viewed")
        }
        ("ViewEvent", _) | ("ToolLaunchEvent", "Launched") => when(content, "content.opened"),
        ("ResourceManagementEvent", "Downloaded") => when(content, "resource.downloaded"),
        ("SearchEvent", _) => when(terms(parts).is_some(), "search.performed"),
        ("SessionEvent", "LoggedIn") => when(session, "session.started"),
        ("SessionEvent", _) => when(session, "session.ended"),

        ("MessageEvent", "Posted" | "Created") | ("ThreadEvent", "Created") => {
            Some("discussion.posted")
        }
        ("MessageEvent" | "ThreadEvent", "MarkedAsRead") => Some("discussion.viewed"),
        ("SurveyInvitationEvent", "Sent") => when(content, "notification.sent"),
        _ => None,
    }
}

/// Whether a grade says whose it is.
fn knows_assignee(parts: &Parts<'_>) -> bool {
    let attempt = parts.attempt();
    attempt.is_some_and(|(attempt, _)| !attempt["assignee"].is_null())
}
