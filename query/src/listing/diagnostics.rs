//! `import_diagnostics`: what was wrong with what was imported.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use futures::{StreamExt, TryStreamExt};

use super::{Asked, Column, Kind, Listing, batch, column};
use crate::error::Error;
use crate::session::unavailable;

/// Of how many jobs they are shown.
const MOST_JOBS: usize = 100;

/// The longest files together; of the job with which they would be longer, and of those
/// before it, nothing is shown.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How many files are read at once.
const CONCURRENT_READS: usize = 4;

pub(super) const COLUMNS: &[Column] = &[
    column("job_id", Kind::Text, "The job, as in import_jobs."),
    column(
        "severity",
        Kind::Text,
        "fatal: nothing was taken; error: rows were left out; or warning.",
    ),
    column("code", Kind::Text, "What is wrong, for programs."),
    column(
        "file",
        Kind::Text,
        "The file; empty of the bundle as a whole.",
    ),
    column(
        "line",
        Kind::Whole,
        "The line, the header's being 1; empty of the file as a whole.",
    ),
    column("column", Kind::Text, "The column, as OneRoster spells it."),
    column("count", Kind::Whole, "How often."),
    column("detail", Kind::Text, "What is wrong, for people."),
    column("advice", Kind::Text, "What to do."),
];

/// The columns of the files, in the listing's order.
const TEXTS: [&str; 6] = ["severity", "code", "file", "column", "detail", "advice"];

pub(super) async fn rows(asked: &Asked<'_>) -> Result<RecordBatch, Error> {
    let jobs = asked.jobs();
    let newest = asked.newest_jobs(MOST_JOBS).await?;
    let ids: Vec<_> = newest.into_iter().map(|job| job.id).collect();
    let files = futures::stream::iter(ids)
        .map(|id| {
            let jobs = &jobs;
            async move { Ok::<_, Error>((id, jobs.diagnostics(id).await.map_err(unavailable)?)) }
        })
        .buffered(CONCURRENT_READS);
    let mut files = std::pin::pin!(files);
    let mut rows = Rows::default();
    let mut bytes = 0;
    while let Some((id, file)) = files.try_next().await? {
        let Some(file) = file else {
            continue;
        };
        bytes += file.len();
        if bytes > MOST_BYTES {
            break;
        }
        rows.read(&id.to_string(), &file);
    }
    batch(Listing::ImportDiagnostics, rows.finish())
}

#[derive(Default)]
struct Rows {
    jobs: StringBuilder,
    texts: [StringBuilder; TEXTS.len()],
    lines: Int64Builder,
    counts: Int64Builder,
}

impl Rows {
    /// Adds the lines of a job's file. Another version may have written it: what it lacks
    /// is NULL.
    fn read(&mut self, job: &str, file: &Bytes) {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(file.as_ref());
        let header = reader.headers().cloned().unwrap_or_default();
        let position = |name: &str| header.iter().position(|column| column == name);
        let texts = TEXTS.map(position);
        let (line_at, count_at) = (position("line"), position("count"));
        for line in reader.records().filter_map(Result::ok) {
            let cell = |at: Option<usize>| {
                let cell = at.and_then(|at| line.get(at));
                cell.filter(|cell| !cell.is_empty())
            };
            let number = |at| cell(at).and_then(|cell| cell.parse().ok());
            self.jobs.append_value(job);
            for (builder, at) in self.texts.iter_mut().zip(texts) {
                builder.append_option(cell(at));
            }
            self.lines.append_option(number(line_at));
            self.counts.append_option(number(count_at));
        }
    }

    fn finish(mut self) -> Vec<ArrayRef> {
        let [severity, code, file, column, detail, advice] = self
            .texts
            .each_mut()
            .map(|texts| Arc::new(texts.finish()) as ArrayRef);
        vec![
            Arc::new(self.jobs.finish()),
            severity,
            code,
            file,
            Arc::new(self.lines.finish()),
            column,
            Arc::new(self.counts.finish()),
            detail,
            advice,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows_and_what_another_version_lacks_is_missing() {
        let mut rows = Rows::default();
        let file = "severity,code,file,line,column,count,detail,advice\n\
                    error,duplicate_id,users.csv,3,sourcedId,1,\"a, b\",mend it\n\
                    warning,encoding,users.csv,,,2,text,\n";
        rows.read("one", &Bytes::from(file));
        rows.read("two", &Bytes::from("code,more\nnew_code,x\n"));
        rows.read("three", &Bytes::from(""));
        let rows = batch(Listing::ImportDiagnostics, rows.finish()).expect("rows");
        let text = datafusion::arrow::util::pretty::pretty_format_batches(&[rows]);
        let text = text.expect("text").to_string();
        let squeezed = |line: &str| line.split('|').map(str::trim).collect::<Vec<_>>().join("|");
        let lines: Vec<_> = text.lines().skip(3).map(squeezed).collect();
        assert_eq!(
            lines[..3],
            [
                "|one|error|duplicate_id|users.csv|3|sourcedId|1|a, b|mend it|",
                "|one|warning|encoding|users.csv|||2|text||",
                "|two||new_code|||||||",
            ]
        );
        assert_eq!(lines.len(), 4);
    }
}
