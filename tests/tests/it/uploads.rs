//! Rosters and catalogues arrive over HTTP or in a folder: one upload is one import, whatever
//! is killed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use e2e::{Client, Sandbox, eventually};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The zip of a school of so many students.
fn school(sandbox: &Sandbox, students: &str) -> Vec<u8> {
    let out = sandbox.school(students, "1.1");
    std::fs::read(format!("{out}/roster.zip")).expect("a file")
}

/// Uploads a bundle; where its job is told.
async fn upload(client: &Client, query: &str, zip: Vec<u8>) -> String {
    let request = client
        .ingest(&format!("/v1/roster{query}"))
        .header("content-type", "application/zip")
        .body(zip);
    let reply = Client::send(request).await.expect("ingest answers");
    let reply = reply.expect_status(202);
    let url = reply.headers["location"].clone();
    assert_eq!(reply.json()["url"], url);
    url
}

async fn job(client: &Client, url: &str) -> Result<Value, String> {
    let reply = Client::send(client.ingest_get(url)).await;
    let reply = reply.map_err(|error| error.to_string())?;
    Ok(reply.expect_status(200).json())
}

async fn ended(client: &Client, url: &str) -> Value {
    eventually("the job ends", || async {
        let job = job(client, url).await?;
        let is_open = job["state"] == "waiting" || job["state"] == "running";
        if is_open {
            Err(job.to_string())
        } else {
            Ok(job)
        }
    })
    .await
}

