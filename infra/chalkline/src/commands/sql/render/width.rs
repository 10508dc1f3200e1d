//! How wide texts are on a terminal, in columns: an ideograph takes two.

use rustyline::GraphemeClusterMode;

/// What stands for the rest of a text that was cut.
const CUT: char = '…';

/// The columns that a character takes.
fn of(c: char) -> usize {
    let width = GraphemeClusterMode::WcWidth.width(c.encode_utf8(&mut [0; 4]));
    usize::from(width)
}

/// The columns that the widest line of a text takes.
pub fn width(text: &str) -> usize {
    let lines = text.split('\n').map(|line| line.chars().map(of).sum());
    lines.max().unwrap_or(0)
}

/// The text in at most so many columns (at least one): a longer one is cut, and says so.
pub fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(of(CUT));
    let mut kept = String::new();
    for c in text.chars().take_while(|c| *c != '\n') {
        let Some(left) = room.checked_sub(of(c)) else {
            break;
        };
        room = left;
        kept.push(c);
    }
    kept.push(CUT);
    kept
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", 0)]
    #[case("Zoë", 3)]
    #[case("Zoe\u{308}", 3)]
    #[case("漢字", 4)]
    #[case("🎓", 2)]
    #[case("ab\nabc\n", 3)]
    fn letters_have_their_width(#[case] text: &str, #[case] expected: usize) {
        assert_eq!(width(text), expected);
    }

    #[rstest]
    #[case("abcd", 4, "abcd")]
    #[case("abcde", 4, "abc…")]
    #[case("漢字漢", 4, "漢…")]
    #[case("漢字漢", 5, "漢字…")]
    #[case("🎓🎓", 3, "🎓…")]
    #[case("abc", 1, "…")]
    fn what_is_too_wide_is_cut(#[case] text: &str, #[case] most: usize, #[case] expected: &str) {
        assert_eq!(cut(text, most), expected);
    }
}
