//! A small school as bundles of 1.1 and 1.2 in which nothing is wrong.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use roster::{Bundle, Limits};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The files of a bundle by their names.
#[derive(Clone)]
pub struct Files(pub BTreeMap<String, String>);

impl Files {
    /// Replaces a text that a file has exactly once.
    pub fn replace(mut self, file: &str, from: &str, to: &str) -> Self {
        let text = self.0.get_mut(file).unwrap_or_else(|| panic!("no {file}"));
        assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
        *text = text.replace(from, to);
        self
    }

    pub fn with(mut self, file: &str, text: &str) -> Self {
        self.0.insert(file.to_owned(), text.to_owned());
        self
    }

    pub fn without(mut self, file: &str) -> Self {
        assert!(self.0.remove(file).is_some(), "no {file}");
        self
    }

    /// Adds a manifest that names all files.
    pub fn manifest(self, version: &str, mode: &str) -> Self {
        let mut text =
            format!("propertyName,value\nmanifest.version,1.0\noneroster.version,{version}\n");
        for file in self.0.keys().filter(|file| *file != "manifest.csv") {
            let stem = file.trim_end_matches(".csv");
            text.push_str(&format!("file.{stem},{mode}\n"));
        }
        self.with("manifest.csv", &text)
    }

    pub fn zip(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in &self.0 {
            zip.start_file(name, SimpleFileOptions::default())
                .expect("started");
            zip.write_all(text.as_bytes()).expect("written");
        }
        zip.finish().expect("finished").into_inner()
    }

    pub fn bundle(&self) -> Bundle {
        Bundle::from_zip(Cursor::new(self.zip()), Limits::default()).expect("a bundle")
    }
}

const ORGS: &str = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
dist,,,District,district,,
high,,,North High,school,NH,dist
";

const SESSIONS: &str =
    "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear
year,,,2026-27,schoolYear,2026-08-01,2027-06-30,,2027
fall,,,Fall,semester,2026-08-01,2026-12-31,year,2027
q1,,,Quarter 1,gradingPeriod,2026-08-01,2026-10-15,fall,2027
";

const COURSES: &str = "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes
bio,,,year,Biology,B1,\"09,10\",high,\"Biology,Science\",\"1,2\"
";

const CLASSES: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods
bio-1,,,Biology 1,09,bio,B1-1,scheduled,Room 1,high,fall,Biology,1,\"1,2\"
bio-2,,,Biology 2,09,bio,B1-2,homeroom,,high,\"q1,fall\",,,
";

const USERS_1_1: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password
tea,,,true,\"high,dist\",teacher,tea.cher,{LDAP:t1},Tea,Cher,,T1,tea@high.example,,,,,secret-1
anna,,,true,high,student,anna.berg,\"{LDAP:s1},{Fed:f1}\",Anna,Berg,,S1,anna@high.example,,,mum,09,secret-2
ben,,,false,high,student,ben.cole,,Ben,Cole,,,,,,,09,
mum,,,true,high,parent,mum.berg,,Mum,Berg,,,,,,anna,,
";

const USERS_1_2: &str = "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns
tea,,,true,tea.cher,{LDAP:t1},Tea,Cher,,T1,tea@high.example,,,,,secret-1,,,,,high,
anna,,,true,anna.berg,\"{LDAP:s1},{Fed:f1}\",Anna,Berg,,S1,anna@high.example,,,mum,09,secret-2,M1,Ann,,,high,she
ben,,,false,ben.cole,,Ben,Cole,,,,,,,09,,,,,,,
mum,,,true,mum.berg,,Mum,Berg,,,,,,anna,,,,,,,,
";

const ROLES: &str = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId
r1,,,tea,primary,teacher,2026-08-01,,high,p1
r2,,,anna,primary,student,,,high,
r3,,,ben,primary,student,,,high,
r4,,,mum,primary,parent,,,high,
r5,,,tea,secondary,counselor,,,high,
";

const PROFILES: &str = "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,description,credentialType,username,password
p1,,,tea,vendor,v1,a1,,basic,tea-v1,secret-3
";

const DEMOGRAPHICS: &str = "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus
anna,,,2011-02-03,female,false,false,false,false,true,false,false,US,NH,Keene,1652
";

const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
e1,,,bio-1,high,tea,teacher,true,2026-08-01,2026-12-31
e2,,,bio-1,high,anna,student,false,2026-08-01,2026-12-31
e3,,,bio-1,high,ben,student,,,
e4,,,bio-2,high,tea,teacher,,,
";

const CATEGORIES_1_1: &str = "sourcedId,status,dateLastModified,title
quiz,,,Quizzes
";

const CATEGORIES_1_2: &str = "sourcedId,status,dateLastModified,title,weight
quiz,,,Quizzes,30
";

