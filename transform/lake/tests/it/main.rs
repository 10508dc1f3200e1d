//! The lake over a real folder and a real S3 server.

mod earlier;
mod finding;
mod floors;
mod imports;
mod maintaining;
mod publishing;
mod reading;
mod replacing;
mod restoring;
mod support;
mod unknown;
