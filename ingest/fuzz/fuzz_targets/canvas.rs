#![no_main]

ingest_fuzz::door_target!("/v1/canvas", "content-type": "application/json");
