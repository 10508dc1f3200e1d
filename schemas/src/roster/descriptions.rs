//! What the tables and their columns tell, a sentence each.

use super::Entity;

mod catalog;
mod gradebook;

/// What a table's rows are.
pub(super) fn of(entity: Entity) -> &'static str {
    match entity {
        Entity::Orgs => "Schools, districts and departments, as a tree.",
        Entity::Terms => "School years, semesters and grading periods, as a tree.",
        Entity::Courses => "What is taught, whenever it is.",
        Entity::Sections => "The classes of courses.",
        Entity::Users => "Students, staff and guardians.",
        Entity::Guardians => {
            "Who is named as whose agent: parents and children, in either direction."
        }
        Entity::UserProfiles => "Accounts of people in other systems.",
        Entity::Identities => "By which keys events name people, and the one key of each person.",
        Entity::Roles => "What people are at an org.",
        Entity::Demographics => "Birth, sex and ethnicity of people.",
        Entity::Enrollments => "Who learns or teaches in which section, from when to when.",
        Entity::Resources => "Books and tools.",
        Entity::SectionResources => "Which books and tools a section uses.",
        Entity::CourseResources => "Which books and tools a course uses.",
        Entity::UserResources => "Which books and tools a person uses.",
        other => gradebook::of(other).unwrap_or_else(|| catalog::of(other)),
    }
}

/// What a column tells, of the table or of its history.
pub(super) fn of_column(entity: Entity, column: &str) -> Option<&'static str> {
    let find = |all: &[(&str, &'static str)]| {
        let found = all.iter().find(|(name, _)| *name == column);
        found.map(|(_, sentence)| *sentence)
    };
    find(fields(entity)).or_else(|| find(VERSIONS))
}

/// Of all tables.
const VERSIONS: &[(&str, &str)] = &[
    (
        "valid_from",
        "The first day on which it is so, by the source.",
    ),
    ("valid_to", "The last day on which it is so, by the source."),
    (
        "modified_at",
        "When the source last changed the row; empty if it does not say.",
    ),
    ("recorded_at", "When this version of the row was imported."),
    (
        "change",
        "What happened to the row: added, changed or ended.",
    ),
    ("import", "The number of the import by which it happened."),
    (
        "superseded_at",
        "When the next version of the row was imported; empty of the newest.",
    ),
];

const SESSION: &str = "Its term as events have it; `no-term` if none is known.";
const COURSE: &str = "The course.";
const ORG: &str = "The org.";
const RESOURCE: &str = "The book or tool.";
const SCHOOL: &str = "Its school, an org.";
const SECTION: &str = "The section.";
const TITLE: &str = "Its title.";
const WHO: &str = "Who.";

