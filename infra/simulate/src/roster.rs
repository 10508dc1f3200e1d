//! The roster as a bundle of OneRoster CSV files.

mod columns;
mod enrollments;
mod faults;
mod grades;
mod orgs;
mod people;

use std::io::{Seek, Write};
use std::path::Path;

use chrono::{Days, NaiveDate};

use crate::calendar::Semester;
use crate::table::{Cell, Csv, Rows, Table, row};
use crate::target::{Counted, Folder, Progress, Target, Zip};
use crate::world::World;
use crate::{Error, content};

pub use faults::{Fault, Planted};

/// The version of OneRoster's CSV binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.1.
    V1_1,
    /// 1.2.
    V1_2,
}

impl Version {
    fn name(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// A bundle of the roster on a day, in bulk or as what has changed.
///
/// What happens later is not in it: who is going to withdraw is still there.
#[derive(Debug, Clone)]
pub struct Bundle<'w> {
    world: &'w World,
    version: Version,
    day: u16,
    since: Option<u16>,
    faulty: bool,
}

/// What a bundle has become.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Its files and how many rows each has, without header.
    pub files: Vec<(String, u64)>,
    /// The faults it has, in the order of its files and lines.
    pub faults: Vec<Planted>,
}

/// The day of the school year of which bundles are, if not said: a Friday.
pub(crate) const FIRST_DAY: u16 = 11;

/// Counts rows.
#[derive(Default)]
struct Counter(u64);

impl Rows for Counter {
    fn row(&mut self, _: &mut [Cell<'_>]) -> Result<(), Error> {
        self.0 += 1;
        Ok(())
    }
}

impl<'w> Bundle<'w> {
    /// All of the roster on the second Friday of the school year.
    pub fn new(world: &'w World, version: Version) -> Self {
        Self {
            world,
            version,
            day: FIRST_DAY,
            since: None,
            faulty: false,
        }
    }

    /// The roster so many days later: students have come, left, changed sections and
    /// names.
    pub fn later(self, days: u16) -> Self {
        Self {
            day: self.day.saturating_add(days),
            ..self
        }
    }

    /// Only what has changed in the last so many days, as a delta.
    pub fn changes_of(self, days: u16) -> Self {
        Self {
            since: Some(self.day.saturating_sub(days)),
            ..self
        }
    }

    /// With the faults that real bundles have; [`Written`] says which and where.
    pub fn with_faults(self) -> Self {
        Self {
            faulty: true,
            ..self
        }
    }

    /// The day of which it is.
    pub fn date(&self) -> NaiveDate {
        self.world.year().start() + Days::new(self.day.into())
    }

    /// About how many rows it has; of a delta how many at most.
    pub fn rows(&self) -> u64 {
        let students = u64::from(self.world.students());
        let sections = 2 * self.world.sections();
        let graded = content::Content::of_semester(0, Semester::Fall).filter(|c| c.is_graded());
        let people = students * 26 / 10 + u64::from(self.world.staff_count());
        let roles = if self.version == Version::V1_2 {
            people
        } else {
            0
        };
        let enrollments = students * 10 + sections;
        people + roles + students + enrollments + sections * (1 + graded.count() as u64)
    }

    /// Writes its files into a folder, which is made if there is none.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_folder(
        &self,
        folder: &Path,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Written, Error> {
        self.write(&mut Folder::make(folder.to_owned())?, tell)
    }

    /// Writes it as a zip.
    ///
    /// # Errors
    /// When the zip cannot be written.
    pub fn write_zip(
        &self,
        to: impl Write + Seek,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Written, Error> {
        let mut zip = Zip::begin(to);
        let written = self.write(&mut zip, tell)?;
        zip.end()?;
        Ok(written)
    }

    fn write(
        &self,
        target: &mut dyn Target,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Written, Error> {
        let mut written = Written::default();
        let mut progress = Progress {
            table: "manifest",
            rows: 0,
            total: self.rows(),
        };
        let tables = self.tables()?;
        self.write_manifest(target, &tables)?;
        for table in &tables {
            let before = progress.rows;
            progress.table = table.name;
            tell(progress);
            let name = format!("{}.csv", table.name);
            let mut file = target.file(&name)?;
            let faults = faults::Plan::of(self, table);
            let mut csv = Csv::begin(&mut file, &faults.header(table.columns))?;
            {
                let mut counted = Counted {
                    inner: &mut csv,
                    progress: &mut progress,
                    tell: &mut *tell,
                };
                let mut faulty = faults.over(&mut counted, &mut written.faults);
                (table.fill)(&mut faulty)?;
            }
            csv.end()?;
            written.files.push((name, progress.rows - before));
        }
        tell(progress);
        Ok(written)
    }

    fn write_manifest(&self, target: &mut dyn Target, tables: &[Table<'_>]) -> Result<(), Error> {
        let mut file = target.file("manifest.csv")?;
        let mut csv = Csv::begin(&mut file, &["propertyName", "value"])?;
        csv.row(row!["manifest.version", "1.0"])?;
        csv.row(row!["oneroster.version", self.version.name()])?;
        let there = if self.since.is_some() {
            "delta"
        } else {
            "bulk"
        };
        for file in columns::files(self.version) {
            let is_there = tables.iter().any(|table| table.name == *file);
            let value = if is_there { there } else { "absent" };
            csv.row(row![format!("file.{file}"), value])?;
        }
        csv.row(row![
            "source.systemName",
            format!("Simulated {}", self.world.name())
        ])?;
        csv.row(row!["source.systemCode", "simulated"])?;
        csv.end()
    }

    /// Its tables, those before others to which these refer. A delta has only those in
    /// which something changes: a file without rows is none.
    fn tables(&self) -> Result<Vec<Table<'_>>, Error> {
        let mut tables = Vec::new();
        if self.since.is_none() {
            tables.extend(self.org_tables());
        }
        tables.extend(self.people_tables());
        tables.push(self.enrollments());
        if self.since.is_none() {
            tables.extend(self.grade_tables());
            return Ok(tables);
        }
        let mut changed = Vec::new();
        for table in tables {
            let mut rows = Counter::default();
            (table.fill)(&mut rows)?;
            if rows.0 > 0 {
                changed.push(table);
            }
        }
        Ok(changed)
    }

    fn table(
        &self,
        name: &'static str,
        fill: impl Fn(&mut dyn Rows) -> Result<(), Error> + 'w,
    ) -> Table<'w> {
        Table {
            name,
            columns: columns::of(name, self.version),
            fill: Box::new(fill),
        }
    }

    /// What stands in `status` and `dateLastModified`: nothing in bulk, as the binding
    /// wants it.
    fn mark(&self, cells: &mut [Cell<'_>], deleted: bool) {
        if self.since.is_some() {
            let status = if deleted { "tobedeleted" } else { "active" };
            cells[1] = Cell::Text(status);
            cells[2] = self.modified();
        }
    }

    fn modified(&self) -> Cell<'static> {
        Cell::Own(format!("{}T06:00:00.000Z", self.date()))
    }

    /// The date of a day of the school year.
    fn date_of(&self, day: u16) -> NaiveDate {
        self.world.year().start() + Days::new(day.into())
    }
}
