use std::io::Write as _;
use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::import::Source as _;

const MAPPING: &str = r#"
time_zone = "America/Chicago"
null = ["", "NULL"]

[[events]]
type = "video.played"
when = [{ column = "action", is = ["play", "resume"] }]
time = "at"
actor = { template = "mailto:{email}" }
course = { value = "bio-101" }
content = "video"
context.app = { value = "old-lms" }
data.position = { column = "ms", scale = 0.001 }
data.mood = "mood"

[[events]]
type = "item.answered"
when = [{ column = "item" }]
time = "at"
actor = { template = "mailto:{email}" }
data.item = "item"
data.correct = { column = "right", words = { richtig = true, falsch = false } }
data.attempt = "try"
"#;

const ROWS: &str = "\u{feff}action,at,email,video,ms,item,right,try,mood
play,2026-09-14 10:00:00,ann@school.example,v-1,12500,,,,happy
stop,2026-09-14 10:00:05,ann@school.example,v-1,17000,,,,
answer,2026-09-14T15:01:00Z,ben@school.example,,,q-1,richtig,2.0,NULL
resume,nonsense,ben@school.example,v-1,x,q-2,1
";

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

fn opened(mapping: &str, name: &str, bytes: &[u8]) -> (TempDir, anyhow::Result<MappedFiles>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder, name, bytes);
    let mapping = Mapping::parse(mapping, false).expect("a mapping");
    let opened = MappedFiles::open(&mapping, &[path]);
    (folder, opened)
}

fn events(files: &MappedFiles, skip: u64) -> Vec<(u64, Value)> {
    let rows = files.events(0, skip).expect("rows");
    let events = rows.flat_map(|row| {
        let row = row.expect("a row");
        let events = row.events.into_iter();
        events.map(move |event| (row.row, serde_json::from_str(&event).expect("JSON")))
    });
    events.collect()
}

/// The events without their ids.
fn told(files: &MappedFiles) -> Vec<(u64, Value)> {
    let mut events = events(files, 0);
    for (_, event) in &mut events {
        let id = event.as_object_mut().expect("an object").remove("id");
        assert!(Uuid::try_parse(id.expect("an id").as_str().expect("text")).is_ok());
    }
    events
}

#[test]
fn rows_become_events_as_the_mapping_says() {
    let (_folder, files) = opened(MAPPING, "log.csv", ROWS.as_bytes());
    let files = files.expect("opened");
    assert_eq!(files.tables()[0].row_count(), 4);
    let expected = [
        (
            1,
            json!({
                "type": "video.played", "time": "2026-09-14T15:00:00.000000Z",
                "actor": "mailto:ann@school.example", "course": "bio-101", "content": "v-1",
                "context": {"app": "old-lms"}, "data": {"position": 12.5, "mood": "happy"},
            }),
        ),
        (
            3,
            json!({
                "type": "item.answered", "time": "2026-09-14T15:01:00.000000Z",
                "actor": "mailto:ben@school.example",
                "data": {"item": "q-1", "correct": true, "attempt": 2},
            }),
        ),
        // What cannot be made goes as it is, for the front door to refuse.
        (
            4,
            json!({
                "type": "video.played", "time": "nonsense", "actor": "mailto:ben@school.example",
                "course": "bio-101", "content": "v-1",
                "context": {"app": "old-lms"}, "data": {"position": "x"},
            }),
        ),
        (
            4,
            json!({
                "type": "item.answered", "time": "nonsense", "actor": "mailto:ben@school.example",
                "data": {"item": "q-2", "correct": true},
            }),
        ),
    ];
    assert_eq!(told(&files), expected);
}

#[test]
fn ids_stay_the_same_compressed_under_another_mapping_and_from_any_row_on() {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(ROWS.as_bytes()).expect("memory takes all");
    let gz = gz.finish().expect("memory takes all");
    let (_one, plain) = opened(MAPPING, "log.csv", ROWS.as_bytes());
    let (_other, packed) = opened(&format!("{MAPPING}\n# x"), "log.csv.gz", &gz);
    let (plain, packed) = (plain.expect("opened"), packed.expect("opened"));
    assert_eq!(events(&plain, 0), events(&packed, 0));
    assert_eq!(events(&plain, 3), events(&plain, 0)[2..]);
    // Another mapping is another import.
    assert_ne!(plain.tables()[0].digest(), packed.tables()[0].digest());
}

#[test]
fn parquet_becomes_the_same() {
    let batch = RecordBatch::try_from_iter([
        ("who", Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("UTC")),
        ),
        ("item", Arc::new(StringArray::from(vec![Some("q-1"), None]))),
        ("score", Arc::new(Float64Array::from(vec![0.5, f64::NAN]))),
        ("right", Arc::new(BooleanArray::from(vec![true, false]))),
    ])
    .expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    let bytes = writer.into_inner().expect("written");
    let mapping = r#"
