//! What the members of entities and events take.

use super::kinds::{
    AGENTS, ALL_RESOURCES, ANNOTATIONS, ANY, Kinds, ORGANIZATIONS, PEOPLE, POINTS, QUESTIONS,
    SCALES, SESSIONS, SOFTWARE,
};
use super::words;

/// What a member takes; `null` counts as absent.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text.
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// An array of texts.
    Texts,
    /// An array of roles.
    Roles,
    /// A time.
    Time,
    /// A duration of ISO 8601.
    Duration,
    /// A number.
    Number,
    /// A whole number that is not negative.
    Whole,
    /// True or false.
    Boolean,
    /// An object of any members.
    Object,
    /// An entity of one of these types, or its IRI.
    One(Kinds),
    /// An array of such.
    Many(Kinds),
}

use Shape::{Boolean, Duration, Many, Number, Object, One, Roles, Text, Texts, Time, Whole, Word};

/// By name, whichever entity has them.
const MEMBERS: &[(&str, Shape)] = &[
    ("academicSession", Text),
    ("actor", One(AGENTS)),
    ("alignedLearningObjective", Many(&[&["LearningObjective"]])),
    ("annotated", One(ALL_RESOURCES)),
    ("annotator", One(AGENTS)),
    ("assignable", One(ALL_RESOURCES)),
    ("assignee", One(AGENTS)),
    ("attachments", Many(ALL_RESOURCES)),
    ("attempt", One(&[&["Attempt"]])),
    ("body", Text),
    ("bookmarkNotes", Text),
    ("categories", Texts),
    ("category", Text),
    ("client", One(&[SOFTWARE])),
    ("comment", Text),
    ("commentedOn", One(ANY)),
    ("commenter", One(&[PEOPLE])),
    ("count", Whole),
    ("courseNumber", Text),
    ("creator", One(&[PEOPLE])),
    ("creators", Many(AGENTS)),
    ("currentTime", Duration),
    ("curveFactor", Number),
    ("curvedTotalScore", Number),
    ("dateCreated", Time),
    ("dateModified", Time),
    ("datePublished", Time),
    ("dateSent", Time),
    ("dateTimeSelected", Time),
    ("dateToActivate", Time),
    ("dateToShow", Time),
    ("dateToStartOn", Time),
    ("dateToSubmit", Time),
    ("description", Text),
    ("duration", Duration),
    ("edApp", One(&[SOFTWARE])),
    ("end", Whole),
    ("endedAtTime", Time),
    ("eventTime", Time),
    ("extensions", Object),
    ("extraCreditScore", Number),
    ("federatedSession", One(&[&["LtiSession"]])),
    ("group", One(&[ORGANIZATIONS])),
    ("host", Text),
    ("identifier", Text),
    ("identifierType", Word(words::IDENTIFIERS)),
    ("index", Whole),
    ("ipAddress", Text),
    ("isOrderedSelection", Boolean),
    ("isPartOf", One(ANY)),
    ("isTimeDependent", Boolean),
    ("itemLabels", Texts),
    ("itemValues", Texts),
    ("items", Many(ANY)),
    ("keywords", Texts),
    ("learningObjectives", Many(&[&["LearningObjective"]])),
    ("maxAttempts", Whole),
    ("maxDateTime", Time),
    ("maxLabel", Text),
    ("maxMetricValue", Number),
    ("maxResultScore", Number),
    ("maxScore", Number),
    ("maxSelections", Whole),
    ("maxSubmits", Whole),
    ("maxValue", Number),
    ("mediaType", Text),
    ("member", One(AGENTS)),
    ("members", Many(AGENTS)),
    ("membership", One(&[&["Membership"]])),
    ("messageParameters", Object),
    ("messageType", Word(words::MESSAGES)),
    ("metric", Word(words::METRICS)),
    ("metricValue", Number),
    ("minDateTime", Time),
    ("minLabel", Text),
    ("minSelections", Whole),
    ("minValue", Number),
    ("muted", Boolean),
    ("name", Text),
    ("navigatedFrom", One(REFERRERS)),
    ("normalScore", Number),
    ("organization", One(&[ORGANIZATIONS])),
    ("otherIdentifiers", Many(&[&["SystemIdentifier"]])),
    ("penaltyScore", Number),
    ("points", Whole),
    ("profile", Word(words::PROFILES)),
    ("query", One(&[&["Query"]])),
    ("question", One(&[QUESTIONS])),
    ("questionPosed", Text),
    ("rated", One(ANY)),
    ("rater", One(&[PEOPLE])),
    ("ratingComment", One(&[&["Comment"]])),
    ("referrer", One(REFERRERS)),
    ("replyTo", One(&[&["Message"]])),
    ("resultScore", Number),
    ("roles", Roles),
    ("scale", One(&[SCALES])),
    ("scalePoints", Whole),
    ("scoreGiven", Number),
    ("scoredBy", One(AGENTS)),
    ("searchProvider", One(&[SOFTWARE])),
    ("searchResultsItemCount", Whole),
    ("searchTarget", One(ANY)),
    ("searchTerms", Text),
    ("selection", One(&[&["TextPositionSelector"]])),
    ("selectionText", Text),
    ("selections", Texts),
    ("sentCount", Whole),
    ("session", One(&[SESSIONS])),
    ("source", One(&[SOFTWARE])),
    ("start", Whole),
    ("startedAtTime", Time),
    ("status", Word(words::STATUSES)),
    ("step", Number),
    ("storageName", Text),
    ("subOrganizationOf", One(&[ORGANIZATIONS])),
    ("survey", One(&[&["Survey"]])),
    ("tags", Texts),
    ("totalScore", Number),
    ("user", One(&[PEOPLE])),
    ("userAgent", Text),
    ("value", Text),
    ("values", Texts),
    ("version", Text),
    ("volumeLevel", Text),
    ("volumeMax", Text),
    ("volumeMin", Text),
    ("weight", Number),
    ("withAgents", Many(AGENTS)),
];

