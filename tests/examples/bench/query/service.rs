//! A process that answers questions about the district, and what it says of itself.

use std::time::{Duration, Instant};

use e2e::{Address, Client, Process, Sandbox, eventually};
use serde_json::{Value, json};

use crate::front::server::free_address;
use crate::metrics;

/// One running beside others, over the same lake.
pub struct Service {
    process: Process,
    address: Address,
}

/// An answer to a statement, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Seconds that whoever answered says, or who asked measured.
    pub seconds: f64,
    /// Its rows.
    pub rows: u64,
    /// The sum of all numbers in it.
    pub sum: f64,
}

impl Answer {
    /// How long it took.
    pub fn duration(&self) -> Duration {
        // Two readings of a sum, of which rounding may leave less than nothing.
        Duration::from_secs_f64(self.seconds.max(0.0))
    }

    /// Whether both have as many rows, and numbers of the same sum.
    pub fn agrees(&self, other: &Self) -> bool {
        let tolerance = 1e-6 * self.sum.abs().max(1.0);
        self.rows == other.rows && (self.sum - other.sum).abs() <= tolerance
    }
}

impl Service {
    /// Starts `chalkline <command>`, `query` or `up`, over the lake of a sandbox, with
    /// further settings, and waits until it is ready. Its log has that name.
    pub async fn start(
        sandbox: &Sandbox,
        command: &str,
        name: &str,
        settings: &[(&'static str, &str)],
    ) -> Self {
        let [ingest, query, transform] = [(); 3].map(|()| free_address());
        let address = Address {
            ingest: format!("http://{ingest}"),
            query: format!("http://{query}"),
        };
        let listens = [
            ("CHALKLINE_INGEST_LISTEN", ingest),
            ("CHALKLINE_QUERY_LISTEN", query),
            ("CHALKLINE_TRANSFORM_LISTEN", transform),
        ];
        let further = settings.iter();
        let further = further.map(|(name, value)| (*name, (*value).to_owned()));
        let all: Vec<_> = listens.into_iter().chain(further).collect();
        let process = sandbox.another(command, name, &all);
        eventually(&format!("{name} is ready"), || async {
            let answer = reqwest::get(format!("{}/readyz", address.query)).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let is_ready = answer.status().is_success();
            is_ready.then_some(()).ok_or_else(|| process.log())
        })
        .await;
        Self { process, address }
    }

    /// Somebody's client, of this service.
    pub fn client(&self, of: &Client) -> Client {
        of.at(self.address.clone())
    }

    /// The most memory that it ever held, in MiB.
    pub fn peak_memory(&self) -> u64 {
        self.process.peak_memory() >> 20
    }

    /// Seconds of processor time that it used so far.
    pub fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds()
    }

    /// Has a statement answered, for which the seconds are the service's own: from the
    /// request's head to the whole answer. Nobody else may ask meanwhile.
    ///
    /// # Panics
    /// When it is not answered.
    pub async fn ask(&self, who: &Client, sql: &str) -> Answer {
        let client = self.client(who);
        let before = self.answering().await;
        let reply = client.ask(sql, json!([])).await.expect("query answers");
        assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
        let seconds = self.answering().await - before;
        answer(seconds, &reply.json())
    }

    /// How long statements took so far, together.
    async fn answering(&self) -> f64 {
        let series = r#"chalkline_query_seconds_sum{door="sql"}"#;
        let read = metrics::read(&self.address.query, series).await;
        read.iter().sum()
    }
}

/// How long somebody waits for a page of a report.
///
/// # Panics
/// When it is not answered.
pub async fn waited_for(client: &Client, path: &str) -> Answer {
    let asked = Instant::now();
    let reply = client.get(path).await.expect_status(200);
    answer(asked.elapsed().as_secs_f64(), &reply.json())
}

fn answer(seconds: f64, body: &Value) -> Answer {
    let rows = body["rows"].as_array().expect("rows");
    let cells = rows.iter().filter_map(Value::as_object).flatten();
    Answer {
        seconds,
        rows: rows.len() as u64,
        sum: cells.filter_map(|(_, cell)| cell.as_f64()).sum(),
    }
}
