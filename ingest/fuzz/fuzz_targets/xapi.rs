#![no_main]

ingest_fuzz::door_target!("/xapi/statements", "content-type": "application/json", "x-experience-api-version": "1.0.3");
