use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::{CourseStarts, OuladError, Table};

/// What a row of clicks or submissions leaves to the other tables.
#[derive(Debug)]
pub struct Lookup {
    pub(super) starts: CourseStarts,
    sites: HashMap<String, String>,
    assessments: HashMap<String, Assessment>,
}

/// A row of `assessments`.
#[derive(Debug, Deserialize)]
pub struct Assessment {
    pub code_module: String,
    pub code_presentation: String,
    id_assessment: String,
    /// `TMA` (marked by a tutor), `CMA` (marked by computer) or `Exam`.
    pub assessment_type: String,
}

/// A row of `vle`: a page, forum or document of a presentation.
#[derive(Deserialize)]
struct Site {
    id_site: String,
    activity_type: String,
}

impl Lookup {
    pub(super) fn open(folder: &Path, starts: CourseStarts) -> Result<Self, OuladError> {
        let mut sites = HashMap::new();
        for row in Table::open(folder, "vle")?.rows::<Site>(0)? {
            let (_, site) = row?;
            sites.insert(site.id_site, site.activity_type);
        }
        let mut assessments = HashMap::new();
        for row in Table::open(folder, "assessments")?.rows::<Assessment>(0)? {
            let (_, assessment) = row?;
            assessments.insert(assessment.id_assessment.clone(), assessment);
        }
        Ok(Self {
            starts,
            sites,
            assessments,
        })
    }

    /// The kind of a site: `forumng`, `oucontent`, `quiz` …
    pub fn activity(&self, site: &str) -> Option<&str> {
        self.sites.get(site).map(String::as_str)
    }

    /// An assessment by its id.
    pub fn assessment(&self, id: &str) -> Option<&Assessment> {
        self.assessments.get(id)
    }
}
