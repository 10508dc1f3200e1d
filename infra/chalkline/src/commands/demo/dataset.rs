//! The data that the demo brings along.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Shipped files of one origin.
#[derive(Debug, Clone, Copy)]
pub struct Dataset {
    /// Its folder's name.
    pub name: &'static str,
    /// Whom to credit.
    pub attribution: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/demo/", $folder, "/", $name
            )),
        )),*]
    };
}

/// A course with its clicks, submissions and scores.
pub const OULAD: Dataset = Dataset {
    name: "oulad",
    attribution:
        "Clicks and scores: one course (AAA 2013J) of the Open University Learning Analytics
Dataset, J. Kuzilek, M. Hlosta, Z. Zdrahal, Scientific Data 4:170171 (2017), CC BY 4.0.",
    files: files!["oulad":
        "README.md",
        "assessments.csv",
        "courses.csv",
        "studentAssessment.csv.gz",
        "studentInfo.csv.gz",
        "studentRegistration.csv.gz",
        "studentVle.csv.gz",
        "vle.csv",
    ],
};

/// A course's videos, as its players told of them.
pub const FUN_MOOC: Dataset = Dataset {
    name: "funmooc",
    attribution:
        "Videos: one week of a course of France Université Numérique, example statements of
openfun/ralph, Copyright (c) 2020-present France Université Numérique, MIT.",
    files: files!["funmooc": "LICENSE", "README.md", "statements.jsonl.gz"],
};

impl Dataset {
    /// Writes the files, with their licence, into the data folder and answers
    /// where.
    pub fn unpack(&self, data_dir: &Path) -> anyhow::Result<PathBuf> {
        let folder = data_dir.join(self.name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        for (name, bytes) in self.files {
            let path = folder.join(name);
            std::fs::write(&path, bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(folder)
    }
}
