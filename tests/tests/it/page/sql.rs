//! The SQL box: its answers, its files, and what the reader wrote.

use e2e::{Browser, Sandbox, Window, event};
use serde_json::json;

use super::{LOADED, LOGGED_IN, address, count, run, submit, text, tile};

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
    // The chart is drawn in the page's next moment.
    browser
        .wait_for("document.querySelectorAll('#sql canvas').length === 1")
        .await;

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

#[tokio::test]
async fn what_was_typed_before_the_examples_came_stays() {
    let sandbox = Sandbox::up().await;
    let mut browser = Browser::open(Window::DESKTOP).await;
    browser.goto(&sandbox.address().query).await;
    // Nothing is offered before it is known who asks.
    let offered = "[...document.querySelectorAll('#sql-examples option')].map((option) => option.textContent)";
    assert_eq!(browser.evaluate(offered).await, json!([]));
    browser
        .evaluate(
            "(() => { const box = document.getElementById('sql-text'); box.value = 'SELECT 42 AS own'; \
             box.dispatchEvent(new Event('input')) })()",
        )
        .await;
    submit(&mut browser, &sandbox.tenant.token).await;
    browser.wait_for(LOGGED_IN).await;
    browser.wait_for(&format!("{offered}.length > 1")).await;
    assert_eq!(
        browser.evaluate(&format!("{offered}[0]")).await,
        json!("SELECT 42 AS own")
    );
    let typed = "[document.getElementById('sql-text').value, document.getElementById('sql-examples').selectedIndex]";
    assert_eq!(
        browser.evaluate(typed).await,
        json!(["SELECT 42 AS own", 0])
    );
    assert_eq!(browser.faults(), Vec::<String>::new());
}
