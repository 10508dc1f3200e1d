//! A little OpenID provider at an address of this machine.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How a provider behaves.
#[derive(Debug, Clone)]
pub enum Manner {
    /// As it should.
    Good,
    /// It fails.
    Down,
    /// It says to be another one.
    Pretends(String),
    /// It sends whoever asks for its keys elsewhere.
    Sends(String),
    /// Its keys are at this address.
    KeysAt(String),
    /// Its keys are a document of this length.
    Long(usize),
}

/// It goes when it is dropped.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    keys: Mutex<Vec<Value>>,
    manner: Mutex<Manner>,
    asked: AtomicUsize,
}

impl Provider {
    pub async fn start(keys: Vec<Value>) -> Self {
        // Its users look the service's TLS up, though this provider has none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            address,
            keys: Mutex::new(keys),
            manner: Mutex::new(Manner::Good),
            asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys_of))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            address,
            shared,
            server,
        }
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often somebody asked for its keys, or tried to.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    pub fn publish(&self, keys: Vec<Value>) {
        *self.shared.keys.lock().expect("not poisoned") = keys;
    }

    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("not poisoned") = manner;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn manner(&self) -> Manner {
        self.manner.lock().expect("not poisoned").clone()
    }
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let own = format!("http://{}", shared.address);
    let (issuer, jwks_uri) = match shared.manner() {
        Manner::Down => {
            shared.asked.fetch_add(1, Ordering::SeqCst);
            return StatusCode::BAD_GATEWAY.into_response();
        }
        Manner::Pretends(issuer) => (issuer, format!("{own}/keys")),
        Manner::KeysAt(jwks_uri) => (own, jwks_uri),
        _ => (own.clone(), format!("{own}/keys")),
    };
    axum::Json(json!({"issuer": issuer, "jwks_uri": jwks_uri})).into_response()
}

async fn keys_of(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let keys = shared.keys.lock().expect("not poisoned").clone();
    match shared.manner() {
        Manner::Sends(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Manner::Long(length) => axum::Json(json!({
            "keys": keys, "padding": "x".repeat(length),
        }))
        .into_response(),
        _ => axum::Json(json!({ "keys": keys })).into_response(),
    }
}
