use rstest::rstest;

use super::*;

#[test]
fn noisy_modules_are_silent_unless_asked_for() {
    let quiet = filter("info").expect("a filter").to_string();
    assert!(quiet.contains("buoyant_kernel::snapshot=off"), "{quiet}");
    let loud = filter("info,buoyant_kernel=debug").expect("a filter");
    assert!(!loud.to_string().contains("snapshot"), "{loud}");
}

#[rstest]
#[case("info")]
#[case("trace,chalkline::trace=trace")]
fn spans_for_the_collector_are_not_logged(#[case] text: &str) {
    let filter = filter(text).expect("a filter").to_string();
    let directives = filter.split(',').filter(|d| d.contains("chalkline::trace"));
    assert_eq!(directives.collect::<Vec<_>>(), ["chalkline::trace=off"]);
}

#[rstest]
#[case("http://collector:4318", 1.0, "")]
#[case("https://otel.example/team", 0.0, "")]
#[case("collector:4318", 0.5, "[telemetry] otlp_endpoint: must be an address")]
#[case("", 0.5, "[telemetry] otlp_endpoint: must be an address")]
#[case("http://c", 1.1, "[telemetry] trace_sample_ratio: must be")]
#[case("http://c", f64::NAN, "[telemetry] trace_sample_ratio: must be")]
fn a_collector_has_an_address_and_a_part(
    #[case] endpoint: &str,
    #[case] ratio: f64,
    #[case] problem: &str,
) {
    let config = Config {
        otlp_endpoint: Some(endpoint.to_owned()),
        trace_sample_ratio: ratio,
        ..Config::default()
    };
    let problems = config.problems();
    let first = problems.first().map_or("", String::as_str);
    assert!(first.starts_with(problem), "{problems:?}");
    assert_eq!(problems.len(), usize::from(!problem.is_empty()));
}

#[test]
fn an_unreadable_filter_is_a_problem_of_the_section() {
    let config = Config {
        filter: "info,transform=loud".to_owned(),
        ..Config::default()
    };
    let problems = config.problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("[telemetry] filter: "),
        "{problems:?}"
    );
    assert!(Config::default().problems().is_empty());
}
