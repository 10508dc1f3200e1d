//! The vocabularies of Caliper: texts that are one of a list.

/// What can be done.
pub const ACTIONS: &[&str] = &[
    "Abandoned",
    "Accepted",
    "Activated",
    "Added",
    "Archived",
    "Attached",
    "Bookmarked",
    "ChangedResolution",
    "ChangedSize",
    "ChangedSpeed",
    "ChangedVolume",
    "Classified",
    "ClosedPopout",
    "Commented",
    "Completed",
    "Copied",
    "Created",
    "Deactivated",
    "Declined",
    "Deleted",
    "Described",
    "DisabledClosedCaptioning",
    "Disliked",
    "Downloaded",
    "EnabledClosedCaptioning",
    "Ended",
    "EnteredFullScreen",
    "ExitedFullScreen",
    "ForwardedTo",
    "Graded",
    "Hid",
    "Highlighted",
    "Identified",
    "JumpedTo",
    "Launched",
    "Liked",
    "Linked",
    "LoggedIn",
    "LoggedOut",
    "MarkedAsRead",
    "MarkedAsUnread",
    "Modified",
    "Muted",
    "NavigatedTo",
    "OpenedPopout",
    "OptedIn",
    "OptedOut",
    "Paused",
    "Posted",
    "Printed",
    "Published",
    "Questioned",
    "Ranked",
    "Recommended",
    "Removed",
    "Reset",
    "Restarted",
    "Restored",
    "Resumed",
    "Retrieved",
    "Returned",
    "Reviewed",
    "Rewound",
    "Saved",
    "Searched",
    "Sent",
    "Shared",
    "Showed",
    "Skipped",
    "Started",
    "Submitted",
    "Subscribed",
    "Tagged",
    "TimedOut",
    "Unmuted",
    "Unpublished",
    "Unsubscribed",
    "Uploaded",
    "Used",
    "Viewed",
];

/// Profiles.
pub const PROFILES: &[&str] = &[
    "AnnotationProfile",
    "AssessmentProfile",
    "AssignableProfile",
    "FeedbackProfile",
    "ForumProfile",
    "GeneralProfile",
    "GradingProfile",
    "MediaProfile",
    "ReadingProfile",
    "ResourceManagementProfile",
    "SearchProfile",
    "SessionProfile",
    "SurveyProfile",
    "ToolLaunchProfile",
    "ToolUseProfile",
];

/// What progress is measured in.
pub const METRICS: &[&str] = &[
    "AssessmentsPassed",
    "AssessmentsSubmitted",
    "MinutesOnTask",
    "SkillsMastered",
    "StandardsMastered",
    "UnitsCompleted",
    "UnitsPassed",
    "WordsRead",
];

/// States of a membership.
pub const STATUSES: &[&str] = &["Active", "Inactive"];

/// Messages of LTI.
pub const MESSAGES: &[&str] = &["LtiDeepLinkingRequest", "LtiResourceLinkRequest"];

/// Systems that have identifiers.
pub const IDENTIFIERS: &[&str] = &[
    "AccountUserName",
    "CaseItemUri",
    "EmailAddress",
    "LisSourcedId",
    "LtiContextId",
    "LtiDeploymentId",
    "LtiPlatformId",
    "LtiToolId",
    "LtiUserId",
    "OneRosterSourcedId",
    "Other",
    "SisSourcedId",
    "SystemId",
];

/// Roles of a membership, each with its parts: `Instructor` and `Instructor#Grader`.
const ROLES: &[(&str, &[&str])] = &[
    (
        "Administrator",
        &[
            "Administrator",
            "Developer",
            "ExternalDeveloper",
            "ExternalSupport",
            "ExternalSystemAdministrator",
            "Support",
            "SystemAdministrator",
        ],
    ),
    (
        "ContentDeveloper",
        &[
            "ContentDeveloper",
            "ContentExpert",
            "ExternalContentExpert",
            "Librarian",
        ],
    ),
    (
        "Instructor",
        &[
            "ExternalInstructor",
            "Grader",
            "GuestInstructor",
            "Instructor",
            "Lecturer",
            "PrimaryInstructor",
            "SecondaryInstructor",
            "TeachingAssistant",
            "TeachingAssistantGroup",
            "TeachingAssistantOffering",
            "TeachingAssistantSection",
            "TeachingAssistantTemplate",
        ],
    ),
    (
        "Learner",
        &[
            "ExternalLearner",
            "GuestLearner",
            "Learner",
            "NonCreditLearner",
        ],
    ),
    (
        "Manager",
        &[
            "AreaManager",
            "CourseCoordinator",
            "ExternalObserver",
            "Manager",
            "Observer",
        ],
    ),
    ("Member", &["Member"]),
    (
        "Mentor",
        &[
            "Advisor",
            "Auditor",
            "ExternalAdvisor",
            "ExternalAuditor",
            "ExternalLearningFacilitator",
            "ExternalMentor",
            "ExternalReviewer",
            "ExternalTutor",
            "LearningFacilitator",
            "Mentor",
            "Reviewer",
            "Tutor",
        ],
    ),
    (
        "Officer",
        &["Chair", "Secretary", "Treasurer", "Vice-Chair"],
    ),
];

/// Whether a member of a course can have that role.
pub fn is_role(role: &str) -> bool {
    let (role, part) = match role.split_once('#') {
        Some((role, part)) => (role, Some(part)),
        None => (role, None),
    };
    ROLES
        .iter()
        .any(|(known, parts)| *known == role && part.is_none_or(|part| parts.contains(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_parts() {
        assert!(is_role("Learner") && is_role("Officer#Vice-Chair"));
        for other in [
            "",
            "learner",
            "Learner#",
            "Learner#Chair",
            "Chair",
            "Member#Member#Member",
        ] {
            assert!(!is_role(other), "{other}");
        }
    }
}
