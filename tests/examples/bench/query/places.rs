//! What of the district is asked about: where most happened, so that no answer is empty.

use chrono::{Days, NaiveDate};
use e2e::Client;

use super::statements::Values;

/// Sections and videos that reports are asked for.
const SECTIONS: usize = 50;
const VIDEOS: usize = 20;

/// Of one school and its last term.
pub struct Places {
    /// What is put into statements.
    pub values: Values,
    /// Sections of the school.
    pub sections: Vec<String>,
    /// Videos that were watched there.
    pub videos: Vec<String>,
    /// Who teaches the section of the statements, and which sections those are.
    pub teacher: String,
    pub taught: Vec<String>,
}

impl Places {
    /// Those of the school in which most happened since that day.
    pub async fn of(steward: &Client, term_start: NaiveDate) -> Self {
        let since = format!("occurred_at >= TIMESTAMP '{term_start} 00:00:00'");
        let most = async |what: &str, table: &str, of: &str, number: usize| {
            let sql = format!(
                "SELECT {what} AS v FROM {table} WHERE {of} AND {what} IS NOT NULL \
                 GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {number}"
            );
            texts(steward, &sql).await
        };
        let first = |found: Vec<String>| found.into_iter().next().expect("one at least");

        let school = first(most("school_id", "clickstream", &since, 1).await);
        let of_school = format!("school_id = '{school}' AND {since}");
        let sections = most("section_id", "clickstream", &of_school, SECTIONS).await;
        let videos = most("content_id", "video", &of_school, VIDEOS).await;
        let section = sections[0].clone();
        let of_section = format!("section_id = '{section}'");
        let course = first(most("course_id", "clickstream", &of_section, 1).await);
        let student = first(most("student_key", "clickstream", &of_section, 1).await);
        let of_course = format!("course_id = '{course}' AND event_type = 'item.answered'");
        let assessment = first(most("assessment_id", "assessment", &of_course, 1).await);
        let week = "CAST(date_trunc('week', occurred_at) AS date)";
        let monday = first(most(week, "clickstream", &of_school, 1).await);
        let monday: NaiveDate = monday.parse().expect("a day");

        let teaches = format!("role = 'teacher' AND section_id = '{section}'");
        let teacher = first(most("user_id", "enrollments", &teaches, 1).await);
        let taught = format!("role = 'teacher' AND user_id = '{teacher}'");
        let taught = most("section_id", "enrollments", &taught, SECTIONS).await;
        let values = [
            ("school", school),
            ("section", section),
            ("course", course),
            ("student", student),
            ("assessment", assessment),
            ("monday", monday.to_string()),
            ("tuesday", (monday + Days::new(1)).to_string()),
            ("next_monday", (monday + Days::new(7)).to_string()),
            ("term_start", term_start.to_string()),
        ];
        Self {
            values: values.into(),
            sections,
            videos,
            teacher,
            taught,
        }
    }

    /// The rows that a role's policy shows, as a condition more: what somebody who sees
    /// all has to write to be answered the same. None of a role that sees all rows.
    pub fn scope(&self, role: &str) -> String {
        match role {
            "teacher" => format!("AND section_id IN ('{}')", self.taught.join("', '")),
            "school_admin" => format!("AND school_id = '{}'", self.values["school"]),
            _ => String::new(),
        }
    }

    /// Pages of reports: of each section what its students did and what happened in it,
    /// and how each video was watched.
    pub fn reports(&self) -> Vec<String> {
        let of_sections = self.sections.iter().flat_map(|section| {
            ["student_day", "section_day"]
                .map(|report| format!("/v1/reports/{report}?section_id={section}"))
        });
        let of_videos = self.videos.iter();
        let of_videos =
            of_videos.map(|video| format!("/v1/reports/video_retention?content_id={video}"));
        of_sections.chain(of_videos).collect()
    }
}

async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.sql(sql).await;
    let texts = rows.iter().filter_map(|row| row["v"].as_str());
    texts.map(str::to_owned).collect()
}
