use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Whom to credit for the data.
pub const ATTRIBUTION: &str = "\
Data: one course (AAA 2013J) of the Open University Learning Analytics Dataset,
J. Kuzilek, M. Hlosta, Z. Zdrahal, Scientific Data 4:170171 (2017), licence CC BY 4.0.";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The shipped files.
        const FILES: &[(&str, &[u8])] = &[$((
            $name,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/demo/oulad/", $name)),
        )),*];
    };
}

files![
    "README.md",
    "assessments.csv",
    "courses.csv",
    "studentAssessment.csv.gz",
    "studentInfo.csv.gz",
    "studentRegistration.csv.gz",
    "studentVle.csv.gz",
    "vle.csv",
];

/// Writes the shipped files, with their licence, into the data folder and
/// answers where.
pub fn unpack(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("oulad");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, bytes) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder)
}
