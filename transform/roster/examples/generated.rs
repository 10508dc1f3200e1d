//! Makes a bundle of a large school district, reads, checks and compares it, and says
//! how long it took and how much memory.
//!
//! ```sh
//! cargo run --release -p roster --example generated -- 200000 2000000
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use roster::{
    Bundle, Empty, Entity, Limits, Row, Rules, Settings, Stored, StoredError, StoredRows, Value,
};

type Failure = Box<dyn std::error::Error>;

/// The day of the comparison.
const TODAY: &str = "2026-10-01";

fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let users = numbers.next().transpose()?.unwrap_or(20_000);
    let enrollments = numbers.next().transpose()?.unwrap_or(200_000);
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    write_bundle(folder.path(), users, enrollments)?;
    println!(
        "written in {:.1} s, {} bytes",
        started.elapsed().as_secs_f64(),
        size(folder.path())?
    );

    run("into empty tables", folder.path(), &Empty)?;
    run(
        "the same again",
        folder.path(),
        &District { users, enrollments },
    )?;
    Ok(())
}

/// Reads, checks and compares the bundle, and goes through all changes.
fn run(what: &str, folder: &Path, stored: &dyn Stored) -> Result<(), Failure> {
    let started = Instant::now();
    let mut bundle = Bundle::open(folder, Limits::default())?;
    let reading = roster::read(&mut bundle, Settings::default())?;
    let read = started.elapsed().as_secs_f64();
    let checked = reading.check(stored)?;
    let check = started.elapsed().as_secs_f64();
    let rules = Rules::default();
    let comparison = checked.compare(stored, &rules, TODAY.parse()?)?;
    let mut changes = 0_u64;
    for entity in comparison.tables() {
        for change in comparison.changes(entity)? {
            change?;
            changes += 1;
        }
    }
    let all = started.elapsed().as_secs_f64();
    println!(
        "{what}: read {read:.1} s, check {:.1} s, compare {:.1} s",
        check - read,
        all - check
    );
    println!("{comparison}{changes} changes; {}", memory()?);
    let mut told = Vec::new();
    checked.diagnostics.write_csv(&mut told)?;
    println!("{}", String::from_utf8_lossy(&told));
    Ok(())
}

/// The most memory that the process had.
fn memory() -> Result<String, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    Ok(peak.unwrap_or("memory is not known").replace('\t', " "))
}

fn size(folder: &Path) -> Result<u64, Failure> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size)
}

/// A tenth of the people teach; each section has a teacher and 30 students or so.
fn sections(users: u64) -> u64 {
    users / 10
}

fn user_id(user: u64) -> String {
    format!(
        "usr-{:08x}-{user:08}",
        user.wrapping_mul(2_654_435_761) & 0xFFFF_FFFF
    )
}

fn enrollment(users: u64, number: u64) -> (String, u64, u64, &'static str) {
    let sections = sections(users);
    let section = number % sections;
    let turn = number / sections;
    let (user, role) = if turn == 0 {
        (section, "teacher")
    } else {
        let students = users - sections;
        (
            sections + (section * 31 + turn * 7_919) % students,
            "student",
        )
    };
    (format!("enr-{number:012}"), section, user, role)
}

fn write_bundle(folder: &Path, users: u64, enrollments: u64) -> Result<(), Failure> {
    let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let common = "sourcedId,status,dateLastModified";
    let mut to = create("manifest.csv")?;
    writeln!(
        to,
        "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1"
    )?;
    for file in [
        "orgs",
        "academicSessions",
        "courses",
        "classes",
        "users",
        "enrollments",
    ] {
        writeln!(to, "file.{file},bulk")?;
    }
    let mut to = create("orgs.csv")?;
    writeln!(
        to,
        "{common},name,type,identifier,parentSourcedId\nhigh,,,High,school,,"
    )?;
    let mut to = create("academicSessions.csv")?;
    writeln!(
        to,
        "{common},title,type,startDate,endDate,parentSourcedId,schoolYear"
    )?;
    writeln!(to, "fall,,,Fall,term,2026-08-01,2026-12-31,,2027")?;
    let mut to = create("courses.csv")?;
    writeln!(
        to,
        "{common},schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes"
    )?;
    writeln!(to, "bio,,,,Biology,,,high,,")?;
    let mut to = create("classes.csv")?;
    writeln!(
        to,
        "{common},title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
    )?;
    for section in 0..sections(users) {
        writeln!(
            to,
            "cls-{section:08},,,Biology {section},,bio,,scheduled,,high,fall,,,"
        )?;
    }
    let mut to = create("users.csv")?;
    writeln!(
        to,
        "{common},enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
    )?;
    for user in 0..users {
        let role = if user < sections(users) {
            "teacher"
        } else {
            "student"
        };
        writeln!(
            to,
            "{},,,true,high,{role},user.{user},{{LDAP:l{user}}},Given{user},Family{user},,n{user},u{user}@high.example,,,,,",
            user_id(user)
        )?;
    }
    let mut to = create("enrollments.csv")?;
    writeln!(
        to,
        "{common},classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate"
    )?;
    for turn in 0..enrollments {
        // In no order, as exports are.
        let number = turn * 1_000_003 % enrollments;
        let (id, section, user, role) = enrollment(users, number);
        let user = user_id(user);
        writeln!(
            to,
            "{id},,,cls-{section:08},high,{user},{role},,2026-08-01,2026-12-31"
        )?;
    }
    to.flush()?;
    Ok(())
}

/// Stored rows of the same district, made as they are asked for.
struct District {
    users: u64,
    enrollments: u64,
}

impl Stored for District {
    fn rows(&self, entity: Entity) -> Result<StoredRows<'_>, StoredError> {
        let users = self.users;
        if entity != Entity::Enrollments {
            return Ok(Box::new(std::iter::empty()));
        }
        let day = |day: &str| day.parse().map(Value::Date);
        let (begin, end) = (day("2026-08-01")?, day("2026-12-31")?);
        Ok(Box::new((0..self.enrollments).map(move |number| {
            let (id, section, user, role) = enrollment(users, number);
            Ok(Row {
                values: vec![
                    Value::Text(id),
                    Value::from("fall"),
                    Value::Text(format!("cls-{section:08}")),
                    Value::from("high"),
                    Value::Text(user_id(user)),
                    Value::from(role),
                    Value::Null,
                    begin.clone(),
                    end.clone(),
                ],
                modified_at: None,
            })
        })))
    }
}