fn fields(entity: Entity) -> &'static [(&'static str, &'static str)] {
    match entity {
        Entity::Orgs => &[
            ("org_id", "The key."),
            ("name", "Its name."),
            (
                "type",
                "department, school, district, local, state or national.",
            ),
            ("identifier", "Its official number, if it has one."),
            (
                "parent_org_id",
                "The org that it is a part of; empty of the root.",
            ),
        ],
        Entity::Terms => &[
            ("term_id", "The key."),
            (
                "term",
                "What it is called as `term` of events, sections and enrollments.",
            ),
            ("name", "Its name: Fall 2026."),
            ("type", "schoolYear, semester, term or gradingPeriod."),
            ("start_date", "Its first day."),
            ("end_date", "Its last day."),
            (
                "parent_term_id",
                "The one that it is a part of; empty of a school year.",
            ),
            (
                "school_year",
                "The year in which its school year ends: 2027.",
            ),
        ],
        Entity::Courses => &[
            ("course_id", "The key; what events call `course`."),
            ("name", TITLE),
            ("course_code", "As people abbreviate it: BIO-101."),
            ("org_id", "The school or district that offers it."),
            (
                "school_year_term_id",
                "The school year of which it is; empty of all.",
            ),
            ("grades", "The years of students for whom it is: 09, 10."),
            ("subjects", "Its subjects."),
            ("subject_codes", "Codes of these, of SCED for example."),
        ],
        Entity::Sections => &[
            ("section_id", "The key; what events call `section`."),
            ("term", SESSION),
            ("name", TITLE),
            ("course_id", "Its course."),
            ("school_id", SCHOOL),
            (
                "term_ids",
                "The terms in which it meets; of these its term is found.",
            ),
            ("section_code", "As people abbreviate it: BIO-101-03."),
            ("type", "scheduled, or homeroom."),
            ("location", "Where it meets."),
            ("grades", "The years of students for whom it is."),
            ("subjects", "Its subjects."),
            ("subject_codes", "Codes of these."),
            ("periods", "When it meets, by the school's own names."),
        ],
        Entity::Users => &[
            ("user_id", "The key; what clients may name people by."),
            ("enabled", "Whether they may log in."),
            (
                "role",
                "What they are at all of org_ids, by OneRoster 1.1; else see roles.",
            ),
            (
                "org_ids",
                "Where they are that, by OneRoster 1.1; else see roles.",
            ),
            ("primary_org_id", "The org they belong to first."),
            ("grades", "Of a student, the years: 09."),
            ("username", "The login."),
            ("user_ids", "Ids in other systems."),
            ("identifier", "The number of student or staff."),
            (
                "master_identifier",
                "One id for all systems, if there is one.",
            ),
            ("email", "The mailbox."),
            ("given_name", "The first name."),
            ("family_name", "The last name."),
            ("middle_name", "The middle name."),
            ("preferred_given_name", "What they are called."),
            ("preferred_family_name", "What their family is called."),
            (
                "preferred_middle_name",
                "What they are called in the middle.",
            ),
            ("pronouns", "Their pronouns."),
            ("sms", "The number for short messages."),
            ("phone", "The telephone number."),
            ("agent_ids", "Their guardians; as rows, see guardians."),
        ],
        Entity::Identities => &[
            ("user_id", WHO),
            (
                "identifier_key",
                "The key that events have which call the person so.",
            ),
            (
                "student_key",
                "The person's own key, as the tables of events have it.",
            ),
            (
                "kind",
                "What the person is called by: sourced_id, username, email, or a type of user id.",
            ),
        ],
        Entity::Guardians => &[
            (
                "user_id",
                "Whose agent it is, or the agent: sources name both ways.",
            ),
            ("agent_id", "The other one, a user too."),
        ],
        Entity::UserProfiles => &[
            ("user_profile_id", "The key."),
            ("user_id", "Whose."),
            ("profile_type", "What kind of account it is."),
            ("vendor_id", "Whose system it is in."),
            ("application_id", "The system."),
            ("description", "What it is for."),
            ("credential_type", "How they log in there."),
            ("username", "The login."),
        ],
        Entity::Roles => &[
            ("user_id", WHO),
            ("role_id", "The key, with user_id."),
            ("org_id", "Where."),
            (
                "role",
                "student, teacher, guardian, counselor, principal, siteAdministrator, …",
            ),
            ("role_type", "primary or secondary."),
            ("begin_date", "The first day; empty is ever."),
            ("end_date", "The last day; empty is open."),
            (
                "user_profile_id",
                "The account that it goes with, if that counts.",
            ),
        ],
        Entity::Demographics => &[
            ("user_id", WHO),
            ("birth_date", "The day of birth."),
            ("sex", "The sex."),
            (
                "american_indian_or_alaska_native",
                "Ethnicity, as OneRoster asks for it.",
            ),
            ("asian", "Ethnicity, as OneRoster asks for it."),
            (
                "black_or_african_american",
                "Ethnicity, as OneRoster asks for it.",
            ),
            (
                "native_hawaiian_or_other_pacific_islander",
                "Ethnicity, as OneRoster asks for it.",
            ),
            ("white", "Ethnicity, as OneRoster asks for it."),
            ("two_or_more_races", "Ethnicity, as OneRoster asks for it."),
            ("hispanic_or_latino", "Ethnicity, as OneRoster asks for it."),
            ("country_of_birth", "The country of birth, as a code."),
            ("state_of_birth", "The state of birth, abbreviated."),
            ("city_of_birth", "The city of birth."),
            (
                "residence_status",
                "How they live in the district, as a code.",
            ),
        ],
        Entity::Enrollments => &[
            (
                "enrollment_id",
                "The key; another one when somebody comes back.",
            ),
            ("term", SESSION),
            ("section_id", SECTION),
            ("school_id", SCHOOL),
            ("user_id", WHO),
            ("role", "student, teacher, aide or proctor."),
            (
                "primary",
                "Whether a teacher is the one who is responsible.",
            ),
            ("begin_date", "The first day; empty is the section's."),
            ("end_date", "The last day; empty is the section's."),
        ],
        Entity::Categories
        | Entity::LineItems
        | Entity::Results
        | Entity::ScoreScales
        | Entity::LineItemScoreScales
        | Entity::ResultScoreScales
        | Entity::LineItemObjectives
        | Entity::ResultObjectives => gradebook::fields(entity),
        Entity::Resources => &[
            ("resource_id", "The key."),
            ("name", TITLE),
            ("vendor_resource_id", "What its vendor calls it."),
            ("roles", "For whom it is."),
            ("importance", "primary or secondary."),
            ("vendor_id", "Its vendor."),
            ("application_id", "The system that it is for."),
        ],
        Entity::SectionResources => &[
            ("section_resource_id", "The key."),
            ("name", TITLE),
            ("section_id", SECTION),
            ("resource_id", RESOURCE),
        ],
        Entity::CourseResources => &[
            ("course_resource_id", "The key."),
            ("name", TITLE),
            ("course_id", COURSE),
            ("resource_id", RESOURCE),
        ],
        Entity::UserResources => &[
            ("user_resource_id", "The key."),
            ("user_id", WHO),
            ("org_id", ORG),
            ("section_id", SECTION),
            ("resource_id", RESOURCE),
        ],
        other => catalog::fields(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_sentence_and_no_sentence_is_of_none() {
        for entity in Entity::ALL {
            let history = super::super::history_columns(entity);
            let named: Vec<&str> = fields(entity).iter().map(|(name, _)| *name).collect();
            let columns: Vec<&str> = entity.fields().iter().map(|field| field.name).collect();
            assert_eq!(named, columns, "{entity}");
            for column in history.fields() {
                let told = of_column(entity, column.name());
                assert!(
                    told.is_some_and(|told| told.ends_with(['.', '…'])),
                    "{entity}.{}",
                    column.name()
                );
            }
            assert!(of(entity).ends_with('.'), "{entity}");
        }
        assert!(of_column(Entity::Users, "superseded_at").is_some());
        assert_eq!(of_column(Entity::Users, "shoe_size"), None);
    }
}
