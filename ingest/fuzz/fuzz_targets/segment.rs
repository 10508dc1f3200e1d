#![no_main]

ingest_fuzz::door_target!("segment");
