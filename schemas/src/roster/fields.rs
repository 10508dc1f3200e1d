//! The columns of each table.

use super::{Class, Entity, Field, FieldKind, catalog};

pub(super) const fn field(
    name: &'static str,
    kind: FieldKind,
    from: &'static [&'static str],
) -> Field {
    Field {
        name,
        kind,
        class: Class::Plain,
        is_key: false,
        from,
    }
}

const fn text(name: &'static str, from: &'static [&'static str]) -> Field {
    field(name, FieldKind::Text, from)
}

const fn texts(name: &'static str, from: &'static [&'static str]) -> Field {
    field(name, FieldKind::Texts, from)
}

const fn date(name: &'static str, from: &'static [&'static str]) -> Field {
    field(name, FieldKind::Date, from)
}

const fn boolean(name: &'static str, from: &'static [&'static str]) -> Field {
    field(name, FieldKind::Boolean, from)
}

const fn number(name: &'static str, from: &'static [&'static str]) -> Field {
    field(name, FieldKind::Number, from)
}

/// The id of the row.
const fn id(name: &'static str) -> Field {
    text(name, &["sourcedId"]).part_of_key()
}

impl Field {
    pub(super) const fn part_of_key(mut self) -> Self {
        self.is_key = true;
        self
    }

    const fn personal(mut self) -> Self {
        self.class = Class::Personal;
        self
    }

    const fn record(mut self) -> Self {
        self.class = Class::Record;
        self
    }

    pub(super) const fn of_person(mut self) -> Self {
        self.class = Class::Key;
        self
    }
}

const ORGS: &[Field] = &[
    id("org_id"),
    text("name", &["name"]),
    text("type", &["type"]),
    text("identifier", &["identifier"]),
    text("parent_org_id", &["parentSourcedId"]),
];

/// `term` is the session's id as a partition.
const TERMS: &[Field] = &[
    id("term_id"),
    text("term", &[]),
    text("name", &["title"]),
    text("type", &["type"]),
    date("start_date", &["startDate"]),
    date("end_date", &["endDate"]),
    text("parent_term_id", &["parentSourcedId"]),
    field("school_year", FieldKind::Integer, &["schoolYear"]),
];

const COURSES: &[Field] = &[
    id("course_id"),
    text("name", &["title"]),
    text("course_code", &["courseCode"]),
    text("org_id", &["orgSourcedId"]),
    text("school_year_term_id", &["schoolYearSourcedId"]),
    texts("grades", &["grades"]),
    texts("subjects", &["subjects"]),
    texts("subject_codes", &["subjectCodes"]),
];

/// `term` is that of the session that holds all of the section's.
const SECTIONS: &[Field] = &[
    id("section_id"),
    text("term", &[]),
    text("name", &["title"]),
    text("course_id", &["courseSourcedId"]),
    text("school_id", &["schoolSourcedId"]),
    texts("term_ids", &["termSourcedIds"]),
    text("section_code", &["classCode"]),
    text("type", &["classType"]),
    text("location", &["location"]),
    texts("grades", &["grades"]),
    texts("subjects", &["subjects"]),
    texts("subject_codes", &["subjectCodes"]),
    texts("periods", &["periods"]),
];

/// `role` and `org_ids` are of 1.1; the table of roles has those of both versions.
const USERS: &[Field] = &[
    id("user_id").of_person(),
    boolean("enabled", &["enabledUser"]),
    text("role", &["role"]),
    texts("org_ids", &["orgSourcedIds"]),
    text("primary_org_id", &["primaryOrgSourcedId"]),
    texts("grades", &["grades"]),
    text("username", &["username"]).personal(),
    texts("user_ids", &["userIds"]).personal(),
    text("identifier", &["identifier"]).personal(),
    text("master_identifier", &["userMasterIdentifier"]).personal(),
    text("email", &["email"]).personal(),
    text("given_name", &["givenName"]).personal(),
    text("family_name", &["familyName"]).personal(),
    text("middle_name", &["middleName"]).personal(),
    text("preferred_given_name", &["preferredGivenName"]).personal(),
    text("preferred_family_name", &["preferredFamilyName"]).personal(),
    text("preferred_middle_name", &["preferredMiddleName"]).personal(),
    text("pronouns", &["pronouns"]).personal(),
    text("sms", &["sms"]).personal(),
    text("phone", &["phone"]).personal(),
    texts("agent_ids", &["agentSourcedIds"]).of_person(),
];

const GUARDIANS: &[Field] = &[
    text("user_id", &[]).part_of_key().of_person(),
    text("agent_id", &[]).part_of_key().of_person(),
];

const IDENTITIES: &[Field] = &[
    text("user_id", &[]).part_of_key().of_person(),
    // What an event has that calls the person so.
    text("identifier_key", &[]).part_of_key().of_person(),
    // That of the user's id: what all of the person's events have in the tables.
    text("student_key", &[]).of_person(),
    // Which column or type of user id it is of.
    text("kind", &[]),
];

const USER_PROFILES: &[Field] = &[
    id("user_profile_id").of_person(),
    text("user_id", &["userSourcedId"]).of_person(),
    text("profile_type", &["profileType"]),
    text("vendor_id", &["vendorId"]),
    text("application_id", &["applicationId"]),
    text("description", &["description"]).personal(),
    text("credential_type", &["credentialType"]),
    text("username", &["username"]).personal(),
];

/// In 1.1 a role is made for each of a user's orgs; `role_id` then is user, org and
/// role.
const ROLES: &[Field] = &[
    text("user_id", &["userSourcedId"])
        .part_of_key()
        .of_person(),
    id("role_id").of_person(),
    text("org_id", &["orgSourcedId"]),
    text("role", &["role"]),
    text("role_type", &["roleType"]),
    date("begin_date", &["beginDate"]),
    date("end_date", &["endDate"]),
    text("user_profile_id", &["userProfileSourcedId"]).of_person(),
];

const DEMOGRAPHICS: &[Field] = &[
    id("user_id").of_person(),
    date("birth_date", &["birthDate", "birthdate"]).personal(),
    text("sex", &["sex"]).personal(),
    boolean(
        "american_indian_or_alaska_native",
        &["americanIndianOrAlaskaNative"],
    )
    .personal(),
    boolean("asian", &["asian"]).personal(),
    boolean("black_or_african_american", &["blackOrAfricanAmerican"]).personal(),
    boolean(
        "native_hawaiian_or_other_pacific_islander",
        &["nativeHawaiianOrOtherPacificIslander"],
    )
    .personal(),
    boolean("white", &["white"]).personal(),
    boolean("two_or_more_races", &["demographicRaceTwoOrMoreRaces"]).personal(),
    boolean("hispanic_or_latino", &["hispanicOrLatinoEthnicity"]).personal(),
    text("country_of_birth", &["countryOfBirthCode"]).personal(),
    text("state_of_birth", &["stateOfBirthAbbreviation"]).personal(),
    text("city_of_birth", &["cityOfBirth"]).personal(),
    text("residence_status", &["publicSchoolResidenceStatus"]).personal(),
];

/// `term` is the section's.
const ENROLLMENTS: &[Field] = &[
    id("enrollment_id").of_person(),
    text("term", &[]),
    text("section_id", &["classSourcedId"]),
    text("school_id", &["schoolSourcedId"]),
    text("user_id", &["userSourcedId"]).of_person(),
    text("role", &["role"]),
    boolean("primary", &["primary"]),
    date("begin_date", &["beginDate"]),
    date("end_date", &["endDate"]),
];

const CATEGORIES: &[Field] = &[
    id("category_id"),
    text("name", &["title"]),
    field("weight", FieldKind::Integer, &["weight"]),
];

const LINE_ITEMS: &[Field] = &[
    id("line_item_id"),
    text("name", &["title"]),
    text("description", &["description"]),
    date("assign_date", &["assignDate"]),
    date("due_date", &["dueDate"]),
    text("section_id", &["classSourcedId"]),
    text("category_id", &["categorySourcedId"]),
    text(
        "term_id",
        &["academicSessionSourcedId", "gradingPeriodSourcedId"],
    ),
    number("min_score", &["resultValueMin"]),
    number("max_score", &["resultValueMax"]),
    text("school_id", &["schoolSourcedId"]),
];

const RESULTS: &[Field] = &[
    id("result_id").of_person(),
    text("line_item_id", &["lineItemSourcedId"]),
    text("user_id", &["studentSourcedId"]).of_person(),
    text("section_id", &["classSourcedId"]),
    text("status", &["scoreStatus"]),
    number("score", &["score"]).record(),
    text("text_score", &["textScore"]).record(),
    date("score_date", &["scoreDate"]),
    text("comment", &["comment"]).personal(),
    boolean("in_progress", &["inProgress"]),
    boolean("incomplete", &["incomplete"]),
    boolean("late", &["late"]),
    boolean("missing", &["missing"]),
];

const SCORE_SCALES: &[Field] = &[
    id("score_scale_id"),
    text("name", &["title"]),
    text("type", &["type"]),
    text("org_id", &["orgSourcedId"]),
    text("course_id", &["courseSourcedId"]),
    text("section_id", &["classSourcedId"]),
    texts("values", &["scoreScaleValue"]),
];

const LINE_ITEM_SCORE_SCALES: &[Field] = &[
    id("line_item_score_scale_id"),
    text("name", &["title"]),
    text("line_item_id", &["lineItemSourcedId"]),
    text("score_scale_id", &["scoreScaleSourcedId"]),
];

const RESULT_SCORE_SCALES: &[Field] = &[
    id("result_score_scale_id").of_person(),
    text("name", &["title"]),
    text("result_id", &["resultSourcedId"]).of_person(),
    text("score_scale_id", &["scoreScaleSourcedId"]),
];

const LINE_ITEM_OBJECTIVES: &[Field] = &[
    id("line_item_objective_id"),
    text("line_item_id", &["lineItemSourcedId"]),
    text("source", &["source"]),
    text("learning_objective_id", &["learningObjectiveId"]),
];

const RESULT_OBJECTIVES: &[Field] = &[
    id("result_objective_id").of_person(),
    text("result_id", &["resultSourcedId"]).of_person(),
    text("source", &["source"]),
    text("learning_objective_id", &["learningObjectiveId"]),
    number("score", &["score"]).record(),
    text("text_score", &["textScore"]).record(),
];

const RESOURCES: &[Field] = &[
    id("resource_id"),
    text("name", &["title"]),
    text("vendor_resource_id", &["vendorResourceId"]),
    texts("roles", &["roles"]),
    text("importance", &["importance"]),
    text("vendor_id", &["vendorId"]),
    text("application_id", &["applicationId"]),
];

const SECTION_RESOURCES: &[Field] = &[
    id("section_resource_id"),
    text("name", &["title"]),
    text("section_id", &["classSourcedId"]),
    text("resource_id", &["resourceSourcedId"]),
];

const COURSE_RESOURCES: &[Field] = &[
    id("course_resource_id"),
    text("name", &["title"]),
    text("course_id", &["courseSourcedId"]),
    text("resource_id", &["resourceSourcedId"]),
];

const USER_RESOURCES: &[Field] = &[
    id("user_resource_id").of_person(),
    text("user_id", &["userSourcedId"]).of_person(),
    text("org_id", &["orgSourcedId"]),
    text("section_id", &["classSourcedId"]),
    text("resource_id", &["resourceSourcedId"]),
];

pub(super) fn of(entity: Entity) -> &'static [Field] {
    match entity {
        Entity::Orgs => ORGS,
        Entity::Terms => TERMS,
        Entity::Courses => COURSES,
        Entity::Sections => SECTIONS,
        Entity::Users => USERS,
        Entity::Guardians => GUARDIANS,
        Entity::UserProfiles => USER_PROFILES,
        Entity::Identities => IDENTITIES,
        Entity::Roles => ROLES,
        Entity::Demographics => DEMOGRAPHICS,
        Entity::Enrollments => ENROLLMENTS,
        Entity::Categories => CATEGORIES,
        Entity::LineItems => LINE_ITEMS,
        Entity::Results => RESULTS,
        Entity::ScoreScales => SCORE_SCALES,
        Entity::LineItemScoreScales => LINE_ITEM_SCORE_SCALES,
        Entity::ResultScoreScales => RESULT_SCORE_SCALES,
        Entity::LineItemObjectives => LINE_ITEM_OBJECTIVES,
        Entity::ResultObjectives => RESULT_OBJECTIVES,
        Entity::Resources => RESOURCES,
        Entity::SectionResources => SECTION_RESOURCES,
        Entity::CourseResources => COURSE_RESOURCES,
        Entity::UserResources => USER_RESOURCES,
        Entity::CourseDetails => catalog::COURSE_DETAILS,
        Entity::SectionDetails => catalog::SECTION_DETAILS,
        Entity::Standards => catalog::STANDARDS,
        Entity::Contents => catalog::CONTENTS,
        Entity::Alignments => catalog::ALIGNMENTS,
        Entity::Programs => catalog::PROGRAMS,
        Entity::ProgramEnrollments => catalog::PROGRAM_ENROLLMENTS,
        Entity::Awards => catalog::AWARDS,
        Entity::CalendarDays => catalog::CALENDAR_DAYS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_key_and_columns_of_different_names() {
        for entity in Entity::ALL {
            assert!(of(entity).iter().any(|field| field.is_key), "{entity}");
            for (index, field) in of(entity).iter().enumerate() {
                let same = |other: &Field| other.name == field.name;
                assert!(
                    !of(entity)[..index].iter().any(same),
                    "{entity} {}",
                    field.name
                );
            }
        }
    }
}
