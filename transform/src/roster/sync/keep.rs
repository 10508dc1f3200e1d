//! Imports what was read, and says how far the database was read.

use std::collections::BTreeMap;

use lake::imports::{Import, ImportSource, ImportSources, Imports, JobState, Reached, Sync};

use super::read::Seen;
use super::{Reader, SourceError, SyncRequest};
use crate::roster::RosterError;
use crate::roster::work::{Ended, Learned, One};

impl One {
    /// Reads a database and imports what has changed. That all is stored is written
    /// before how far it was read: who is killed in between reads the same rows again.
    pub fn sync(&self, request: &SyncRequest, learned: &mut Learned) -> Result<Ended, RosterError> {
        let sources = ImportSources::new(self.lake.clone(), self.tenant.clone());
        let before = self.handle.block_on(sources.get(&request.name))?;
        let mut seen = None;
        let (ended, newest) = self.try_sync(request, before.as_ref(), &mut seen, learned);
        if matches!(
            ended,
            Err(RosterError::Source(SourceError::Stopped) | RosterError::Overtaken)
        ) {
            learned.is_news = Some(false);
            return ended;
        }
        let sync = self.told(request, &ended, seen.as_ref(), before.as_ref(), learned);
        let source = ImportSource {
            name: request.name.clone(),
            kind: "postgres".to_owned(),
            reached: reached(&ended, seen, newest, before, &sync),
            last: sync,
        };
        if !self.teller.is_stopped()
            && let Err(error) = self.handle.block_on(sources.save(&source))
        {
            let error = crate::error::chain(&error);
            tracing::warn!(tenant.id = %self.tenant, error, "how far the database was read was not stored");
        }
        ended
    }

    /// How it ended, and which import was the newest before.
    fn try_sync(
        &self,
        request: &SyncRequest,
        before: Option<&ImportSource>,
        seen: &mut Option<Seen>,
        learned: &mut Learned,
    ) -> (Result<Ended, RosterError>, Option<Import>) {
        let (newest, snapshot) = match self.before() {
            Ok(found) => found,
            Err(error) => return (Err(error), None),
        };
        let reader = Reader {
            request,
            imports: Imports::new(self.lake.clone(), self.tenant.clone()),
            handle: self.handle.clone(),
            teller: &self.teller,
            now: self.clock.now(),
        };
        let read = reader.read(before, newest.as_ref(), self.settings.clone());
        let ended = read.and_then(|(reading, read)| {
            *seen = Some(read);
            let checked = self.check(reading, &snapshot)?;
            self.take(
                &checked,
                newest.as_ref(),
                &snapshot,
                request.into(),
                learned,
            )
        });
        (ended, newest)
    }

    /// How it went. It is worth a job if something has changed, or if what is wrong was not
    /// wrong the last time.
    fn told(
        &self,
        request: &SyncRequest,
        ended: &Result<Ended, RosterError>,
        seen: Option<&Seen>,
        before: Option<&ImportSource>,
        learned: &mut Learned,
    ) -> Sync {
        let (state, error) = match ended {
            Ok(Ended::Done(_)) => (JobState::Done, None),
            Ok(Ended::Unchanged) => (JobState::Unchanged, None),
            Ok(Ended::Refused(refusal)) => (JobState::Refused, Some(refusal.to_string())),
            Err(error) => (JobState::Failed, Some(crate::error::chain(error))),
        };
        let import = match ended {
            Ok(Ended::Done(import)) => Some(import.number),
            _ => None,
        };
        let is_wrong = error.is_some() || learned.found.errors > 0;
        let is_known = before
            .is_some_and(|before| before.last.error == error && before.last.found == learned.found);
        let is_news = import.is_some() || (is_wrong && !is_known);
        learned.is_news = Some(is_news);
        let was_reached = before.is_some_and(|before| before.reached.is_some());
        Sync {
            state,
            started_at: self.job.started_at.unwrap_or(self.job.created_at),
            finished_at: self.clock.now(),
            full: seen.map_or(request.full || !was_reached, |seen| seen.is_full),
            rows: seen.map_or_else(BTreeMap::new, |seen| seen.rows.clone()),
            tables: learned.tables.clone(),
            found: learned.found,
            import,
            job: is_news.then_some(self.job.id),
            error,
        }
    }
}

/// How far it was read: as before, unless all that was read is stored.
fn reached(
    ended: &Result<Ended, RosterError>,
    seen: Option<Seen>,
    newest: Option<Import>,
    before: Option<ImportSource>,
    sync: &Sync,
) -> Option<Reached> {
    let reached = before.and_then(|before| before.reached);
    let newest = newest.map_or(0, |newest| newest.number);
    let import = match ended {
        Ok(Ended::Done(import)) => import.number,
        Ok(Ended::Unchanged) => newest,
        _ => return reached,
    };
    let seen = seen?;
    let (full_at, watermark) = match &reached {
        // What a row refers to may come back without the row being written again: those
        // that were left out are read once more, until everything is.
        Some(reached) if !seen.is_full && sync.found.errors > 0 => {
            (reached.full_at, reached.watermark)
        }
        Some(reached) if !seen.is_full => (reached.full_at, seen.watermark),
        _ => (sync.started_at, seen.watermark),
    };
    Some(Reached {
        database: seen.database,
        watermark,
        definition: seen.definition,
        import,
        at: sync.finished_at,
        full_at,
    })
}
