//! Lists `reports/*.sql`, so that adding a report is adding a file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let folder = root.join("reports");
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of reports can be read")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();

    let mut list = String::from("&[\n");
    for path in paths {
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let name = name.expect("a report's file name is text");
        writeln!(
            list,
            "    Report {{ name: {name:?}, sql: include_str!({path:?}) }},"
        )
        .expect("writing to a string");
    }
    list.push(']');

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("reports.rs"), list).expect("the build folder can be written");
}
