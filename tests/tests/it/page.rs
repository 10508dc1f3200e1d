//! The page shows what the API answers, in a real browser, and nothing that its
//! policy forbids.

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
        "document.querySelector({})?.textContent ?? null",
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

#[tokio::test]
async fn the_sql_box_answers_and_new_events_show_by_themselves() {
    let sandbox = Sandbox::up().await;
    sandbox.post(&event::range(0..300)).await.expect_status(202);
    sandbox
        .wait_for_count("video", count(0..300, "video"))
        .await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(LOADED).await;

    let by_type = "SELECT event_type, count(*) AS events FROM video GROUP BY 1 ORDER BY 2 DESC, 1";
    run(&mut browser, by_type).await;
    let rows = sandbox.sql(by_type).await;
    assert_eq!(
        browser.evaluate(&text("#sql tbody tr td")).await,
        rows[0]["event_type"]
    );
    assert_eq!(
        browser.evaluate(&text("#sql th small")).await,
        json!("text")
    );
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('#sql .bars li').length")
            .await,
        json!(rows.len())
    );

    run(
        &mut browser,
        "SELECT CAST(occurred_at AS date) AS day, count(*) AS events FROM video GROUP BY 1 ORDER BY 1",
    )
    .await;
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('#sql canvas').length")
            .await,
        json!(1)
    );

    run(&mut browser, "SELECT value AS n, '<img src=x>' AS html, 9007199254740993 AS big FROM generate_series(1, 250)").await;
    let first =
        "[...document.querySelector('#sql tbody tr').cells].map((cell) => cell.textContent)";
    assert_eq!(
        browser.evaluate(first).await,
        json!(["1", "<img src=x>", "9007199254740993"])
    );
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('#sql tbody tr').length")
            .await,
        json!(100)
    );
    browser
        .evaluate("[...document.querySelectorAll('#sql .pager button')].at(-1).click()")
        .await;
    assert_eq!(browser.evaluate(&text("#sql tbody td")).await, json!("101"));
    assert_eq!(browser.faults(), Vec::<String>::new());

    files_are_safe_and_statements_kept(&mut browser).await;

    run(&mut browser, "SELECT nope FROM video").await;
    let refused = sandbox
        .ask("SELECT nope FROM video", json!([]))
        .await
        .expect("answers");
    assert_eq!(
        browser.evaluate(&text("#sql .state p")).await,
        refused.json()["detail"]
    );

    assert_eq!(browser.evaluate(&tile("Events kept")).await, json!("300"));
    sandbox
        .post(&event::range(300..330))
        .await
        .expect_status(202);
    browser
        .wait_for(&format!("{} === '330'", tile("Events kept")))
        .await;
    browser
        .wait_for("document.getElementById('freshness').dataset.kind === 'live'")
        .await;
}

/// The file that the page makes of a result, and the statements that it keeps.
async fn files_are_safe_and_statements_kept(browser: &mut Browser) {
    run(
        browser,
        "SELECT '=1+1' AS a, '+x' AS b, -5 AS c, '@\"x\"' AS d, -1.5e-7 AS e, 'a=b' AS f, chr(9) || 'tab' AS g, \
         '-2 + 3' AS h, '-' || chr(13) || 'x' AS \"=i\"",
    )
    .await;
    let download = "new Promise((resolve) => { \
        const make = URL.createObjectURL; \
        URL.createObjectURL = (file) => { URL.createObjectURL = make; file.text().then(resolve); return make.call(URL, file) }; \
        document.getElementById('sql-csv').click() })";
    assert_eq!(
        browser.evaluate(download).await,
        json!(
            "a,b,c,d,e,f,g,h,'=i\r\n'=1+1,'+x,-5,\"'@\"\"x\"\"\",-1.5e-7,a=b,'\ttab,'-2 + 3,\"'-\rx\"\r\n"
        )
    );

    let choose = |name: &str| {
        format!(
            "(() => {{ const box = document.getElementById('sql-examples'); \
             box.selectedIndex = [...box.options].findIndex(({{textContent}}) => textContent.startsWith({})); \
             box.dispatchEvent(new Event('change')) }})()",
            json!(name)
        )
    };
    browser
        .evaluate(
            "(() => { const box = document.getElementById('sql-text'); box.value = '-- mine\\nSELECT 42 AS own'; \
             box.dispatchEvent(new Event('input')) })()",
        )
        .await;
    let typed = "document.getElementById('sql-text').value";
    browser.evaluate(&choose("The books")).await;
    let example = browser.evaluate(typed).await;
    assert!(example.as_str().expect("text").contains("ledger"));
    browser.evaluate(&choose("SELECT 42")).await;
    assert_eq!(
        browser.evaluate(typed).await,
        json!("-- mine\nSELECT 42 AS own")
    );
    browser
        .wait_for(&format!("{} === '42'", text("#sql tbody td")))
        .await;
}

