use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use simulate::{Bundle, Catalog, Events, Planted, Version};

use super::Simulation;
use crate::import::Progress;

/// Events that are written between two words about it.
const BATCH: usize = 10_000;

/// The files of a simulation.
#[derive(Default)]
pub struct Written {
    /// Each with how many rows or events it has.
    files: Vec<(PathBuf, u64)>,
    faults: Vec<(PathBuf, Planted)>,
}

/// Writes rosters, catalogue and events into a folder.
pub fn write(
    simulation: &Simulation,
    folder: &Path,
    version: Version,
    faults: bool,
) -> anyhow::Result<Written> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let progress = Progress::new();
    let mut written = Written::default();
    let bundle = Bundle::new(&simulation.world, version);
    let bundle = if faults { bundle.with_faults() } else { bundle };
    let later = bundle.clone().later(7);
    let changes = later.clone().changes_of(7);
    for (name, bundle) in [
        ("roster.zip", bundle),
        ("roster-a-week-later.zip", later),
        ("roster-changes.zip", changes),
    ] {
        let path = folder.join(name);
        written.roster(&bundle, path, &progress)?;
    }
    written.catalog(&Catalog::new(&simulation.world), folder, &progress)?;
    written.events(simulation, folder.join("events.ndjson.gz"), &progress)?;
    Ok(written)
}

impl Written {
    fn roster(
        &mut self,
        bundle: &Bundle<'_>,
        path: PathBuf,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        progress.begin(&name(&path), "rows", bundle.rows(), 0);
        let roster = bundle.write_zip(create(&path)?, &mut |now| progress.set(now.rows));
        let roster = roster.with_context(|| format!("{} is not written", path.display()))?;
        progress.end();
        let rows = roster.files.iter().map(|(_, rows)| rows).sum();
        let faults = roster.faults.into_iter().map(|fault| (path.clone(), fault));
        self.faults.extend(faults);
        self.files.push((path, rows));
        Ok(())
    }

    fn catalog(
        &mut self,
        catalog: &Catalog<'_>,
        folder: &Path,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        progress.begin("catalogue", "rows", 2 * catalog.rows(), 0);
        let mut rows = 0;
        let mut tell = |now: simulate::Progress| {
            rows = now.rows;
            progress.set(now.rows);
        };
        let tables = folder.join("catalog");
        let unwritten = || format!("the catalogue is not written to {}", folder.display());
        catalog
            .write_folder(&tables, &mut tell)
            .with_context(unwritten)?;
        let json = folder.join("catalog.json");
        let mut file = create(&json)?;
        catalog
            .write_json(&mut file, &mut tell)
            .with_context(unwritten)?;
        file.flush().with_context(unwritten)?;
        progress.end();
        self.files.extend([(tables, rows), (json, rows)]);
        Ok(())
    }

    fn events(
        &mut self,
        simulation: &Simulation,
        path: PathBuf,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let events = Events::new(&simulation.world, &simulation.options);
        progress.begin("events", "events", events.estimate(), 0);
        let unwritten = || format!("{} is not written", path.display());
        let mut file = GzEncoder::new(create(&path)?, Compression::fast());
        let mut count = 0;
        for batch in events.batches(BATCH) {
            file.write_all(&batch.lines).with_context(unwritten)?;
            count += batch.events as u64;
            progress.set(count);
        }
        file.finish()
            .and_then(|mut file| file.flush())
            .with_context(unwritten)?;
        progress.end();
        self.files.push((path, count));
        Ok(())
    }

    /// What was written, for programs.
    pub fn json(&self) -> Value {
        let files = self
            .files
            .iter()
            .map(|(path, rows)| json!({ "path": path, "rows": rows }));
        let faults = self.faults.iter().map(|(path, planted)| {
            json!({
                "path": path, "file": planted.file, "line": planted.line,
                "column": planted.column, "fault": planted.fault.name(),
            })
        });
        json!({ "files": files.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>() })
    }

    /// What was written, for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        for (path, rows) in &self.files {
            let _ = writeln!(text, "{}: {rows} rows", path.display());
        }
        for (path, planted) in &self.faults {
            let (path, file, line) = (path.display(), &planted.file, planted.line);
            let _ = writeln!(
                text,
                "  {path} {file}:{line} {}: {}",
                planted.column, planted.fault
            );
        }
        text
    }
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path);
    let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::new(file))
}

fn name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
