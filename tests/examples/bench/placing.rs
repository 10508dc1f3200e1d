//! What it costs that events get what the roster says of them: on their way, and once
//! they are stored.

use std::fmt::Write as _;
use std::time::Instant;

use e2e::{Process, Sandbox, eventually};
use eventlog::testing::KafkaBroker;

use crate::load::{Events, Load};
use crate::report::{Floor, Report, thousands};
use crate::{lake, metrics};

/// People of the roster; the students of the load are some of them.
const PEOPLE: u32 = 200_000;
/// Events a second.
const PACE: f64 = 40_000.0;
/// Sections in which each of them is.
const SECTIONS: u32 = 10;

/// The processor time of what leads from log to table.
fn used(process: &Process) -> f64 {
    process.cpu_seconds() - process.cpu_seconds_of("report") - process.cpu_seconds_of("maintenance")
}

/// The same clicks, which name a student by a login and a course without a section, of a
/// tenant without a roster and of one with it; then the former gets the roster.
pub async fn measure(seconds: u64, report: &mut Report) {
    let kafka = KafkaBroker::start().await;
    // How often a tenant at rest is looked at says nothing of what completing costs.
    let look = [("CHALKLINE_TRANSFORM_MAINTENANCE_CLEAN_INTERVAL_S", "2")];
    let sandbox = Sandbox::roles_with(&kafka.address(), &["ingest", "transform"], &look).await;
    let bundle = bundle(&sandbox);
    let with = sandbox.tenant("With", &[]);
    let import = |tenant: &str| {
        let done = sandbox.cli(&["roster", "import", &bundle, "--tenant", tenant]);
        assert_eq!(done["state"], "done", "{done}");
    };
    import(&with.tenant.id);

    let transform = sandbox.process("transform");
    let (mut costs, mut series) = (Vec::new(), 0);
    let mut rows = Vec::new();
    for key in [&sandbox.tenant.key, &with.tenant.key] {
        let mut load = |seconds| {
            let mut load = Load::of(&sandbox, seconds, series).steady(PACE);
            load.keys = vec![key.clone()];
            load.events = Events::Unplaced;
            series += 1;
            load
        };
        // The roster is read with the first of them.
        let first = load(2).run().await.events;
        lake::published(&sandbox, lake::records(&kafka).await).await;
        let before = used(transform);
        let events = load(seconds).run().await.events;
        lake::published(&sandbox, lake::records(&kafka).await).await;
        let micros = (used(transform) - before) / events as f64 * 1e6;
        costs.push((micros, transform.peak_memory() >> 20));
        rows.push(first + events);
    }
    let [(without, memory_without), (placed, memory)] = costs[..] else {
        unreachable!("two loads");
    };
    report.add(
        "an event's cost with a roster",
        format!("{placed:.1} µs"),
        placed,
        Floor::None,
        format!(
            "processor time of transform from log to published table at {} a second; {without:.1} \
             µs without; {} people in {SECTIONS} sections each, events with a login and a course; \
             peak memory {memory} MiB, before that {memory_without} MiB",
            thousands(PACE),
            thousands(PEOPLE.into()),
        ),
    );

    let metrics = sandbox.url("transform");
    let completed = || metrics::read(&metrics, "chalkline_maintenance_completed_rows_total");
    let (upkeep, rows) = (transform.cpu_seconds_of("maintenance"), rows[0] as f64);
    let before = completed().await.iter().sum::<f64>();
    import(&sandbox.tenant.id);
    let begun = Instant::now();
    eventually("the rows are completed", || async {
        let completed = completed().await.iter().sum::<f64>() - before;
        (completed >= rows)
            .then_some(())
            .ok_or(completed.to_string())
    })
    .await;
    let elapsed = begun.elapsed().as_secs_f64();
    let upkeep = transform.cpu_seconds_of("maintenance") - upkeep;
    report.add(
        "rows completed by a late roster",
        format!("{} rows in {elapsed:.1} s", thousands(rows)),
        rows / elapsed,
        Floor::None,
        format!(
            "from the end of its import; {:.1} µs of upkeep's processor time a row",
            upkeep / rows * 1e6
        ),
    );
}

/// A bundle in which the students of the load have other ids, and logins by which events
/// call them.
fn bundle(sandbox: &Sandbox) -> String {
    const HEAD: &str = "sourcedId,status,dateLastModified";
    let folder = sandbox.path("bundle");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, columns: &str, rows: String| {
        let text = format!("{HEAD},{columns}\n{rows}");
        std::fs::write(format!("{folder}/{name}.csv"), text).expect("written");
    };
    write(
        "orgs",
        "name,type,identifier,parentSourcedId",
        "high,,,High,school,,\n".to_owned(),
    );
    write(
        "academicSessions",
        "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "fall,,,Fall,semester,2025-08-18,2025-12-19,,2026\n".to_owned(),
    );
    let mut courses = "bio-101,,,,Biology,,,high,,\n".to_owned();
    let mut classes = "bio-101-03,,,Biology,,bio-101,,scheduled,,high,fall,,,\n".to_owned();
    for n in 1..SECTIONS {
        let _ = writeln!(courses, "c-{n},,,,Course,,,high,,");
        let _ = writeln!(classes, "c-{n}-1,,,Course,,c-{n},,scheduled,,high,fall,,,");
    }
    write(
        "courses",
        "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        courses,
    );
    write(
        "classes",
        "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
        classes,
    );
    let (mut users, mut enrollments) = (String::new(), String::new());
    for n in 0..PEOPLE {
        let _ = writeln!(
            users,
            "u-{n},,,true,high,student,stu-{n:06},,Given,Family,,,,,,,,"
        );
        let _ = writeln!(enrollments, "e-{n}-0,,,bio-101-03,high,u-{n},student,,,");
        for section in 1..SECTIONS {
            let _ = writeln!(
                enrollments,
                "e-{n}-{section},,,c-{section}-1,high,u-{n},student,,,"
            );
        }
    }
    write(
        "users",
        "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
        users,
    );
    write(
        "enrollments",
        "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        enrollments,
    );
    folder
}
