use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, StringBuilder};
use schemas::event::Assessment;

use super::TextColumns;

/// What only assessment events have.
#[derive(Debug, Default)]
pub(super) struct AssessmentColumns {
    assessment_id: StringBuilder,
    attempt: Int32Builder,
    answer: TextColumns<2>,
    correct: BooleanBuilder,
    score: Float64Builder,
    max_score: Float64Builder,
    hints: Int32Builder,
    duration_seconds: Float64Builder,
    grade: TextColumns<5>,
}

impl AssessmentColumns {
    pub fn append(&mut self, data: &Assessment) {
        self.assessment_id
            .append_option(data.assessment_id.as_deref());
        self.attempt.append_option(data.attempt);
        self.answer
            .append([data.item_id.as_deref(), data.response.as_deref()]);
        self.correct.append_option(data.correct);
        self.score.append_option(data.score);
        self.max_score.append_option(data.max_score);
        self.hints.append_option(data.hints);
        self.duration_seconds.append_option(data.duration_seconds);
        let by_key = data.by_key.map(|key| key.to_string());
        self.grade.append([
            data.category.as_deref(),
            data.grade_old.as_deref(),
            data.grade_new.as_deref(),
            data.reason.as_deref(),
            by_key.as_deref(),
        ]);
    }

    pub fn finish(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.assessment_id.finish()),
            Arc::new(self.attempt.finish()),
        ];
        columns.extend(self.answer.finish());
        columns.push(Arc::new(self.correct.finish()));
        columns.push(Arc::new(self.score.finish()));
        columns.push(Arc::new(self.max_score.finish()));
        columns.push(Arc::new(self.hints.finish()));
        columns.push(Arc::new(self.duration_seconds.finish()));
        columns.extend(self.grade.finish());
        columns
    }
}