[[events]]
type = "item.answered"
time = "at"
actor = "who"
data.item = "item"
data.score = "score"
data.correct = "right"
"#;
    let (_folder, files) = opened(mapping, "answers.parquet", &bytes);
    let files = files.expect("opened");
    assert_eq!(files.tables()[0].row_count(), 2);
    let first = json!({
        "type": "item.answered", "time": "1970-01-01T00:00:00.000000Z", "actor": "7",
        "data": {"item": "q-1", "score": 0.5, "correct": true},
    });
    let second = json!({
        "type": "item.answered", "time": "1970-01-01T00:00:01.500000Z", "actor": "8",
        "data": {"correct": false},
    });
    assert_eq!(told(&files), [(1, first), (2, second)]);
    assert_eq!(events(&files, 1), events(&files, 0)[1..]);
}

#[test]
fn all_that_does_not_fit_is_told_at_once() {
    let mapping = r#"
[[events]]
type = "video.playd"
time = "when"
curse = "action"
data.position = { template = "{ms" }
"#;
    let (_folder, files) = opened(mapping, "log.csv", ROWS.as_bytes());
    let error = format!("{:#}", files.expect_err("refused"));
    for told in [
        "log.csv",
        "video.playd is no type",
        "no column when; there are action, at,",
        "curse is no member",
        "needs actor",
        "lacks a }",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[rstest]
#[case("", "events")]
#[case("events = []", "[[events]]")]
#[case("[[events]]\ntime = \"at\"", "type")]
#[case(
    "[[events]]\ntype = \"page.viewed\"\ntime = { colum = \"at\" }",
    "colum"
)]
#[case(
    "[[events]]\ntype = \"page.viewed\"\ntime = {}",
    "column, value and template"
)]
#[case("time_zone = \"Mars\"\n[[events]]\ntype = \"page.viewed\"", "Mars")]
fn what_is_no_mapping_is_refused(#[case] text: &str, #[case] told: &str) {
    let error = Mapping::parse(text, false).expect_err("refused");
    assert!(format!("{error:#}").contains(told), "{error:#}");
}

#[rstest]
#[case("log.xlsx", b"x", ".csv")]
#[case("log.csv", b"", "no columns")]
#[case("log.csv", b"a,a\n1,2\n", "two columns are called a")]
#[case("log.parquet", b"x", "log.parquet")]
fn what_is_no_table_is_refused(#[case] name: &str, #[case] bytes: &[u8], #[case] told: &str) {
    let mapping = "[[events]]\ntype = \"page.viewed\"\ntime = \"a\"\nactor = \"a\"";
    let (_folder, files) = opened(mapping, name, bytes);
    let error = format!("{:#}", files.expect_err("refused"));
    assert!(error.contains(told), "{error}");
}

#[rstest]
// As others write it.
#[case(
    "{ column = \"t\", format = \"%d.%m.%Y %H:%M\" }",
    "14.09.2026 10:00",
    "2026-09-14T08:00:00.000000Z"
)]
#[case(
    "{ column = \"t\", format = \"%d.%m.%Y\" }",
    "14.09.2026",
    "2026-09-13T22:00:00.000000Z"
)]
#[case(
    "{ column = \"t\", format = \"%Y%m%dT%H%M%S%z\" }",
    "20260914T100000+0200",
    "2026-09-14T08:00:00.000000Z"
)]
#[case(
    "{ column = \"t\", unit = \"s\" }",
    "1789380000",
    "2026-09-14T10:00:00.000000Z"
)]
#[case(
    "{ column = \"t\", unit = \"ms\" }",
    "1789380000500",
    "2026-09-14T10:00:00.500000Z"
)]
#[case("\"t\"", "2026-09-14", "2026-09-13T22:00:00.000000Z")]
// An hour that is there twice, and one that is not.
#[case("\"t\"", "2026-10-25 02:30", "2026-10-25T00:30:00.000000Z")]
#[case("\"t\"", "2026-03-29 02:30", "2026-03-29T01:30:00.000000Z")]
#[case("{ column = \"t\", unit = \"s\" }", "1e300", "1e300")]
fn times_are_read_as_they_are_written(
    #[case] rule: &str,
    #[case] cell: &str,
    #[case] expected: &str,
) {
    let mapping = format!(
        "time_zone = \"Europe/Berlin\"\n[[events]]\ntype = \"page.viewed\"\ntime = {rule}\nactor = \"a\""
    );
    let rows = format!("a,t\nann,{cell}\n");
    let (_folder, files) = opened(&mapping, "log.csv", rows.as_bytes());
    let events = told(&files.expect("opened"));
    assert_eq!(events[0].1["time"], expected);
}
