//! A way to a server on which requests and answers can get lost.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::Server;

/// When a [`Proxy`] asks what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The request has come, and the server does not know of it.
    Asked,
    /// The server has carried it out, and the client does not know.
    Answered,
}

/// What becomes of a request, or of its answer: that is passed on or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is passed on.
    Passed,
    /// It is not: the connection breaks.
    Lost,
    /// It is not, and nothing is ever answered: the connection stands still.
    Silent,
    /// The request is not passed on; the answer is that there are too many.
    Throttled,
    /// The request is not passed on; the answer is that it was carried out.
    Pretended,
}

const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\n\
    Content-Length: 36\r\n\r\n<Error><Code>SlowDown</Code></Error>";

const DONE: &str = "HTTP/1.1 200 OK\r\nETag: \"pretended\"\r\nContent-Length: 0\r\n\r\n";

/// A request for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `PUT`, `GET`, …
    pub method: String,
    /// The path with bucket and query.
    pub path: String,
}

/// Between clients and a server; every request passes twice before whoever
/// started it. It ends with the process.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
}

type Judge = dyn Fn(Moment, &Request) -> Fate + Send + Sync;

impl Proxy {
    /// Starts one. While `judge` thinks, that connection stands still.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(
        server: &Server,
        judge: impl Fn(Moment, &Request) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::before(server.ports[0], judge)
    }

    /// As [`Proxy::start`], before any server of this machine that speaks HTTP/1.1.
    ///
    /// # Panics
    /// When no port is free.
    pub fn before(
        port: u16,
        judge: impl Fn(Moment, &Request) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let judge = Arc::new(judge);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let judge = Arc::clone(&judge);
                thread::spawn(move || carry(client, port, judge));
            }
        });
        Self {
            endpoint: format!("http://{address}"),
        }
    }

    /// `http://127.0.0.1:port`, for clients instead of the server's own.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// Carries one connection.
fn carry(client: TcpStream, port: u16, judge: Arc<Judge>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
        return;
    };
    let both = [&client, &server].map(|stream| stream.try_clone().expect("a socket can be shared"));
    let [to_client, from_server] = both;
    // The request that waits for its answer.
    let open = Arc::new(Mutex::new(None));
    let (asked, answering) = (Arc::clone(&open), Arc::clone(&judge));
    let answers = thread::spawn(move || {
        answer(from_server, to_client, &open, answering.as_ref());
    });
    // Either end, or a loss: whichever is first ends both ways.
    let _ = ask(&client, &server, &asked, judge.as_ref());
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = answers.join();
}

type Open = Mutex<Option<Request>>;

/// Passes requests on, one after the other.
fn ask(
    client: &TcpStream,
    mut server: &TcpStream,
    open: &Open,
    judge: &Judge,
) -> std::io::Result<()> {
    let mut requests = BufReader::new(client);
    while let Some((request, head)) = read_head(&mut requests)? {
        let mut body = vec![0; content_length(&head)];
        requests.read_exact(&mut body)?;
        match judge(Moment::Asked, &request) {
            Fate::Passed => {}
            Fate::Lost => return Ok(()),
            Fate::Silent => {
                // Until the client gives up.
                std::io::copy(&mut requests, &mut std::io::sink())?;
                return Ok(());
            }
            Fate::Throttled => {
                (&mut &*client).write_all(SLOW_DOWN.as_bytes())?;
                continue;
            }
            Fate::Pretended => {
                (&mut &*client).write_all(DONE.as_bytes())?;
                continue;
            }
        }
        *open.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        server.write_all(&[head.as_bytes(), &body].concat())?;
    }
    Ok(())
}

/// Passes answers on as they come.
fn answer(mut server: TcpStream, mut client: TcpStream, open: &Open, judge: &Judge) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        let answered = open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lost =
            answered.is_some_and(|request| judge(Moment::Answered, &request) != Fate::Passed);
        if lost || client.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Ends the reading of requests, too.
    let _ = client.shutdown(Shutdown::Both);
}

/// The next request with all of its head; `None` at the end of the connection.
fn read_head(from: &mut impl BufRead) -> std::io::Result<Option<(Request, String)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let mut words = head.split(' ').map(str::to_owned);
    match (words.next(), words.next()) {
        (Some(method), Some(path)) => Ok(Some((Request { method, path }, head))),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

fn content_length(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().expect("a length"))
    });
    length.unwrap_or(0)
}
