//! Orgs, sessions, courses, classes, people and their enrollments.

use super::vocabulary::{
    CLASS_TYPES, ENROLLMENT_ROLES, ORG_ROLES, ORG_TYPES, PRIMARY_OR_SECONDARY, SESSION_TYPES,
    SEXES, USER_ROLES,
};
use super::{
    Column, Extension, File, ID, Kind, MODIFIED, STATUS, boolean, date, id, ids, text, texts, word,
};

pub(super) const ORGS: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("name").required(),
    word("type", ORG_TYPES).required(),
    text("identifier"),
    id("parentSourcedId").loosely_of(File::Orgs),
];

pub(super) const ACADEMIC_SESSIONS: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    word("type", SESSION_TYPES).required(),
    date("startDate").required(),
    date("endDate").required(),
    id("parentSourcedId").loosely_of(File::AcademicSessions),
    Column::new("schoolYear", Kind::Year).required(),
];

pub(super) const COURSES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("schoolYearSourcedId").loosely_of(File::AcademicSessions),
    text("title").required(),
    text("courseCode"),
    texts("grades"),
    id("orgSourcedId").required().loosely_of(File::Orgs),
    texts("subjects"),
    texts("subjectCodes"),
];

pub(super) const CLASSES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    text("title").required(),
    texts("grades"),
    id("courseSourcedId").required().loosely_of(File::Courses),
    text("classCode"),
    word("classType", CLASS_TYPES).required(),
    text("location"),
    id("schoolSourcedId").required().loosely_of(File::Orgs),
    ids("termSourcedIds")
        .required()
        .loosely_of(File::AcademicSessions),
    texts("subjects"),
    texts("subjectCodes"),
    texts("periods"),
];

pub(super) const USERS_1_1: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    boolean("enabledUser").required(),
    ids("orgSourcedIds").required().loosely_of(File::Orgs),
    word("role", USER_ROLES).required(),
    text("username").required(),
    texts("userIds"),
    text("givenName").required(),
    text("familyName").required(),
    text("middleName"),
    text("identifier"),
    text("email"),
    text("sms"),
    text("phone"),
    ids("agentSourcedIds").loosely_of(File::Users),
    texts("grades"),
    Column::new("password", Kind::Secret),
];

pub(super) const USERS_1_2: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    boolean("enabledUser").required(),
    text("username").required(),
    texts("userIds"),
    text("givenName").required(),
    text("familyName").required(),
    text("middleName"),
    text("identifier"),
    text("email"),
    text("sms"),
    text("phone"),
    ids("agentSourcedIds").loosely_of(File::Users),
    texts("grades"),
    Column::new("password", Kind::Secret),
    text("userMasterIdentifier"),
    text("preferredGivenName"),
    text("preferredMiddleName"),
    text("preferredFamilyName"),
    id("primaryOrgSourcedId").loosely_of(File::Orgs),
    text("pronouns"),
];

pub(super) const USER_PROFILES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("userSourcedId").required().of(File::Users),
    text("profileType").required(),
    text("vendorId").required(),
    text("applicationId"),
    text("description"),
    text("credentialType").required(),
    text("username").required(),
    Column::new("password", Kind::Secret),
];

pub(super) const ROLES: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("userSourcedId").required().of(File::Users),
    Column::new(
        "roleType",
        Kind::Word(PRIMARY_OR_SECONDARY, Extension::Closed),
    )
    .required(),
    word("role", ORG_ROLES).required(),
    date("beginDate"),
    date("endDate"),
    id("orgSourcedId").required().loosely_of(File::Orgs),
    id("userProfileSourcedId").loosely_of(File::UserProfiles),
];

/// 1.1 and 1.2 differ in how they write the day of birth only.
macro_rules! demographics {
    ($birth:literal) => {
        &[
            id("sourcedId").required().of(File::Users),
            STATUS,
            MODIFIED,
            date($birth),
            word("sex", SEXES),
            boolean("americanIndianOrAlaskaNative"),
            boolean("asian"),
            boolean("blackOrAfricanAmerican"),
            boolean("nativeHawaiianOrOtherPacificIslander"),
            boolean("white"),
            boolean("demographicRaceTwoOrMoreRaces"),
            boolean("hispanicOrLatinoEthnicity"),
            text("countryOfBirthCode"),
            text("stateOfBirthAbbreviation"),
            text("cityOfBirth"),
            text("publicSchoolResidenceStatus"),
        ]
    };
}

/// A row has the id of its user.
pub(super) const DEMOGRAPHICS_1_1: &[Column] = demographics!("birthdate");

/// A row has the id of its user.
pub(super) const DEMOGRAPHICS_1_2: &[Column] = demographics!("birthDate");

pub(super) const ENROLLMENTS: &[Column] = &[
    ID,
    STATUS,
    MODIFIED,
    id("classSourcedId").required().of(File::Classes),
    id("schoolSourcedId").required().loosely_of(File::Orgs),
    id("userSourcedId").required().of(File::Users),
    word("role", ENROLLMENT_ROLES).required(),
    boolean("primary"),
    date("beginDate"),
    date("endDate"),
];
