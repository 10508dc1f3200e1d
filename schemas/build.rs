//! Lists `reports/*.sql`, so that adding a report is adding a file, puts in what
//! they include, and reads their headers, so that a mistake in one is a failed
//! build.

#[allow(dead_code, unreachable_pub, reason = "only the parser is used here")]
#[path = "src/report/header/mod.rs"]
mod header;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let folder = root.join("reports");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=src/report/header");

    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of reports can be read")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    paths.sort();

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut list = String::from("&[\n");
    for path in paths {
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let name = name.expect("a report's file name is text");
        let text = fs::read_to_string(&path).expect("a report can be read");
        let shared = |name: &str| fs::read_to_string(folder.join("shared").join(name)).ok();
        let composed = header::composed(&text, shared);
        let read = composed.and_then(|text| header::Header::parse(&text).map(|_| text.clone()));
        match read {
            Ok(text) => {
                let path = out.join(format!("{name}.sql"));
                fs::write(&path, text).expect("the build folder can be written");
                writeln!(list, "    ({name:?}, include_str!({path:?})),")
                    .expect("writing to a string");
            }
            Err(error) => println!("cargo::error=reports/{name}.sql:{error}"),
        }
    }
    list.push(']');

    fs::write(out.join("reports.rs"), list).expect("the build folder can be written");
}
