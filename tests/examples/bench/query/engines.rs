//! DuckDB and chDB over the same files, in a process of their own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use e2e::files;
use serde_json::{Value, json};

use super::district::District;
use super::service::Answer;
use crate::front::server::set_up;

/// The peers that `infra/bench/peer/engines/engines.py` speaks for. It ends with its input.
pub struct Engines {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Engines {
    /// Starts them over the district's files as they are now, with a thread for each core.
    pub fn start(district: &District) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let script = files::workspace().join("infra/bench/peer/engines/engines.py");
        let tables = district.folders();
        let mut child = Command::new(set_up("engines.sh"))
            .arg(script)
            .arg(cores.to_string())
            .args(tables.map(|(table, folder)| format!("{table}={folder}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let answers = child.stdout.take().expect("its output is piped");
        Self {
            questions: child.stdin.take(),
            answers: BufReader::new(answers),
            child,
        }
    }

    /// Has a statement answered by `duckdb` or `chdb`.
    ///
    /// # Panics
    /// When it is not.
    pub fn ask(&mut self, engine: &str, sql: &str) -> Answer {
        let answer = self.say(&json!({"engine": engine, "sql": sql}));
        let number = |name: &str| answer[name].as_f64().expect("a number");
        Answer {
            seconds: number("seconds"),
            rows: answer["rows"].as_u64().expect("a count"),
            sum: number("sum"),
        }
    }

    /// Writes what a statement answers into a file, as CSV with a header; how many rows.
    ///
    /// # Panics
    /// When it is not.
    pub fn export(&mut self, sql: &str, file: &str) -> u64 {
        let answer = self.say(&json!({"export": sql, "to": file}));
        answer["rows"].as_u64().expect("a count")
    }

    fn say(&mut self, question: &Value) -> Value {
        let questions = self.questions.as_mut().expect("they are not ended");
        writeln!(questions, "{question}").expect("Python reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("Python answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {question}"))
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        drop(self.questions.take());
        self.child.wait().ok();
    }
}
