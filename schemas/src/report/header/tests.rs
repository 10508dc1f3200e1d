use super::*;

const GOOD: &str = "\
-- What every student did,
-- day by day.
--
-- kind: table
-- grain: term, day, student_key
-- slice: term, day
-- sources: clickstream, video
-- visibility: student
-- minimum_cell: none
-- thresholds: timeout_seconds = 1800, share_rate = 0.05
-- clock: none
--
-- columns:
--   term         text not null  the term
--   day          date           the day
--   student_key  text           the student
--   tags         text[]         what they are called
SELECT 1
-- not the header's: anything
";

#[test]
fn a_header_says_everything_about_a_report() {
    let header = Header::parse(GOOD).expect("a header");
    assert_eq!(header.description, "What every student did, day by day.");
    assert_eq!(header.kind, ReportKind::Table);
    assert_eq!(header.grain, ["term", "day", "student_key"]);
    assert_eq!(header.slice, ["term", "day"]);
    assert_eq!(header.sources, ["clickstream", "video"]);
    assert_eq!(header.visibility, Visibility::Student);
    assert_eq!(header.minimum_cell, None);
    assert_eq!(
        header.thresholds,
        [
            ("timeout_seconds", Threshold::Integer(1800)),
            ("share_rate", Threshold::Double(0.05)),
        ]
    );
    let text = |list| ColumnType {
        scalar: ScalarType::Text,
        list,
    };
    assert_eq!(header.columns.len(), 4);
    assert_eq!(
        header.columns[0],
        Column {
            name: "term",
            data_type: text(false),
            nullable: false,
            description: "the term",
        }
    );
    assert!(header.columns[1].nullable);
    assert_eq!(header.columns[3].data_type, text(true));
}

#[test]
fn a_minimum_cell_names_what_counts_students_and_whose_total_is_known() {
    let cell = |text: &str| {
        let good = GOOD.replace("minimum_cell: none", &format!("minimum_cell: {text}"));
        let header = Header::parse(&good).map_err(|error| (error.line, error.problem))?;
        let cell = header.minimum_cell.expect("a cell");
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Ok((owned(cell.students), owned(cell.within)))
    };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(cell("tags"), Ok((names(&["tags"]), names(&[]))));
    let both = cell("tags, day within term, day");
    assert_eq!(both, Ok((names(&["tags", "day"]), names(&["term", "day"]))));
    let unknown = Problem::NoSuchColumn("viewers".to_owned());
    assert_eq!(cell("viewers"), Err((9, unknown.clone())));
    assert_eq!(cell("tags within viewers"), Err((9, unknown)));
    assert_eq!(
        cell("Tags"),
        Err((9, Problem::NotAMember("Tags".to_owned())))
    );
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let not_one_of = Problem::NotOneOf;
    let cases: Vec<(&str, &str, usize, Problem)> = vec![
        (
            "-- What every student did,\n-- day by day.\n",
            "",
            1,
            Problem::NoDescription,
        ),
        (
            "-- kind: table",
            "-- sort: table",
            4,
            Problem::NotAMember("sort: table".to_owned()),
        ),
        (
            "-- kind: table",
            "-- kind: tabel",
            4,
            not_one_of("table, view"),
        ),
        ("-- kind: table\n", "", 12, Problem::Missing("kind")),
        ("-- kind: table", "-- kind: view", 6, Problem::SliceOfView),
        ("-- clock: none", "-- clock: day", 11, not_one_of("none")),
        (
            "-- clock: none",
            "-- slice: none",
            11,
            Problem::Repeated("slice".to_owned()),
        ),
        (
            "grain: term, day",
            "grain: term, week",
            5,
            Problem::NoSuchColumn("week".to_owned()),
        ),
        (
            "grain: term, day",
            "grain: term, term",
            5,
            Problem::Repeated("term".to_owned()),
        ),
        ("slice: term, day", "slice: day, term", 6, Problem::NoTerm),
        ("slice: term, day", "slice: none", 6, Problem::NoTerm),
        ("text not null", "text         ", 6, Problem::NoTerm),
        (
            "sources: clickstream",
            "sources: \"video\"",
            7,
            Problem::NotAMember("\"video\", video".to_owned()),
        ),
        (
            "= 1800",
            "= long",
            10,
            Problem::NotAThreshold("timeout_seconds = long".to_owned()),
        ),
        (
            "= 1800",
            "= inf",
            10,
            Problem::NotAThreshold("timeout_seconds = inf".to_owned()),
        ),
        (
            "date           the day",
            "day            the day",
            15,
            Problem::NotAColumn("day          day            the day".to_owned()),
        ),
        (
            "--   tags         text[]         what they are called",
            "--   tags text[]",
            17,
            Problem::NotAColumn("tags text[]".to_owned()),
        ),
        (
            "--   tags ",
            "--   day ",
            17,
            Problem::Repeated("day".to_owned()),
        ),
        ("--\n-- columns:", "", 11, Problem::Missing("columns")),
    ];
    for (good, bad, line, problem) in cases {
        assert!(GOOD.contains(good), "{good}");
        let error = Header::parse(&GOOD.replacen(good, bad, 1)).expect_err(bad);
        let expected = HeaderError { line, problem };
        assert_eq!(error, expected, "{good} -> {bad}");
        assert!(error.to_string().starts_with(&format!("{line}: ")));
    }
    assert_eq!(
        Header::parse("SELECT 1").expect_err("no header").problem,
        Problem::Missing("columns")
    );
}
