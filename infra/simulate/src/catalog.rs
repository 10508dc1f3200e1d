//! The catalogue: what is taught, by whom and when, and to what end.

mod calendar;
mod contents;
mod courses;
mod programs;

use std::io::{Seek, Write};
use std::path::Path;

use crate::Error;
use crate::content::YEAR_LESSONS;
use crate::roster::FIRST_DAY;
use crate::table::{Csv, JsonArray, Rows, Table};
use crate::target::{Counted, Folder, Progress, Target, Zip};
use crate::world::World;

/// The catalogue of a world, as `chalkline catalog import` takes it: contents, details of
/// courses and sections, standards, programs and holidays.
///
/// It is of a day, as a roster is: who comes later is in no program yet.
#[derive(Debug, Clone, Copy)]
pub struct Catalog<'w> {
    world: &'w World,
    day: u16,
}

impl<'w> Catalog<'w> {
    /// The catalogue of a world on the second Friday of the school year.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            day: FIRST_DAY,
        }
    }

    /// The catalogue so many days later.
    pub fn later(self, days: u16) -> Self {
        Self {
            day: self.day.saturating_add(days),
            ..self
        }
    }

    /// About how many rows it has.
    pub fn rows(&self) -> u64 {
        let courses = self.world.courses().count() as u64;
        let lessons = u64::from(YEAR_LESSONS);
        // Of a course and a lesson: contents, and the questions of its quizzes.
        let contents = courses * lessons * 20;
        contents + 2 * self.world.sections() + u64::from(self.world.students()) * 3 / 2
    }

    /// Writes it into a folder, which is made if there is none, a CSV file a table.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_folder(&self, folder: &Path, tell: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        self.write_csv(&mut Folder::make(folder.to_owned())?, tell)
    }

    /// Writes the same files as a zip.
    ///
    /// # Errors
    /// When the zip cannot be written.
    pub fn write_zip(
        &self,
        to: impl Write + Seek,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut zip = Zip::begin(to);
        self.write_csv(&mut zip, tell)?;
        zip.end()
    }

    /// Writes it as one JSON object with an array of objects a table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_json(
        &self,
        to: &mut dyn Write,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut progress = self.progress();
        to.write_all(b"{")?;
        for (index, table) in self.tables().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(to, "{comma}\n\"{}\":", table.name)?;
            let mut array = JsonArray::begin(to, table.columns)?;
            fill(table, &mut array, &mut progress, tell)?;
            array.end()?;
        }
        Ok(to.write_all(b"\n}\n")?)
    }

    fn write_csv(
        &self,
        target: &mut dyn Target,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut progress = self.progress();
        for table in &self.tables() {
            let mut file = target.file(&format!("{}.csv", table.name))?;
            let mut csv = Csv::begin(&mut file, table.columns)?;
            fill(table, &mut csv, &mut progress, tell)?;
            csv.end()?;
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        Progress {
            table: "course_details",
            rows: 0,
            total: self.rows(),
        }
    }

    fn tables(&self) -> Vec<Table<'w>> {
        vec![
            self.course_details(),
            self.section_details(),
            self.standards(),
            self.contents(),
            self.alignments(),
            self.programs(),
            self.program_enrollments(),
            self.awards(),
            self.calendar_days(),
        ]
    }
}

fn fill(
    table: &Table<'_>,
    inner: &mut dyn Rows,
    progress: &mut Progress,
    tell: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    progress.table = table.name;
    tell(*progress);
    (table.fill)(&mut Counted {
        inner,
        progress,
        tell,
    })
}
