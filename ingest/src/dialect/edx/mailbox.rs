//! Mailboxes in free text.

/// All mailboxes in a text. `type@problem` and `block@intro.html`, which usage
/// keys are made of, are none.
pub fn mailboxes(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('@').filter_map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let is_user = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_user(*c))
            .last()
            .map(|(start, _)| start)?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let host = after
            .split(|c: char| !is_host(c))
            .next()?
            .trim_end_matches(['.', '-']);
        let (_, end) = host.rsplit_once('.')?;
        let word = before[start..].rsplit('+').next();
        let of_key = matches!(word, Some("type" | "block" | "branch" | "version"));
        let is_domain = end.len() > 1 && end.bytes().all(|byte| byte.is_ascii_alphabetic());
        (is_domain && !of_key).then(|| &text[start..at + 1 + host.len()])
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("write to ann.berg+x@mail.school.example.", &["ann.berg+x@mail.school.example"])]
    #[case("a@x.org,b@y.org", &["a@x.org", "b@y.org"])]
    #[case("block-v1:A+6.00.1x+C+type@problem+block@intro.html", &[])]
    #[case("asset-v1:A+B+C+type@asset+block@Dog.jpg", &[])]
    #[case("@x.org a@ b@c d@1.2", &[])]
    #[case("\u{fc}ber@x.org", &["\u{fc}ber@x.org"])]
    fn mailboxes_are_found(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(mailboxes(text).collect::<Vec<_>>(), expected);
    }
}
