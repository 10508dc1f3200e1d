#![no_main]

ingest_fuzz::door_target!(
    "/xapi/statements",
    "content-type": "multipart/mixed; boundary=b",
    "x-experience-api-version": "2.0.0"
);
