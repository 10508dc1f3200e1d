//! How fast a district is simulated, and with how much memory.

use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use simulate::{
    Bundle, Delivery, EventOptions, Events, SchoolYear, Semester, Size, Version, World,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let year = SchoolYear::beginning(2025).ok_or("a school year")?;
    let size = Size::District {
        schools: 160,
        students: 200_000,
    };
    let world = World::new(1, size, year)?;

    let started = Instant::now();
    let mut rows = 0;
    let mut zip = Cursor::new(Vec::new());
    let bundle = Bundle::new(&world, Version::V1_2);
    bundle.write_zip(&mut zip, &mut |progress| rows = progress.rows)?;
    let bytes = zip.into_inner().len();
    println!(
        "roster: {rows} rows, zip of {bytes} bytes, {:?}",
        started.elapsed()
    );
    println!("peak memory: {}", peak_memory());

    let all = Events::new(&world, &EventOptions::of(Semester::Fall)).estimate();
    println!(
        "about {} events a student",
        all / u64::from(world.students())
    );

    for delivery in [Delivery::Ideal, Delivery::Real] {
        let options = EventOptions {
            delivery,
            from: Some(year.start() + chrono::Days::new(14)),
            ..EventOptions::of(Semester::Fall)
        };
        let started = Instant::now();
        let (mut events, mut bytes) = (0, 0);
        for batch in Events::new(&world, &options).batches(1_000) {
            events += batch.events;
            bytes += black_box(&batch.lines).len();
            if events >= 20_000_000 {
                break;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{delivery:?} events: {events} of {} bytes, {:.0} a second",
            bytes / events,
            events as f64 / seconds
        );
        println!("peak memory: {}", peak_memory());
    }
    Ok(())
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}
