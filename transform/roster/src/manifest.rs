//! `manifest.csv`: which version, which files, and whether they hold everything.

use std::collections::BTreeMap;

use crate::binding::File;
use crate::diagnostic::{Code, Diagnostics};

/// The name of the manifest.
pub(crate) const MANIFEST: &str = "manifest.csv";

/// A version of OneRoster, or of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 1.1
    V1_1,
    /// 1.2, also 1.2.1
    V1_2,
    /// Chalkline catalogue 1
    Catalog1,
}

impl Version {
    /// The versions that are read.
    pub const ALL: [Self; 3] = [Self::V1_1, Self::V1_2, Self::Catalog1];

    /// Its number.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::Catalog1 => "catalogue 1",
        }
    }
}

/// What the rows of a table are of all that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Everything: what is missing has ended.
    Bulk,
    /// What changed: what is missing is as it was. A row may be older than what is
    /// stored, and is not taken then.
    Delta,
    /// Some rows as they are now: what is missing is as it was. When a row was modified
    /// does not count: of two transactions that overlap the one that ends last may have
    /// begun first.
    Current,
}

/// What a bundle says of itself, or what is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The version.
    pub version: Version,
    /// The files to read.
    pub files: BTreeMap<File, Mode>,
}

impl Manifest {
    /// Reads the rows of a manifest against the files that are there.
    pub(crate) fn read(
        properties: &[(u64, String, String)],
        present: &[File],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let value = |name: &str| {
            // The specification marks what is new in 1.2 with a star; some write it, too.
            let is = |property: &str| property.trim_end_matches('*').eq_ignore_ascii_case(name);
            properties
                .iter()
                .find(|(_, property, _)| is(property))
                .map(|(line, _, value)| (*line, value.as_str()))
        };
        let version = match value("oneroster.version") {
            Some((_, "1.1" | "1.1.0" | "1.1.1")) => Version::V1_1,
            Some((_, "1.2" | "1.2.0" | "1.2.1")) => Version::V1_2,
            Some((line, other)) if !other.is_empty() => {
                let detail = "oneroster.version is neither 1.1 nor 1.2";
                let code = Code::UnsupportedVersion;
                diagnostics.add(code, MANIFEST, Some(line), Some("value"), detail);
                guess_version(present)
            }
            _ => {
                let guess = guess_version(present);
                let detail = format!(
                    "oneroster.version is missing; it is taken for {}",
                    guess.as_str()
                );
                diagnostics.file(Code::BlankMode, MANIFEST, detail);
                guess
            }
        };
        let mut files = BTreeMap::new();
        for file in File::ALL {
            let is_present = present.contains(&file);
            let declared = value(&format!("file.{}", file.stem()));
            let mode = declared.map(|(line, mode)| (line, mode.to_ascii_lowercase()));
            match mode.as_ref().map(|(line, mode)| (*line, mode.as_str())) {
                Some((_, "absent")) if is_present => diagnostics.file(
                    Code::UndeclaredFile,
                    &file.name(),
                    "manifest.csv says that the file is absent; it is not read",
                ),
                Some((_, "absent")) => {}
                Some((line, mode @ ("bulk" | "delta"))) => {
                    if !is_present {
                        let detail =
                            format!("manifest.csv says {mode} of {file}, which is not there");
                        let code = Code::MissingFile;
                        diagnostics.add(code, MANIFEST, Some(line), Some("value"), detail);
                    } else if file.is_of(version) {
                        let mode = if mode == "bulk" {
                            Mode::Bulk
                        } else {
                            Mode::Delta
                        };
                        files.insert(file, mode);
                    }
                }
                Some((line, "")) | Some((line, _)) if !is_present => {
                    // Nothing to read, whatever it says.
                    let detail = format!("the mode of {file} is neither bulk, delta nor absent");
                    let code = Code::BlankMode;
                    diagnostics.add(code, MANIFEST, Some(line), Some("value"), detail);
                }
                Some((line, "")) => {
                    let detail = format!("the mode of {file} is blank; it is taken for bulk");
                    let code = Code::BlankMode;
                    diagnostics.add(code, MANIFEST, Some(line), Some("value"), detail);
                    if file.is_of(version) {
                        files.insert(file, Mode::Bulk);
                    }
                }
                Some((line, _)) => {
                    let detail = format!("the mode of {file} is neither bulk, delta nor absent");
                    let code = Code::UnknownMode;
                    diagnostics.add(code, MANIFEST, Some(line), Some("value"), detail);
                }
                None if is_present && file.is_of(version) => diagnostics.file(
                    Code::UndeclaredFile,
                    &file.name(),
                    "manifest.csv does not name the file; it is not read",
                ),
                None => {}
            }
        }
        Self { version, files }.without_foreign(present, diagnostics)
    }

