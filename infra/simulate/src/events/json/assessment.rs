//! The data of assessment events.

use super::members::{decimal, member, number, tenths, text};
use super::staff;
use crate::content::LETTERS;
use crate::events::event::{Detail, Event};

pub(super) fn assessment(to: &mut Vec<u8>, event: &Event) {
    if let (Some(content), false) = (
        event.content,
        matches!(event.detail, Detail::CourseGrade { .. }),
    ) {
        text(to, "\"assessment\":\"");
        content.write_id(to);
        text(to, "\",");
        if let Some(category) = content.part.category() {
            member(to, "category", category.name());
        }
    }
    let item = |to: &mut Vec<u8>, item: u8, attempt: u8| {
        text(to, "\"item\":\"");
        if let Some(content) = event.content {
            content.write_id(to);
        }
        text(to, "/q");
        decimal(to, u32::from(item) + 1);
        text(to, "\",");
        number(to, "attempt", attempt.into());
    };
    match &event.detail {
        Detail::Started { attempt } => number(to, "attempt", (*attempt).into()),
        Detail::ItemViewed { item: i, attempt } | Detail::Hinted { item: i, attempt } => {
            item(to, *i, *attempt);
        }
        Detail::Answered {
            item: i,
            attempt,
            hints,
            response,
            correct,
            duration,
        } => {
            item(to, *i, *attempt);
            if let Some(response) = response {
                member(to, "response", LETTERS[usize::from(*response)]);
            }
            text(
                to,
                if *correct {
                    "\"correct\":true,\"score\":1,"
                } else {
                    "\"correct\":false,\"score\":0,"
                },
            );
            number(to, "max_score", 1);
            number(to, "hints", (*hints).into());
            tenths(to, "duration", *duration);
        }
        Detail::Submitted { attempt, duration } => {
            number(to, "attempt", (*attempt).into());
            tenths(to, "duration", *duration);
        }
        Detail::Graded { attempt, score, by } => {
            number(to, "attempt", (*attempt).into());
            number(to, "score", (*score).into());
            let max = event.content.and_then(|content| content.part.max_score());
            number(to, "max_score", max.unwrap_or_default().into());
            if let Some(by) = by {
                staff(to, *by);
            }
        }
        Detail::Regraded { old, new, by } => {
            number(to, "old", (*old).into());
            number(to, "new", (*new).into());
            member(to, "reason", "Graded again at the student's request");
            staff(to, *by);
        }
        Detail::CourseGrade { old, new, last, by } => {
            member(to, "category", if *last { "final" } else { "progress" });
            if let Some(old) = old {
                member(to, "old", old);
            }
            member(to, "new", new);
            let reason = if *last {
                "End of the semester"
            } else {
                "End of the grading period"
            };
            member(to, "reason", reason);
            staff(to, *by);
        }
        _ => {}
    }
}
