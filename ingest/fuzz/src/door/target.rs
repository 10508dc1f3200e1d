//! The targets: what each posts, and where.

/// What a target posts its inputs as.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// How the inputs tell events.
    pub dialect: Dialect,
    /// Where they are posted.
    pub path: &'static str,
    /// With which headers.
    pub headers: &'static [(&'static str, &'static str)],
}

/// How an input tells events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Native events in one JSON value.
    Native,
    /// Native events, one a line.
    Lines,
    /// Native events, compressed.
    Compressed,
    /// Statements of xAPI.
    Xapi,
    /// Statements of xAPI, with attachments.
    Multipart,
    Caliper,
    Edx,
    Segment,
    Canvas,
}

const JSON: (&str, &str) = ("content-type", "application/json");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "native",
        dialect: Dialect::Native,
        path: "/v1/events",
        headers: &[JSON],
    },
    Target {
        name: "ndjson",
        dialect: Dialect::Lines,
        path: "/v1/events",
        headers: &[LINES],
    },
    Target {
        name: "gzip",
        dialect: Dialect::Compressed,
        path: "/v1/events",
        headers: &[JSON, ("content-encoding", "gzip")],
    },
    Target {
        name: "zstd",
        dialect: Dialect::Compressed,
        path: "/v1/events",
        headers: &[JSON, ("content-encoding", "zstd")],
    },
    Target {
        name: "xapi",
        dialect: Dialect::Xapi,
        path: "/xapi/statements",
        headers: &[JSON, ("x-experience-api-version", "1.0.3")],
    },
    Target {
        name: "multipart",
        dialect: Dialect::Multipart,
        path: "/xapi/statements",
        headers: &[
            ("content-type", "multipart/mixed; boundary=b"),
            ("x-experience-api-version", "2.0.0"),
        ],
    },
    Target {
        name: "caliper",
        dialect: Dialect::Caliper,
        path: "/caliper",
        headers: &[JSON],
    },
    Target {
        name: "edx",
        dialect: Dialect::Edx,
        path: "/v1/edx/tracking",
        headers: &[LINES],
    },
    Target {
        name: "segment",
        dialect: Dialect::Segment,
        path: "/v1/batch",
        headers: &[JSON],
    },
    Target {
        name: "canvas",
        dialect: Dialect::Canvas,
        path: "/v1/canvas",
        headers: &[JSON],
    },
];
