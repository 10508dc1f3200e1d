//! Every rule of the binding, broken by itself.

use roster::{Checked, Code, Empty, Entity, Severity};
use rstest::rstest;

use crate::school::{self, Files};
use crate::store::{Store, check, told};

fn codes(files: &Files) -> Vec<String> {
    told(&check(files.bundle(), &Empty).diagnostics)
}

#[test]
fn nothing_is_wrong_with_the_schools() {
    assert_eq!(codes(&school::old()), Vec::<String>::new());
    assert_eq!(codes(&school::new()), Vec::<String>::new());
}

/// One text of one file of the school in 1.2 is written otherwise.
#[rstest]
// Orgs
#[case("orgs.csv", "high,,,North High", ",,,North High", &["missing_value orgs.csv:3 sourcedId"])]
#[case("orgs.csv", "high,,,North High", "hi\u{7}gh,,,North High", &["invalid_id orgs.csv:3 sourcedId"])]
#[case("orgs.csv", "North High", "", &["missing_value orgs.csv:3 name"])]
#[case("orgs.csv", ",school,NH", ",,NH", &["missing_value orgs.csv:3 type"])]
#[case("orgs.csv", ",school,NH", ",campus,NH", &["invalid_value orgs.csv:3 type"])]
#[case("orgs.csv", ",school,NH", ",ext:campus,NH", &[])]
#[case("orgs.csv", ",school,NH", ",School,NH", &["word_spelling orgs.csv:3 type"])]
#[case("orgs.csv", "NH,dist", "NH,gone", &["unresolved_reference orgs.csv:3 parentSourcedId"])]
#[case("orgs.csv", "district,,", "district,,high", &["parent_circle orgs.csv:2 parentSourcedId", "parent_circle orgs.csv:3 parentSourcedId"])]
#[case("orgs.csv", "NH,dist", "NH,high", &["parent_circle orgs.csv:3 parentSourcedId"])]
#[case("orgs.csv", "NH,dist", "NH", &["column_count orgs.csv:3"])]
#[case("orgs.csv", "NH,dist", "NH,dist,more", &["column_count orgs.csv:3"])]
#[case("orgs.csv", "NH,dist", "NH,dist,,", &[])]
#[case("orgs.csv", "dist,,,District", "dist,active,,District", &["status_in_bulk orgs.csv:2 status"])]
#[case("orgs.csv", "dist,,,District", "dist,,2026-01-01T00:00:00.000Z,District", &["status_in_bulk orgs.csv:2 dateLastModified"])]
#[case("orgs.csv", "dist,,,District", "dist,dead,,District", &["status_in_bulk orgs.csv:2 status", "value_left_out orgs.csv:2 status"])]
// Sessions
#[case("academicSessions.csv", ",Fall,", ",,", &["missing_value academicSessions.csv:3 title", "unresolved_reference academicSessions.csv:4 parentSourcedId"])]
#[case("academicSessions.csv", "semester,2026-08-01", "semester,", &["missing_value academicSessions.csv:3 startDate", "unresolved_reference academicSessions.csv:4 parentSourcedId"])]
#[case("academicSessions.csv", "semester,2026-08-01", "semester,soon", &["invalid_value academicSessions.csv:3 startDate", "unresolved_reference academicSessions.csv:4 parentSourcedId"])]
#[case("academicSessions.csv", "semester,2026-08-01", "semester,8/1/2026", &["ambiguous_date academicSessions.csv:3 startDate", "unresolved_reference academicSessions.csv:4 parentSourcedId"])]
#[case("academicSessions.csv", "semester,2026-08-01", "semester,2026-08-01T00:00:00Z", &["time_in_date academicSessions.csv:3 startDate"])]
#[case("academicSessions.csv", "semester,2026-08-01,2026-12-31", "semester,2027-08-01,2026-12-31", &["begin_after_end academicSessions.csv:3 startDate"])]
#[case("academicSessions.csv", "2026-10-15,fall,2027", "2026-10-15,fall,27", &["invalid_value academicSessions.csv:4 schoolYear"])]
#[case("academicSessions.csv", "2026-10-15,fall", "2026-10-15,q1", &["parent_circle academicSessions.csv:4 parentSourcedId"])]
#[case("academicSessions.csv", "2026-10-15,fall", "2027-01-15,fall", &["outside_parent academicSessions.csv:4 startDate"])]
#[case("academicSessions.csv", "2027-06-30,,2027\n", "2027-06-30,fall,2027\n", &["parent_circle academicSessions.csv:2 parentSourcedId", "wrong_nesting academicSessions.csv:2 parentSourcedId", "outside_parent academicSessions.csv:2 startDate", "parent_circle academicSessions.csv:3 parentSourcedId"])]
// Courses
#[case("courses.csv", "year,Biology", "fall,Biology", &["wrong_session_type courses.csv:2 schoolYearSourcedId"])]
#[case("courses.csv", "\"1,2\"", "1", &["subject_codes_count courses.csv:2 subjectCodes"])]
#[case("courses.csv", ",high,", ",,", &["missing_value courses.csv:2 orgSourcedId", "unresolved_reference classes.csv:2 courseSourcedId", "unresolved_reference classes.csv:3 courseSourcedId", "dangling_reference courseResources.csv:2 courseSourcedId", "unresolved_reference scoreScales.csv:2 courseSourcedId"])]
#[case("courses.csv", ",high,", ",gone,", &["unresolved_reference courses.csv:2 orgSourcedId"])]
// Classes
#[case("classes.csv", "bio,B1-2", "gone,B1-2", &["unresolved_reference classes.csv:3 courseSourcedId"])]
#[case("classes.csv", "\"q1,fall\"", "\"q1,gone\"", &["unresolved_reference classes.csv:3 termSourcedIds"])]
#[case("classes.csv", "homeroom,,high", "homeroom,,dist", &["not_a_school classes.csv:3 schoolSourcedId"])]
#[case("classes.csv", "homeroom,,high", "lecture,,high", &["invalid_value classes.csv:3 classType", "dangling_reference enrollments.csv:5 classSourcedId"])]
#[case("classes.csv", "\"q1,fall\"", "", &["missing_value classes.csv:3 termSourcedIds", "dangling_reference enrollments.csv:5 classSourcedId"])]
#[case("classes.csv", "bio-2,,", "bio-3,,", &["no_teacher classes.csv:3 sourcedId", "dangling_reference enrollments.csv:5 classSourcedId"])]
// Users
#[case("users.csv", "ben,,,false", "ben,,,perhaps", &["dangling_reference enrollments.csv:4 userSourcedId", "dangling_reference roles.csv:4 userSourcedId", "invalid_value users.csv:4 enabledUser"])]
#[case("users.csv", "ben,,,false", "ben,,,FALSE", &["word_spelling users.csv:4 enabledUser"])]
#[case("users.csv", "mum.berg,,Mum", "mum.berg,,", &["dangling_reference roles.csv:5 userSourcedId", "unresolved_reference users.csv:3 agentSourcedIds", "missing_value users.csv:5 givenName"])]
#[case("users.csv", ",,mum,", ",,gone,", &["unresolved_reference users.csv:3 agentSourcedIds"])]
#[case("users.csv", "{LDAP:t1}", "LDAP-t1", &["user_id_form users.csv:2 userIds"])]
#[case("users.csv", "{LDAP:t1}", "{LDAP:s1}", &["shared_identifier users.csv:2 userIds"])]
#[case("users.csv", "ben.cole", "anna.berg", &["shared_identifier users.csv:4 username"])]
#[case("users.csv", "ben.cole", "anna", &["shared_identifier users.csv:4 username"])]
#[case("users.csv", "ben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,\n", "ben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,\nben,,,false,b2,,Ben,Cole,,,,,,,09,,,,,,,\n", &["duplicate_id users.csv:5 sourcedId"])]
#[case("users.csv", "ben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,\n", "ben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,\nben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,\n", &["repeated_row users.csv:5 sourcedId"])]
// Roles and profiles
#[case("roles.csv", "r5,,,tea,secondary", "r5,,,tea,primary", &["several_primary_roles roles.csv:6 roleType"])]
#[case("roles.csv", "r5,,,tea,secondary", "r5,,,tea,ext:third", &["invalid_value roles.csv:6 roleType"])]
#[case("roles.csv", "r3,,,ben,", "r3,,,gone,", &["dangling_reference roles.csv:4 userSourcedId", "no_role users.csv:4 sourcedId"])]
#[case("roles.csv", "student,,,high,\nr4", "student,2026-09-02,2026-09-01,high,\nr4", &["begin_after_end roles.csv:4 beginDate", "no_role users.csv:4 sourcedId"])]
#[case("roles.csv", "r3,,,ben,primary,student", "r3,,,ben,primary,parent", &["role_contradiction enrollments.csv:4 role"])]
#[case("roles.csv", "high,p1", "high,p9", &["unresolved_reference roles.csv:2 userProfileSourcedId"])]
#[case("userProfiles.csv", "p1,,,tea", "p1,,,gone", &["unresolved_reference roles.csv:2 userProfileSourcedId", "dangling_reference userProfiles.csv:2 userSourcedId"])]
// Demographics
#[case("demographics.csv", "anna,,,", "gone,,,", &["dangling_reference demographics.csv:2 sourcedId"])]
#[case("demographics.csv", "female", "f", &["value_left_out demographics.csv:2 sex"])]
#[case("demographics.csv", "2011-02-03", "03/02/2011", &["value_left_out demographics.csv:2 birthDate"])]
#[case("demographics.csv", "2011-02-03", "23/02/2011", &["slash_date demographics.csv:2 birthDate"])]
// Enrollments
#[case("enrollments.csv", "e3,,,bio-1", "e3,,,", &["missing_value enrollments.csv:4 classSourcedId"])]
#[case("enrollments.csv", "e3,,,bio-1", "e3,,,gone", &["dangling_reference enrollments.csv:4 classSourcedId"])]
#[case("enrollments.csv", "high,ben,student", "high,gone,student", &["dangling_reference enrollments.csv:4 userSourcedId"])]
#[case("enrollments.csv", "high,ben,student", "high,ben,parent", &["invalid_value enrollments.csv:4 role"])]
#[case("enrollments.csv", "high,ben,student", "dist,ben,student", &["not_a_school enrollments.csv:4 schoolSourcedId"])]
#[case("enrollments.csv", "ben,student,,,", "ben,student,,2027-01-01,", &["outside_terms enrollments.csv:4 beginDate"])]
#[case("enrollments.csv", "ben,student,,,", "ben,student,,2026-09-02,2026-09-01", &["begin_after_end enrollments.csv:4 beginDate"])]
#[case("enrollments.csv", "ben,student,,,", "ben,student,true,,", &["primary_not_teacher enrollments.csv:4 primary"])]
#[case("enrollments.csv", "e4,,,bio-2,high,tea,teacher,,,", "e4,,,bio-1,high,tea,teacher,true,,", &["no_teacher classes.csv:3 sourcedId", "several_primary_teachers enrollments.csv:5 primary"])]
#[case("enrollments.csv", "e3,,,bio-1", "e3,tobedeleted,,bio-1", &["deleted_in_bulk enrollments.csv:4 status", "status_in_bulk enrollments.csv:4 status"])]
#[case("enrollments.csv", "e3,,,bio-1", "e3,inactive,,bio-1", &["inactive_status enrollments.csv:4 status", "status_in_bulk enrollments.csv:4 status"])]
// Gradebook
#[case("categories.csv", "30", "much", &["value_left_out categories.csv:2 weight"])]
#[case("lineItems.csv", "2026-09-08", "2026-08-08", &["due_before_assigned lineItems.csv:2 dueDate"])]
#[case("lineItems.csv", "quiz,q1", "quiz,year", &["wrong_session_type lineItems.csv:2 academicSessionSourcedId"])]
#[case("lineItems.csv", "quiz,q1", "gone,q1", &["unresolved_reference lineItems.csv:2 categorySourcedId"])]
#[case("results.csv", "8.5", "11", &["score_out_of_range results.csv:2 score"])]
#[case("results.csv", "8.5", "good", &["value_left_out results.csv:2 score"])]
#[case("results.csv", "fully graded", "graded", &["dangling_reference resultLearningObjectiveIds.csv:2 resultSourcedId", "dangling_reference resultScoreScales.csv:2 resultSourcedId", "invalid_value results.csv:2 scoreStatus"])]
#[case("scoreScales.csv", "\"{A:90},{B:80}\"", "", &["dangling_reference lineItemScoreScales.csv:2 scoreScaleSourcedId", "dangling_reference resultScoreScales.csv:2 scoreScaleSourcedId", "missing_value scoreScales.csv:2 scoreScaleValue"])]
#[case("lineItemScoreScales.csv", "li1,sc1", "gone,sc1", &["dangling_reference lineItemScoreScales.csv:2 lineItemSourcedId"])]
#[case("lineItemLearningObjectiveIds.csv", "case", "book", &["invalid_value lineItemLearningObjectiveIds.csv:2 source"])]
#[case("resultLearningObjectiveIds.csv", "res1", "gone", &["dangling_reference resultLearningObjectiveIds.csv:2 resultSourcedId"])]
// Resources
#[case("resources.csv", "isbn-1", "", &["dangling_reference classResources.csv:2 resourceSourcedId", "dangling_reference courseResources.csv:2 resourceSourcedId", "missing_value resources.csv:2 vendorResourceId", "dangling_reference userResources.csv:2 resourceSourcedId"])]
#[case("resources.csv", "\"student,teacher\"", "pupil", &["value_left_out resources.csv:2 roles"])]
#[case("classResources.csv", "bio-1,", "gone,", &["dangling_reference classResources.csv:2 classSourcedId"])]
#[case("userResources.csv", "anna", "gone", &["dangling_reference userResources.csv:2 userSourcedId"])]
// Headers and files
#[case("orgs.csv", "parentSourcedId", "parentSourceId", &["column_spelling orgs.csv:1 parentSourcedId"])]
#[case("orgs.csv", ",identifier,", ",metadata.identifier,", &["absent_column orgs.csv:1 identifier"])]
#[case("orgs.csv", ",identifier,", ",colour,", &["absent_column orgs.csv:1 identifier", "unknown_column orgs.csv:1 colour"])]
#[case("orgs.csv", ",name,", ",label,", &["missing_column orgs.csv:1 name"])]
#[case("orgs.csv", "identifier,", "name,", &["repeated_column orgs.csv:1 name"])]
fn a_broken_rule_is_told(
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &[&str],
) {
    let mut told = codes(&school::new().replace(file, from, to));
    // Without orgs nothing is about a school: what follows is not what is tested.
    if expected.iter().any(|told| told.contains(" orgs.csv")) {
        told.retain(|told| told.contains(" orgs.csv"));
    }
    if expected
        .iter()
        .any(|told| told.contains(" academicSessions.csv"))
    {
        told.retain(|told| told.contains(" academicSessions.csv"));
    }
    told.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

/// In a delta each row says what it wants and since when.
#[rstest]
#[case("dist,active,2026-01-01T00:00:00.000Z,District,district,,", &[])]
#[case("dist,tobedeleted,2026-01-01T00:00:00.000Z,,,,", &[])]
#[case("dist,,2026-01-01T00:00:00.000Z,District,district,,", &["missing_value orgs.csv:2 status"])]
#[case("dist,active,,District,district,,", &["missing_value orgs.csv:2 dateLastModified"])]
#[case("dist,live,2026-01-01T00:00:00.000Z,District,district,,", &["invalid_value orgs.csv:2 status"])]
#[case("dist,Active,2026-01-01T00:00:00.000Z,District,district,,", &["word_spelling orgs.csv:2 status"])]
#[case("dist,active,yesterday,District,district,,", &["invalid_value orgs.csv:2 dateLastModified"])]
#[case("dist,active,1/2/2026,District,district,,", &["ambiguous_date orgs.csv:2 dateLastModified"])]
#[case("dist,active,2026-01-01,District,district,,", &["date_without_time orgs.csv:2 dateLastModified"])]
fn a_broken_rule_of_deltas_is_told(#[case] row: &str, #[case] expected: &[&str]) {
    let header = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId";
    let text = format!("{header}\n{row}\n");
    let files = school::of("1.2", "delta", &[("orgs.csv", &text)]);
    assert_eq!(codes(&files), expected);
}

#[rstest]
#[case("1.1 with a file of 1.2", school::old().with("roles.csv", "x").manifest("1.1", "bulk"), &["unknown_file roles.csv:"])]
#[case("a file of nobody", school::new().with("notes.csv", "x"), &["unknown_file notes.csv:"])]
#[case("no manifest", school::new().without("manifest.csv"), &["missing_manifest :"])]
#[case("a version from the future", school::old().manifest("2.0", "bulk"), &["unsupported_version manifest.csv:3 value"])]
#[case("an empty file", school::new().with("userResources.csv", ""), &["no_header userResources.csv:"])]
#[case("a header alone", school::new().with("userResources.csv", "sourcedId,status,dateLastModified,userSourcedId,orgSourcedId,classSourcedId,resourceSourcedId\n"), &["empty_file userResources.csv:"])]
#[case("a file that is not there", school::new().without("userResources.csv"), &["missing_file manifest.csv:23 value"])]
#[case("an unknown mode", school::new().replace("manifest.csv", "file.userResources,bulk", "file.userResources,all"), &["unknown_mode manifest.csv:23 value"])]
#[case("a quote that is not closed", school::new().replace("userResources.csv", "usr,", &format!("\"usr,{}", noise())), &["row_too_long userResources.csv:2"])]
fn broken_bundles_are_told(#[case] what: &str, #[case] files: Files, #[case] expected: &[&str]) {
    assert_eq!(codes(&files), expected, "{what}");
}

/// Over a megabyte of lines that are no bomb.
fn noise() -> String {
    let line = |number: u64| format!("{:x},\n", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (0..100_000).map(line).collect()
}

#[test]
fn nothing_to_read_is_refused() {
    let told = codes(&school::of("1.2", "bulk", &[]));
    assert_eq!(told, ["no_files :"]);
}

#[test]
fn each_code_is_of_a_test() {
    // What the tests above and those of the real bundles tell; a new code needs one.
    let tests = [
        include_str!("rules.rs"),
        include_str!("real.rs"),
        include_str!("changes.rs"),
        include_str!("catalog/rules.rs"),
        include_str!("../../src/manifest.rs"),
        include_str!("../../src/header.rs"),
    ]
    .concat();
    for code in Code::ALL {
        assert!(
            tests.contains(&format!("\"{} ", code.as_str()))
                || tests.contains(&format!("\"{}\"", code.as_str())),
            "{code}"
        );
    }
}

#[test]
fn files_in_other_encodings_are_read_and_told() {
    let files = school::new().replace("users.csv", "Anna,Berg", "Änna,Berg");
    let mut bytes = Vec::new();
    for character in files.0["users.csv"].chars() {
        bytes.push(u8::try_from(u32::from(character)).expect("Latin-1"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in &files.0 {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    std::fs::write(folder.path().join("users.csv"), bytes).expect("written");
    let bundle = roster::Bundle::open(folder.path(), roster::Limits::default()).expect("opened");
    let mut store = Store::default();
    let checked = store.import(bundle);
    assert_eq!(told(&checked.diagnostics), ["encoding users.csv:"]);
    let anna = &store.0[&Entity::Users]["anna"];
    assert_eq!(
        anna.get(Entity::Users, "given_name").as_text(),
        Some("Änna")
    );
}

/// Names, addresses and passwords of the school, none of which may be repeated.
const PERSONAL: [&str; 8] = [
    "Anna",
    "Berg",
    "anna.berg",
    "anna@high",
    "tea.cher",
    "secret",
    "Keene",
    "2011-02-03",
];

#[test]
fn no_diagnostic_repeats_a_value() {
    let broken = school::new()
        .replace("users.csv", "anna,,,true", "anna,,,Anna")
        .replace("users.csv", "ben.cole", "anna.berg")
        .replace("demographics.csv", "female", "Anna")
        .replace(
            "demographics.csv",
            "anna,,,2011-02-03",
            "anna,Berg,Keene,Anna",
        )
        .replace(
            "roles.csv",
            "r2,,,anna,primary,student",
            "r2,,,Anna,Berg,secret",
        )
        .replace(
            "enrollments.csv",
            "high,anna,student,false",
            "high,anna,Anna,Berg",
        );
    let Checked { diagnostics, .. } = check(broken.bundle(), &Empty);
    assert!(diagnostics.count(Severity::Error) > 2);
    let mut text = Vec::new();
    diagnostics.write_csv(&mut text).expect("written");
    let text = String::from_utf8(text).expect("text");
    for value in PERSONAL {
        assert!(!text.contains(value), "{value} in {text}");
    }
}

#[test]
fn passwords_are_nowhere() {
    let mut store = Store::default();
    store.import(school::new().bundle());
    let text = format!("{store:?}");
    assert!(text.contains("anna.berg") && text.contains("tea-v1"));
    assert!(!text.contains("secret"));
}
