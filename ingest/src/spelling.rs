//! How text may name a person, and where it does.

use std::ops::Range;

use schemas::StudentKey;

use crate::glance::Glance;
use crate::plain::{Plain, single_blanks};

/// From this length on a name is also looked for inside other text; a shorter
/// one would be found by chance everywhere.
pub const TELLING: usize = 4;

/// One way in which text may name a person, in small letters: whether a letter
/// of ASCII is large makes no difference.
#[derive(Debug)]
pub struct Spelling {
    text: String,
    /// Only digits: may well be a number that means something else.
    number: bool,
}

impl Spelling {
    /// All that is looked for as one of these texts.
    pub fn all(texts: &[&str]) -> Vec<Self> {
        // What reads as an escape may be meant as it stands.
        let mut spellings: Vec<_> = texts
            .iter()
            .flat_map(|text| [single_blanks(text), single_blanks(&Plain::of(text).text)])
            .map(|text| text.to_ascii_lowercase())
            .filter(|text| !text.is_empty())
            .collect();
        spellings.sort();
        spellings.dedup();
        let spelling = |text: String| Self {
            number: text.bytes().all(|byte| byte.is_ascii_digit()),
            text,
        };
        spellings.into_iter().map(spelling).collect()
    }

    /// Whether what stands there in a text is the name and no part of a longer one.
    fn is_whole(&self, text: &str, place: &Range<usize>) -> bool {
        let before = text[..place.start].chars().next_back();
        let after = text[place.end..].chars().next();
        if self.text.len() < TELLING {
            // `ann` is a name in `/users/ann/inbox` and a word in a sentence.
            let alone = |c: Option<char>| c.is_none_or(|c| !self.number && "/?&=#".contains(c));
            alone(before) && alone(after)
        } else if self.number {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            !digit(before) && !digit(after)
        } else {
            let first = self.text.chars().next();
            let last = self.text.chars().next_back();
            !is_one_word(before, first) && !is_one_word(last, after)
        }
    }
}

/// Whether a name may begin between these parts of a text.
fn may_begin(before: &str, after: &str) -> bool {
    let next = after.chars().next();
    !is_one_word(before.chars().next_back(), next) || next.is_some_and(|c| c.is_ascii_digit())
}

/// Whether a word goes on from one character to the next.
fn is_one_word(before: Option<char>, after: Option<char>) -> bool {
    let of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_unspaced(c));
    of_word(before) && of_word(after)
}

/// Whether the character is of a script that sets no blanks between words, or
/// not between a name and its endings: Thai to Burmese, Khmer, Chinese,
/// Japanese, Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
}

/// The spellings of some people, to be looked for together: in a text of n
/// bytes they are found in time of order n log m for m spellings.
#[derive(Debug)]
pub struct Spellings<'p> {
    /// In order of their texts, each text once.
    entries: Vec<Entry<'p>>,
    /// Which bytes they begin with.
    first: [bool; 256],
    glance: Glance,
}

#[derive(Debug)]
struct Entry<'p> {
    spelling: &'p Spelling,
    key: StudentKey,
    /// The longest of the others with which this one begins.
    beginning: Option<usize>,
}

