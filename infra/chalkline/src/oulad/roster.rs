//! Registrations as a roster: a bundle of OneRoster 1.1.
//!
//! | table | becomes |
//! |---|---|
//! | `courses` | a course for each module, a class and a term for each presentation |
//! | `studentRegistration` | users, and an enrollment from the day of registration to that of unregistration |
//!
//! Nobody has a name in the data: students are called by their number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};
use std::path::Path;

use chrono::{Datelike, Days, NaiveDate};
use serde::Deserialize;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::course_start::noon;
use super::event::{course_and_section, known};
use super::{CourseStarts, OuladError, Table};

/// The one org.
const ORG: &str = "ou";

const MANIFEST: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n\
    file.orgs,bulk\nfile.academicSessions,bulk\nfile.courses,bulk\nfile.classes,bulk\n\
    file.users,bulk\nfile.enrollments,bulk\n";

/// A row of `courses`.
#[derive(Deserialize)]
struct Course {
    code_module: String,
    code_presentation: String,
    module_presentation_length: u64,
}

/// A row of `studentRegistration`.
#[derive(Deserialize)]
struct Registration {
    code_module: String,
    code_presentation: String,
    id_student: String,
    #[serde(deserialize_with = "known")]
    date_registration: Option<f64>,
    #[serde(deserialize_with = "known")]
    date_unregistration: Option<f64>,
}

/// What a bundle is made of.
#[derive(Default)]
struct Rows {
    sessions: BTreeMap<String, String>,
    courses: BTreeMap<String, String>,
    classes: BTreeMap<String, String>,
    users: BTreeSet<String>,
    enrollments: Vec<String>,
}

/// Writes the roster of a folder of OULAD as a zip, and says how many registrations it
/// has. The same tables make the same bytes.
///
/// # Errors
/// [`OuladError`], also when the zip cannot be written.
pub fn write_roster(
    folder: &Path,
    starts: &CourseStarts,
    to: impl Write + Seek,
) -> Result<usize, OuladError> {
    let rows = read(folder, starts)?;
    let count = rows.enrollments.len();
    write(rows, to).map_err(OuladError::Roster)?;
    Ok(count)
}

fn read(folder: &Path, starts: &CourseStarts) -> Result<Rows, OuladError> {
    let mut rows = Rows::default();
    let first_day = |presentation: &str| {
        let day = starts.first_day(presentation);
        day.ok_or_else(|| OuladError::CourseStart(presentation.to_owned()))
    };
    for row in Table::open(folder, "courses")?.rows::<Course>(0)? {
        let (_, course) = row?;
        let presentation = course.code_presentation.to_ascii_lowercase();
        let (id, section) = course_and_section(&course.code_module, &presentation);
        let first = first_day(&course.code_presentation)?;
        let last = first + Days::new(course.module_presentation_length.saturating_sub(1));
        rows.courses.insert(
            id.clone(),
            format!("{id},,,,Module {},{id},,{ORG},,", course.code_module),
        );
        let title = format!("{} {}", course.code_module, course.code_presentation);
        rows.classes.insert(
            section.clone(),
            format!("{section},,,{title},,{id},,scheduled,,{ORG},{presentation},,,"),
        );
        let session = rows.sessions.entry(presentation.clone());
        // Modules of one presentation are not equally long.
        let line = |last: NaiveDate| session_row(&presentation, first, last);
        session
            .and_modify(|known| *known = (*known).clone().max(line(last)))
            .or_insert_with(|| line(last));
    }
    for row in Table::open(folder, "studentRegistration")?.rows::<Registration>(0)? {
        let (number, registration) = row?;
        let presentation = &registration.code_presentation;
        let (_, section) = course_and_section(&registration.code_module, presentation);
        let first = first_day(presentation)?;
        let day = |day: Option<f64>| {
            #[expect(clippy::cast_possible_truncation, reason = "a day is a whole number")]
            let Some(day) = day.map(|day| day as i64) else {
                return Ok(String::new());
            };
            let time = noon(first, day).ok_or(OuladError::Day {
                table: "studentRegistration",
                row: number,
                day,
            })?;
            Ok::<_, OuladError>(time.date_naive().to_string())
        };
        let (begin, end) = (
            day(registration.date_registration)?,
            day(registration.date_unregistration)?,
        );
        rows.users.insert(registration.id_student.clone());
        // Who has no day of registration, or left before it, was never enrolled.
        if begin.is_empty() || (!end.is_empty() && end < begin) {
            continue;
        }
        let student = registration.id_student;
        rows.enrollments.push(format!(
            "{section}-{student},,,{section},{ORG},{student},student,,{begin},{end}"
        ));
    }
    Ok(rows)
}

fn session_row(presentation: &str, first: NaiveDate, last: NaiveDate) -> String {
    let year = last.year();
    format!("{presentation},,,{presentation},term,{first},{last},,{year}")
}

fn write(rows: Rows, to: impl Write + Seek) -> std::io::Result<()> {
    let mut zip = ZipWriter::new(to);
    let mut file = |name: &str, header: &str, rows: &mut dyn Iterator<Item = String>| {
        // Without the time of now.
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        zip.start_file(name, options)?;
        zip.write_all(header.as_bytes())?;
        for row in rows {
            writeln!(zip, "{row}")?;
        }
        Ok::<_, std::io::Error>(())
    };
    const KEY: &str = "sourcedId,status,dateLastModified";
    file("manifest.csv", MANIFEST, &mut std::iter::empty())?;
    let header = |rest: &str| format!("{KEY},{rest}\n");
    file(
        "orgs.csv",
        &header("name,type,identifier,parentSourcedId"),
        &mut std::iter::once(format!("{ORG},,,The Open University,school,,")),
    )?;
    file(
        "academicSessions.csv",
        &header("title,type,startDate,endDate,parentSourcedId,schoolYear"),
        &mut rows.sessions.into_values(),
    )?;
    file(
        "courses.csv",
        &header("schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes"),
        &mut rows.courses.into_values(),
    )?;
    file(
        "classes.csv",
        &header(
            "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,\
             termSourcedIds,subjects,subjectCodes,periods",
        ),
        &mut rows.classes.into_values(),
    )?;
    let user = |id: String| format!("{id},,,true,{ORG},student,{id},,Student,{id},,,,,,,,");
    file(
        "users.csv",
        &header(
            "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,\
             identifier,email,sms,phone,agentSourcedIds,grades,password",
        ),
        &mut rows.users.into_iter().map(user),
    )?;
    file(
        "enrollments.csv",
        &header("classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"),
        &mut rows.enrollments.into_iter(),
    )?;
    zip.finish()?;
    Ok(())
}
