#![no_main]

ingest_fuzz::door_target!("/v1/events", "content-type": "application/json");
