//! The part of a query that runs where requests are answered: chunks become a
//! response.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::about::About;
use super::format::Format;
use super::work::Message;
use crate::error::Error;
use crate::executor::Task;

/// How much of a streamed answer is held back before its first byte goes out:
/// what goes wrong until then still has a status of its own.
const HEAD_BYTES: usize = 256 * 1024;

const ROW_COUNT: &str = "chalkline-row-count";

/// What comes from the workers, within the time that they have.
struct Chunks {
    messages: Receiver<Message>,
    /// What is left of the query's time. Only waiting for the workers uses it.
    left: Duration,
    seconds: u64,
    /// Dropped with this: nobody works for an answer that nobody reads.
    _task: Task,
}

impl Chunks {
    async fn next(&mut self) -> Result<Message, Error> {
        let began = Instant::now();
        let message = tokio::time::timeout(self.left, self.messages.recv()).await;
        self.left = self.left.saturating_sub(began.elapsed());
        match message {
            Ok(Some(Message::Failed(error))) => Err(error),
            Ok(Some(message)) => Ok(message),
            // The workers send an end or an error, unless they panic.
            Ok(None) => Err(Error::internal("the query ended without an end")),
            Err(_) => Err(Error::Timeout {
                seconds: self.seconds,
            }),
        }
    }
}

/// The response to a query whose workers send `messages`.
///
/// A short answer goes out whole, with its number of rows. A long one is
/// streamed, and an error in its midst cuts the connection: nobody takes the
/// part for the whole.
pub(crate) async fn respond(
    messages: Receiver<Message>,
    task: Task,
    format: Format,
    timeout: Duration,
    trace_id: &str,
) -> Result<Response, Error> {
    let mut chunks = Chunks {
        messages,
        left: timeout,
        seconds: timeout.as_secs(),
        _task: task,
    };
    let mut about = About::default();
    let mut head = VecDeque::new();
    let (mut size, mut rows) = (0, 0);
    let whole = loop {
        match chunks.next().await? {
            Message::Begin { about: known } => about = known,
            Message::Unchanged { about } => return Ok(not_modified(&about)),
            Message::Chunk { bytes, rows: more } => {
                size += bytes.len();
                rows += more;
                head.push_back(bytes);
                if format.streams() && size > HEAD_BYTES {
                    break false;
                }
            }
            Message::End => break true,
            Message::Failed(error) => return Err(error),
        }
    };
    let body = if whole {
        Body::from(concat(head, size))
    } else {
        streamed(head, chunks, trace_id.to_owned())
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    describe(headers, &about);
    if whole {
        headers.insert(ROW_COUNT, HeaderValue::from(rows));
    }
    Ok(response)
}

/// What every answer says of itself, also one that is not sent again.
fn describe(headers: &mut HeaderMap, about: &About) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("accept, authorization"),
    );
    about.write(headers);
}

fn not_modified(about: &About) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(response.headers_mut(), about);
    response
}

fn concat(chunks: VecDeque<Bytes>, size: usize) -> Bytes {
    let mut whole = Vec::with_capacity(size);
    for chunk in chunks {
        whole.extend_from_slice(&chunk);
    }
    whole.into()
}

fn streamed(head: VecDeque<Bytes>, chunks: Chunks, trace_id: String) -> Body {
    let state = (head, Some(chunks), trace_id);
    Body::from_stream(stream::unfold(
        state,
        async |(mut head, chunks, trace_id)| {
            if let Some(bytes) = head.pop_front() {
                return Some((Ok(bytes), (head, chunks, trace_id)));
            }
            let mut chunks = chunks?;
            loop {
                match chunks.next().await {
                    Ok(Message::Chunk { bytes, .. }) => {
                        return Some((Ok(bytes), (head, Some(chunks), trace_id)));
                    }
                    Ok(Message::Begin { .. } | Message::Unchanged { .. }) => {}
                    Ok(Message::End) => return None,
                    Ok(Message::Failed(error)) | Err(error) => {
                        error.log(&trace_id);
                        let cut = io::Error::other(error.to_string());
                        return Some((Err(cut), (head, None, trace_id)));
                    }
                }
            }
        },
    ))
}
