//! The figures as a Markdown table, with the machine they are of.

use std::fmt;

use crate::load::{EVENT_BYTES, EVENTS};

/// What is printed in the end.
pub struct Report {
    machine: String,
    rows: Vec<[String; 4]>,
    missed: Vec<String>,
}

/// What a figure must reach, in the figure's own unit.
#[derive(Debug, Clone, Copy)]
pub enum Floor {
    /// Nothing is demanded of it.
    None,
    /// At least this much.
    AtLeast(f64),
    /// At most this much.
    AtMost(f64),
}

impl Floor {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::None => true,
            Self::AtLeast(floor) => value >= floor,
            Self::AtMost(floor) => value <= floor,
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::AtLeast(floor) => write!(f, "≥ {}", thousands(*floor)),
            Self::AtMost(floor) => write!(f, "≤ {}", thousands(*floor)),
        }
    }
}

impl Report {
    /// An empty report of the machine that runs this.
    pub fn of_this_machine() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let model = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                Some(
                    line.strip_prefix("model name")?
                        .split_once(':')?
                        .1
                        .trim()
                        .to_owned(),
                )
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let memory_kib: u64 = read("/proc/meminfo")
            .lines()
            .find_map(|line| {
                line.strip_prefix("MemTotal:")?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let build = if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        };
        let machine = format!(
            "{cores} cores {model}, {} GiB, {build} build",
            memory_kib / (1 << 20)
        );
        Self {
            machine,
            rows: Vec::new(),
            missed: Vec::new(),
        }
    }

    /// Adds a figure: what, how much, what it must reach, under which
    /// circumstances. `value` is what of it is held against the floor.
    pub fn add(&mut self, what: &str, figure: String, value: f64, floor: Floor, how: String) {
        let met = floor.is_met(value);
        let verdict = if met { "" } else { ", missed" };
        eprintln!("{what}: {figure} ({how}){verdict}");
        if !met {
            self.missed.push(what.to_owned());
        }
        let floor = format!("{floor}{verdict}");
        self.rows.push([what.to_owned(), figure, floor, how]);
    }

    /// The figures that did not reach their floor.
    pub fn missed(&self) -> &[String] {
        &self.missed
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Machine: {}.", self.machine)?;
        writeln!(
            f,
            "Command: `make bench`. Input: {EVENTS} events a request, clicks of {EVENT_BYTES} bytes \
             unless it is said otherwise.\n"
        )?;
        writeln!(
            f,
            "| what | figure | floor | how |\n| --- | --- | --- | --- |"
        )?;
        for [what, figure, floor, how] in &self.rows {
            writeln!(f, "| {what} | {figure} | {floor} | {how} |")?;
        }
        Ok(())
    }
}

/// A count with thousands apart.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
