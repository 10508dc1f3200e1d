//! The largest values that an event may carry.

/// The longest name or identifier, in bytes of UTF-8.
pub const NAME: usize = 512;
/// The longest line of text: an address, a search, a reason.
pub const LINE: usize = 8 << 10;
/// The longest answer.
pub const ANSWER: usize = 32 << 10;
/// The most stretches that one event may carry.
pub const SEGMENTS: usize = 10_000;
/// The most that an event may count: of actions, attempts or hints.
pub const COUNT: i32 = 1_000_000;
/// The last second of a video, eleven days after its first.
pub const VIDEO_SECONDS: f64 = 1e6;
/// The highest rate at which a video plays.
pub const RATE: f64 = 100.0;
/// The most points, gained or lost.
pub const POINTS: f64 = 1e9;
/// The longest time that an answer takes: a year.
pub const DURATION_SECONDS: f64 = 31_622_400.0;
/// The most minutes that one class or lesson takes: a day.
pub const MINUTES: f64 = 1_440.0;
/// The longest prompt and the longest response, in characters.
pub const CHARS: i32 = 10_000_000;
/// The best and, below zero, the worst rating.
pub const RATING: f64 = 100.0;