impl<'p> Spellings<'p> {
    /// These spellings and whom they name: the first, if there are two.
    pub fn new(spellings: impl Iterator<Item = (&'p Spelling, StudentKey)>) -> Self {
        let mut first = [false; 256];
        let mut glance = Glance::nobody();
        let mut entries: Vec<_> = spellings
            .map(|(spelling, key)| {
                let byte = spelling.text.as_bytes()[0];
                first[usize::from(byte)] = true;
                glance.look_for(byte);
                Entry {
                    spelling,
                    key,
                    beginning: None,
                }
            })
            .collect();
        entries.sort_by(|a, b| a.spelling.text.cmp(&b.spelling.text));
        entries.dedup_by(|other, first| other.spelling.text == first.spelling.text);
        for at in 1..entries.len() {
            let mut shorter = Some(at - 1);
            while let Some(other) = shorter
                && !begins(&entries[at], &entries[other])
            {
                shorter = entries[other].beginning;
            }
            entries[at].beginning = shorter;
        }
        Self {
            entries,
            first,
            glance,
        }
    }

    /// Whether a glance at a text as it was written says that it names nobody.
    pub fn are_not_in(&self, source: &str) -> bool {
        self.glance.finds_nobody_in(source)
    }

    /// Where the text, in small letters, names someone next from `from` on, and
    /// whom. Of the names that begin there the longest is meant.
    ///
    /// Numbers of fewer than `digits` digits name nobody.
    pub fn find(
        &self,
        text: &str,
        from: usize,
        digits: usize,
    ) -> Option<(Range<usize>, StudentKey)> {
        // What is the first byte of a character is never inside another.
        let begins = |(at, byte): &(usize, u8)| {
            self.first[usize::from(*byte)] && may_begin(&text[..*at], &text[*at..])
        };
        (from..)
            .zip(text.as_bytes()[from..].iter().copied())
            .filter(begins)
            .find_map(|(at, _)| self.longest(text, at, digits))
    }

    /// Whom exactly this text names.
    pub fn get(&self, text: &str) -> Option<StudentKey> {
        let named = |entry: &Entry<'_>| entry.spelling.text.as_str().cmp(text);
        let at = self.entries.binary_search_by(named).ok()?;
        Some(self.entries[at].key)
    }

    fn longest(&self, text: &str, at: usize, digits: usize) -> Option<(Range<usize>, StudentKey)> {
        let rest = &text[at..];
        // All with which the rest begins are the last one that is not beyond it
        // in order, or what that one begins with.
        let end = self
            .entries
            .partition_point(|entry| entry.spelling.text.as_str() <= rest);
        let mut next = end.checked_sub(1);
        let shared = next.map_or(0, |last| shared(&self.entries[last].spelling.text, rest));
        while let Some(entry) = next.map(|index| &self.entries[index]) {
            #[cfg(test)]
            STEPS.with(|steps| steps.set(steps.get() + 1));
            let spelling = entry.spelling;
            let place = at..at + spelling.text.len();
            if spelling.text.len() <= shared
                && (!spelling.number || spelling.text.len() >= digits)
                && spelling.is_whole(text, &place)
            {
                return Some((place, entry.key));
            }
            next = entry.beginning;
        }
        None
    }
}

fn begins(longer: &Entry<'_>, shorter: &Entry<'_>) -> bool {
    longer.spelling.text.starts_with(&shorter.spelling.text)
}

/// How many bytes two texts share from their beginning.
fn shared(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
thread_local! {
    /// How many entries were looked at by this thread.
    pub static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A few parts of words, so that names often hold and overlap each other.
    fn text(most: usize) -> impl Strategy<Value = String> {
        let parts = ["ab", "a", "b.", "-", " ", "/", "12", "3", "é", "王", "an"];
        let parts = prop::collection::vec(prop::sample::select(parts.to_vec()), 1..most);
        parts.prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn the_first_and_longest_is_found(
            names in prop::collection::vec(text(4), 0..12),
            text in text(20),
            digits in 1..4_usize,
        ) {
            let named: Vec<_> = (0..).zip(&names)
                .map(|(n, name)| (Spelling::all(&[name]), StudentKey::from_bytes([n; 16])))
                .collect();
            let all = || named.iter().flat_map(|(all, key)| all.iter().map(|one| (one, *key)));
            let stands = |at: usize, one: &Spelling| {
                let place = at..at + one.text.len();
                text[at..].starts_with(&one.text)
                    && one.is_whole(&text, &place)
                    && (!one.number || one.text.len() >= digits)
            };
            let expected = text.char_indices().find_map(|(at, _)| {
                // Of equal ones the first, of which `max_by_key` would take the last.
                let (one, key) = all()
                    .filter(|(one, _)| stands(at, one))
                    .reduce(|a, b| if b.0.text.len() > a.0.text.len() { b } else { a })?;
                Some((at..at + one.text.len(), key))
            });
            let spellings = Spellings::new(all());
            prop_assert!(expected.is_none() || !spellings.are_not_in(&text));
            prop_assert_eq!(spellings.find(&text, 0, digits), expected);
        }
    }
}