    /// The manifest of a bundle without one: all files are bulk.
    pub(crate) fn guess(present: &[File], diagnostics: &mut Diagnostics) -> Self {
        let version = guess_version(present);
        let detail = format!(
            "manifest.csv is missing; the files are taken for bulk files of {}",
            version.as_str()
        );
        diagnostics.bundle(Code::MissingManifest, detail);
        let files = present
            .iter()
            .filter(|file| file.is_of(version))
            .map(|file| (*file, Mode::Bulk))
            .collect();
        Self { version, files }.without_foreign(present, diagnostics)
    }

    fn without_foreign(self, present: &[File], diagnostics: &mut Diagnostics) -> Self {
        for file in present.iter().filter(|file| !file.is_of(self.version)) {
            let detail = format!("OneRoster {} has no such file", self.version.as_str());
            diagnostics.file(Code::UnknownFile, &file.name(), detail);
        }
        self
    }
}

/// Of 1.2 is what has a file that 1.1 does not have.
fn guess_version(present: &[File]) -> Version {
    if present.iter().all(|file| file.is_of(Version::V1_1)) {
        Version::V1_1
    } else {
        Version::V1_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, &str)], present: &[File]) -> (Manifest, Vec<&'static str>) {
        let mut diagnostics = Diagnostics::new(9);
        let rows: Vec<_> = (2..)
            .zip(rows)
            .map(|(line, (name, value))| (line, (*name).to_owned(), (*value).to_owned()))
            .collect();
        let manifest = Manifest::read(&rows, present, &mut diagnostics);
        let codes = diagnostics.rows().into_iter();
        (manifest, codes.map(|row| row.code.as_str()).collect())
    }

    #[test]
    fn a_manifest_is_held_against_the_files() {
        use File::{Orgs, Roles, Users};
        let version = ("oneroster.version", "1.2");
        let bulk = |file| BTreeMap::from([(file, Mode::Bulk)]);
        let nothing = BTreeMap::new();
        for (rows, present, files, codes) in [
            (
                vec![version, ("file.orgs", "bulk")],
                vec![Orgs],
                bulk(Orgs),
                vec![],
            ),
            (
                vec![version, ("FILE.ORGS", "Bulk")],
                vec![Orgs],
                bulk(Orgs),
                vec![],
            ),
            (
                vec![version, ("file.roles*", "bulk")],
                vec![Roles],
                bulk(Roles),
                vec![],
            ),
            (
                vec![version, ("file.orgs", "bulk")],
                vec![],
                nothing.clone(),
                vec!["missing_file"],
            ),
            (
                vec![version, ("file.orgs", "delta")],
                vec![],
                nothing.clone(),
                vec!["missing_file"],
            ),
            (
                vec![version, ("file.orgs", "absent")],
                vec![],
                nothing.clone(),
                vec![],
            ),
            (
                vec![version, ("file.orgs", "absent")],
                vec![Orgs],
                nothing.clone(),
                vec!["undeclared_file"],
            ),
            (
                vec![version],
                vec![Orgs],
                nothing.clone(),
                vec!["undeclared_file"],
            ),
            (
                vec![version, ("file.orgs", "")],
                vec![Orgs],
                bulk(Orgs),
                vec!["blank_mode"],
            ),
            (
                vec![version, ("file.orgs", "")],
                vec![],
                nothing.clone(),
                vec!["blank_mode"],
            ),
            (
                vec![version, ("file.orgs", "full")],
                vec![Orgs],
                nothing.clone(),
                vec!["unknown_mode"],
            ),
            (
                vec![("oneroster.version", "1.0")],
                vec![],
                nothing.clone(),
                vec!["unsupported_version"],
            ),
            (
                vec![("file.users", "bulk")],
                vec![Users],
                bulk(Users),
                vec!["blank_mode"],
            ),
            (
                vec![("oneroster.version", "1.1"), ("file.roles", "bulk")],
                vec![Roles],
                nothing.clone(),
                vec!["unknown_file"],
            ),
        ] {
            let (manifest, found) = read(&rows, &present);
            assert_eq!(found, codes, "{rows:?} {present:?}");
            assert_eq!(manifest.files, files, "{rows:?} {present:?}");
        }
    }

    #[test]
    fn without_a_manifest_the_files_tell_the_version() {
        let mut diagnostics = Diagnostics::new(9);
        let old = Manifest::guess(&[File::Users], &mut diagnostics);
        let new = Manifest::guess(&[File::Users, File::Roles], &mut diagnostics);
        assert_eq!((old.version, new.version), (Version::V1_1, Version::V1_2));
        assert_eq!(new.files.len(), 2);
        assert_eq!(diagnostics.totals().len(), 1);
    }
}
