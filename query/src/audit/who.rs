//! `GET /v1/audit/who-saw-me`: what a learner, or who has the care of one, is told of the
//! audit: when, by whom in which role, where and by what right; never what was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListBuilder, RecordBatch, StringBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use schemas::Role;
use url::form_urlencoded;

use crate::Principal;
use crate::answer::{self, About, Format, Paging};
use crate::error::Error;
use crate::server::{Parts, counted, trace_id};

/// How many rows a page has unless it says.
pub(crate) const ROWS: usize = 100;
/// How many it has at most.
pub(crate) const MOST_ROWS: usize = 1_000;
/// Where it is.
const PATH: &str = "/v1/audit/who-saw-me";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenBy {
    /// Of whom, by `user_id`; of all who are theirs if nobody is named.
    pub(crate) student: Option<String>,
    limit: usize,
    after: Option<(i64, String)>,
    format: Option<Format>,
}

impl SeenBy {
    fn parse(query: &str) -> Result<Self, Error> {
        let mut asked = Self {
            student: None,
            limit: ROWS,
            after: None,
            format: None,
        };
        let mut sent = BTreeSet::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !sent.insert(name.clone()) {
                return Err(invalid(format!("Send {name} once.")));
            }
            match name.as_ref() {
                "student" => asked.student = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().ok();
                    let limit = limit.filter(|limit| (1..=MOST_ROWS).contains(limit));
                    asked.limit = limit.ok_or_else(|| {
                        invalid(format!("limit is a number from 1 to {MOST_ROWS}."))
                    })?;
                }
                "cursor" => asked.after = Some(open(&value)?),
                "format" => {
                    let format = Format::named(&value);
                    asked.format = Some(format.ok_or_else(|| {
                        invalid("format is json, csv, ndjson or arrow.".to_owned())
                    })?);
                }
                _ => {
                    return Err(Error::Address {
                        code: "unknown_parameter",
                        detail: "Ask with student, limit, cursor and format.".to_owned(),
                    });
                }
            }
        }
        Ok(asked)
    }

    /// The statement, over `audit` as it is stored, and its parameters: of those with one
    /// of these keys, but not what was shown to whoever has that key.
    pub(crate) fn statement(
        &self,
        keys: &BTreeSet<String>,
        own_key: Option<&str>,
    ) -> (String, Vec<ScalarValue>) {
        let mut parameters: Vec<ScalarValue> = vec![text(own_key.unwrap_or_default())];
        let mut holds = String::from("false");
        for key in keys {
            parameters.push(text(key));
            holds += &format!(" OR array_has(student_keys, ${})", parameters.len());
        }
        let after = match &self.after {
            None => String::new(),
            Some((at, query_id)) => {
                let at = Some(*at);
                parameters.push(ScalarValue::TimestampMicrosecond(at, Some("UTC".into())));
                parameters.push(text(query_id));
                let (at, id) = (parameters.len() - 1, parameters.len());
                format!("WHERE shown_at < ${at} OR (shown_at = ${at} AND query_id < ${id})")
            }
        };
        let limit = self.limit + 1;
        let sql = format!(
            "SELECT query_id, shown_at, role, door, tables, policies AS reasons, rows, student_keys
            FROM (
                SELECT
                    query_id,
                    min(occurred_at) AS shown_at,
                    min(role) AS role,
                    min(door) AS door,
                    first_value(tables ORDER BY occurred_at) AS tables,
                    first_value(policies ORDER BY occurred_at) AS policies,
                    min(rows) AS rows,
                    first_value(student_keys ORDER BY occurred_at) AS student_keys
                FROM audit
                WHERE event_type = 'query.finished'
                    AND (subject_key IS NULL OR subject_key <> $1)
                    AND ({holds} OR (student_count IS NULL AND scope IS NOT NULL))
                GROUP BY query_id
            ) AS ended
            {after}
            ORDER BY shown_at DESC, query_id DESC
            LIMIT {limit}"
        );
        (sql, parameters)
    }

    fn address(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(student) = &self.student {
            query.append_pair("student", student);
        }
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("cursor", cursor);
        format!("{PATH}?{}", query.finish())
    }
}

/// What was found: the rows of [`SeenBy::statement`], and who has which key.
pub(crate) struct Sightings {
    pub(crate) rows: RecordBatch,
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) data_as_of: Option<DateTime<Utc>>,
}

/// Answers a learner.
pub(crate) async fn read(
    State(parts): State<Arc<Parts>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let trace_id = trace_id();
    let query = query.unwrap_or_default();
    let answer = answer(&parts, &headers, &query, &trace_id);
    counted("who_saw_me", &trace_id, answer).await
}

