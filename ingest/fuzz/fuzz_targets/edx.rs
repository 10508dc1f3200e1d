#![no_main]

ingest_fuzz::door_target!("/v1/edx/tracking", "content-type": "application/x-ndjson");
