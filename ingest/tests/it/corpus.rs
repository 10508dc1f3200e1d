//! What fuzzing began with and what it found, once more through the checks of the
//! fuzzer. `ingest/fuzz` has the targets.

#[path = "../../fuzz/src/door/mod.rs"]
mod door;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::door::{Door, TARGETS};

fn inside(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn every_input_is_answered_as_promised() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let folders = TARGETS.iter().map(|target| corpus.join(target.name));
    assert_eq!(inside(&corpus), folders.collect());
    for target in TARGETS {
        let door = Door::open(target.name);
        let mut taken = 0;
        for input in inside(&corpus.join(target.name)) {
            // Shown beside what fails.
            println!("{}", input.display());
            let body = std::fs::read(&input).expect("bytes");
            taken += u32::from(door.take(&body));
        }
        assert!(taken > 0, "all of {} was refused", target.name);
    }
}
