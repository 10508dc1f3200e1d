mod files;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{Datelike as _, Utc};
use sha2::{Digest as _, Sha256};
use simulate::{
    Actors, Delivery, EventOptions, Events, SchoolYear, Semester, Size, Version, World,
};

use super::import::Target;
use crate::client::Dialect;
use crate::import::{self, RowEvents, Source, Table};
use crate::output::Output;
use crate::{Config, cli};

/// `chalkline simulate school`.
pub async fn school(
    config: &Config,
    args: cli::School,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let until = args.until.unwrap_or_else(Utc::now);
    let simulation = Arc::new(Simulation::new(&args, until)?);
    if let Some(folder) = args.out.clone() {
        let version = match args.oneroster {
            cli::OneRoster::V1_1 => Version::V1_1,
            cli::OneRoster::V1_2 => Version::V1_2,
        };
        let (simulation, faults) = (Arc::clone(&simulation), args.faults);
        let write = move || files::write(&simulation, &folder, version, faults);
        let written = tokio::task::spawn_blocking(write).await??;
        output.show(&written.json(), written.text());
    }
    let Some(target) = args.target() else {
        return Ok(ExitCode::SUCCESS);
    };
    let folder = args.out.as_deref().unwrap_or(Path::new("."));
    let target = Target::open(config, target, folder)?;
    // It counts the events of some students first.
    let source = tokio::task::spawn_blocking(move || Posted::new(simulation)).await?;
    target.import(Arc::new(source), output).await
}

/// A world and which of its events are wanted.
struct Simulation {
    world: World,
    options: EventOptions,
}

impl Simulation {
    fn new(args: &cli::School, until: chrono::DateTime<Utc>) -> anyhow::Result<Self> {
        // A school year that has begun.
        let begun = until.year() - i32::from(until.month() < 9);
        let year = SchoolYear::beginning(args.year.unwrap_or(begun))
            .context("--year is none of those that can be simulated, 2000 to 2090")?;
        let students = args.students;
        let size = match args.schools {
            Some(schools) => Size::District { schools, students },
            None => Size::School { students },
        };
        let options = EventOptions {
            from: args.from,
            until: Some(until),
            delivery: if args.real {
                Delivery::Real
            } else {
                Delivery::Ideal
            },
            actors: if args.per_app {
                Actors::PerApp
            } else {
                Actors::SourcedId
            },
            ..EventOptions::of(match args.semester {
                cli::Semester::Fall => Semester::Fall,
                cli::Semester::Spring => Semester::Spring,
            })
        };
        Ok(Self {
            world: World::new(args.seed, size, year)?.in_zone(args.time_zone),
            options,
        })
    }
}

/// Simulated events as a table to import: a row each.
struct Posted {
    simulation: Arc<Simulation>,
    name: String,
    digest: String,
    rows: u64,
}

impl Posted {
    fn new(simulation: Arc<Simulation>) -> Self {
        let Simulation { world, options } = &*simulation;
        // The same events, up to where they end: a later run posts what is new.
        let same = EventOptions {
            until: None,
            ..options.clone()
        };
        let (seed, zone, students) = (world.seed(), world.zone(), world.students());
        let which = format!(
            "{seed} {:?} {zone} {students} {} {same:?}",
            world.year(),
            world.schools()
        );
        Self {
            name: world.name(),
            digest: hex::encode(Sha256::digest(which)),
            rows: Events::new(world, options).estimate(),
            simulation,
        }
    }
}

impl Table for Posted {
    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    /// About how many.
    fn row_count(&self) -> u64 {
        self.rows
    }
}

impl Source for Posted {
    fn dialect(&self) -> Dialect {
        Dialect::Native
    }

    fn tables(&self) -> Vec<&dyn Table> {
        vec![self]
    }

    fn events<'a>(&'a self, _table: usize, skip: u64) -> anyhow::Result<import::Events<'a>> {
        let Simulation { world, options } = &*self.simulation;
        let mut events = Events::new(world, options);
        let mut line = Vec::new();
        let rows = (1..).map_while(move |row| {
            line.clear();
            events.next_line(&mut line)?;
            if row <= skip {
                return Some(None);
            }
            let event = std::str::from_utf8(line.trim_ascii_end());
            let event = event.map(|event| RowEvents {
                row,
                events: vec![event.to_owned()],
            });
            Some(Some(event.context("a simulated event is no text")))
        });
        Ok(Box::new(rows.flatten()))
    }
}
