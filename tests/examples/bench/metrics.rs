//! What a process says of itself.

/// The values of all series whose line in `/metrics` begins so.
pub async fn read(url: &str, series: &str) -> Vec<f64> {
    let answer = reqwest::get(format!("{url}/metrics")).await;
    let text = answer.expect("the process answers").text().await;
    let text = text.expect("text");
    let lines = text.lines().filter(|line| line.starts_with(series));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect()
}
