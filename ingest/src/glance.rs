//! The quick look that most texts need: no name in them can begin anywhere.

use crate::plain;

/// What a byte may mean for whoever looks for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Nothing,
    /// A blank: two are read as one.
    Blank,
    /// It is read as something else, or may be.
    Read,
    /// A name begins with it.
    Begins,
}

/// By which bytes a text is seen to name nobody, in one pass and without a copy of it.
/// What it lets through may still name nobody.
#[derive(Debug)]
pub struct Glance([Sign; 256]);

impl Glance {
    /// For no names yet.
    pub fn nobody() -> Self {
        let mut signs = [Sign::Nothing; 256];
        for byte in 0..=u8::MAX {
            if plain::may_be_read(byte) {
                signs[usize::from(byte)] = Sign::Read;
            }
        }
        signs[usize::from(b' ')] = Sign::Blank;
        Self(signs)
    }

    /// Names may begin with this byte too, in either case.
    pub fn look_for(&mut self, byte: u8) {
        for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
            let sign = &mut self.0[usize::from(byte)];
            if *sign == Sign::Nothing {
                *sign = Sign::Begins;
            }
        }
    }

    /// Whether no name begins anywhere in the text, however it is read.
    pub fn finds_nobody_in(&self, text: &str) -> bool {
        let mut before = 0;
        text.bytes().all(|byte| {
            let last = std::mem::replace(&mut before, byte);
            match self.0[usize::from(byte)] {
                Sign::Nothing => true,
                Sign::Blank => last != b' ',
                Sign::Read => false,
                // Amid a word no name begins, unless it is a number.
                Sign::Begins => last.is_ascii_alphanumeric() && byte.is_ascii_alphabetic(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a list of pages", true)]
    #[case("pages and Stu-1041", false)]
    #[case("https://lms.example/courses/4", true)]
    #[case("https://lms.example/stu", false)]
    #[case("u7", false)]
    #[case("two  blanks", false)]
    #[case("two %20 blanks", false)]
    #[case("no-break\u{a0}blank", false)]
    #[case("\u{e9}s", false)]
    #[case("", true)]
    fn what_is_let_through_is_looked_at(#[case] text: &str, #[case] nobody: bool) {
        let mut glance = Glance::nobody();
        glance.look_for(b's');
        glance.look_for(b'7');
        assert_eq!(glance.finds_nobody_in(text), nobody);
    }
}
