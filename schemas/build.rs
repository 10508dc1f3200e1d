//! Lists `reports/*.sql`, so that adding a report is adding a file, and reads
//! their headers, so that a mistake in one is a failed build.

#[allow(dead_code, unreachable_pub, reason = "only the parser is used here")]
#[path = "src/report/header.rs"]
mod header;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let folder = root.join("reports");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/report/header.rs");

    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of reports can be read")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();

    let texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("a report can be read"))
        .collect();
    let names: Vec<&str> = paths
        .iter()
        .map(|path| path.file_stem().and_then(|stem| stem.to_str()))
        .map(|name| name.expect("a report's file name is text"))
        .collect();

    let mut list = String::from("&[\n");
    for ((path, text), name) in paths.iter().zip(&texts).zip(&names) {
        if let Err(error) = header::Header::parse(text) {
            println!("cargo::error=reports/{name}.sql:{error}");
        }
        writeln!(list, "    ({name:?}, include_str!({path:?})),").expect("writing to a string");
    }
    list.push(']');

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("reports.rs"), list).expect("the build folder can be written");
}