fn imports(sandbox: &Sandbox, client: &Client) -> Vec<Value> {
    let imports = sandbox.cli(&["roster", "imports", "--tenant", &client.tenant.id]);
    imports.as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_imported_and_told() {
    let sandbox = Sandbox::up().await;
    let (one, two) = (sandbox.tenant("One", &[]), sandbox.tenant("Two", &[]));
    let zip = school(&sandbox, "60");
    let url = upload(&one, "?source=SIS", zip.clone()).await;
    let done = ended(&one, &url).await;
    assert_eq!(
        (&done["state"], &done["import"]),
        (&json!("done"), &json!(1)),
        "{done}"
    );
    assert_eq!(done["source"], "SIS");
    let import = imports(&sandbox, &one);
    assert_eq!(import.len(), 1);
    for member in ["id", "checksum", "by", "source", "tables"] {
        assert_eq!(import[0][member], done[member], "{member}");
    }
    let diagnostics = done["diagnostics"].as_str().expect("where");
    let csv = Client::send(one.ingest_get(diagnostics))
        .await
        .expect("answers");
    let csv = csv.expect_status(200).text();
    assert!(csv.starts_with("severity,code,file,line,"), "{csv}");

    let again = upload(&one, "", zip.clone()).await;
    assert_eq!(ended(&one, &again).await["state"], "unchanged");
    assert_eq!(imports(&sandbox, &one).len(), 1);
    assert!(imports(&sandbox, &two).is_empty());
    let stranger = Client::send(two.ingest_get(&url)).await.expect("answers");
    stranger.expect_status(404);

    let small = school(&sandbox, "20");
    let refused = upload(&one, "", small.clone()).await;
    let refused = ended(&one, &refused).await;
    assert_eq!(refused["state"], "refused", "{refused}");
    let forced = upload(&one, "?force=true", small).await;
    assert_eq!(ended(&one, &forced).await["state"], "done");

    let expected = [
        r#"chalkline_roster_imports_total{state="done"} 2"#,
        r#"chalkline_roster_imports_total{state="refused"} 1"#,
        r#"chalkline_roster_imports_total{state="unchanged"} 1"#,
        r#"chalkline_roster_rows_total{table="users",change="added"}"#,
        "chalkline_roster_inbox_waiting 0",
        "chalkline_roster_duration_seconds",
        r#"chalkline_roster_last_success_timestamp_seconds{tenant="#,
        "chalkline_ingest_roster_uploads_total 4",
    ];
    eventually("it is counted", || async {
        let metrics = Client::send(one.ingest_get("/metrics")).await;
        let metrics = metrics.map_err(|error| error.to_string())?.text();
        let missing = expected.iter().find(|line| !metrics.contains(**line));
        missing.map_or(Ok(()), |line| Err(format!("{line} is not in {metrics}")))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_imported_after_its_roster_in_whatever_form_it_comes() {
    let sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant("One", &[]);
    let out = sandbox.school("60", "1.2");
    let read = |name: &str| std::fs::read(format!("{out}/{name}")).expect("a file");
    let send = async |query: &str, headers: &[(&str, &str)], body: Vec<u8>| {
        let mut request = tenant.ingest(&format!("/v1/catalog{query}")).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = Client::send(request).await.expect("ingest answers");
        let url = reply.expect_status(202).headers["location"].clone();
        ended(&tenant, &url).await
    };
    let roster = upload(&tenant, "", read("roster.zip")).await;
    assert_eq!(ended(&tenant, &roster).await["state"], "done");

    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&read("catalog.json")).expect("compresses");
    let gzip = gzip.finish().expect("compresses");
    let encoded = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let first = send("?source=LMS", &encoded, gzip).await;
    assert_eq!(
        [&first["state"], &first["kind"], &first["import"]],
        [&json!("done"), &json!("catalog"), &json!(2)],
        "{first}"
    );
    let nothing = json!({ "fatal": 0, "errors": 0, "warnings": 0 });
    assert_eq!(first["found"], nothing);
    let contents = read("catalog/contents.csv");
    let csv = [("content-type", "text/csv")];
    let same = send("?table=contents", &csv, contents).await;
    assert_eq!(same["state"], "unchanged", "{same}");
    let line = r#"{"day": "2024-10-01", "kind": "closure", "title": "Storm"}"#;
    let delta = "?table=calendar_days&delta=true";
    let storm = send(delta, &[], line.into()).await;
    assert_eq!(storm["tables"]["calendar_days"]["added"], 1, "{storm}");

    let counted = "SELECT count(*) AS n FROM contents";
    let added = &first["tables"]["contents"]["added"];
    assert_eq!(tenant.value(counted).await, *added);
    let storms = "SELECT count(*) AS n FROM calendar_days WHERE title = 'Storm'";
    assert_eq!(tenant.value(storms).await, json!(1));
    let sql = "SELECT kind, state FROM import_jobs ORDER BY job_id";
    let jobs = tenant.sql(sql).await;
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| format!("{} {}", job["kind"], job["state"]))
        .collect();
    let expected = [
        r#""import" "done""#,
        r#""catalog" "done""#,
        r#""catalog" "unchanged""#,
        r#""catalog" "done""#,
    ];
    assert_eq!(jobs, expected);

    let refused = send("?table=contents", &[], b"kind\npage\n".to_vec()).await;
    assert_eq!(refused["state"], "refused", "{refused}");
    let diagnostics = refused["diagnostics"].as_str().expect("where");
    let told = Client::send(tenant.ingest_get(diagnostics)).await;
    let told = told.expect("answers").expect_status(200).text();
    assert!(told.contains("contents.csv"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_the_import_it_is_done_by_the_next_process_once() {
    let mut sandbox = Sandbox::up().await;
    let tenant = sandbox.tenant("Killed", &[]);
    let zip = school(&sandbox, "1500");
    let url = upload(&tenant, "", zip).await;
    let mut kills = 0;
    for wait in [0, 400] {
        eventually("it is under way", || async {
            let job = job(&tenant, &url).await?;
            let is_due = job["state"] != "waiting";
            is_due.then_some(()).ok_or(job.to_string())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        sandbox.crash();
        let known = sandbox.cli(&["roster", "jobs", "--tenant", &tenant.tenant.id]);
        let was_open = known[0]["finished_at"].is_null();
        sandbox.restart().await;
        kills += u32::from(was_open);
        if !was_open {
            break;
        }
    }
    assert!(kills > 0, "it was never killed in the middle");
    let done = ended(&tenant, &url).await;
    assert_eq!(
        (&done["state"], &done["import"]),
        (&json!("done"), &json!(1)),
        "{done}"
    );
    let import = imports(&sandbox, &tenant);
    assert_eq!(import.len(), 1);
    assert_eq!(import[0]["tables"], done["tables"]);
    let inbox = sandbox.lake().join("_inbox").join(&tenant.tenant.id);
    eventually("the inbox is empty", || async {
        let left = std::fs::read_dir(&inbox)
            .map_err(|error| error.to_string())?
            .count();
        (left == 0).then_some(()).ok_or(format!("{left} files"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_folder_gets_over_night_is_imported_even_if_the_process_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = folder.path().to_str().expect("UTF-8");
    let mut sandbox = Sandbox::up_with(&[
        ("CHALKLINE_TRANSFORM_ROSTER_INBOX", location),
        ("CHALKLINE_TRANSFORM_ROSTER_INBOX_SETTLE_MS", "200"),
        ("CHALKLINE_TRANSFORM_ROSTER_INBOX_KEEP_DONE", "false"),
    ])
    .await;
    let tenant = sandbox.tenant("Night", &[]);
    let out = sandbox.school("400", "1.1");
    let zip = std::fs::read(format!("{out}/roster.zip")).expect("a file");
    let inbox = folder.path().join(&tenant.tenant.id);
    let catalog = inbox.join("catalog");
    std::fs::create_dir_all(&catalog).expect("a folder");
    let on_its_way = inbox.join("roster.zip.filepart");
    std::fs::write(&on_its_way, &zip[..zip.len() / 2]).expect("writes");
    std::fs::write(inbox.join("other.zip"), "no zip").expect("writes");
    let newest = async |sandbox: &Sandbox, kind: &str, state: &str| {
        eventually("the newest job is so", || async {
            let jobs = sandbox.cli(&["roster", "jobs", "--tenant", &tenant.tenant.id]);
            let is_so = jobs[0]["kind"] == kind && jobs[0]["state"] == state;
            is_so.then(|| jobs[0].clone()).ok_or(jobs.to_string())
        })
        .await
    };
    newest(&sandbox, "import", "refused").await;
    assert!(on_its_way.is_file(), "half of it is nobody's business");
    std::fs::write(&on_its_way, &zip).expect("writes");
    std::fs::rename(&on_its_way, inbox.join("roster.zip")).expect("renames");
    eventually("it is taken", || async {
        let is_taken = !inbox.join("roster.zip").exists();
        is_taken.then_some(()).ok_or("it is still there".to_owned())
    })
    .await;
    sandbox.crash();
    sandbox.restart().await;
    let done = newest(&sandbox, "import", "done").await;
    assert_eq!(done["source"], "roster.zip");
    let calendar = format!("{out}/catalog/calendar_days.csv");
    std::fs::copy(calendar, catalog.join("calendar_days.csv")).expect("copies");
    let done = newest(&sandbox, "catalog", "done").await;
    let days = tenant
        .value("SELECT count(*) AS n FROM calendar_days")
        .await;
    assert_eq!(days, done["tables"]["calendar_days"]["added"]);
    let imports = imports(&sandbox, &tenant);
    let kinds: Vec<_> = imports.iter().map(|import| &import["kind"]).collect();
    assert_eq!(kinds, ["catalog", "import"]);
    eventually("only what failed is left", || async {
        let folders = [&inbox, &catalog];
        let parts = folders
            .iter()
            .flat_map(|f| ["", "taken", "done"].map(|part| f.join(part)));
        let files = parts.flat_map(|part| std::fs::read_dir(part).into_iter().flatten());
        let files = files.filter_map(|file| file.ok().map(|file| file.path()));
        let left: Vec<_> = files.filter(|file| file.is_file()).collect();
        left.is_empty().then_some(()).ok_or(format!("{left:?}"))
    })
    .await;
    let failed = std::fs::read_dir(inbox.join("failed")).expect("a folder");
    assert_eq!(failed.count(), 2, "the file, and why");
}

/// Megabytes of a body that nobody would keep in memory.
const LARGE: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_takes_little_memory() {
    let sandbox = Sandbox::up().await;
    let address = sandbox.address().ingest.replace("http://", "");
    let key = sandbox.tenant.key.clone();
    // Whatever is loaded once is.
    let small = upload(&sandbox, "", b"PK\x03\x04".to_vec()).await;
    assert_eq!(ended(&sandbox, &small).await["state"], "refused");
    let before = sandbox.process("up").peak_memory();
    let answer = tokio::task::spawn_blocking(move || stream(&address, &key)).await;
    let answer = answer.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let url = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    let refused = ended(&sandbox, url.expect("where").trim()).await;
    assert_eq!(refused["state"], "refused", "{refused}");
    let more = sandbox.process("up").peak_memory() - before;
    assert!(more < (LARGE as u64 / 2) << 20, "{more} bytes more");
}

/// Sends a body in chunks, and reads the answer.
fn stream(address: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    let head = format!(
        "POST /v1/roster HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/zip\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sends");
    let mut chunk = vec![0; 1 << 20];
    chunk[..4].copy_from_slice(b"PK\x03\x04");
    for _ in 0..LARGE {
        stream.write_all(b"100000\r\n").expect("sends");
        stream.write_all(&chunk).expect("sends");
        stream.write_all(b"\r\n").expect("sends");
    }
    stream.write_all(b"0\r\n\r\n").expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer
}
