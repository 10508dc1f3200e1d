use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::course_start::noon;
use super::{Lookup, OuladError, Table};
use crate::import::Table as _;

/// The namespace of the ids of OULAD rows.
const NAMESPACE: Uuid = Uuid::from_u128(0x5a1c_52a8_3c1f_4be0_9f57_2d6f_0b6c_91d4);

/// The points of a full score.
const MAX_SCORE: f64 = 100.0;

/// A row of `studentVle`.
#[derive(Debug, Deserialize)]
pub struct Click {
    code_module: String,
    code_presentation: String,
    id_student: String,
    id_site: String,
    date: i64,
    sum_click: i64,
}

/// A row of `studentAssessment`.
#[derive(Debug, Deserialize)]
pub struct Submission {
    id_assessment: String,
    id_student: String,
    date_submitted: i64,
    #[serde(deserialize_with = "flag")]
    is_banked: bool,
    #[serde(deserialize_with = "known")]
    score: Option<f64>,
}

/// The native event, as far as these tables fill it.
#[derive(Serialize)]
struct Event<'a, D> {
    id: Uuid,
    #[serde(rename = "type")]
    event_type: &'static str,
    time: String,
    actor: &'a str,
    course: &'a str,
    section: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    data: D,
}

#[derive(Serialize)]
struct Opened<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<&'a str>,
    count: i64,
}

#[derive(Serialize)]
struct Assessed<'a> {
    assessment: &'a str,
    category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_score: Option<f64>,
    is_banked: bool,
}

impl Click {
    /// `content.opened`, as often as `count` says.
    pub fn event(&self, lookup: &Lookup, table: &Table, row: u64) -> Result<String, OuladError> {
        let time = time(lookup, table, row, &self.code_presentation, self.date)?;
        let (course, section) = course_and_section(&self.code_module, &self.code_presentation);
        Ok(json(&Event {
            id: row_id(table, row, ""),
            event_type: "content.opened",
            time: rfc3339(time),
            actor: &self.id_student,
            course: &course,
            section: &section,
            content: Some(&self.id_site),
            data: Opened {
                element: lookup.activity(&self.id_site),
                count: self.sum_click,
            },
        }))
    }
}

impl Submission {
    /// `assessment.submitted` and, where there is a score, `assessment.graded`.
    pub fn events(
        &self,
        lookup: &Lookup,
        table: &Table,
        row: u64,
    ) -> Result<Vec<String>, OuladError> {
        let assessment =
            lookup
                .assessment(&self.id_assessment)
                .ok_or_else(|| OuladError::Assessment {
                    table: table.name(),
                    row,
                    assessment: self.id_assessment.clone(),
                })?;
        let presentation = &assessment.code_presentation;
        let time = time(lookup, table, row, presentation, self.date_submitted)?;
        let (course, section) = course_and_section(&assessment.code_module, presentation);
        let event = |event_type, part, score: Option<f64>| {
            json(&Event {
                id: row_id(table, row, part),
                event_type,
                time: rfc3339(time),
                actor: &self.id_student,
                course: &course,
                section: &section,
                content: None,
                data: Assessed {
                    assessment: &self.id_assessment,
                    category: &assessment.assessment_type,
                    score,
                    max_score: score.map(|_| MAX_SCORE),
                    is_banked: self.is_banked,
                },
            })
        };
        let mut events = vec![event("assessment.submitted", "/submitted", None)];
        if self.score.is_some() {
            events.push(event("assessment.graded", "/graded", self.score));
        }
        Ok(events)
    }
}

/// The id of an event: the same whenever the same file is read, different for
/// every row and for the parts of a row.
fn row_id(table: &Table, row: u64, part: &str) -> Uuid {
    let name = format!("oulad/{}/{}/{row}{part}", table.name(), table.digest());
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

pub(super) fn course_and_section(module: &str, presentation: &str) -> (String, String) {
    let course = module.to_ascii_lowercase();
    let section = format!("{course}-{}", presentation.to_ascii_lowercase());
    (course, section)
}

fn time(
    lookup: &Lookup,
    table: &Table,
    row: u64,
    presentation: &str,
    day: i64,
) -> Result<DateTime<Utc>, OuladError> {
    let first = lookup
        .starts
        .first_day(presentation)
        .ok_or_else(|| OuladError::CourseStart(presentation.to_owned()))?;
    noon(first, day).ok_or(OuladError::Day {
        table: table.name(),
        row,
        day,
    })
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn json(event: &impl Serialize) -> String {
    serde_json::to_string(event).expect("an event has only text keys and finite numbers")
}

/// Reads `0` and `1`.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match u8::deserialize(deserializer)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(serde::de::Error::custom(format!(
            "{other} is neither 0 nor 1"
        ))),
    }
}

/// Reads a finite number; the empty text, and `?` in older copies, mean unknown.
pub(super) fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text == "?" {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(serde::de::Error::custom(format!("{text:?} is no number"))),
    }
}
