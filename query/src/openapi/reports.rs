//! Reports: their list, any of them, and each with what it has.

use datafusion::arrow::datatypes::DataType;
use runtime::openapi::{Operation, answer, query, schema};
use schemas::Report;
use serde_json::{Map, Value, json};

use super::codes::Set;
use super::components::{DATA_AS_OF, ETAG, LAG_SECONDS, NEXT, ROW_COUNT, headed, rows};
use super::with_token;
use crate::answer::Format;
use crate::report::{MOST_ROWS, ROWS, is_ordered};

const TAG: &str = "Reports";
const EACH: &str = "Each report";

/// A cursor, for examples.
const NEXT_CURSOR: &str = "WyJoLTRfRVViMGkzRSIsWzQ2MzYwNTExOTYwOTg5MDQwNjQsIjIwMjYtMjciLDIwNzExLCJiaW8tMTAxIiwiYmlvLTEwMS0wMyIsImIiXV0";

/// The operations.
pub(super) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        with_token(list(), Set::Reports),
        with_token(any(), Set::AnyReport),
    ];
    let each = schemas::reports().iter();
    operations.extend(each.map(|report| with_token(one(report), Set::Report)));
    operations
}

fn list() -> Operation {
    let shown = json!({
        "reports": [{
            "name": "ledger", "description": "What became of every event, by hour and family.",
            "grain": ["hour", "family"], "visibility": "tenant",
            "columns": [{
                "name": "hour", "type": "timestamp with time zone",
                "description": "the hour in which they were received",
            }],
            "data_as_of": "2026-09-14T11:59:20Z", "lag_seconds": 40.0, "recomputing": false,
        }],
    });
    let about = "All reports, each with its columns and its freshness.";
    Operation {
        answer: (200, answer(about, schema("Reports"), shown)),
        ..Operation::get("/v1/reports", TAG, "listReports", "All reports")
    }
}

fn any() -> Operation {
    let names: Vec<_> = schemas::reports()
        .iter()
        .map(|report| report.name)
        .collect();
    let name = json!({
        "name": "name", "in": "path", "required": true, "description": "Its name.",
        "schema": { "type": "string", "enum": names }, "example": "student_day",
    });
    let filters = json!({
        "name": "filters", "in": "query", "required": false, "style": "form", "explode": true,
        "description": "`<column>=<value>`; several values of one column mean any of them, an \
                        empty one means no value at all. `<column>_from=` and `<column>_to=` are \
                        bounds, themselves included. A row must fit all columns that are named.",
        "schema": { "type": "object", "additionalProperties": { "type": "string" } },
    });
    let mut parameters = vec![name, filters];
    let columns = "day,student_key,seconds_watched";
    let text = || json!({ "type": "string" });
    parameters.extend(options(
        text(),
        Some(columns),
        text(),
        Some("-seconds_watched"),
    ));
    let shown = json!({
        "report": "student_day",
        "columns": [
            { "name": "day", "type": "date" },
            { "name": "student_key", "type": "text" },
            { "name": "seconds_watched", "type": "double" },
        ],
        "rows": [
            { "day": "2026-09-14", "student_key": "a", "seconds_watched": 412.5 },
            { "day": "2026-09-15", "student_key": "b", "seconds_watched": 90.25 },
        ],
        "next_cursor": NEXT_CURSOR,
        "data_as_of": "2026-09-14T11:59:20Z",
        "lag_seconds": 40.0,
    });
    Operation {
        about: "One page. Each is read at one version of the report; a cursor names a row, so \
                that in the usual order every row that stays is seen exactly once. Whoever holds \
                the rows, and names their `ETag` with `If-None-Match`, is answered 304.",
        parameters,
        answer: (200, page(schema("Page"), shown)),
        mixed: Some(unchanged()),
        ..Operation::get(
            "/v1/reports/{name}",
            TAG,
            "readReport",
            "A page of a report",
        )
    }
}

