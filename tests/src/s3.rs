//! A lake in an object store.

use crate::sandbox::Setting;

/// A lake in a place of its own on that server.
pub fn on_s3(server: &seaweed::Server) -> Vec<Setting> {
    const OPTIONS: [(&str, &str); 5] = [
        (
            "CHALKLINE_LAKE_OPTIONS_AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL",
        ),
        ("CHALKLINE_LAKE_OPTIONS_AWS_ALLOW_HTTP", "AWS_ALLOW_HTTP"),
        ("CHALKLINE_LAKE_OPTIONS_AWS_REGION", "AWS_REGION"),
        (
            "CHALKLINE_LAKE_OPTIONS_AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY_ID",
        ),
        (
            "CHALKLINE_LAKE_OPTIONS_AWS_SECRET_ACCESS_KEY",
            "AWS_SECRET_ACCESS_KEY",
        ),
    ];
    let options = server.options();
    let mut settings: Vec<Setting> = OPTIONS
        .iter()
        .map(|(variable, option)| (*variable, options[*option].clone()))
        .collect();
    settings.push(("CHALKLINE_LAKE_URL", server.new_root()));
    settings
}
