//! What imports leave in the lake, written as the importer writes it.

use std::collections::BTreeMap;

use lake::imports::{Import, ImportKind, Imports};
use lake::{Advance, AppId, LakeTable, Written, file_columns};
use schemas::roster::Entity;
use schemas::{Table, Term};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rows::batches;
use crate::school::{School, id, time};

/// The rows of some tables.
pub type Rows = Vec<(Table, Vec<Value>)>;

pub fn users() -> Table {
    Table::Roster(Entity::Users)
}

impl School {
    /// Writes the rows of an import without making it seen: current rows in the place of
    /// those that are there, versions beside them. The versions of the tables.
    pub async fn write_roster(
        &self,
        tenant: &str,
        number: u64,
        rows: &Rows,
    ) -> BTreeMap<String, u64> {
        let mut versions = BTreeMap::new();
        for (table, rows) in rows {
            let open = self.lake.open_or_create(&id(tenant), *table).await;
            let mut open = open.expect("a table");
            let app = AppId::roster();
            let expected = open.next_position(&app).await.expect("its position");
            let written = written(&open, rows).await;
            let advance = [Advance {
                app,
                expected,
                next: number,
            }];
            let done = match table {
                Table::RosterHistory(_) => open.append(written, &advance).await,
                _ => open.replace_whole(None, written, &advance).await,
            };
            done.expect("written");
            versions.insert(table.as_str().to_owned(), open.version());
        }
        versions
    }

    /// Makes what was written seen, at these versions of the tables that it names and the
    /// former ones of the others.
    pub async fn show_roster(
        &self,
        tenant: &str,
        number: u64,
        at: &str,
        versions: BTreeMap<String, u64>,
    ) {
        let imports = Imports::new(self.lake.clone(), id(tenant));
        let before = imports.newest().await.expect("reads");
        let mut all = before.map(|before| before.versions).unwrap_or_default();
        all.extend(versions);
        let import = Import {
            number,
            id: Uuid::now_v7(),
            kind: ImportKind::Import,
            source: "roster.zip".to_owned(),
            checksum: None,
            by: "tests".to_owned(),
            started_at: time(at),
            finished_at: time(at),
            forced: false,
            tables: BTreeMap::new(),
            versions: all,
        };
        assert!(imports.create(&import).await.expect("writes"));
    }

    pub async fn import(&self, tenant: &str, number: u64, at: &str, rows: &Rows) {
        let versions = self.write_roster(tenant, number, rows).await;
        self.show_roster(tenant, number, at, versions).await;
    }

    /// Three imports into `north`: a section with two students and a teacher; one of the
    /// students is renamed and the other drops; her enrollment is taken out.
    pub async fn import_north(&self) {
        let first = "2026-08-20T06:00:00Z";
        let people = || {
            vec![
                user("stu-1", "Ada", "Lovelace"),
                user("stu-2", "Mary", "Somerville"),
                user("tea-1", "Emmy", "Noether"),
            ]
        };
        let enrolled = || {
            vec![
                enrollment("e-1", "stu-1", "student"),
                enrollment("e-2", "stu-2", "student"),
                enrollment("e-3", "tea-1", "teacher"),
            ]
        };
        let section = json!({
            "section_id": "bio-101-03", "term": "2026-27", "name": "Cells", "course_id": "bio-101",
            "school_id": "high", "term_ids": ["y27"],
        });
        let mut rows = Rows::new();
        add(&mut rows, Entity::Users, first, 1, &people());
        add(&mut rows, Entity::Sections, first, 1, &[section]);
        add(&mut rows, Entity::Enrollments, first, 1, &enrolled());
        add(
            &mut rows,
            Entity::Demographics,
            first,
            1,
            &[json!({
                "user_id": "stu-1", "birth_date": "2011-12-10", "sex": "female", "asian": false,
            })],
        );
        add(
            &mut rows,
            Entity::Results,
            first,
            1,
            &[json!({
                "result_id": "stu-1.quiz-3", "line_item_id": "quiz-3", "user_id": "stu-1",
                "score": 87.5, "comment": "a secret comment",
            })],
        );
        self.import("north", 1, first, &rows).await;

        let second = "2026-09-10T06:00:00Z";
        let renamed = user("stu-1", "Augusta", "Lovelace");
        let mut dropped = enrollment("e-2", "stu-2", "student");
        dropped["end_date"] = json!("2026-09-08");
        let now = |row: &Value, at: &str| stamped(row, at);
        let people: Vec<Value> = [now(&renamed, second)]
            .into_iter()
            .chain(people()[1..].iter().map(|row| now(row, first)))
            .collect();
        let enrolled = enrolled();
        let rows = vec![
            (users(), people),
            (
                Table::RosterHistory(Entity::Users),
                vec![version(&renamed, second, "changed", 2)],
            ),
            (
                Table::Roster(Entity::Enrollments),
                vec![
                    now(&enrolled[0], first),
                    now(&dropped, second),
                    now(&enrolled[2], first),
                ],
            ),
            (
                Table::RosterHistory(Entity::Enrollments),
                vec![version(&dropped, second, "changed", 2)],
            ),
        ];
        self.import("north", 2, second, &rows).await;

        let third = "2026-09-12T06:00:00Z";
        let rows = vec![
            (
                Table::Roster(Entity::Enrollments),
                vec![now(&enrolled[0], first), now(&enrolled[2], first)],
            ),
            (
                Table::RosterHistory(Entity::Enrollments),
                vec![version(&dropped, third, "ended", 3)],
            ),
        ];
        self.import("north", 3, third, &rows).await;
    }
}

/// Rows that come by an import, and their versions.
pub fn add(rows: &mut Rows, entity: Entity, at: &str, import: u64, added: &[Value]) {
    let versions = added.iter().map(|row| version(row, at, "added", import));
    rows.push((Table::RosterHistory(entity), versions.collect()));
    let current = added.iter().map(|row| stamped(row, at));
    rows.push((Table::Roster(entity), current.collect()));
}

pub fn user(id: &str, given: &str, family: &str) -> Value {
    json!({
        "user_id": id, "enabled": true, "grades": ["09"], "given_name": given,
        "family_name": family, "email": format!("{given}@north.example"),
        "agent_ids": ["par-7"], "user_ids": ["{LDAP:ada7}"],
    })
}

pub fn enrollment(id: &str, user: &str, role: &str) -> Value {
    json!({
        "enrollment_id": id, "term": "2026-27", "section_id": "bio-101-03", "school_id": "high",
        "user_id": user, "role": role, "begin_date": "2026-09-01",
    })
}

fn stamped(row: &Value, at: &str) -> Value {
    let mut row = row.clone();
    row["recorded_at"] = json!(at);
    row
}

/// What an import did to a row.
pub fn version(row: &Value, at: &str, change: &str, import: u64) -> Value {
    let mut row = stamped(row, at);
    row["change"] = json!(change);
    row["import"] = json!(import);
    row
}

async fn written(table: &LakeTable, rows: &[Value]) -> Written {
    let mut writer = table.sorted_writer();
    let mut terms: BTreeMap<Option<Term>, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let term = row["term"].as_str().filter(|_| table.kind().is_by_term());
        let term = term.map(|term| term.parse().expect("a term"));
        terms.entry(term).or_default().push(row.clone());
    }
    for (term, rows) in terms {
        for batch in batches(file_columns(table.kind()), &rows) {
            let written = writer.write(term.as_ref(), &batch).await;
            written.expect("written");
        }
    }
    writer.finish().await.expect("files")
}
