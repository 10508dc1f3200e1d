//! An event before it is written: small, since those of hours are held to be put in order.

use crate::content::Content;
use crate::world::{App, Section};

/// What a student did, or what the school noted about it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// When it happened, in milliseconds of Unix time.
    pub(crate) at: i64,
    /// What its identifier is made of, beside the time.
    pub(crate) id: u64,
    pub(crate) student: u32,
    pub(crate) section: Section,
    /// The visit; none of what the school itself notes.
    pub(crate) session: Option<u64>,
    /// What sent it; none when the school's server did.
    pub(crate) app: Option<App>,
    pub(crate) content: Option<Content>,
    pub(crate) detail: Detail,
}

/// What happened. Places in videos and durations are in tenths of seconds, playback rates
/// in quarters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Detail {
    PageViewed,
    Clicked(&'static str),
    Opened,
    Completed,
    Downloaded,
    Searched(&'static str),
    ThreadViewed {
        thread: u8,
    },
    Posted {
        thread: u8,
        reply_to: Option<u32>,
    },
    Voted {
        thread: u8,
        post: u64,
    },
    NotificationSent,
    NotificationOpened,
    SessionStarted,
    SessionEnded,
    Enrolled(&'static str),
    Loaded {
        length: u32,
    },
    Played {
        position: u32,
    },
    Paused {
        position: u32,
    },
    Seeked {
        from: u32,
        to: u32,
    },
    Progressed {
        from: u32,
        to: u32,
        length: u32,
        rate: u8,
    },
    RateChanged {
        position: u32,
        rate: u8,
    },
    CaptionsToggled {
        position: u32,
    },
    Watched {
        length: u32,
    },
    Stopped(Box<Stop>),
    Started {
        attempt: u8,
    },
    ItemViewed {
        item: u8,
        attempt: u8,
    },
    Hinted {
        item: u8,
        attempt: u8,
    },
    Answered {
        item: u8,
        attempt: u8,
        hints: u8,
        response: Option<u8>,
        correct: bool,
        duration: u32,
    },
    Submitted {
        attempt: u8,
        duration: u32,
    },
    /// `by` is somebody of the staff, nobody when the server graded.
    Graded {
        attempt: u8,
        score: u8,
        by: Option<u32>,
    },
    Regraded {
        old: u8,
        new: u8,
        by: u32,
    },
    /// A grade in the course.
    CourseGrade {
        old: Option<Grade>,
        new: Grade,
        last: bool,
        by: u32,
    },
    Joined,
    Left {
        minutes: u8,
    },
    Marked {
        status: &'static str,
        minutes: u8,
        by: u32,
    },
    Prompted {
        prompt: u64,
        chars: u16,
    },
    Responded {
        prompt: u64,
        chars: u16,
    },
    Rated {
        prompt: u64,
        rating: i8,
    },
    Booked {
        booking: u64,
        starts: i64,
        by: u32,
    },
    Rescheduled {
        booking: u64,
        starts: i64,
        by: u32,
    },
    Cancelled {
        booking: u64,
        by: u32,
    },
    Held {
        booking: u64,
        minutes: u8,
        by: u32,
    },
}

/// The end of watching.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stop {
    pub(crate) position: u32,
    pub(crate) length: u32,
    /// All that was played, in order.
    pub(crate) segments: Vec<(u32, u32)>,
}

/// A letter grade.
pub(crate) type Grade = &'static str;

impl Stop {
    /// How much of the video was played, in thousandths.
    pub(crate) fn progress(&self) -> u32 {
        let mut segments = self.segments.clone();
        segments.sort_unstable();
        let (mut played, mut end) = (0, 0);
        for (from, to) in segments {
            played += to.saturating_sub(from.max(end));
            end = end.max(to);
        }
        (played * 1_000 / self.length).min(1_000)
    }
}

impl Detail {
    /// The type of the event.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::PageViewed => "page.viewed",
            Self::Clicked(_) => "element.clicked",
            Self::Opened => "content.opened",
            Self::Completed => "content.completed",
            Self::Downloaded => "resource.downloaded",
            Self::Searched(_) => "search.performed",
            Self::ThreadViewed { .. } => "discussion.viewed",
            Self::Posted { .. } => "discussion.posted",
            Self::Voted { .. } => "discussion.voted",
            Self::NotificationSent => "notification.sent",
            Self::NotificationOpened => "notification.opened",
            Self::SessionStarted => "session.started",
            Self::SessionEnded => "session.ended",
            Self::Enrolled(_) => "enrollment.changed",
            Self::Loaded { .. } => "video.loaded",
            Self::Played { .. } => "video.played",
            Self::Paused { .. } => "video.paused",
            Self::Seeked { .. } => "video.seeked",
            Self::Progressed { .. } => "video.progressed",
            Self::RateChanged { .. } => "video.rate_changed",
            Self::CaptionsToggled { .. } => "video.captions_toggled",
            Self::Watched { .. } => "video.completed",
            Self::Stopped(_) => "video.stopped",
            Self::Started { .. } => "assessment.started",
            Self::ItemViewed { .. } => "item.viewed",
            Self::Hinted { .. } => "item.hinted",
            Self::Answered { .. } => "item.answered",
            Self::Submitted { .. } => "assessment.submitted",
            Self::Graded { .. } => "assessment.graded",
            Self::Regraded { .. } | Self::CourseGrade { .. } => "grade.changed",
            Self::Joined => "class.joined",
            Self::Left { .. } => "class.left",
            Self::Marked { .. } => "attendance.marked",
            Self::Prompted { .. } => "tutor.prompted",
            Self::Responded { .. } => "tutor.responded",
            Self::Rated { .. } => "tutor.rated",
            Self::Booked { .. } => "tutoring.booked",
            Self::Rescheduled { .. } => "tutoring.rescheduled",
            Self::Cancelled { .. } => "tutoring.cancelled",
            Self::Held { .. } => "tutoring.held",
        }
    }
}
