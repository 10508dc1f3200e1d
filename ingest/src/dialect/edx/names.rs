//! The names of tracking events that say what one of our types says.

use schemas::event::Data;

use super::tracking::Tracking;
use super::{assessment, discussion, page, problem, video};

/// What an event tells as one of our types.
#[derive(Debug)]
pub struct Told {
    /// The type.
    pub event_type: &'static str,
    /// The page, video or problem.
    pub content: Option<String>,
    /// What its family carries.
    pub data: Data,
}

/// Reads an event of that name as one of a type; `None` when it lacks what the
/// type must carry.
type Tell = fn(&mut Tracking, &'static str) -> Option<Told>;

/// Each name, its type and what reads it; sorted by name.
const NAMES: &[(&str, &str, Tell)] = &[
    ("book", "content.opened", page::opened),
    ("complete_video", "video.completed", video::tell),
    ("edx.bookmark.accessed", "content.opened", page::opened),
    (
        "edx.completion.block_completion.changed",
        "content.completed",
        page::completed,
    ),
    (
        "edx.course.enrollment.activated",
        "enrollment.changed",
        page::enrolled,
    ),
    (
        "edx.course.enrollment.deactivated",
        "enrollment.changed",
        page::enrolled,
    ),
    (
        "edx.course.enrollment.mode_changed",
        "enrollment.changed",
        page::enrolled,
    ),
    (
        "edx.course.grade.now_failed",
        "grade.changed",
        assessment::passed,
    ),
    (
        "edx.course.grade.now_passed",
        "grade.changed",
        assessment::passed,
    ),
    (
        "edx.course.grade.passed.first_time",
        "grade.changed",
        assessment::passed,
    ),
    (
        "edx.course.student_notes.searched",
        "search.performed",
        discussion::searched,
    ),
    (
        "edx.forum.comment.created",
        "discussion.posted",
        discussion::tell,
    ),
    (
        "edx.forum.response.created",
        "discussion.posted",
        discussion::tell,
    ),
    (
        "edx.forum.response.voted",
        "discussion.voted",
        discussion::tell,
    ),
    (
        "edx.forum.searched",
        "search.performed",
        discussion::searched,
    ),
    (
        "edx.forum.thread.created",
        "discussion.posted",
        discussion::tell,
    ),
    (
        "edx.forum.thread.viewed",
        "discussion.viewed",
        discussion::tell,
    ),
    (
        "edx.forum.thread.voted",
        "discussion.voted",
        discussion::tell,
    ),
    (
        "edx.grades.course.grade_calculated",
        "grade.changed",
        assessment::course,
    ),
    (
        "edx.grades.problem.rescored",
        "assessment.graded",
        assessment::problem,
    ),
    (
        "edx.grades.problem.score_overridden",
        "assessment.graded",
        assessment::problem,
    ),
    (
        "edx.grades.problem.submitted",
        "assessment.graded",
        assessment::problem,
    ),
    (
        "edx.grades.subsection.grade_calculated",
        "assessment.graded",
        assessment::subsection,
    ),
    (
        "edx.problem.hint.demandhint_displayed",
        "item.hinted",
        problem::helped,
    ),
    (
        "edx.special_exam.practice.attempt.created",
        "assessment.started",
        assessment::exam,
    ),
    (
        "edx.special_exam.practice.attempt.submitted",
        "assessment.submitted",
        assessment::exam,
    ),
    (
        "edx.special_exam.proctored.attempt.created",
        "assessment.started",
        assessment::exam,
    ),
    (
        "edx.special_exam.proctored.attempt.submitted",
        "assessment.submitted",
        assessment::exam,
    ),
    (
        "edx.special_exam.timed.attempt.created",
        "assessment.started",
        assessment::exam,
    ),
    (
        "edx.special_exam.timed.attempt.submitted",
        "assessment.submitted",
        assessment::exam,
    ),
    (
        "edx.ui.lms.jump_nav.selected",
        "page.viewed",
        page::navigated,
    ),
    ("edx.ui.lms.link_clicked", "page.viewed", page::navigated),
    (
        "edx.ui.lms.outline.selected",
        "page.viewed",
        page::navigated,
    ),
    (
        "edx.ui.lms.sequence.next_selected",
        "page.viewed",
        page::navigated,
    ),
    (
        "edx.ui.lms.sequence.previous_selected",
        "page.viewed",
        page::navigated,
    ),
    (
        "edx.ui.lms.sequence.tab_selected",
        "page.viewed",
        page::navigated,
    ),
    (
        "edx.video.closed_captions.hidden",
        "video.captions_toggled",
        video::tell,
    ),
    (
        "edx.video.closed_captions.shown",
        "video.captions_toggled",
        video::tell,
    ),
    ("edx.video.completed", "video.completed", video::tell),
    (
        "edx.video.language_menu.hidden",
        "video.captions_toggled",
        video::tell,
    ),
    (
        "edx.video.language_menu.shown",
        "video.captions_toggled",
        video::tell,
    ),
    ("edx.video.loaded", "video.loaded", video::tell),
    ("edx.video.paused", "video.paused", video::tell),
    ("edx.video.played", "video.played", video::tell),
    ("edx.video.position.changed", "video.seeked", video::tell),
    ("edx.video.seeked", "video.seeked", video::tell),
    ("edx.video.speed.changed", "video.rate_changed", video::tell),
    ("edx.video.stopped", "video.stopped", video::tell),
    (
        "edx.video.transcript.hidden",
        "video.captions_toggled",
        video::tell,
    ),
    (
        "edx.video.transcript.shown",
        "video.captions_toggled",
        video::tell,
    ),
    ("hide_transcript", "video.captions_toggled", video::tell),
    ("load_video", "video.loaded", video::tell),
    (
        "openassessmentblock.create_submission",
        "assessment.submitted",
        problem::essay,
    ),
    ("pause_video", "video.paused", video::tell),
    ("play_video", "video.played", video::tell),
    ("problem_check", "item.answered", problem::checked),
    ("seek_video", "video.seeked", video::tell),
    ("seq_goto", "page.viewed", page::navigated),
    ("seq_next", "page.viewed", page::navigated),
    ("seq_prev", "page.viewed", page::navigated),
    ("show_transcript", "video.captions_toggled", video::tell),
    ("showanswer", "item.hinted", problem::helped),
    ("speed_change_video", "video.rate_changed", video::tell),
    ("stop_video", "video.stopped", video::tell),
    (
        "textbook.pdf.chapter.navigated",
        "content.opened",
        page::opened,
    ),
    (
        "textbook.pdf.page.navigated",
        "content.opened",
        page::opened,
    ),
    (
        "textbook.pdf.search.executed",
        "search.performed",
        discussion::searched,
    ),
    (
        "textbook.pdf.thumbnail.navigated",
        "content.opened",
        page::opened,
    ),
    ("video_hide_cc_menu", "video.captions_toggled", video::tell),
    ("video_show_cc_menu", "video.captions_toggled", video::tell),
];

/// Whether an event of that name may be one of our types.
pub fn knows(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<&'static (&'static str, &'static str, Tell)> {
    let found = NAMES.binary_search_by(|(known, ..)| (*known).cmp(name));
    found.ok().map(|index| &NAMES[index])
}

/// The event as one of our types, if one says the same and it has what that must
/// carry.
pub fn tell(tracking: &mut Tracking) -> Option<Told> {
    if tracking.name.starts_with('/') {
        return page::requested(tracking);
    }
    let (_, event_type, tell) = find(&tracking.name)?;
    tell(tracking, event_type)
}

#[cfg(test)]
mod tests {
    use schemas::event::EventType;

    use super::*;

    #[test]
    fn the_names_are_sorted_for_the_search_and_the_types_are_known() {
        assert!(NAMES.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (_, event_type, _) in NAMES {
            assert!(EventType::from_name(event_type).is_some(), "{event_type}");
        }
    }
}
