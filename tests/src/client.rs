//! Posting and asking over HTTP, as one tenant's app and analyst.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value, json};

use crate::{Tenant, eventually};

/// Where a system listens, as `http://host:port`; changes when it restarts.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// The front door of events.
    pub ingest: String,
    /// The door of questions.
    pub query: String,
}

/// One tenant's connection to a system.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: Arc<RwLock<Address>>,
    /// Whose key and token it uses.
    pub tenant: Tenant,
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The reply itself when it has this status.
    ///
    /// # Panics
    /// When it has another, with its body.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The outcome of each posted event, in request order.
    ///
    /// # Panics
    /// When the body is no list of outcomes.
    pub fn outcomes(&self) -> Vec<String> {
        self.json()["results"]
            .as_array()
            .unwrap_or_else(|| panic!("no results in {}: {}", self.status, self.text()))
            .iter()
            .map(|result| result["outcome"].as_str().expect("an outcome").to_owned())
            .collect()
    }

    async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            })
            .collect();
        let bytes = response.bytes().await?.to_vec();
        Ok(Self {
            status,
            headers,
            bytes,
        })
    }
}

impl Client {
    /// A client of the system that listens at `address`, which asks by `http`.
    pub fn new(http: reqwest::Client, address: Arc<RwLock<Address>>, tenant: Tenant) -> Self {
        Self {
            http,
            address,
            tenant,
        }
    }

    /// By which it asks.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A client of the same system with other credentials.
    #[must_use]
    pub fn with_tenant(&self, tenant: Tenant) -> Self {
        Self {
            tenant,
            ..self.clone()
        }
    }

    /// A client with the same credentials of what listens elsewhere.
    #[must_use]
    pub fn at(&self, address: Address) -> Self {
        Self {
            address: Arc::new(RwLock::new(address)),
            ..self.clone()
        }
    }

    /// Where the system listens now.
    pub fn address(&self) -> Address {
        self.address
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A request to the front door with the tenant's key.
    pub fn ingest(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}{path}", self.address().ingest))
            .bearer_auth(&self.tenant.key)
    }

