use chrono_tz::Tz;
use datafusion::arrow::datatypes::Field;
use rstest::rstest;

use super::*;

fn columns(names: &[(&str, DataType)]) -> Schema {
    let fields = names
        .iter()
        .map(|(name, of)| Field::new(*name, of.clone(), true));
    Schema::new(fields.collect::<Vec<_>>())
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn texts(bounds: Vec<Expr>) -> Vec<String> {
    bounds.iter().map(ToString::to_string).collect()
}

#[rstest]
#[case("UTC", "2026-09-14", "2026-09-14T00:00:00Z")]
#[case("America/New_York", "2026-09-14", "2026-09-14T04:00:00Z")]
#[case("Asia/Kolkata", "2026-09-14", "2026-09-13T18:30:00Z")]
// Clocks went from midnight to one.
#[case("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z")]
// Midnight came twice: the day begins with the first.
#[case("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z")]
fn days_begin_where_the_tenant_is(#[case] zone: &str, #[case] on: &str, #[case] expected: &str) {
    let zone: Tz = zone.parse().expect("a zone");
    let expected: DateTime<Utc> = expected.parse().expect("a time");
    assert_eq!(midnight(day(on), zone), expected);
}

#[test]
fn a_stay_bounds_rows_by_what_they_have() {
    let time = DataType::Timestamp(
        datafusion::arrow::datatypes::TimeUnit::Microsecond,
        Some("UTC".into()),
    );
    let (first, last) = (Some(day("2026-09-01")), Some(day("2026-09-10")));
    let of = |names: &[(&str, DataType)]| texts(bounds(&columns(names), Tz::UTC, first, last));
    let begin = day("2026-09-01").and_time(chrono::NaiveTime::MIN).and_utc();
    let end = day("2026-09-11").and_time(chrono::NaiveTime::MIN).and_utc();
    let at = |at: DateTime<Utc>| lit(moment(at)).to_string();
    assert_eq!(
        of(&[("occurred_at", time), ("day", DataType::Date32)]),
        [
            format!("occurred_at >= {}", at(begin)),
            format!("occurred_at < {}", at(end)),
        ]
    );
    assert_eq!(of(&[("day", DataType::Date32)]).len(), 2);
    // Whoever left before, or came after, was not there.
    let stays = of(&[
        ("begin_date", DataType::Date32),
        ("end_date", DataType::Date32),
    ]);
    assert!(
        stays[0].starts_with("end_date IS NULL OR end_date >= "),
        "{stays:?}"
    );
    assert!(
        stays[1].starts_with("begin_date IS NULL OR begin_date <= "),
        "{stays:?}"
    );
    assert_eq!(of(&[("section_id", DataType::Utf8)]), Vec::<String>::new());
    let open = bounds(&columns(&[("day", DataType::Date32)]), Tz::UTC, None, None);
    assert_eq!(open, []);
}

#[test]
fn rows_are_joined_and_cut_as_sets_are() {
    let some = || Rows::Where(ident("a"));
    assert_eq!(Rows::All.or(some()), Rows::All);
    assert_eq!(Rows::Nothing.or(some()), some());
    assert_eq!(Rows::All.and(some()), some());
    assert_eq!(Rows::Nothing.and(Rows::All), Rows::Nothing);
    assert_eq!(some().and(some()), Rows::Where(ident("a").and(ident("a"))));
    assert_eq!(Rows::any([]), Rows::Nothing);
    assert_eq!(among("a", &BTreeSet::new()), Rows::Nothing);
}
