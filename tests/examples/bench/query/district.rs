//! The district that everything is asked about: made, posted, imported and compacted as
//! users' data are.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use e2e::{Client, Sandbox, Tenant};
use eventlog::testing::KafkaBroker;
use simulate::{Bundle, SchoolYear, Semester, Size, Version, World};

use super::events;
use super::places::Places;
use crate::lake;

/// The tables of events, and what rosters say of sections.
pub const TABLES: [&str; 5] = [
    "clickstream",
    "video",
    "assessment",
    "sections",
    "enrollments",
];

/// Schools, and students of all of them; fewer where there are few events.
const SCHOOLS: u32 = 8;
const STUDENTS: u64 = 20_000;
/// Events of the two terms for each student, at least.
const EVENTS_OF_A_STUDENT: u64 = 100;
/// The school year.
const YEAR: i32 = 2025;

/// What may take long, and is not measured.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A lake with two terms of a district, and who asks about it. Nothing runs but Kafka.
pub struct District {
    pub sandbox: Sandbox,
    /// Events, as many as were accepted.
    pub events: u64,
    pub students: u32,
    pub sections: u64,
    /// Sees everything.
    pub steward: Client,
    /// See what their policies show.
    pub teacher: Client,
    pub principal: Client,
    pub analyst: Client,
    /// What is asked about.
    pub places: Places,
    /// Services that are started later write what was asked into the log.
    _kafka: KafkaBroker,
}

impl District {
    /// Makes it with about so many events: its roster first, then the events through the
    /// front door, at last its files as they are after a night.
    pub async fn new(events: u64) -> Self {
        let kafka = KafkaBroker::start().await;
        let roles = ["ingest", "transform", "query"];
        let mut sandbox = Sandbox::roles(&kafka.address(), &roles).await;
        let year = SchoolYear::beginning(YEAR).expect("a year that can be simulated");
        let fewest = SCHOOLS * 40;
        let students = (events / EVENTS_OF_A_STUDENT).min(STUDENTS) as u32;
        let size = Size::District {
            schools: SCHOOLS,
            students: students.max(fewest),
        };
        let world = World::new(1, size, year).expect("a size that can be simulated");
        let (students, sections) = (world.students(), 2 * world.sections());

        let calendar = sandbox.write("terms.toml", &calendar(year));
        let steward = sandbox.tenant("District", &["--calendar", &calendar]);
        let tenant = steward.tenant.id.clone();
        // The terms are over, and their teachers are still to see them.
        let days = ["--former-sections-days", "36500"];
        sandbox.cli(&[&["tenant", "set", &tenant][..], &days].concat());
        let bundle = sandbox.path("roster");
        let written = Bundle::new(&world, Version::V1_2).write_folder(bundle.as_ref(), &mut |_| {});
        written.expect("a roster is written");
        let imported = sandbox.cli(&["roster", "import", &bundle, "--tenant", &tenant]);
        assert_eq!(imported["state"], "done", "{imported}");

        let begun = Instant::now();
        let sent = events::post(&steward, world, events).await;
        eprintln!("{sent} events taken in {:?}", begun.elapsed());
        published(&sandbox, lake::records(&kafka).await).await;
        eprintln!("published after {:?}", begun.elapsed());
        reported(&steward).await;
        eprintln!("in the reports after {:?}", begun.elapsed());
        sandbox.cli(&["compact", "--tenant", &tenant]);

        let places = Places::of(&steward, year.first_day(Semester::Spring)).await;
        let asker = |role, bounds: &[&str]| asker(&sandbox, &steward, role, bounds);
        let teacher = asker("teacher", &["--subject", &places.teacher]);
        // By the school: whoever ran it did so until the year was over.
        let principal = asker("school_admin", &["--school", &places.values["school"]]);
        let analyst = asker("analyst", &[]);
        sandbox.terminate(Duration::from_secs(60)).await;
        Self {
            sandbox,
            events: sent,
            students,
            sections,
            steward,
            teacher,
            principal,
            analyst,
            places,
            _kafka: kafka,
        }
    }

    /// Where its tables lie, by name.
    pub fn folders(&self) -> impl Iterator<Item = (&'static str, String)> {
        let root = self.sandbox.lake().join(&self.steward.tenant.id);
        TABLES
            .map(|table| (table, root.join(table).display().to_string()))
            .into_iter()
    }

    /// Who asks as this role.
    pub fn asker(&self, role: &str) -> &Client {
        match role {
            "teacher" => &self.teacher,
            "school_admin" => &self.principal,
            "analyst" => &self.analyst,
            _ => &self.steward,
        }
    }
}

/// The semesters as terms.
fn calendar(year: SchoolYear) -> String {
    let term = |of: Semester| {
        format!(
            "[[terms]]\nid = \"{}\"\nstart = \"{}\"\nend = \"{}\"\n",
            year.semester_id(of),
            year.first_day(of),
            year.last_day(of)
        )
    };
    Semester::ALL.map(term).concat()
}

/// Somebody of the district with a token of that role.
fn asker(sandbox: &Sandbox, steward: &Client, role: &str, bounds: &[&str]) -> Client {
    let tenant = &steward.tenant;
    let issue = ["token", "issue", "--tenant", &tenant.id, "--role", role];
    let issued = sandbox.cli(&[&issue[..], bounds].concat());
    let token = issued["token"].as_str().expect("a token").to_owned();
    steward.with_tenant(Tenant {
        token,
        ..tenant.clone()
    })
}

/// Waits until so many records are published, however long that takes.
async fn published(sandbox: &Sandbox, records: u64) {
    patiently("the events are published", async || {
        lake::floors(sandbox) >= records
    })
    .await;
}

/// Waits until every report has what was posted.
async fn reported(client: &Client) {
    let now = Utc::now();
    patiently("the reports have all events", async || {
        let listed = client.get("/v1/reports").await.json();
        let reports = listed["reports"].as_array().map_or(&[][..], Vec::as_slice);
        let has_all = |report: &serde_json::Value| {
            let as_of = report["data_as_of"].as_str().unwrap_or_default();
            DateTime::parse_from_rfc3339(as_of).is_ok_and(|as_of| as_of >= now)
        };
        !reports.is_empty() && reports.iter().all(has_all)
    })
    .await;
}

async fn patiently(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(
            begun.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
