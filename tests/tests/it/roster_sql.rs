//! Rosters in SQL, beside the imports that make them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use e2e::{Client, Sandbox};
use serde_json::{Value, json};

/// The tables in which something changes.
const TABLES: [&str; 6] = [
    "orgs",
    "users",
    "roles",
    "sections",
    "enrollments",
    "results",
];

/// Of each table the rows that there are, and those that its history says there are: at
/// any moment they are the same.
async fn counts(client: &Client) -> BTreeMap<String, Value> {
    let each = TABLES.map(|table| {
        format!(
            "SELECT '{table}' AS table_name, (SELECT count(*) FROM {table}) AS now, \
             (SELECT count(*) FROM {table}_history \
              WHERE superseded_at IS NULL AND change <> 'ended') AS told"
        )
    });
    let rows = client.sql(&each.join(" UNION ALL ")).await;
    for row in &rows {
        assert_eq!(row["now"], row["told"], "{rows:?}");
    }
    let counted = rows.into_iter().map(|row| {
        let table = row["table_name"].as_str().expect("a name").to_owned();
        (table, row["now"].clone())
    });
    counted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_see_whole_imports_while_they_go_on_and_the_books_agree() {
    let sandbox = Sandbox::up().await;
    let client = sandbox.tenant("One", &[]);
    let tenant = client.tenant.id.clone();
    let (large, small) = (sandbox.school("200", "1.2"), sandbox.school("60", "1.2"));
    let roster = |arguments: &[&str]| {
        let arguments = [&["roster"][..], arguments, &["--tenant", &tenant]].concat();
        sandbox.cli_with_code(&arguments).1
    };
    let first = format!("{large}/roster.zip");
    assert_eq!(roster(&["import", &first])["state"], "done");

    let is_over = Arc::new(AtomicBool::new(false));
    let asking = {
        let (client, is_over) = (client.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut asked = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                let counts = counts(&client).await;
                if asked.last() != Some(&counts) {
                    asked.push(counts);
                }
            }
            asked
        })
    };
    let later = format!("{large}/roster-a-week-later.zip");
    let other = format!("{small}/roster.zip");
    let work = || {
        let states = [
            roster(&["import", &later])["state"].clone(),
            roster(&["import", &later])["state"].clone(),
            roster(&["import", &other])["state"].clone(),
            roster(&["import", &other, "--force"])["state"].clone(),
            roster(&["rollback"])["state"].clone(),
        ];
        states.map(|state| state.as_str().unwrap_or_default().to_owned())
    };
    let states = tokio::task::block_in_place(work);
    is_over.store(true, Ordering::SeqCst);
    let asked = asking.await.expect("no import was seen in half");
    assert!(asked.len() > 1, "{asked:?}");
    assert_eq!(states, ["done", "unchanged", "refused", "done", "done"]);

    // The jobs, as SQL shows them.
    let jobs = client
        .sql("SELECT state, kind, import FROM import_jobs ORDER BY job_id")
        .await;
    let told = jobs.iter().map(|job| {
        let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("kind"), text("state"), job["import"])
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "import done 1",
            "import done 2",
            "import unchanged null",
            "import refused null",
            "import done 3",
            "rollback done 4",
        ]
    );

    // What each import did to each table, by its document and by the histories.
    let imports = roster(&["imports"]);
    let imports = imports.as_array().expect("a list");
    assert_eq!(imports.len(), 4);
    let mut expected = BTreeMap::new();
    for import in imports {
        for (table, counts) in import["tables"].as_object().expect("tables") {
            let changes = ["added", "changed", "ended"].map(|what| counts[what].as_u64());
            let changes: u64 = changes.into_iter().flatten().sum();
            if changes > 0 {
                let number = import["number"].as_u64().expect("a number");
                expected.insert((table.clone(), number), changes);
            }
        }
    }
    let listed = "SELECT table_name FROM information_schema.tables \
                  WHERE table_name LIKE '%\\_history'";
    let mut found = BTreeMap::new();
    for row in client.sql(listed).await {
        let history = row["table_name"].as_str().expect("a name").to_owned();
        let table = history.trim_end_matches("_history").to_owned();
        let sql = format!("SELECT import, count(*) AS n FROM {history} GROUP BY import");
        for row in client.sql(&sql).await {
            let number = row["import"].as_u64().expect("a number");
            found.insert((table.clone(), number), row["n"].as_u64().expect("a count"));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    assert_eq!(found, expected);

    // The rollback brought back what was before the other school came.
    let now = counts(&client).await;
    let before = "SELECT count(*) AS n FROM users_history WHERE recorded_at <= \
                  (SELECT max(recorded_at) FROM users_history WHERE import <= 2) \
                  AND import <= 2 AND change <> 'ended' AND (superseded_at IS NULL OR \
                  superseded_at > (SELECT max(recorded_at) FROM users_history WHERE import <= 2))";
    assert_eq!(client.value(before).await, now["users"]);
    assert_ne!(now["users"], json!(0));
}