fn one(report: &'static Report) -> Operation {
    let names = report.columns.iter().map(|column| column.name);
    let names: Vec<&str> = names.collect();
    let any = names.join("|");
    let columns = json!({ "type": "string", "pattern": format!("^({any})(,({any}))*$") });
    let order = json!({ "type": "string", "pattern": format!("^-?({any})(,-?({any}))*$") });
    let mut parameters = options(columns, None, order, None);
    for column in &report.columns {
        parameters.extend(filters(column.name, column.description, &column.data_type));
    }
    let row = report.columns.iter().map(|column| {
        let mut value = value(&column.data_type, true);
        value["description"] = json!(column.description);
        (column.name.to_owned(), value)
    });
    let mut shape = schema("Page");
    shape["properties"] = json!({
        "report": { "const": report.name },
        "rows": {
            "type": "array",
            "items": {
                "type": "object", "additionalProperties": false,
                "properties": Map::from_iter(row),
            },
        },
    });
    let shown = json!({
        "report": report.name, "columns": [], "rows": [], "next_cursor": null,
        "data_as_of": null, "lag_seconds": null,
    });
    Operation {
        about: &report.description,
        parameters,
        answer: (200, page(shape, shown)),
        mixed: Some(unchanged()),
        ..Operation::get(
            &format!("/v1/reports/{}", report.name),
            EACH,
            &format!("read_{}", report.name),
            "A page of it",
        )
    }
}

/// The parameters that are no filters, and the header that names rows. `order` and
/// `columns` take such texts.
fn options(
    columns: Value,
    some_columns: Option<&str>,
    order: Value,
    some_order: Option<&str>,
) -> Vec<Value> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS });
    let formats = Format::ALL.map(Format::name);
    let mut most = query("limit", "The most rows of the page.", limit, None);
    most["example"] = json!(2);
    vec![
        query(
            "columns",
            "The columns of the answer in this order, joined by commas; else all.",
            columns,
            some_columns,
        ),
        query(
            "order",
            "The columns that decide the order, joined by commas, `-` before one for the \
             greatest first; the rest of the grain decides among equals. Rows without a value \
             come last either way.",
            order,
            some_order,
        ),
        most,
        query(
            "cursor",
            "The `next_cursor` of the page before, with the same filters and order.",
            json!({ "type": "string" }),
            None,
        ),
        query(
            "format",
            "The format, in the place of `Accept`.",
            json!({ "type": "string", "enum": formats }),
            None,
        ),
        json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "The `ETag` of the rows that are held already, or several, joined by \
                            commas.",
            "schema": { "type": "string" },
        }),
    ]
}

/// What can be asked of a column.
fn filters(name: &str, about: &str, data_type: &DataType) -> Vec<Value> {
    let none = json!({ "const": "" });
    let values = match data_type {
        // Of several values at a time only that there are none can be asked for.
        DataType::List(_) => none,
        DataType::Utf8 => value(data_type, false),
        data_type => json!({ "anyOf": [value(data_type, false), none] }),
    };
    let mut any = query(
        name,
        &format!("{about}; several mean any of them, an empty one that there is none"),
        json!({ "type": "array", "items": values }),
        None,
    );
    any["style"] = json!("form");
    any["explode"] = json!(true);
    let mut filters = vec![any];
    if is_ordered(data_type) {
        for (end, about) in [("from", "at least this"), ("to", "at most this")] {
            let bound = value(data_type, false);
            filters.push(query(&format!("{name}_{end}"), about, bound, None));
        }
    }
    filters
}

/// The schema of a column's values.
fn value(data_type: &DataType, is_nullable: bool) -> Value {
    let (kind, more) = match data_type {
        DataType::Int64 => (
            "integer",
            json!({ "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX }),
        ),
        DataType::Float64 => ("number", json!({ "format": "double" })),
        DataType::Boolean => ("boolean", json!({})),
        DataType::Date32 => ("string", json!({ "format": "date" })),
        DataType::Timestamp(..) => ("string", json!({ "format": "date-time" })),
        DataType::List(element) => (
            "array",
            json!({ "items": value(element.data_type(), is_nullable) }),
        ),
        _ => ("string", json!({})),
    };
    let mut schema = more;
    schema["type"] = match is_nullable {
        true => json!([kind, "null"]),
        false => json!(kind),
    };
    schema
}

/// The answer with a page.
fn page(shape: Value, shown: Value) -> Value {
    let headers = [DATA_AS_OF, LAG_SECONDS, NEXT, ROW_COUNT, ETAG];
    rows("The rows of the page.", shape, shown, &headers)
}

/// The answer to who holds the page.
fn unchanged() -> (u16, Value) {
    let unchanged = json!({
        "description": "The rows are those that are held already; the headers tell of now.",
        "headers": headed(&[DATA_AS_OF, LAG_SECONDS, ETAG]),
    });
    (304, unchanged)
}
