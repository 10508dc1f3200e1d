//! Reports of terms that do not fit into the memory for reports.

use arrow::array::RecordBatch;
use lake::AppId;
use schemas::{ReportName, Table};
use uuid::Uuid;

use crate::reports::all_rows;
use crate::support::{Sandbox, tenant_id, time};

/// Rows of a term of videos and clicks: what many students did on many days.
fn crowd(kind: Table, count: usize) -> lake::Rows {
    use arrow::array::{
        ArrayRef, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
        new_null_array,
    };
    use arrow::datatypes::DataType;
    use std::sync::Arc;

    let start = time("2026-09-01T08:00:00Z").timestamp_micros();
    let texts = |text: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..count).map(text)))
    };
    let seconds = |second: &dyn Fn(usize) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..count).map(second)))
    };
    let columns = lake::file_columns(kind);
    let column =
        |field: &arrow::datatypes::Field| -> ArrayRef {
            match (field.name().as_str(), field.data_type()) {
                ("event_id", _) => texts(&|n| Uuid::from_u128(n as u128 + 1).to_string()),
                ("event_type", _) if kind.as_str() == "video" => {
                    texts(&|_| "video.progressed".to_owned())
                }
                ("event_type", _) => texts(&|_| "page.viewed".to_owned()),
                ("student_key", _) => texts(&|n| format!("student-{:05}", n * 7 % 5_003)),
                ("session_id", _) => texts(&|n| format!("session-{}", n % 3)),
                ("course_id", _) => texts(&|_| "bio-101".to_owned()),
                ("section_id", _) => texts(&|n| format!("bio-101-{:02}", n % 40)),
                ("content_id", _) => texts(&|n| format!("bio-101/{}", n % 60)),
                ("from_seconds", _) => seconds(&|n| (n % 90) as f64),
                ("to_seconds", _) => seconds(&|n| (n % 90) as f64 + 7.5),
                ("duration_seconds", _) => seconds(&|_| 100.0),
                (_, DataType::Timestamp(..)) => Arc::new(
                    TimestampMicrosecondArray::from_iter_values((0..count as i64).map(|n| {
                        start + (n % 50) * 86_400_000_000 + (n * 7_919 % 36_000) * 1_000_000
                    }))
                    .with_timezone("UTC"),
                ),
                (_, other) if field.is_nullable() => new_null_array(other, count),
                (_, DataType::Int32) => Arc::new(Int32Array::from(vec![0; count])),
                (_, DataType::Int64) => Arc::new(Int64Array::from_iter_values(0..count as i64)),
                _ => texts(&|_| "x".to_owned()),
            }
        };
    let arrays = columns.fields().iter().map(|field| column(field)).collect();
    lake::Rows {
        term: Some("2026-27".parse().expect("a term")),
        batches: vec![RecordBatch::try_new(columns.clone(), arrays).expect("rows")],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_term_of_any_size_is_computed_in_the_same_memory() {
    const ROWS: usize = 30_000;
    let mut sandbox = Sandbox::new().await;
    sandbox.tenant("other").await;
    let tenants = ["demo", "other"].map(tenant_id);
    for tenant in &tenants {
        for family in [schemas::Family::Clickstream, schemas::Family::Video] {
            let kind = Table::Events(family);
            let opened = sandbox.lake.open_or_create(tenant, kind).await;
            let mut opened = opened.expect("a table");
            let advance = lake::Advance {
                app: AppId::rows("crowd", 0),
                expected: None,
                next: ROWS as u64,
            };
            let published = opened.publish(vec![crowd(kind, ROWS)], &[advance]).await;
            published.expect("publishes");
        }
    }
    let [demo, other] = &tenants;
    sandbox.reports().refresh(demo).await.expect("refreshes");
    let expected = all_rows(&sandbox).await;
    for name in ReportName::all() {
        let folder = sandbox.folder.path().join("lake/demo").join(name.as_str());
        let _ = std::fs::remove_dir_all(folder);
    }
    // Of the 30,000 rows a query may take 6,144, and there is another tenant.
    sandbox.config.report_memory_bytes = 32 << 20;
    let reports = sandbox.reports();
    let (one, two) = tokio::join!(reports.refresh(demo), reports.refresh(other));
    one.and(two).expect("refreshes");
    let rows = all_rows(&sandbox).await;
    for (report, expected) in &expected {
        assert!(rows[report] == *expected, "{report}");
    }
    assert!(expected["student_day"].len() > 10_000);
    assert!(expected["video_watch"].len() > 10_000);
}