/// Where somebody came from.
const REFERRERS: Kinds = &[
    super::kinds::RESOURCES,
    super::kinds::ASSIGNABLE,
    super::kinds::MEDIA,
    QUESTIONS,
    SOFTWARE,
    ORGANIZATIONS,
    ANNOTATIONS,
    POINTS,
    &["Attempt", "Collection", "Comment", "SearchResponse"],
];

/// Members that take something else in entities of a type.
const OF_TYPE: &[(&str, &str, Shape)] = &[
    (
        "AggregateMeasureCollection",
        "items",
        Many(&[&["AggregateMeasure"]]),
    ),
    ("Assessment", "items", Many(&[&["AssessmentItem"]])),
    ("Attempt", "isPartOf", One(&[&["Attempt"]])),
    ("DigitalResourceCollection", "items", Many(ALL_RESOURCES)),
    ("Forum", "items", Many(&[&["Thread"]])),
    ("Questionnaire", "items", Many(&[&["QuestionnaireItem"]])),
    ("Survey", "items", Many(&[&["Questionnaire"]])),
    ("Thread", "items", Many(&[&["Message"]])),
];

/// What the member of that name takes in an entity or event of type `kind`; `None`
/// where Caliper has no such member.
pub fn shape(kind: &str, member: &str) -> Option<Shape> {
    let of_type = OF_TYPE
        .iter()
        .find(|(of, name, _)| *of == kind && *name == member);
    if let Some((_, _, shape)) = of_type {
        return Some(*shape);
    }
    let found = MEMBERS
        .binary_search_by(|(name, _)| (*name).cmp(member))
        .ok()?;
    Some(MEMBERS[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_are_sorted_for_the_search() {
        assert!(MEMBERS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn a_type_has_members_of_its_own() {
        assert!(matches!(
            shape("Attempt", "isPartOf"),
            Some(One([["Attempt"]]))
        ));
        assert!(matches!(shape("Page", "isPartOf"), Some(One([]))));
        assert!(shape("Page", "weather").is_none());
    }
}
