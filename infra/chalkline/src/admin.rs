//! The door for commands that change a running system: on loopback, and only for
//! those who may read its data folder.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream;
use runtime::Shutdown;
use schemas::Problem;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use transform::replay::{Replay, Request, Step, Summary};

/// Where records are entered again.
pub const REPLAY: &str = "/v1/replay";

/// Lines that wait for a client that reads slowly.
const LINES: usize = 64;

/// How often a client that waits hears that it is not forgotten.
pub const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// Where the door is, and what opens it: `admin.json` in the data folder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// `http://host:port`.
    pub url: String,
    /// The bearer token, another one in each process.
    pub token: String,
}

/// One line of an answer that goes on.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Nothing new.
    Alive,
    /// How far it is.
    Step(Step),
    /// The end.
    Summary(Summary),
    /// The end before it is done.
    Failed {
        /// Why, in a sentence.
        message: String,
        /// What caused that, the nearest cause first.
        causes: Vec<String>,
    },
}

/// The door before it is opened.
pub struct Door {
    listener: TcpListener,
    admin: Admin,
}

impl Door {
    /// Takes a free port of this machine and makes up a token.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn new() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("cannot listen on loopback for commands")?;
        let admin = Admin {
            url: format!("http://{}", listener.local_addr()?),
            token: hex::encode(rand::random::<[u8; 32]>()),
        };
        Ok(Self { listener, admin })
    }

    /// Where it is, and what opens it.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Does what is asked there, until the shutdown.
    pub async fn serve(self, replay: Replay, shutdown: Shutdown) {
        let inside = Inside {
            token: Sha256::digest(&self.admin.token).into(),
            replay,
            one: Arc::default(),
            stop: shutdown.token(),
        };
        let router = Router::new()
            .route(REPLAY, post(enter_again))
            .with_state(Arc::new(inside));
        runtime::http::serve(self.listener, router, &shutdown).await;
    }
}

struct Inside {
    token: [u8; 32],
    replay: Replay,
    /// Held by the replay that is under way.
    one: Arc<Mutex<()>>,
    stop: CancellationToken,
}

impl Inside {
    fn is_opened_by(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Digests are compared: how long that takes says nothing of the token.
        shown.is_some_and(|token| <[u8; 32]>::from(Sha256::digest(token)) == self.token)
    }
}

async fn enter_again(
    State(inside): State<Arc<Inside>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !inside.is_opened_by(&headers) {
        let detail = "Show the token that stands in admin.json of the data folder.";
        return problem(StatusCode::UNAUTHORIZED, "unknown_token", detail);
    }
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            let detail = format!("Use the same version of Chalkline: {error}.");
            return problem(StatusCode::BAD_REQUEST, "invalid_request", detail);
        }
    };
    let Ok(turn) = Arc::clone(&inside.one).try_lock_owned() else {
        let detail = "Another replay is under way: wait until it has ended, or stop it.";
        return problem(StatusCode::CONFLICT, "replay_under_way", detail);
    };
    let (lines, told) = mpsc::channel(LINES);
    // Ends with the answer: whoever stops the command stops the work.
    let mut work = JoinSet::new();
    work.spawn(async move {
        answer(&inside, &request, lines).await;
        drop(turn);
    });
    let answer = stream::unfold((told, work), |(mut told, work)| async move {
        let line = tokio::time::timeout(ALIVE_EVERY, told.recv()).await;
        let line = line.unwrap_or(Some(Line::Alive))?;
        let mut text = serde_json::to_vec(&line).expect("lines have only text keys");
        text.push(b'\n');
        Some((Ok::<_, Infallible>(text), (told, work)))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(answer)).into_response()
}

/// Enters records again, and tells line by line what comes of it.
async fn answer(inside: &Inside, request: &Request, lines: mpsc::Sender<Line>) {
    let (steps, mut told) = mpsc::channel(1);
    let work = async {
        let done = inside.replay.run(request, &steps).await;
        drop(steps);
        done
    };
    let telling = async {
        while let Some(step) = told.recv().await {
            let _ = lines.send(Line::Step(step)).await;
        }
    };
    let last = tokio::select! {
        (done, ()) = async { tokio::join!(work, telling) } => match done {
            Ok(summary) => Line::Summary(summary),
            Err(error) => failed(&error),
        },
        () = inside.stop.cancelled() => Line::Failed {
            message: "Chalkline is being stopped: begin again when it runs, nothing is done twice"
                .to_owned(),
            causes: Vec::new(),
        },
    };
    let _ = lines.send(last).await;
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Line {
    let causes = std::iter::successors(error.source(), |error| error.source());
    Line::Failed {
        message: error.to_string(),
        causes: causes.map(ToString::to_string).collect(),
    }
}

fn problem(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = Problem::new(status.as_u16(), code, title, detail);
    let kind = [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)];
    (status, kind, Json(problem)).into_response()
}