    /// A request that reads from the front door with the tenant's key.
    pub fn ingest_get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}{path}", self.address().ingest))
            .bearer_auth(&self.tenant.key)
    }

    /// Sends a request that [`Client::ingest`] or [`Client::ingest_get`] began.
    ///
    /// # Errors
    /// When no whole response came.
    pub async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        Reply::read(request.send().await?).await
    }

    /// Posts events as a JSON array.
    ///
    /// # Errors
    /// When no whole response came.
    pub async fn try_post(&self, events: &[Value]) -> reqwest::Result<Reply> {
        Self::send(self.ingest("/v1/events").json(events)).await
    }

    /// Posts events as a JSON array.
    ///
    /// # Panics
    /// When no whole response came.
    pub async fn post(&self, events: &[Value]) -> Reply {
        self.try_post(events).await.expect("ingest answers")
    }

    /// Posts a body of any kind.
    ///
    /// # Panics
    /// When no whole response came.
    pub async fn post_body(&self, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
        let request = headers
            .iter()
            .fold(self.ingest("/v1/events"), |request, (name, value)| {
                request.header(*name, *value)
            });
        Self::send(request.body(body.into()))
            .await
            .expect("ingest answers")
    }

    /// Asks in SQL with parameters; whatever the answer is.
    ///
    /// # Errors
    /// When no whole response came.
    pub async fn ask(&self, sql: &str, params: Value) -> reqwest::Result<Reply> {
        let question = json!({"sql": sql, "params": params});
        Self::send(self.query().json(&question)).await
    }

    /// Asks in SQL for an answer in this media type.
    ///
    /// # Panics
    /// When no whole response came.
    pub async fn ask_as(&self, accept: &str, sql: &str) -> Reply {
        let request = self.query().header("accept", accept);
        Self::send(request.json(&json!({ "sql": sql })))
            .await
            .expect("query answers")
    }

    /// Asks the query service for a path with the tenant's token.
    ///
    /// # Panics
    /// When no whole response came.
    pub async fn get(&self, path: &str) -> Reply {
        let url = format!("{}{path}", self.address().query);
        let request = self.http.get(url).bearer_auth(&self.tenant.token);
        Self::send(request).await.expect("query answers")
    }

    /// A question with the tenant's token.
    fn query(&self) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/v1/sql", self.address().query))
            .bearer_auth(&self.tenant.token)
    }

    /// The rows of a report that `filters` keep, page after page.
    ///
    /// # Panics
    /// When it was refused or failed.
    pub async fn report(&self, name: &str, filters: &[(&str, &str)]) -> Vec<Map<String, Value>> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let request = self.read(&format!("/v1/reports/{name}")).query(filters);
            let request = request.query(&cursor.map(|cursor| [("cursor", cursor)]));
            let reply = Self::send(request).await.expect("query answers");
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let page = reply.json();
            found.extend(rows(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return found,
            }
        }
    }

    /// Waits until every report holds what was answered before this call.
    ///
    /// # Panics
    /// When that did not happen within four minutes.
    pub async fn wait_for_reports(&self) {
        let now = chrono::Utc::now();
        crate::eventually("every report is up to date", || async {
            let reply = Self::send(self.read("/v1/reports")).await;
            let reply = reply.map_err(|error| error.to_string())?.json();
            let reports = reply["reports"].as_array().ok_or("no reports")?;
            let late = reports.iter().filter(|report| {
                let as_of = report["data_as_of"].as_str().unwrap_or_default();
                let as_of = chrono::DateTime::parse_from_rfc3339(as_of);
                as_of.map_or(true, |as_of| as_of < now)
            });
            let late: Vec<_> = late.map(|report| &report["name"]).collect();
            if late.is_empty() && !reports.is_empty() {
                return Ok(());
            }
            Err(format!("late: {late:?}"))
        })
        .await;
    }

    /// A request to the query service with the tenant's token.
    fn read(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}{path}", self.address().query))
            .bearer_auth(&self.tenant.token)
    }

    /// The rows of an SQL query.
    ///
    /// # Panics
    /// When it was refused or failed.
    pub async fn sql(&self, sql: &str) -> Vec<Map<String, Value>> {
        let reply = self.ask(sql, json!([])).await.expect("query answers");
        assert_eq!(reply.status, 200, "{sql}: {}", reply.text());
        rows(&reply.json())
    }

    /// The one value of an SQL query with one row and one column.
    ///
    /// # Panics
    /// When the answer is another.
    pub async fn value(&self, sql: &str) -> Value {
        let mut rows = self.sql(sql).await;
        assert_eq!(rows.len(), 1, "{sql} gives one row");
        let row = rows.remove(0);
        assert_eq!(row.len(), 1, "{sql} gives one column");
        row.into_iter().next().expect("one column").1
    }

    /// The rows of a table.
    ///
    /// # Panics
    /// When they cannot be counted.
    pub async fn count(&self, table: &str) -> u64 {
        self.value(&format!("select count(*) as n from {table}"))
            .await
            .as_u64()
            .expect("a count")
    }

    /// Waits until a table has `n` rows or more, then insists on `n`.
    ///
    /// # Panics
    /// When it has not in time, or has more.
    pub async fn wait_for_count(&self, table: &str, n: u64) {
        self.wait_for_value(&format!("select count(*) as n from {table}"), n)
            .await;
    }

    /// Waits until a counting query answers `n` or more, then insists on `n`.
    ///
    /// # Panics
    /// When it does not in time, or answers more.
    pub async fn wait_for_value(&self, sql: &str, n: u64) {
        let found = eventually(&format!("{n} from {sql}"), || async {
            // A restarting system does not answer; that is no fault here.
            let reply = self
                .ask(sql, json!([]))
                .await
                .map_err(|error| error.to_string())?;
            assert_ne!(reply.status, 400, "{sql}: {}", reply.text());
            let found = rows(&reply.json())
                .first()
                .and_then(|row| row.values().next())
                .and_then(Value::as_u64)
                .ok_or_else(|| reply.text())?;
            if found < n {
                return Err(format!("{found} so far"));
            }
            Ok(found)
        })
        .await;
        assert_eq!(found, n, "{sql}");
    }

    /// How often each event id stands in a table, whatever its size.
    ///
    /// # Panics
    /// When a page of them cannot be read.
    pub async fn copies(&self, table: &str) -> BTreeMap<String, u64> {
        const PAGE: usize = 5_000;
        let sql = format!(
            "select event_id, count(*) as copies from {table} where event_id > $1 \
             group by event_id order by event_id limit {PAGE}"
        );
        let mut copies = BTreeMap::new();
        loop {
            let last = copies
                .last_key_value()
                .map_or("", |(id, _): (&String, _)| id);
            let reply = self.ask(&sql, json!([last])).await.expect("query answers");
            assert_eq!(reply.status, 200, "{}", reply.text());
            let page = rows(&reply.json());
            for row in &page {
                let id = row["event_id"].as_str().expect("an id").to_owned();
                copies.insert(id, row["copies"].as_u64().expect("a count"));
            }
            if page.len() < PAGE {
                return copies;
            }
        }
    }

    /// All rows of a table in the order of some columns, whatever its size.
    ///
    /// # Panics
    /// When a page of them cannot be read.
    pub async fn rows(&self, table: &str, order: &str) -> Vec<Map<String, Value>> {
        const PAGE: usize = 1_000;
        let mut all = Vec::new();
        loop {
            let sql = format!(
                "select * from {table} order by {order} limit {PAGE} offset {}",
                all.len()
            );
            let page = self.sql(&sql).await;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return all;
            }
        }
    }
}

fn rows(answer: &Value) -> Vec<Map<String, Value>> {
    answer["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row.as_object().cloned())
        .collect()
}
