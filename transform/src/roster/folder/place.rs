//! Where what is put, and where it goes.

use lake::imports::ImportKind;
use object_store::path::{Error, Path};
use schemas::TenantId;
use uuid::Uuid;

/// Endings of what may be a catalogue.
const OF_CATALOGS: [&str; 5] = [".zip", ".csv", ".json", ".jsonl", ".ndjson"];

/// Into which one tenant's files of one kind are put.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    tenant: TenantId,
    is_catalog: bool,
}

/// A folder of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// Of what is uploaded and not imported yet.
    Taken,
    /// Of what is imported.
    Done,
    /// Of what cannot be.
    Failed,
}

impl Place {
    /// That of a tenant's rosters.
    pub fn of_rosters(tenant: &TenantId) -> Self {
        Self {
            tenant: tenant.clone(),
            is_catalog: false,
        }
    }

    /// That of a tenant's catalogues.
    pub fn of_catalogs(tenant: &TenantId) -> Self {
        Self {
            tenant: tenant.clone(),
            is_catalog: true,
        }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What is imported from here.
    pub fn kind(&self) -> ImportKind {
        if self.is_catalog {
            ImportKind::Catalog
        } else {
            ImportKind::Import
        }
    }

    /// By which name a file is read that was called so; a bundle of rosters needs none.
    pub fn read_as(&self, name: &str) -> Option<String> {
        self.is_catalog.then(|| name.to_owned())
    }

    pub fn path(&self) -> Path {
        let tenant = Path::from(self.tenant.as_str());
        if self.is_catalog {
            tenant.join("catalog")
        } else {
            tenant
        }
    }

    pub fn aside(&self, aside: Aside) -> Path {
        self.path().join(match aside {
            Aside::Taken => "taken",
            Aside::Done => "done",
            Aside::Failed => "failed",
        })
    }

    /// Whether a file of this name is taken. Those on their way have another: `.filepart`,
    /// `.part` or `.tmp` at the end, or a dot before it.
    pub fn takes(&self, name: &str) -> bool {
        let endings = if self.is_catalog {
            &OF_CATALOGS
        } else {
            &OF_CATALOGS[..1]
        };
        let has = |ending: &&str| {
            let at = name.len().checked_sub(ending.len());
            let end = at.and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
        };
        !name.starts_with('.') && endings.iter().any(has)
    }
}

/// A file in a folder, by the name that it has there, whatever its letters.
///
/// # Errors
/// When no file can be called so.
pub fn child(folder: &Path, name: &str) -> Result<Path, Error> {
    Path::parse(format!("{folder}/{name}"))
}

/// The name of a file that was taken for a job.
pub fn taken(job: Uuid, name: &str) -> String {
    format!("{job}-{name}")
}

/// The job and the name before it, of a name made by [`taken`].
pub fn parse_taken(taken: &str) -> Option<(Uuid, &str)> {
    let (job, name) = taken.split_at_checked(36)?;
    Some((job.parse().ok()?, name.strip_prefix('-')?))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("roster.zip", true, true)]
    #[case("Roster 1.ZIP", true, true)]
    #[case("contents.csv", false, true)]
    #[case("catalog.json", false, true)]
    #[case("contents.ndjson", false, true)]
    #[case("contents.jsonl", false, true)]
    #[case("roster.zip.filepart", false, false)]
    #[case("contents.csv.part", false, false)]
    #[case(".roster.zip", false, false)]
    #[case("é.zip", true, true)]
    #[case("zip", false, false)]
    #[case("éé", false, false)]
    #[case("readme.txt", false, false)]
    fn files_are_taken_by_their_names(
        #[case] name: &str,
        #[case] of_rosters: bool,
        #[case] of_catalogs: bool,
    ) {
        let tenant = TenantId::new("demo").expect("a tenant");
        assert_eq!(Place::of_rosters(&tenant).takes(name), of_rosters);
        assert_eq!(Place::of_catalogs(&tenant).takes(name), of_catalogs);
    }

    #[test]
    fn a_file_is_found_whatever_its_letters() {
        let folder = Path::from("demo");
        let name = "Año [2026] 100%~#1?.zip";
        let file = child(&folder, name).expect("a path");
        assert_eq!(file.filename(), Some(name));
        child(&folder, "a\nb").expect_err("no such file");
    }

    #[test]
    fn what_is_taken_keeps_its_name() {
        let job = Uuid::now_v7();
        let name = taken(job, "Roster 1.zip");
        assert_eq!(parse_taken(&name), Some((job, "Roster 1.zip")));
        assert_eq!(parse_taken("roster.zip"), None);
        assert_eq!(parse_taken(&job.to_string()), None);
    }
}
