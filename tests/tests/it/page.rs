//! The page shows what the API answers, in a real browser, and nothing that its
//! policy forbids.

mod login;
mod reader;
mod sql;
mod trouble;

use std::path::PathBuf;

use e2e::{Browser, Sandbox, Window, event, eventually};
use serde_json::{Value, json};

/// The sections that load by themselves.
const LOADED: &str = "[...document.querySelectorAll('section[data-ready]:not(#sql)')]\
    .every((section) => section.dataset.ready === 'true')";

/// The page of a sandbox, with a code that logs in once.
fn address(sandbox: &Sandbox) -> String {
    link(sandbox, &sandbox.tenant.id)
}

/// The page, with a code that logs in once to that tenant.
fn link(sandbox: &Sandbox, tenant: &str) -> String {
    let link = sandbox.cli(&["link", "--tenant", tenant]);
    link["page_url"].as_str().expect("an address").to_owned()
}

/// Where this test leaves its pictures.
fn picture(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}.png"));
    println!("picture: {}", path.display());
    path
}

/// JavaScript that reads the text of an element.
fn text(selector: &str) -> String {
    format!(
        "(document.querySelector({})?.textContent ?? null)",
        json!(selector)
    )
}

/// The number in a tile of the overview or the video, as digits.
fn tile(name: &str) -> String {
    format!(
        "[...document.querySelectorAll('.tiles dt')].find((dt) => dt.textContent === {})\
         ?.nextElementSibling.textContent.replace(/\\D/g, '')",
        json!(name)
    )
}

/// The first two columns of a table behind a chart, which it opens.
async fn table(browser: &mut Browser, id: &str) -> Vec<[String; 2]> {
    let open = format!("document.querySelector('#{id} summary').click()");
    browser.evaluate(&open).await;
    browser
        .wait_for(&format!("document.querySelector('#{id} tbody tr')"))
        .await;
    let read = format!(
        "[...document.querySelectorAll('#{id} tbody tr')].map((row) => \
         [...row.cells].slice(0, 2).map((cell) => cell.textContent))"
    );
    serde_json::from_value(browser.evaluate(&read).await).expect("pairs of text")
}

/// Runs a statement in the box and waits until it was answered or refused.
async fn run(browser: &mut Browser, sql: &str) {
    let write = format!(
        "(() => {{ const box = document.getElementById('sql-text'); \
         box.value = {}; box.focus(); document.getElementById('sql').dataset.ready = 'false' }})()",
        json!(sql)
    );
    browser.evaluate(&write).await;
    browser.press("Enter", true).await;
    browser
        .wait_for("document.getElementById('sql').dataset.ready === 'true'")
        .await;
}

/// Waits until the reports hold every event that the tables hold.
async fn reports_caught_up(sandbox: &Sandbox, video: u64, answers: u64) {
    sandbox.wait_for_count("video", video).await;
    let sql = "SELECT (SELECT coalesce(sum(video_events), 0) FROM section_day) AS video, \
        (SELECT coalesce(sum(first_count), 0) FROM answer_distribution) AS answers, \
        (SELECT count(*) > 0 FROM video_retention) AS retention";
    eventually("the reports hold every event", || async {
        let reply = sandbox
            .ask(sql, json!([]))
            .await
            .map_err(|error| error.to_string())?;
        let row = reply.json()["rows"][0].clone();
        let there = json!({"video": video, "answers": answers, "retention": true});
        if row == there {
            Ok(())
        } else {
            Err(format!("{row}, not {there}"))
        }
    })
    .await;
}

/// How many of these events end in that table.
fn count(numbers: std::ops::Range<u64>, table: &str) -> u64 {
    numbers.filter(|n| event::table(*n) == table).count() as u64
}

/// Students, days and answers enough for every section of the page.
fn school() -> Vec<Value> {
    let mut events = event::range(0..600);
    for student in 0..12_u64 {
        events.push(json!({
            "id": event::id(1_000_000 + student), "type": "item.answered",
            "time": "2025-10-06T09:00:00Z", "actor": format!("stu-{student}"), "course": "course-1",
            "data": {"assessment": "quiz-9", "item": "<b>q9</b>", "correct": student % 3 == 0,
                     "response": if student % 3 == 0 { "right" } else { "<img src=x onerror=alert(1)>" }},
        }));
    }
    events
}

