//! The district with rows about each student in every table, and a value in every column.

use std::collections::BTreeMap;
use std::time::Duration;

use lake::imports::{
    Counts, Found, ImportKind, ImportSource, ImportSources, Job, JobState, Jobs, Reached, Sync,
};
use schemas::Table;
use schemas::roster::Entity;
use serde_json::Value;
use uuid::Uuid;

use super::bounds::people;
use super::district::{NORTH, district};
use super::filled::{Owner, made};
use super::stored::Stored;
use crate::rosters::imported::{Rows, add};
use crate::school::{School, id, time};

const IMPORTED_FIRST: &str = "2026-08-20T06:00:00Z";
const IMPORTED_AGAIN: &str = "2026-09-01T06:00:00Z";
const AS_OF: &str = "2026-09-14T11:59:20Z";

/// Tables of which columns can be empty, and why.
const COMPUTED: [(&str, &str); 1] = [(
    "admin_audit",
    "it tells how the tenant's document was changed, which has one version",
)];

/// Of whom there must be something everywhere: each is seen by some of those who see
/// single people, and not seen by others.
const WATCHED: [&str; 3] = ["stu-1", "stu-2", "stu-5"];

/// The district with all of that.
pub async fn everything() -> School {
    let school = district().await;
    import(&school).await;
    publish(&school).await;
    list(&school).await;
    school
}

/// Asserts that a table has rows and that none of its columns is always empty: of one
/// about people, in the rows about each of [`WATCHED`].
pub fn assert_full(table: &Stored) {
    let name = table.name.as_str();
    assert!(!table.rows.is_empty(), "{name} is empty");
    if COMPUTED.iter().any(|(computed, _)| *computed == name) {
        return;
    }
    let is_of_people = table.rows.iter().any(|row| !people(row).is_empty());
    // Nobody is stu-2's agent.
    let is_watched = |user: &str| user != "stu-2" || !name.starts_with("guardians");
    let watched: Vec<Option<&str>> = match is_of_people {
        true => {
            let users = WATCHED.into_iter().filter(|user| is_watched(user));
            users.map(Some).collect()
        }
        false => vec![None],
    };
    for user in watched {
        let is_theirs = |row: &Value| user.is_none_or(|user| people(row).contains(&user));
        for (column, _) in &table.columns {
            let mut rows = table.rows.iter().filter(|row| is_theirs(row));
            let is_filled = rows.any(|row| !row[column].is_null());
            assert!(is_filled, "{name}.{column} is empty, of {user:?}");
        }
    }
}

/// Imports the roster that is there with something in every column, and what it lacks.
async fn import(school: &School) {
    let mut rows = Rows::new();
    for entity in Entity::ALL {
        let table = Table::Roster(entity);
        let sql = format!("SELECT * FROM {entity}");
        let answer = school.ask_as("steward", &sql).await;
        let Value::Array(mut held) = answer.rows() else {
            panic!("no rows: {}", answer.text());
        };
        for (place, row) in held.iter_mut().enumerate() {
            Owner::of(row, place).fill(table, row);
        }
        let is_new = held.is_empty();
        if is_new {
            held = made(table);
        }
        add(&mut rows, entity, IMPORTED_AGAIN, 2, &held);
        if is_new {
            // As if they had come with the first import: then they are superseded now.
            let mut former = Rows::new();
            add(&mut former, entity, IMPORTED_FIRST, 1, &held);
            let history = Table::RosterHistory(entity);
            let former = former.into_iter().filter(|(table, _)| *table == history);
            let versions = rows.iter_mut().find(|(table, _)| *table == history);
            let (_, versions) = versions.expect("it was added");
            versions.extend(former.flat_map(|(_, rows)| rows));
        }
    }
    school.import(NORTH, 2, IMPORTED_AGAIN, &rows).await;
}

/// Publishes rows of all tables that are made of the log, and of the reports.
async fn publish(school: &School) {
    for table in Table::all() {
        let mut terms: BTreeMap<Option<String>, Vec<Value>> = BTreeMap::new();
        for row in made(table) {
            let term = row["term"].as_str().map(str::to_owned);
            terms.entry(term).or_default().push(row);
        }
        for (term, rows) in terms {
            match (table, term.as_deref()) {
                (Table::Report(name), Some(term)) => {
                    let report = name.as_str();
                    school.refresh(NORTH, report, term, &rows, AS_OF).await;
                }
                (_, term) => school.publish(NORTH, table, term, &rows).await,
            }
        }
    }
}

/// Leaves what is listed of imports.
async fn list(school: &School) {
    let (began, ended) = (time("2026-09-14T06:00:01Z"), time("2026-09-14T06:00:03Z"));
    let counts = Counts {
        added: 4,
        changed: 3,
        ended: 2,
        unchanged: 1,
    };
    let tables = BTreeMap::from([("users".to_owned(), counts)]);
    let found = Found {
        fatal: 1,
        errors: 2,
        warnings: 3,
    };
    let error = Some("it would end 80 % of users".to_owned());
    let job = Job {
        state: JobState::Refused,
        checksum: Some("abc".to_owned()),
        started_at: Some(began),
        finished_at: Some(ended),
        import: Some(1),
        tables: tables.clone(),
        found,
        error: error.clone(),
        ..Job::new(
            Uuid::from_u128(1),
            ImportKind::Rollback { to: 1 },
            "roster.zip",
            "Grace",
            began,
        )
    };
    let jobs = Jobs::new(school.lake.clone(), id(NORTH), Duration::from_secs(60));
    jobs.save(&job).await.expect("saves");
    let csv = "severity,code,file,line,column,count,detail,advice\n\
               error,duplicate_id,users.csv,3,sourcedId,1,SECRET-stu-1-id,Mend it.\n";
    let saved = jobs.save_diagnostics(job.id, csv.into()).await;
    saved.expect("saves");
    let source = ImportSource {
        name: "sis".parse().expect("a name"),
        kind: "postgres".to_owned(),
        reached: Some(Reached {
            database: "7351".to_owned(),
            watermark: 4711,
            definition: "abc".to_owned(),
            import: 1,
            at: ended,
            full_at: ended,
        }),
        last: Sync {
            state: JobState::Refused,
            started_at: began,
            finished_at: ended,
            full: true,
            rows: BTreeMap::from([("users".to_owned(), 8)]),
            tables,
            found,
            import: Some(1),
            job: Some(job.id),
            error,
        },
    };
    let sources = ImportSources::new(school.lake.clone(), id(NORTH));
    sources.save(&source).await.expect("saves");
}
