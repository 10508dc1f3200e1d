use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int32Builder};
use schemas::StudentKey;
use schemas::event::Assessment;

use super::words::Texts::{Unique, Words};
use super::words::{Closed, TextColumn, TextColumnGroup};

/// What only assessment events have.
#[derive(Debug)]
pub(super) struct AssessmentColumns {
    assessment_id: TextColumn,
    attempt: Int32Builder,
    answer: TextColumnGroup<2>,
    correct: BooleanBuilder,
    score: Float64Builder,
    max_score: Float64Builder,
    hints: Int32Builder,
    duration_seconds: Float64Builder,
    grade: TextColumnGroup<5>,
}

impl Default for AssessmentColumns {
    fn default() -> Self {
        Self {
            assessment_id: TextColumn::new(Words),
            attempt: Int32Builder::with_capacity(0),
            answer: TextColumnGroup::new([Words, Unique]),
            correct: BooleanBuilder::with_capacity(0),
            score: Float64Builder::with_capacity(0),
            max_score: Float64Builder::with_capacity(0),
            hints: Int32Builder::with_capacity(0),
            duration_seconds: Float64Builder::with_capacity(0),
            grade: TextColumnGroup::new([Words, Words, Words, Unique, Unique]),
        }
    }
}

impl AssessmentColumns {
    /// Adds what an event says, with the key of the other person whom it names.
    pub fn append(&mut self, data: &Assessment, by_key: Option<StudentKey>) {
        self.assessment_id.append(data.assessment_id.as_deref());
        self.attempt.append_option(data.attempt);
        self.answer
            .append([data.item_id.as_deref(), data.response.as_deref()]);
        self.correct.append_option(data.correct);
        self.score.append_option(data.score);
        self.max_score.append_option(data.max_score);
        self.hints.append_option(data.hints);
        self.duration_seconds.append_option(data.duration_seconds);
        let by_key = by_key.map(|key| key.to_string());
        self.grade.append([
            data.category.as_deref(),
            data.grade_old.as_deref(),
            data.grade_new.as_deref(),
            data.reason.as_deref(),
            by_key.as_deref(),
        ]);
    }

    pub fn close(&mut self) -> Vec<Closed> {
        let mut columns = vec![self.assessment_id.close(), self.attempt.finish().into()];
        columns.extend(self.answer.close());
        columns.push(self.correct.finish().into());
        columns.push(self.score.finish().into());
        columns.push(self.max_score.finish().into());
        columns.push(self.hints.finish().into());
        columns.push(self.duration_seconds.finish().into());
        columns.extend(self.grade.close());
        columns
    }

    pub fn words(&mut self) -> Vec<ArrayRef> {
        let first = self.assessment_id.words().into_iter();
        let rest = self.answer.words().chain(self.grade.words());
        first.chain(rest).collect()
    }
}
