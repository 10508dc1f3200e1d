//! The types of entities, in the sets that members and events take.

/// Types of entities; none at all where an entity of any type is taken.
pub type Kinds = &'static [&'static [&'static str]];

/// An entity of any type.
pub const ANY: Kinds = &[];

/// People.
pub const PEOPLE: &[&str] = &["Agent", "Person"];
/// Organisations and their parts.
pub const ORGANIZATIONS: &[&str] = &["CourseOffering", "CourseSection", "Group", "Organization"];
/// Applications.
pub const SOFTWARE: &[&str] = &["SoftwareApplication"];
/// What can be played or looked at.
pub const MEDIA: &[&str] = &["AudioObject", "ImageObject", "MediaObject", "VideoObject"];
/// What is set as a task.
pub const ASSIGNABLE: &[&str] = &["AssessmentItem", "Assessment", "AssignableDigitalResource"];
/// What a survey asks.
pub const QUESTIONS: &[&str] = &[
    "DateTimeQuestion",
    "MultiselectQuestion",
    "OpenEndedQuestion",
    "Question",
    "RatingScaleQuestion",
];
/// Digital resources that are none of these.
pub const RESOURCES: &[&str] = &[
    "Chapter",
    "DigitalResource",
    "DigitalResourceCollection",
    "Document",
    "Forum",
    "Frame",
    "Link",
    "LtiLink",
    "MediaLocation",
    "Message",
    "Page",
    "Questionnaire",
    "QuestionnaireItem",
    "Reading",
    "Survey",
    "SurveyInvitation",
    "Thread",
    "WebPage",
    "epubChapter",
    "epubPart",
    "epubSubChapter",
    "epubVolume",
];
/// Answers.
pub const RESPONSES: &[&str] = &[
    "DateTimeResponse",
    "FillinBlankResponse",
    "MultipleChoiceResponse",
    "MultipleResponseResponse",
    "MultiselectResponse",
    "OpenEndedResponse",
    "RatingScaleResponse",
    "Response",
    "SelectTextResponse",
    "TrueFalseResponse",
];
/// Notes.
pub const ANNOTATIONS: &[&str] = &[
    "Annotation",
    "BookmarkAnnotation",
    "HighlightAnnotation",
    "SharedAnnotation",
    "TagAnnotation",
];
/// Scales of ratings.
pub const SCALES: &[&str] = &["LikertScale", "MultiselectScale", "NumericScale", "Scale"];
/// Visits.
pub const SESSIONS: &[&str] = &["LtiSession", "Session"];
/// Measures of progress.
pub const MEASURES: &[&str] = &["AggregateMeasure", "AggregateMeasureCollection"];
/// Points.
pub const POINTS: &[&str] = &["Result", "Score"];
/// Entities that need no id.
pub const NAMELESS: &[&str] = &["Selector", "SystemIdentifier", "TextPositionSelector"];

const OTHERS: &[&str] = &[
    "Attempt",
    "Collection",
    "Comment",
    "Entity",
    "LearningObjective",
    "Membership",
    "Query",
    "Rating",
    "SearchResponse",
];

/// Who can act.
pub const AGENTS: Kinds = &[PEOPLE, ORGANIZATIONS, SOFTWARE];
/// All digital resources.
pub const ALL_RESOURCES: Kinds = &[RESOURCES, ASSIGNABLE, MEDIA, QUESTIONS];

const ALL: Kinds = &[
    PEOPLE,
    ORGANIZATIONS,
    SOFTWARE,
    MEDIA,
    ASSIGNABLE,
    QUESTIONS,
    RESOURCES,
    RESPONSES,
    ANNOTATIONS,
    SCALES,
    SESSIONS,
    MEASURES,
    POINTS,
    NAMELESS,
    OTHERS,
];

/// Whether there are entities of that type.
pub fn is_known(kind: &str) -> bool {
    ALL.iter().any(|kinds| kinds.contains(&kind))
}

/// Whether an entity of that type is taken. One that tells no more of itself than
/// that it is an entity, as some senders have it, may be any.
pub fn takes(kinds: Kinds, kind: &str) -> bool {
    kinds.is_empty() || kind == "Entity" || kinds.iter().any(|kinds| kinds.contains(&kind))
}

/// The types by name, the first few of many.
pub fn names(kinds: Kinds) -> String {
    const SHOWN: usize = 6;

    let all: Vec<_> = kinds.iter().copied().flatten().copied().collect();
    let shown = all[..all.len().min(SHOWN)].join(", ");
    if all.len() > SHOWN {
        format!("{shown} or others of their kind")
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_stands_once() {
        let mut all: Vec<_> = ALL.iter().copied().flatten().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn sets_are_named_shortly() {
        assert_eq!(names(&[PEOPLE]), "Agent, Person");
        assert_eq!(
            names(&[PEOPLE, ORGANIZATIONS, SOFTWARE]),
            "Agent, Person, CourseOffering, CourseSection, Group, Organization or others of their \
             kind"
        );
    }
}
