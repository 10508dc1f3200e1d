#![no_main]

ingest_fuzz::door_target!("/v1/batch", "content-type": "application/json");