/// What the login says, once it is shown.
const REASON: &str = "!document.getElementById('login').hidden && \
    document.getElementById('login-reason').textContent";
const LOGGED_IN: &str = "!document.getElementById('page').hidden";

/// Types a token into the login.
async fn submit(browser: &mut Browser, token: &str) {
    let submit = format!(
        "(() => {{ document.getElementById('login-token').value = {}; \
         document.getElementById('login-button').click() }})()",
        json!(token)
    );
    browser.evaluate(&submit).await;
}

async fn click(browser: &mut Browser, selector: &str) {
    let click = format!("document.querySelector({}).click()", json!(selector));
    browser.evaluate(&click).await;
}

#[tokio::test]
async fn whoever_may_not_is_told_why_and_an_empty_school_what_to_do() {
    let sandbox = Sandbox::up().await;
    let home = sandbox.address().query;
    let mut browser = Browser::open(Window::PHONE).await;

    // A link that was used, and two that never were any.
    let used = address(&sandbox);
    browser.goto(&used).await;
    browser.wait_for(LOGGED_IN).await;
    click(&mut browser, "#logout").await;
    browser
        .wait_for("!document.getElementById('login').hidden")
        .await;
    for (link, expected) in [
        (used.as_str(), "chalkline link"),
        (&format!("{home}/#token=%"), "history"),
        (&format!("{home}/#code=%E0"), "used already"),
    ] {
        browser.goto(link).await;
        browser
            .wait_for(&format!("({REASON}).includes({})", json!(expected)))
            .await;
        assert_eq!(browser.evaluate("location.hash").await, json!(""));
        assert_eq!(browser.evaluate("sessionStorage.length").await, json!(0));
    }
    browser.screenshot(&picture("login"), false).await;

    // Nobody's token, a write key, a token that was copied badly, and the right one.
    let stranger = sandbox.tenant.token.replace("ct_", "ct_no-");
    let mut other = e2e::Client::clone(&sandbox);
    other.tenant.token.clone_from(&stranger);
    let refusal = other.get("/v1/tables").await.expect_status(401).json();
    let refusal = refusal["detail"].as_str().expect("a sentence");
    let badly = sandbox.tenant.token.replace("ct_", "ct_é");
    for (token, expected) in [
        (&stranger, refusal),
        (&sandbox.tenant.key, "write key"),
        (&badly, "“é”"),
    ] {
        submit(&mut browser, token).await;
        browser
            .wait_for(&format!("({REASON}).includes({})", json!(expected)))
            .await;
    }
    browser.forget();
    submit(&mut browser, &sandbox.tenant.token).await;
    browser.wait_for(LOGGED_IN).await;
    assert_eq!(
        browser.evaluate("document.activeElement.id").await,
        json!("title")
    );
    browser.wait_for(LOADED).await;
    let states = "[...document.querySelectorAll('section[data-state]:not(#sql)')].map((s) => s.dataset.state)";
    assert_eq!(browser.evaluate(states).await, json!(vec!["empty"; 6]));
    browser.screenshot(&picture("empty"), true).await;
    assert_eq!(
        browser
            .evaluate("document.documentElement.scrollWidth")
            .await,
        json!(375)
    );
    assert_eq!(browser.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_ends_with_all_that_it_showed_and_is_not_replaced_unasked() {
    let sandbox = Sandbox::up().await;
    let other = sandbox.tenant("Other School", &[]).tenant.id;
    sandbox.post(&event::range(0..60)).await.expect_status(202);
    sandbox.wait_for_count("video", count(0..60, "video")).await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(LOADED).await;
    run(&mut browser, "SELECT event_id FROM video").await;

    let asked = "document.getElementById('dialog').open";
    let tenant = text("#tenant");
    browser.goto(&link(&sandbox, &other)).await;
    browser.wait_for(asked).await;
    browser.screenshot(&picture("other-school"), false).await;
    click(&mut browser, "#dialog button:last-child").await;
    browser.wait_for(&format!("!{asked}")).await;
    assert_eq!(browser.evaluate(&tenant).await, json!(sandbox.tenant.id));
    assert_eq!(
        browser.evaluate(&text("#sql tbody td")).await.is_string(),
        true
    );

    // What does not log in says so, and changes nothing.
    browser
        .goto(&link(&sandbox, &other).replace("#code=", "#code=x"))
        .await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button").await;
    assert_eq!(browser.evaluate(&tenant).await, json!(sandbox.tenant.id));

    browser.goto(&link(&sandbox, &other)).await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button.primary").await;
    browser
        .wait_for(&format!("{tenant} === {}", json!(other)))
        .await;
    browser.wait_for(LOADED).await;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.evaluate(rows).await, json!(0));

    // Logging out leaves neither rows nor what was typed, also to whoever goes back.
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(asked).await;
    click(&mut browser, "#dialog button.primary").await;
    browser
        .wait_for(&format!("{tenant} === {}", json!(sandbox.tenant.id)))
        .await;
    run(&mut browser, "SELECT event_id AS mine FROM video").await;
    click(&mut browser, "#logout").await;
    browser
        .wait_for("!document.getElementById('login').hidden")
        .await;
    assert_eq!(browser.evaluate(rows).await, json!(0));
    assert_eq!(browser.evaluate("sessionStorage.length").await, json!(0));
    let typed = "document.getElementById('sql-text').value.includes('mine')";
    assert_eq!(browser.evaluate(typed).await, json!(false));
}

/// Waits until an element's text has these words.
async fn says(browser: &mut Browser, selector: &str, words: &str) {
    let found = format!("({})?.includes({})", text(selector), json!(words));
    browser.wait_for(&found).await;
}

#[tokio::test]
async fn what_goes_wrong_is_said_and_what_comes_back_is_noticed() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = port.local_addr().expect("an address").to_string();
    drop(port);
    let mut sandbox = Sandbox::up_with(&[
        ("CHALKLINE_QUERY_LISTEN", &listen),
        ("CHALKLINE_QUERY_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_TENANT_CONCURRENCY", "1"),
        ("CHALKLINE_QUERY_QUEUE_SECONDS", "2"),
        ("CHALKLINE_QUERY_TIMEOUT_SECONDS", "60"),
    ])
    .await;
    sandbox.post(&event::range(0..120)).await.expect_status(202);
    sandbox
        .wait_for_count("video", count(0..120, "video"))
        .await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&address(&sandbox)).await;
    browser.wait_for(LOADED).await;

    // 403: a statement that does more than read.
    run(&mut browser, "DELETE FROM video").await;
    let refused = sandbox.ask("DELETE FROM video", json!([])).await;
    let refused = refused.expect("answers").expect_status(403).json();
    assert_eq!(
        browser.evaluate(&text("#sql .state p")).await,
        refused["detail"]
    );
    browser.screenshot(&picture("refused"), true).await;

    // 503: the tenant's only turn is taken.
    let busy = {
        let asker = e2e::Client::clone(&sandbox);
        let endless = "SELECT count(*) FROM generate_series(1, 10000000000) a \
            CROSS JOIN generate_series(1, 10000000000) b WHERE a.value + b.value = -1";
        tokio::spawn(async move { asker.ask(endless, json!([])).await })
    };
    says(&mut browser, "#freshness-text", "Not live").await;
    run(&mut browser, "SELECT count(*) AS n FROM video").await;
    says(&mut browser, "#sql .state", "query_queue_timeout").await;
    browser.screenshot(&picture("busy"), true).await;
    busy.abort();
    says(&mut browser, "#freshness-text", "Live").await;

    // Nobody answers.
    sandbox.crash();
    says(&mut browser, "#freshness-text", "No connection").await;
    run(&mut browser, "SELECT count(*) AS n FROM video").await;
    says(&mut browser, "#sql .state", "does not answer").await;
    click(&mut browser, "#activity-term").await;
    browser
        .evaluate("document.getElementById('activity-term').dispatchEvent(new Event('change'))")
        .await;
    says(&mut browser, "#activity [data-notice]", "Not updated").await;
    browser.screenshot(&picture("offline"), true).await;
    sandbox.restart().await;
    says(&mut browser, "#freshness-text", "Live").await;
    browser
        .wait_for("document.querySelector('#activity [data-notice]').textContent === ''")
        .await;

    // 401: the token is revoked under a page that is open.
    let token = browser
        .evaluate("sessionStorage.getItem('chalkline.token')")
        .await;
    let id = token.as_str().and_then(|token| token.split('_').nth(2));
    let tenant = sandbox.tenant.id.clone();
    sandbox.cli(&["token", "revoke", "--tenant", &tenant, id.expect("an id")]);
    browser
        .wait_for(&format!("({REASON}).includes('revoked')"))
        .await;
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.evaluate(rows).await, json!(0));
    browser.screenshot(&picture("revoked"), false).await;
}
