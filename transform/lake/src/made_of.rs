//! What the rows of a report are made of, as its table says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{Report, Table};

use crate::{Advance, AppId, LakeError, LakeTable};

/// What the rows of a report are made of: one commit says all of it with the
/// rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeOf {
    /// The definition by which they were computed:
    /// [`schemas::Report::definition`]. `None` before the first refresh.
    pub definition: Option<u64>,
    /// The versions of its sources. One that is missing was not there.
    pub sources: BTreeMap<Table, SourceVersion>,
    /// Up to when those were complete; `None` while nobody knows.
    pub as_of: Option<DateTime<Utc>>,
}

/// A version of a table, and of which: a table that is deleted and made anew
/// begins again at version 0 and is another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceVersion {
    /// Which table: at most 63 bits; 0 for one that is gone.
    pub id: u64,
    /// Its version.
    pub version: u64,
}

impl MadeOf {
    /// The readers whose positions say it.
    pub fn apps(report: &Report) -> Vec<AppId> {
        let own = [AppId::definition(report.name), AppId::as_of(report.name)];
        let sources = report.sources.iter();
        let sources = sources.flat_map(|source| {
            [
                AppId::source(report.name, *source),
                AppId::source_id(report.name, *source),
            ]
        });
        own.into_iter().chain(sources).collect()
    }

    /// The steps of a commit whose rows are made of this, on a table that says
    /// `before`. What was complete once stays so: `as_of` never goes back.
    pub fn advances(&self, report: &Report, before: &Self) -> Vec<Advance> {
        let advance = |app, expected, next| Advance {
            app,
            expected,
            next,
        };
        let mut advances = Vec::new();
        if let Some(definition) = self.definition {
            let app = AppId::definition(report.name);
            advances.push(advance(app, before.definition, definition));
        }
        let expected = before.as_of.map(micros);
        if let Some(as_of) = self.as_of.map(micros).filter(|micros| *micros > 0) {
            let next = expected.map_or(as_of, |expected| expected.max(as_of));
            advances.push(advance(AppId::as_of(report.name), expected, next));
        }
        for (source, now) in &self.sources {
            let before = before.sources.get(source);
            let (app, id) = (
                AppId::source(report.name, *source),
                AppId::source_id(report.name, *source),
            );
            advances.push(advance(app, before.map(|b| b.version), now.version));
            advances.push(advance(id, before.map(|b| b.id), now.id));
        }
        advances
    }
}

fn micros(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp_micros()).unwrap_or(0)
}

impl LakeTable {
    /// What the rows of this report's table are made of.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn made_of(&mut self, report: &Report) -> Result<MadeOf, LakeError> {
        let mut sources = BTreeMap::new();
        for source in &report.sources {
            let version = self
                .next_position(&AppId::source(report.name, *source))
                .await?;
            let id = self
                .next_position(&AppId::source_id(report.name, *source))
                .await?;
            if let (Some(version), Some(id)) = (version, id) {
                sources.insert(*source, SourceVersion { id, version });
            }
        }
        let as_of = self.next_position(&AppId::as_of(report.name)).await?;
        let as_of = as_of.and_then(|micros| i64::try_from(micros).ok());
        Ok(MadeOf {
            definition: self.next_position(&AppId::definition(report.name)).await?,
            sources,
            as_of: as_of.and_then(DateTime::from_timestamp_micros),
        })
    }

    /// The version that is held, as a report remembers it.
    pub fn source_version(&self) -> SourceVersion {
        let id = self.state().metadata().id();
        SourceVersion {
            // 0 is a table that is gone.
            id: (xxhash_rust::xxh3::xxh3_64(id.as_bytes()) >> 1).max(1),
            version: self.version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_of_a_report_moves_its_definition_and_no_time_goes_back() {
        let report = schemas::report("student_day").expect("a report");
        let at = |second| DateTime::from_timestamp(second, 0);
        let video = Table::Events(schemas::Family::Video);
        let version = |version| BTreeMap::from([(video, SourceVersion { id: 7, version })]);
        let before = MadeOf {
            definition: Some(1),
            sources: version(4),
            as_of: at(20),
        };
        let now = MadeOf {
            definition: Some(1),
            sources: version(5),
            as_of: at(10),
        };
        let advances = now.advances(report, &before);
        let told: Vec<_> = advances
            .iter()
            .map(|a| (a.app.as_str(), a.expected, a.next))
            .collect();
        assert_eq!(
            told,
            [
                ("report:student_day:definition", Some(1), 1),
                ("report:student_day:as_of", Some(20_000_000), 20_000_000),
                ("report:student_day:video", Some(4), 5),
                ("report:student_day:video:id", Some(7), 7),
            ]
        );
        let apps = MadeOf::apps(report);
        assert!(advances.iter().all(|advance| apps.contains(&advance.app)));

        let nobody_knows = MadeOf {
            as_of: at(0),
            ..now
        };
        let advances = nobody_knows.advances(report, &MadeOf::default());
        assert!(!advances.iter().any(|a| a.app.as_str().ends_with("as_of")));
    }
}
