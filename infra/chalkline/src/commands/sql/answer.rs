//! From the bytes of an answer to what is shown of it.

use std::time::{Duration, Instant};

use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;

use super::render::{Looks, Sheet, aligned, expanded, markdown};
use super::settings::{Expanded, Format, Settings};
use super::sink::{Sink, screen_width};
use super::trouble::Trouble;
use crate::client::Stream;

/// Rows that a terminal is shown of one answer: more are for programs.
const SHOWN: usize = 10_000;

/// What is said of an answer beside its rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct About {
    /// How many rows it has, if that is known.
    pub rows: Option<u64>,
    /// Whether there are more rows than were shown.
    pub has_more: bool,
    /// It is complete up to this moment.
    pub data_as_of: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// What of it could not be shown.
    pub remarks: Vec<String>,
}

/// Reads an answer in Arrow into a sheet, and says whether that is all of it.
///
/// # Errors
/// When it breaks off, or is damaged.
pub async fn read(
    stream: &mut Stream,
    most: usize,
    statement: &str,
) -> Result<(Sheet, bool), Trouble> {
    let damaged = |error: ArrowError| Trouble::Client(format!("the answer is damaged: {error}"));
    let mut decoder = StreamDecoder::new();
    let mut sheet: Option<Sheet> = None;
    while let Some(chunk) = stream
        .chunk()
        .await
        .map_err(|error| Trouble::of(&error, statement))?
    {
        let mut bytes = Buffer::from_vec(chunk);
        while !bytes.is_empty() {
            let batch = decoder.decode(&mut bytes).map_err(damaged)?;
            if let (None, Some(schema)) = (&sheet, decoder.schema()) {
                sheet = Some(Sheet::with_columns(&schema));
            }
            if let (Some(batch), Some(sheet)) = (batch, &mut sheet)
                && !sheet.take(&batch, most).map_err(damaged)?
            {
                return Ok((std::mem::take(sheet), false));
            }
        }
    }
    decoder.finish().map_err(damaged)?;
    Ok((sheet.unwrap_or_default(), true))
}

/// How many rows are held to be shown there.
pub fn most(sink: &Sink) -> usize {
    match sink.is_terminal() {
        true => SHOWN,
        false => usize::MAX,
    }
}

/// Passes an answer on as it comes.
///
/// # Errors
/// When it breaks off, or cannot be written.
pub async fn pass(stream: &mut Stream, sink: &mut Sink, statement: &str) -> Result<(), Trouble> {
    let mut pass = sink.pass();
    while let Some(chunk) = stream
        .chunk()
        .await
        .map_err(|error| Trouble::of(&error, statement))?
    {
        pass.write(&chunk)
            .map_err(|error| Trouble::writing(&error))?;
    }
    pass.finish().map_err(|error| Trouble::writing(&error))
}

/// A sheet as the settings want it, and what of it is not to be seen.
pub fn rendered(
    sheet: &Sheet,
    settings: &Settings,
    looks: Looks,
    room: Option<usize>,
) -> (String, Vec<String>) {
    if settings.format == Format::Markdown {
        return (markdown(sheet), Vec::new());
    }
    if settings.expanded == Expanded::On {
        return (expanded(sheet, looks), Vec::new());
    }
    let room = room.filter(|_| !settings.wide && !looks.lines);
    let fit = aligned(sheet, room, looks);
    if settings.expanded == Expanded::Auto && (fit.hidden > 0 || fit.is_cut) {
        return (expanded(sheet, looks), Vec::new());
    }
    let mut remarks = Vec::new();
    match fit.hidden {
        0 => {}
        1 => remarks.push("1 more column: \\x or \\wide shows it".to_owned()),
        more => remarks.push(format!("{more} more columns: \\x or \\wide shows them")),
    }
    (fit.text, remarks)
}

/// Shows a sheet.
///
/// # Errors
/// When it cannot be written.
pub fn show(
    sheet: &Sheet,
    settings: &Settings,
    mut looks: Looks,
    sink: &mut Sink,
) -> Result<Vec<String>, Trouble> {
    looks.color &= sink.is_terminal();
    let room = screen_width().filter(|_| sink.is_terminal());
    let (text, remarks) = rendered(sheet, settings, looks, room);
    let written = match text.is_empty() {
        true => Ok(()),
        false => sink.text(&text, settings.pager),
    };
    written.map_err(|error| Trouble::writing(&error))?;
    Ok(remarks)
}

impl About {
    /// What is known of an answer before its rows.
    pub fn of(stream: &Stream) -> Self {
        Self {
            rows: stream.rows,
            data_as_of: stream.data_as_of.clone(),
            ..Self::default()
        }
    }

    /// Says how long it took since then.
    #[must_use]
    pub fn since(self, began: Instant) -> Self {
        Self {
            took: began.elapsed(),
            ..self
        }
    }

    /// The line below an answer.
    pub fn line(&self, timing: bool) -> String {
        let rows = self.rows.map(|rows| match rows {
            1 => "1 row".to_owned(),
            rows if self.has_more => format!("the first {rows} rows: --format csv has all"),
            rows => format!("{rows} rows"),
        });
        let took = timing.then(|| format!("{:.3} s", self.took.as_secs_f64()));
        let complete = self.data_as_of.as_deref();
        let complete =
            complete.map(|moment| format!("complete up to {}", super::visible::visible(moment)));
        let parts = rows.into_iter().chain(self.remarks.iter().cloned());
        let parts: Vec<String> = parts.chain(took).chain(complete).collect();
        format!("({})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(expanded: Expanded) -> Settings {
        Settings {
            format: Format::Table,
            expanded,
            wide: false,
            timing: true,
            pager: false,
            quiet: false,
        }
    }

    #[test]
    fn what_does_not_fit_is_said_or_stands_below() {
        let mut sheet = Sheet::of(["aaaaaaaa", "bbbbbbbb", "cccccccc"]);
        let row = sheet.columns.iter().map(|column| Some(column.name.clone()));
        sheet.rows = vec![row.collect()];
        let show = |expanded, room| rendered(&sheet, &settings(expanded), Looks::default(), room);
        let (text, remarks) = show(Expanded::Off, Some(20));
        assert!(!text.contains('c'), "{text}");
        assert_eq!(remarks, ["1 more column: \\x or \\wide shows it"]);
        assert!(
            show(Expanded::Auto, Some(20))
                .0
                .starts_with("-[ record 1 ]")
        );
        let (text, remarks) = show(Expanded::Auto, Some(80));
        assert!(text.contains(" | cccccccc") && remarks.is_empty(), "{text}");
        let wide = Settings {
            wide: true,
            ..settings(Expanded::Auto)
        };
        let (text, _) = rendered(&sheet, &wide, Looks::default(), Some(20));
        assert!(text.contains(" | cccccccc"), "{text}");
    }

    #[test]
    fn the_line_below_says_what_is_known() {
        let mut about = About {
            rows: Some(1),
            data_as_of: Some("2026-09-14T11:59:20Z".to_owned()),
            took: Duration::from_millis(1_234),
            ..About::default()
        };
        assert_eq!(
            about.line(true),
            "(1 row, 1.234 s, complete up to 2026-09-14T11:59:20Z)"
        );
        about.rows = Some(10_000);
        about.has_more = true;
        about.data_as_of = None;
        assert_eq!(
            about.line(false),
            "(the first 10000 rows: --format csv has all)"
        );
    }
}
