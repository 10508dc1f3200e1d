//! What it costs that events get what the roster says of them: on their way, and once
//! they are stored.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use e2e::{Process, Sandbox, eventually};
use eventlog::testing::KafkaBroker;

use crate::load::{Events, Load};
use crate::report::{Floor, Report, thousands};
use crate::{lake, metrics};

/// People of the roster; the students of the load are some of them.
const PEOPLE: u32 = 200_000;
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
    let mut sandbox = Sandbox::roles(&kafka.address(), &["ingest"]).await;
    let bundle = bundle(&sandbox);
    let with = sandbox.tenant("With", &[]);
    let import = |tenant: &str| {
        let done = sandbox.cli(&["roster", "import", &bundle, "--tenant", tenant]);
        assert_eq!(done["state"], "done", "{done}");
    };
    import(&with.tenant.id);
    let late = sandbox.tenant.id.clone();

    let (mut costs, mut published, mut events) = (Vec::new(), 0, 0);
    for (series, key) in [&sandbox.tenant.key, &with.tenant.key]
        .into_iter()
        .enumerate()
    {
        let mut load = Load::of(&sandbox, seconds, u16::try_from(series).expect("two"));
        load.keys = vec![key.clone()];
        load.events = Events::Unplaced;
        events = load.run().await.events;
        let all = lake::records(&kafka).await;
        let transform = sandbox.another_transform(&format!("transform-{series}")).0;
        lake::published(&sandbox, all).await;
        let micros = used(&transform) / (all - published) as f64 * 1e6;
        costs.push((micros, transform.peak_memory() >> 20));
        published = all;
        stop(transform).await;
    }
    let [(without, _), (placed, memory)] = costs[..] else {
        unreachable!("two loads");
    };
    report.add(
        "an event's cost with a roster",
        format!("{placed:.1} µs"),
        placed,
        Floor::None,
        format!(
            "processor time of transform from log to published table, its start included; \
             {without:.1} µs without; {} people in {SECTIONS} sections each, events with a login \
             and a course; peak memory {memory} MiB",
            thousands(PEOPLE.into()),
        ),
    );

    import(&late);
    let (begun, mut transform) = (Instant::now(), sandbox.another_transform("transform-late"));
    let completed = || metrics::read(&transform.1, "chalkline_maintenance_completed_rows_total");
    eventually("the rows are completed", || async {
        let listens = reqwest::get(format!("{}/healthz", transform.1)).await;
        listens.map_err(|error| error.to_string())?;
        let rows = completed().await.iter().sum::<f64>();
        (rows >= events as f64)
            .then_some(())
            .ok_or(rows.to_string())
    })
    .await;
    let elapsed = begun.elapsed().as_secs_f64();
    let upkeep = transform.0.cpu_seconds_of("maintenance");
    report.add(
        "rows completed by a late roster",
        format!("{} rows/s", thousands(events as f64 / elapsed)),
        events as f64 / elapsed,
        Floor::None,
        format!(
            "{} rows in {elapsed:.1} s, {:.1} µs of upkeep's processor time each",
            thousands(events as f64),
            upkeep / events as f64 * 1e6
        ),
    );
    transform.0.kill();
    sandbox.terminate(Duration::from_secs(60)).await;
}

async fn stop(mut process: Process) {
    process.signal("TERM");
    process.exit_within(Duration::from_secs(60)).await;
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
