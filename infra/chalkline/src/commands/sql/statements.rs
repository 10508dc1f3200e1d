//! A text of several statements, taken apart.

/// A part of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A statement, without its semicolon.
    Statement(Part<'a>),
    /// A line for the client itself, without its backslash.
    Command(Part<'a>),
}

/// A text within another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The text.
    pub text: &'a str,
    /// The line in which it begins, from 1.
    pub line: usize,
}

/// The parts of a script whose end is there, and what follows them. Statements end at a
/// `;` outside of quotes and comments; lines that begin with `\` are the client's, but not
/// amid a statement. Comments alone are no part.
pub fn pieces(script: &str) -> (Vec<Piece<'_>>, Option<Part<'_>>) {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut is_blank = true;
    while let Some(token) = next(script, at) {
        match token.kind {
            Kind::Blank | Kind::Comment => {}
            Kind::End => {
                if !is_blank {
                    pieces.push(Piece::Statement(part(script, start, at)));
                }
                start = token.end;
                is_blank = true;
            }
            Kind::Backslash if is_blank => {
                let line = script[at..].find('\n');
                let end = line.map_or(script.len(), |line| at + line);
                pieces.push(Piece::Command(part(script, token.end, end)));
                start = end;
                at = end;
                continue;
            }
            Kind::Word | Kind::Quoted | Kind::Backslash | Kind::Sign => is_blank = false,
        }
        at = token.end;
    }
    (
        pieces,
        (!is_blank).then(|| part(script, start, script.len())),
    )
}

/// A part of the text, from its first sign: blanks and comments before it are left out.
fn part(text: &str, mut start: usize, end: usize) -> Part<'_> {
    while let Some(token) = next(&text[..end], start) {
        if !matches!(token.kind, Kind::Blank | Kind::Comment) {
            break;
        }
        start = token.end;
    }
    Part {
        text: text[start..end].trim_end(),
        line: text[..start].matches('\n').count() + 1,
    }
}

/// What a text is made of, as far as it matters where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Spaces and line ends.
    Blank,
    /// `-- …` and `/* … */`, also one within another.
    Comment,
    /// A keyword, a name, a number.
    Word,
    /// `'…'`, `"…"`, `` `…` ``, `E'…'`, `$tag$…$tag$`.
    Quoted,
    /// `;`
    End,
    /// `\`
    Backslash,
    /// Any other sign.
    Sign,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it ends, in bytes.
    pub end: usize,
}

/// What stands at a place of a text; nothing at its end. What is never closed ends with
/// the text.
pub fn next(text: &str, at: usize) -> Option<Token> {
    let rest = text.get(at..)?;
    let first = rest.chars().next()?;
    let (kind, length) = match first {
        c if c.is_whitespace() => (Kind::Blank, c.len_utf8()),
        '-' if rest.starts_with("--") => (Kind::Comment, until(rest, 0, "\n")),
        '/' if rest.starts_with("/*") => (Kind::Comment, comment(rest)),
        '\'' | '"' | '`' => (Kind::Quoted, quoted(rest, first, false)),
        'e' | 'E' if rest[1..].starts_with('\'') => {
            (Kind::Quoted, 1 + quoted(&rest[1..], '\'', true))
        }
        '$' => dollar(rest),
        c if is_word(c) => {
            let end = rest.find(|c: char| !is_word(c) && c != '$');
            (Kind::Word, end.unwrap_or(rest.len()))
        }
        ';' => (Kind::End, 1),
        '\\' => (Kind::Backslash, 1),
        c => (Kind::Sign, c.len_utf8()),
    };
    Some(Token {
        kind,
        end: at + length,
    })
}

/// Whether names and numbers are made of it.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '@')
}

/// The length up to the end of `end`, looked for from `from` on.
fn until(text: &str, from: usize, end: &str) -> usize {
    let found = text[from..].find(end);
    found.map_or(text.len(), |found| from + found + end.len())
}

fn comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a quoted text; a doubled quote stands for itself, and with `escapes` what
/// follows a backslash does.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escapes {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + quote.len_utf8();
        }
    }
    text.len()
}

/// A parameter, `$1`, or a text between two equal tags, `$$…$$`.
fn dollar(text: &str) -> (Kind, usize) {
    let name = |c: char| c.is_alphanumeric() || c == '_';
    let end = text[1..]
        .find(|c: char| !name(c))
        .map_or(text.len(), |end| 1 + end);
    if text[end..].starts_with('$') {
        let tag = &text[..=end];
        (Kind::Quoted, until(text, tag.len(), tag))
    } else {
        (Kind::Word, end)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn texts(script: &str) -> (Vec<String>, Option<String>) {
        let (pieces, rest) = pieces(script);
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Statement(part) => part.text.to_owned(),
            Piece::Command(part) => format!("\\{}", part.text),
        });
        (pieces.collect(), rest.map(|rest| rest.text.to_owned()))
    }

    #[rstest]
    #[case("SELECT 1; SELECT 2", &["SELECT 1"], Some("SELECT 2"))]
    #[case("SELECT ';';", &["SELECT ';'"], None)]
    #[case("SELECT 'it''s;';x", &["SELECT 'it''s;'"], Some("x"))]
    #[case(r"SELECT E'\';';x", &[r"SELECT E'\';'"], Some("x"))]
    #[case(r"SELECT '\';x", &[r"SELECT '\'"], Some("x"))]
    #[case(r#"SELECT ";" FROM `;`;"#, &[r#"SELECT ";" FROM `;`"#], None)]
    #[case("SELECT 1 -- a;b\n+ 1;", &["SELECT 1 -- a;b\n+ 1"], None)]
    #[case("SELECT /* ; /* ; */ ; */ 1;", &["SELECT /* ; /* ; */ ; */ 1"], None)]
    #[case("SELECT $$;$$, $t$;$$;$t$;", &["SELECT $$;$$, $t$;$$;$t$"], None)]
    #[case("SELECT $1; SELECT $2;", &["SELECT $1", "SELECT $2"], None)]
    #[case("SELECT a$b;c$d;", &["SELECT a$b", "c$d"], None)]
    #[case(";; \n ;", &[], None)]
    #[case("-- only a comment\n/* and another */", &[], None)]
    #[case("-- about it\nSELECT 1;", &["SELECT 1"], None)]
    #[case("SELECT 'open;", &[], Some("SELECT 'open;"))]
    #[case("\\d video\nSELECT 1;\n  \\x\n", &["\\d video", "SELECT 1", "\\x"], None)]
    #[case("SELECT\n\\x\n;", &["SELECT\n\\x"], None)]
    #[case("SELECT 'Zoë 漢;字'; -- é\n", &["SELECT 'Zoë 漢;字'"], None)]
    fn statements_end_where_they_end(
        #[case] script: &str,
        #[case] expected: &[&str],
        #[case] rest: Option<&str>,
    ) {
        let (found, left) = texts(script);
        assert_eq!(
            (found, left.as_deref()),
            (expected.iter().map(ToString::to_string).collect(), rest)
        );
    }

    #[test]
    fn each_knows_its_line() {
        let (found, rest) = pieces("-- one\n\nSELECT\n1;\n\\d\n -- more\n SELECT 2");
        let lines: Vec<usize> = found
            .iter()
            .map(|piece| match piece {
                Piece::Statement(part) | Piece::Command(part) => part.line,
            })
            .collect();
        assert_eq!((lines, rest.map(|rest| rest.line)), (vec![3, 5], Some(7)));
    }
}
