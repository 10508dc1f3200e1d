//! When somebody was enrolled in which section.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use roster::ChangeKind;

/// One version of an enrollment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub change: ChangeKind,
    pub section: String,
    /// The days that the enrollment itself has.
    pub begin: Option<NaiveDate>,
    pub end: Option<NaiveDate>,
    /// From which day the version is so, and until which one that has ended was.
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
}

/// The days of a stay in a section; one that is open is so at that end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stay {
    pub section: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl Stay {
    fn ends_by(&mut self, day: Option<NaiveDate>) {
        self.to = match (self.to, day) {
            (Some(to), Some(day)) => Some(to.min(day)),
            (to, day) => to.or(day),
        };
    }

    fn is_none(&self) -> bool {
        matches!((self.from, self.to), (Some(from), Some(to)) if to < from)
    }

    /// Its days, where those of the section's term are `term`.
    pub fn days(&self, term: Option<&RangeInclusive<NaiveDate>>) -> RangeInclusive<NaiveDate> {
        let first = self.from.or(term.map(|term| *term.start()));
        let last = self.to.or(term.map(|term| *term.end()));
        first.unwrap_or(NaiveDate::MIN)..=last.unwrap_or(NaiveDate::MAX)
    }
}

/// Where the student of an enrollment was when, by all versions of it, the oldest first.
///
/// What the source says of the same section it corrects: the newest word counts for all
/// days. Where it names another section the student has moved, on the day from which the
/// version is so; without such a day nobody was in the former one. Who has left may come
/// again.
pub(super) fn attended(versions: impl IntoIterator<Item = Version>) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let mut has_ended = false;
    for version in versions {
        if version.change == ChangeKind::Ended {
            if let Some(last) = stays.last_mut() {
                last.ends_by(version.valid_to);
            }
            has_ended = true;
            continue;
        }
        let mut from = version.begin;
        if let Some(last) = stays.last_mut() {
            let since = if has_ended {
                version.begin.or(version.valid_from)
            } else {
                let has_moved = last.section != version.section;
                has_moved
                    .then(|| version.begin.max(version.valid_from))
                    .flatten()
            };
            match since {
                Some(day) => {
                    last.ends_by(day.pred_opt());
                    from = Some(day);
                }
                None if has_ended => {}
                None => {
                    stays.pop();
                }
            }
        }
        has_ended = false;
        stays.push(Stay {
            section: version.section,
            from,
            to: version.end,
        });
    }
    stays.retain(|stay| !stay.is_none());
    stays
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        (!text.is_empty()).then(|| format!("2026-{text}").parse().expect("a day"))
    }

    /// `change section begin..end from..to`.
    fn version(text: &str) -> Version {
        let parts: Vec<&str> = text.split(' ').collect();
        let days = |text: &str| {
            let (from, to) = text.split_once("..").expect("two days");
            (day(from), day(to))
        };
        let (begin, end) = days(parts[2]);
        let (valid_from, valid_to) = days(parts[3]);
        Version {
            change: match parts[0] {
                "added" => ChangeKind::Added,
                "changed" => ChangeKind::Changed,
                _ => ChangeKind::Ended,
            },
            section: parts[1].to_owned(),
            begin,
            end,
            valid_from,
            valid_to,
        }
    }

    #[rstest]
    #[case::open(&["added a .. 09-05.."], &["a .."])]
    #[case::with_days(&["added a 09-01..12-18 09-01..12-18"], &["a 09-01..12-18"])]
    // A day that comes later counts for the days before, too.
    #[case::its_end_becomes_known(
        &["added a 09-01.. 09-01..", "changed a 09-01..10-10 09-01..10-10"],
        &["a 09-01..10-10"]
    )]
    #[case::another_word_of_it(&["added a .. ..", "changed a .. 10-02.."], &["a .."])]
    #[case::ended(&["added a 09-01.. 09-01..", "ended a 09-01.. 09-01..10-10"], &["a 09-01..10-10"])]
    #[case::ended_before_it_began(&["added a 09-01.. ..", "ended a 09-01.. 09-01..08-20"], &[])]
    #[case::came_again(
        &["added a .. 09-01..", "ended a .. 09-01..10-10", "added a .. 11-01.."],
        &["a ..10-10", "a 11-01.."]
    )]
    #[case::was_never_away(
        &["added a 09-01.. ..", "ended a 09-01.. 09-01..10-10", "added a 09-01.. 09-01.."],
        &["a 09-01.."]
    )]
    #[case::moved(
        &["added a 09-01.. 09-01..", "changed b 10-05.. 10-05.."],
        &["a 09-01..10-04", "b 10-05.."]
    )]
    // The begin is of the enrollment; the move is when the source said so.
    #[case::moved_without_a_day_of_its_own(
        &["added a 09-01..12-18 09-01..", "changed b 09-01..12-18 10-05.."],
        &["a 09-01..10-04", "b 10-05..12-18"]
    )]
    #[case::moved_nobody_knows_when(&["added a .. ..", "changed b .. .."], &["b .."])]
    #[case::moved_on_the_first_day(
        &["added a 09-01.. 09-01..", "changed b 09-01.. 09-01.."],
        &["b 09-01.."]
    )]
    fn versions_tell_who_was_where(#[case] versions: &[&str], #[case] expected: &[&str]) {
        let stays = attended(versions.iter().map(|text| version(text)));
        let short = |day: Option<NaiveDate>| {
            day.map_or_else(String::new, |day| day.format("%m-%d").to_string())
        };
        let told: Vec<_> = stays
            .iter()
            .map(|stay| format!("{} {}..{}", stay.section, short(stay.from), short(stay.to)))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_stay_without_days_is_as_long_as_its_term() {
        let stay = Stay {
            section: "a".to_owned(),
            from: None,
            to: day("10-10"),
        };
        let term = day("09-01").expect("a day")..=day("12-18").expect("a day");
        let expected = day("09-01").expect("a day")..=day("10-10").expect("a day");
        assert_eq!(stay.days(Some(&term)), expected);
        assert_eq!(*stay.days(None).start(), NaiveDate::MIN);
    }
}