const LINE_ITEMS_1_1: &str = "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax
li1,,,Quiz 1,,2026-09-01,2026-09-08,bio-1,quiz,q1,0,10
";

const LINE_ITEMS_1_2: &str = "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId
li1,,,Quiz 1,,2026-09-01,2026-09-08,bio-1,quiz,q1,0,10,high
";

const RESULTS_1_1: &str = "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment
res1,,,li1,anna,fully graded,8.5,2026-09-09,well done
";

const RESULTS_1_2: &str = "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,late,missing
res1,,,li1,anna,fully graded,8.5,2026-09-09,well done,B,bio-1,false,false,true,false
";

const SCALES: &str = "sourcedId,status,dateLastModified,title,type,orgSourcedId,courseSourcedId,classSourcedId,scoreScaleValue
sc1,,,Letters,letter,high,bio,bio-1,\"{A:90},{B:80}\"
";

const LINE_ITEM_SCALES: &str =
    "sourcedId,status,dateLastModified,title,lineItemSourcedId,scoreScaleSourcedId
ls1,,,,li1,sc1
";

const RESULT_SCALES: &str =
    "sourcedId,status,dateLastModified,title,resultSourcedId,scoreScaleSourcedId
rs1,,,,res1,sc1
";

const LINE_ITEM_OBJECTIVES: &str =
    "sourcedId,status,dateLastModified,lineItemSourcedId,source,learningObjectiveId
lo1,,,li1,case,urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01
";

const RESULT_OBJECTIVES: &str =
    "sourcedId,status,dateLastModified,resultSourcedId,source,learningObjectiveId,score,textScore
ro1,,,res1,case,urn:uuid:0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a01,3,
";

const RESOURCES: &str = "sourcedId,status,dateLastModified,vendorResourceId,title,roles,importance,vendorId,applicationId
book,,,isbn-1,Biology,\"student,teacher\",primary,v1,a1
";

const CLASS_RESOURCES: &str =
    "sourcedId,status,dateLastModified,title,classSourcedId,resourceSourcedId
clr,,,,bio-1,book
";

const COURSE_RESOURCES: &str =
    "sourcedId,status,dateLastModified,title,courseSourcedId,resourceSourcedId
cor,,,,bio,book
";

const USER_RESOURCES: &str =
    "sourcedId,status,dateLastModified,userSourcedId,orgSourcedId,classSourcedId,resourceSourcedId
usr,,,anna,high,bio-1,book
";

fn files(all: &[(&str, &str)]) -> Files {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Files(all.iter().map(owned).collect())
}

/// The school in 1.1, as a bulk.
pub fn old() -> Files {
    files(&[
        ("orgs.csv", ORGS),
        ("academicSessions.csv", SESSIONS),
        ("courses.csv", COURSES),
        ("classes.csv", CLASSES),
        ("users.csv", USERS_1_1),
        (
            "demographics.csv",
            &DEMOGRAPHICS.replace("birthDate", "birthdate"),
        ),
        ("enrollments.csv", ENROLLMENTS),
        ("categories.csv", CATEGORIES_1_1),
        ("lineItems.csv", LINE_ITEMS_1_1),
        ("results.csv", RESULTS_1_1),
        ("resources.csv", RESOURCES),
        ("classResources.csv", CLASS_RESOURCES),
        ("courseResources.csv", COURSE_RESOURCES),
    ])
    .manifest("1.1", "bulk")
}

/// The school in 1.2, as a bulk.
pub fn new() -> Files {
    files(&[
        ("orgs.csv", ORGS),
        ("academicSessions.csv", SESSIONS),
        ("courses.csv", COURSES),
        ("classes.csv", CLASSES),
        ("users.csv", USERS_1_2),
        ("userProfiles.csv", PROFILES),
        ("roles.csv", ROLES),
        ("demographics.csv", DEMOGRAPHICS),
        ("enrollments.csv", ENROLLMENTS),
        ("categories.csv", CATEGORIES_1_2),
        ("lineItems.csv", LINE_ITEMS_1_2),
        ("results.csv", RESULTS_1_2),
        ("scoreScales.csv", SCALES),
        ("lineItemScoreScales.csv", LINE_ITEM_SCALES),
        ("resultScoreScales.csv", RESULT_SCALES),
        ("lineItemLearningObjectiveIds.csv", LINE_ITEM_OBJECTIVES),
        ("resultLearningObjectiveIds.csv", RESULT_OBJECTIVES),
        ("resources.csv", RESOURCES),
        ("classResources.csv", CLASS_RESOURCES),
        ("courseResources.csv", COURSE_RESOURCES),
        ("userResources.csv", USER_RESOURCES),
    ])
    .manifest("1.2", "bulk")
}

/// A bundle of these files in the mode, without a manifest's slips.
pub fn of(version: &str, mode: &str, all: &[(&str, &str)]) -> Files {
    files(all).manifest(version, mode)
}