/// The bytes of the page's own files as received, and after how many
/// milliseconds the first chart and then everything was drawn.
async fn measures(browser: &mut Browser) -> [u64; 3] {
    let marks = "(() => { \
        const size = (type, part) => performance.getEntriesByType(type)\
            .filter(({ name }) => name.includes(part)).reduce((sum, entry) => sum + entry.transferSize, 0); \
        const marks = performance.getEntriesByType('mark'); \
        const at = (wanted) => marks.filter(wanted).map(({ startTime }) => startTime); \
        const charts = at(({ name }) => name === 'activity-ready' || name === 'video-ready'); \
        return [size('navigation', '') + size('resource', '/assets/'), Math.min(...charts), Math.max(...at(() => true))] \
            .map(Math.round) })()";
    serde_json::from_value(browser.evaluate(marks).await).expect("numbers")
}

#[tokio::test]
async fn it_shows_what_the_api_answers() {
    let sandbox = Sandbox::up().await;
    for events in school().chunks(200) {
        sandbox.post(events).await.expect_status(202);
    }
    let answered = sandbox.value(
        "SELECT count(*) AS n FROM (SELECT DISTINCT term, assessment_id, item_id, student_key \
         FROM assessment WHERE event_type = 'item.answered')",
    );
    sandbox
        .wait_for_count("assessment", count(0..600, "assessment") + 12)
        .await;
    let answered = answered.await.as_u64().expect("a count");
    reports_caught_up(&sandbox, count(0..600, "video"), answered).await;

    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(LOADED).await;
    let weight = browser.traffic();
    let [files, first_chart, all] = measures(&mut browser).await;
    println!(
        "page: {} requests, {} bytes received, {files} of them files; \
         first chart after {first_chart} ms, everything after {all} ms",
        weight.urls.len(),
        weight.bytes,
    );

    // The code left the address bar, and the token was never in one.
    assert_eq!(browser.evaluate("location.hash").await, json!(""));
    assert!(weight.urls.iter().all(|url| !url.contains("ct_")));

    let states = browser
        .evaluate("[...document.querySelectorAll('section[data-state]:not(#sql)')].map((s) => s.dataset.state)")
        .await;
    assert_eq!(states, json!(vec!["ready"; 6]));
    let drawn = "[...document.querySelectorAll('#activity canvas, #video canvas')].map((canvas) => \
        new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)\
        .some((pixel) => pixel !== 0))";
    assert_eq!(browser.evaluate(drawn).await, json!(vec![true; 4]));

    overview_activity_and_ledger(&sandbox, &mut browser).await;
    video_and_answers(&sandbox, &mut browser).await;
    browser.screenshot(&picture("desktop"), true).await;
    browser.resize(Window::DESKTOP.dark()).await;
    let paper = "getComputedStyle(document.documentElement).backgroundColor";
    browser
        .wait_for(&format!("{paper} === 'rgb(17, 22, 27)'"))
        .await;
    browser.screenshot(&picture("dark"), true).await;
    browser.resize(Window::PHONE).await;
    browser
        .wait_for("document.documentElement.clientWidth === 375")
        .await;
    assert_eq!(
        browser
            .evaluate("document.documentElement.scrollWidth")
            .await,
        json!(375)
    );
    browser.screenshot(&picture("phone"), true).await;

    assert_eq!(browser.faults(), Vec::<String>::new());
    let home = sandbox.address().query;
    let strangers: Vec<String> = browser
        .traffic()
        .urls
        .into_iter()
        .filter(|url| !url.starts_with(&home) && !url.starts_with("data:"))
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

async fn overview_activity_and_ledger(sandbox: &Sandbox, browser: &mut Browser) {
    assert_eq!(browser.evaluate(&tile("Events kept")).await, json!("612"));
    let students = sandbox
        .value("SELECT count(DISTINCT student_key) AS n FROM student_day")
        .await;
    assert_eq!(
        browser.evaluate(&tile("Students")).await,
        json!(students.to_string())
    );

    let chosen = browser
        .evaluate("[document.getElementById('activity-term').value, ...JSON.parse(document.getElementById('activity-section').value)]")
        .await;
    let [term, course, section] = [0, 1, 2].map(|at| chosen[at].as_str().expect("text"));
    let path = format!(
        "/v1/reports/section_day?term={term}&course_id={course}&section_id={section}&order=day"
    );
    let rows = sandbox.get(&path).await.expect_status(200).json()["rows"].clone();
    let expected: Vec<[String; 2]> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            [
                row["day"].as_str().expect("a day").to_owned(),
                row["active_students"].to_string(),
            ]
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(table(browser, "activity-table").await, expected);

    assert_eq!(
        browser
            .evaluate("document.getElementById('ledger').dataset.balanced")
            .await,
        json!("true")
    );
    let accepted = sandbox.value("SELECT sum(accepted) AS n FROM ledger").await;
    assert_eq!(
        browser.evaluate(&text("#ledger .sum b")).await,
        json!(accepted.to_string())
    );
}

async fn video_and_answers(sandbox: &Sandbox, browser: &mut Browser) {
    let chosen = browser
        .evaluate("JSON.parse(document.getElementById('video-choice').value)")
        .await;
    let viewers = sandbox
        .ask(
            "SELECT count(*) AS n FROM video_watch WHERE total_seconds > 0 AND term = $1 AND course_id = $2 AND content_id = $3",
            json!([chosen[0], chosen[1], chosen[2]]),
        )
        .await
        .expect("answers");
    let viewers = viewers.json()["rows"][0]["n"].to_string();
    assert_eq!(browser.evaluate(&tile("Viewers")).await, json!(viewers));
    let of = |at: usize| chosen[at].as_str().expect("text");
    let path = format!(
        "/v1/reports/video_retention?term={}&course_id={}&content_id={}&order=second&limit=100",
        of(0),
        of(1),
        of(2)
    );
    let rows = sandbox.get(&path).await.expect_status(200).json()["rows"].clone();
    let expected: Vec<[String; 2]> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            let second = row["second"].as_u64().expect("a number");
            [
                format!("{}:{:02}", second / 60, second % 60),
                row["viewers"].to_string(),
            ]
        })
        .collect();
    let shown = table(browser, "video-table").await;
    assert!(!expected.is_empty());
    assert_eq!(shown, expected);

    // What senders wrote is text, whatever it looks like.
    let page = browser.evaluate(&text("#answers")).await;
    let page = page.as_str().expect("text");
    assert!(
        page.contains("<b>q9</b>") && page.contains("<img src=x onerror=alert(1)>"),
        "{page}"
    );
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('section img, section b').length")
            .await,
        json!(5)
    );
}