async fn answer(
    parts: &Parts,
    headers: &HeaderMap,
    query: &str,
    trace_id: &str,
) -> Result<Response, Error> {
    let principal = parts.principal(headers).await?;
    let ask = parts.audit.ask(&principal, "who_saw_me", headers).await?;
    ask.addresses("who_saw_me", query);
    let answered = async {
        is_for(&principal)?;
        let asked = SeenBy::parse(query)?;
        let format = match asked.format {
            Some(format) => format,
            None => Format::accepted(headers)?,
        };
        let (asker, of) = (principal.clone(), Arc::clone(&ask));
        parts
            .work(&principal, &ask, format, trace_id, |desk| async move {
                let found = desk
                    .sessions
                    .sightings(&asker, &asked, &desk.means.runtime_env, &of)
                    .await?;
                let (rows, next_cursor) = page(&found, asked.limit).map_err(ours)?;
                let about = About {
                    data_as_of: found.data_as_of,
                    tag: None,
                    paging: Some(Paging {
                        report: Some("who_saw_me"),
                        next_address: next_cursor.as_deref().map(|at| asked.address(at)),
                        next_cursor,
                        lag_seconds: None,
                    }),
                };
                let columns = rows.schema();
                let rows = stream::iter([Ok(rows)]);
                let rows = Box::pin(RecordBatchStreamAdapter::new(columns, rows));
                answer::produce(rows, about, false, format, desk.bounds, &desk.sender).await
            })
            .await
    };
    ask.watched(answered).await
}

fn is_for(principal: &Principal) -> Result<(), Error> {
    match principal.role {
        Role::Student | Role::Guardian => Ok(()),
        role => Err(Error::Forbidden {
            code: "not_a_learner",
            detail: format!(
                "This is for students and guardians, not for the role {}; stewards ask the \
                 table disclosures in SQL.",
                role.as_str()
            ),
        }),
    }
}

/// The rows as they are shown, and the cursor of the next page if there is one.
fn page(found: &Sightings, limit: usize) -> Result<(RecordBatch, Option<String>)> {
    let all = &found.rows;
    let rows = all.slice(0, all.num_rows().min(limit));
    let next = match all.num_rows() > limit {
        true => Some(cursor(&rows)?),
        false => None,
    };
    let mut students = ListBuilder::new(StringBuilder::new()).with_field(Field::new(
        "element",
        DataType::Utf8,
        true,
    ));
    let keys = column(&rows, "student_keys")?.as_list::<i32>().clone();
    for row in 0..rows.num_rows() {
        if keys.is_valid(row) {
            let of_row = keys.value(row);
            let of_row = of_row.as_string::<i32>().iter().flatten();
            let theirs: BTreeSet<_> = of_row.filter_map(|key| found.users.get(key)).collect();
            theirs
                .iter()
                .for_each(|user| students.values().append_value(user));
        }
        students.append(keys.is_valid(row));
    }
    // Of very many people it is not kept who they were, only by what right they were shown.
    let is_certain: BooleanArray = (0..rows.num_rows())
        .map(|row| Some(keys.is_valid(row)))
        .collect();
    let students: ArrayRef = Arc::new(students.finish());
    let is_certain: ArrayRef = Arc::new(is_certain);
    let place = rows.num_columns() - 1;
    let mut columns = rows.columns()[..place].to_vec();
    let mut fields: Vec<_> = rows.schema().fields()[..place].to_vec();
    for (name, column) in [("students", students), ("certain", is_certain)] {
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
        columns.push(column);
    }
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    Ok((rows, next))
}

/// The cursor that begins after the last of these rows.
fn cursor(rows: &RecordBatch) -> Result<String> {
    let last = rows.num_rows() - 1;
    let at = column(rows, "shown_at")?;
    let at = at.as_primitive::<TimestampMicrosecondType>().value(last);
    let id = column(rows, "query_id")?;
    let id = id.as_string::<i32>().value(last);
    Ok(URL_SAFE_NO_PAD.encode(format!("{at} {id}")))
}

fn open(cursor: &str) -> Result<(i64, String), Error> {
    let opened = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (at, id) = text.split_once(' ')?;
        Some((at.parse().ok()?, id.to_owned()))
    };
    opened().ok_or_else(|| Error::Address {
        code: "invalid_cursor",
        detail: "Send the cursor as the page before had it in next_cursor.".to_owned(),
    })
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    let column = rows.column_by_name(name);
    column.ok_or_else(|| DataFusionError::Internal(format!("the rows have no column {name}")))
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

fn invalid(detail: String) -> Error {
    Error::Address {
        code: "invalid_value",
        detail,
    }
}

fn ours(error: DataFusionError) -> Error {
    Error::Internal(Box::new(error))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_cursor_is_opened_again() {
        let cursor = URL_SAFE_NO_PAD.encode("17 q-1");
        let asked = SeenBy::parse(&format!("student=stu-1&limit=5&cursor={cursor}"));
        let asked = asked.expect("a question");
        assert_eq!(asked.after, Some((17, "q-1".to_owned())));
        let address = format!("{PATH}?student=stu-1&limit=5&cursor=x");
        assert_eq!(asked.address("x"), address);
    }

    #[rstest]
    #[case("limit=0", "invalid_value")]
    #[case("limit=1001", "invalid_value")]
    #[case("cursor=x", "invalid_cursor")]
    #[case("format=xml", "invalid_value")]
    #[case("who=me", "unknown_parameter")]
    fn other_addresses_are_refused(#[case] query: &str, #[case] code: &str) {
        let refused = SeenBy::parse(query).expect_err(query);
        assert_eq!(refused.code(), code);
    }
}
