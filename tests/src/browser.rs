//! Chromium, driven over its DevTools protocol as a person would use it.
//!
//! The protocol runs over two pipes, so that no port is opened and nothing but
//! Chromium itself is needed.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// Chromium reads commands from descriptor 3 and answers on 4.
const LAUNCH: &str = "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// Nothing is fetched but what the page asks for. The sandbox needs rights that
/// containers do not give, and the only page opened is ours.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
];

/// A window's size, and what it tells the page about its owner.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether it is a phone's.
    pub phone: bool,
    /// Whether dark colours are wanted.
    pub dark: bool,
}

impl Window {
    /// A laptop's.
    pub const DESKTOP: Self = Self {
        width: 1280,
        height: 900,
        phone: false,
        dark: false,
    };
    /// A small phone's.
    pub const PHONE: Self = Self {
        width: 375,
        height: 812,
        phone: true,
        dark: false,
    };

    /// The same with dark colours.
    #[must_use]
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A browser with one tab; ended when dropped.
pub struct Browser {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    last_id: u64,
    events: Vec<Value>,
    // Ended before its profile is removed.
    _process: Child,
    _profile: TempDir,
}

/// What the tab fetched.
#[derive(Debug, Default)]
pub struct Traffic {
    /// The addresses, in order.
    pub urls: Vec<String>,
    /// Bytes received, headers included.
    pub bytes: u64,
}

impl Browser {
    /// Starts Chromium with an empty tab.
    ///
    /// # Panics
    /// When there is no Chromium (`infra/setup.sh --test` installs it).
    pub async fn open(window: Window) -> Self {
        let profile = TempDir::with_prefix("chalkline-browser-").expect("a temporary folder");
        let mut process = Command::new("sh")
            .args(["-c", LAUNCH, "chromium"])
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell starts");
        let mut browser = Self {
            input: process.stdin.take().expect("it is piped"),
            output: BufReader::new(process.stdout.take().expect("it is piped")),
            session: String::new(),
            last_id: 0,
            events: Vec::new(),
            _process: process,
            _profile: profile,
        };
        let tab = browser
            .call("Target.createTarget", json!({"url": "about:blank"}))
            .await;
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().expect("a session");
        browser.session = session.to_owned();
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser.resize(window).await;
        browser
    }

    /// Makes it another window.
    pub async fn resize(&mut self, window: Window) {
        let metrics = json!({
            "width": window.width, "height": window.height,
            "deviceScaleFactor": 1, "mobile": window.phone,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let scheme = if window.dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// Goes to an address, until the document and its scripts are there.
    pub async fn goto(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")
            .await;
    }

    /// The value of a JavaScript expression, awaited.
    ///
    /// # Panics
    /// When it throws.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let request =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", request).await;
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].take()
    }

    /// Waits until a JavaScript expression is true. While the document it asks
    /// about is being loaded it is not.
    ///
    /// # Panics
    /// When it is not within two minutes, with what the page shows.
    pub async fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        let holds = json!({
            "expression": format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"),
            "returnByValue": true,
        });
        loop {
            let answer = self.try_call("Runtime.evaluate", holds.clone()).await;
            if answer.is_ok_and(|answer| answer["result"]["value"] == json!(true)) {
                return;
            }
            if start.elapsed() > DEADLINE {
                let shown = self.evaluate("document.body.innerText").await;
                panic!("never true: {expression}\n{shown}\n{:?}", self.faults());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Presses a key where the focus is; `ctrl` holds that down as well.
    pub async fn press(&mut self, key: &str, ctrl: bool) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "modifiers": if ctrl { 2 } else { 0 }});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Writes what it shows to a file: PNG or WebP, by its name. `whole` shows
    /// the page to its end.
    pub async fn screenshot(&mut self, path: &Path, whole: bool) {
        use base64::Engine as _;
        let webp = path
            .extension()
            .is_some_and(|extension| extension == "webp");
        let mut request = json!({"format": "png", "captureBeyondViewport": whole});
        if webp {
            request["format"] = json!("webp");
            request["quality"] = json!(85);
        }
        if whole {
            let metrics = self.call("Page.getLayoutMetrics", json!({})).await;
            let mut clip = metrics["cssContentSize"].clone();
            clip["scale"] = json!(1);
            request["clip"] = clip;
        }
        let picture = self.call("Page.captureScreenshot", request).await;
        let data = picture["data"].as_str().expect("a picture");
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(data)
            .expect("base64");
        std::fs::write(path, bytes).expect("the folder can be written");
    }

    /// Everything that was written to the console as an error, thrown and not
    /// caught, or forbidden by the content security policy.
    pub fn faults(&self) -> Vec<String> {
        let faults = self.events.iter().filter(|event| {
            let parameters = &event["params"];
            match event["method"].as_str() {
                Some("Log.entryAdded") => parameters["entry"]["level"] == "error",
                Some("Runtime.consoleAPICalled") => {
                    parameters["type"] == "error" || parameters["type"] == "assert"
                }
                Some("Runtime.exceptionThrown") => true,
                Some("Audits.issueAdded") => {
                    parameters["issue"]["code"] == "ContentSecurityPolicyIssue"
                }
                _ => false,
            }
        });
        faults.map(|event| event["params"].to_string()).collect()
    }

    /// What was fetched so far.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    let url = parameters["request"]["url"].as_str().expect("a URL");
                    traffic.urls.push(url.to_owned());
                }
                Some("Network.loadingFinished") => {
                    let length = parameters["encodedDataLength"].as_f64().unwrap_or(0.0);
                    traffic.bytes += length as u64;
                }
                _ => {}
            }
        }
        traffic
    }

    /// Forgets what happened so far.
    pub fn forget(&mut self) {
        self.events.clear();
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        let answer = self.try_call(method, parameters).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn try_call(&mut self, method: &str, parameters: Value) -> Result<Value, Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input
            .write_all(&bytes)
            .await
            .expect("Chromium runs (`infra/setup.sh --test` installs it)");
        loop {
            let mut answer = self.read().await;
            if answer["id"] != json!(id) {
                self.events.push(answer);
                continue;
            }
            return if answer["error"].is_null() {
                Ok(answer["result"].take())
            } else {
                Err(answer["error"].take())
            };
        }
    }

    async fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(DEADLINE, self.output.read_until(0, &mut bytes));
        let length = read.await.expect("Chromium answers").expect("a pipe");
        assert!(length > 0, "Chromium ended; is it installed?");
        bytes.pop();
        serde_json::from_slice(&bytes).expect("Chromium speaks JSON")
    }
}