/// What the login says, once it is shown.
const REASON: &str = "!document.getElementById('login').hidden && \
    document.getElementById('login-reason').textContent";
const LOGGED_IN: &str = "!document.getElementById('page').hidden";

/// A token of the sandbox's tenant, once it is known; `options` as for `chalkline token
/// issue`.
async fn issue(sandbox: &Sandbox, options: &[&str]) -> String {
    let issue = ["token", "issue", "--tenant", &sandbox.tenant.id];
    let issued = sandbox.cli(&[&issue[..], options].concat());
    let token = issued["token"].as_str().expect("a token").to_owned();
    let mut holder = e2e::Client::clone(sandbox);
    holder.tenant.token.clone_from(&token);
    eventually("the token is known", || async {
        match holder.get("/v1/tables").await.status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    token
}

/// Types a token into the login.
async fn submit(browser: &mut Browser, token: &str) {
    let submit = format!(
        "(() => {{ document.getElementById('login-token').value = {}; \
         document.getElementById('login-button').click() }})()",
        json!(token)
    );
    browser.evaluate(&submit).await;
}

/// Clicks what a selector finds first.
async fn click(browser: &mut Browser, selector: &str) {
    let click = format!("document.querySelector({}).click()", json!(selector));
    browser.evaluate(&click).await;
}
