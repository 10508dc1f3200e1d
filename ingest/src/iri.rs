//! What in an IRI names a person: other texts say that without the rest of it.

use crate::personal;
use crate::plain::Plain;

/// What parts the pieces of an IRI from each other.
const BETWEEN: [char; 8] = ['/', '?', '&', '=', '#', ':', ';', ','];

/// The parts of an actor that name the person by themselves: mailboxes, the
/// values of a query's members that hold ids, or else the end of the path, and
/// the fragment. None of a text that is no IRI.
///
/// How telling a part is, [`crate::spelling`] decides.
pub fn names(actor: &str) -> Vec<&str> {
    let Some(rest) = after_scheme(actor) else {
        return Vec::new();
    };
    let mut names: Vec<_> = rest
        .split(BETWEEN)
        .filter(|part| is_mailbox(part))
        .collect();
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let members = query.split(['&', ';']);
    let ids = members.filter_map(|member| {
        let (name, value) = member.split_once('=')?;
        names_one(name).then_some(value)
    });
    let known = names.len();
    names.extend(ids);
    // Beside an id the path tells what reads it: `/user/profile.php?id=zoe`.
    if names.len() == known {
        names.push(end(path));
    }
    names.push(fragment);
    names.retain(|name| !name.trim().is_empty());
    names
}

/// What follows `https:`, `urn:` or `acct:`.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.trim().split_once(':')?;
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some(rest)
}

fn is_mailbox(part: &str) -> bool {
    let part = Plain::of(part).text;
    let sides = part.split_once('@');
    sides.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Whether a query's member of that name says who somebody is.
fn names_one(member: &str) -> bool {
    let member = Plain::of(member).text;
    member.eq_ignore_ascii_case("id") || personal::is_personal(&member)
}

/// The last part of a path, or of a URN; a host alone is none.
fn end(path: &str) -> &str {
    let path = match path.strip_prefix("//") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => path,
    };
    let mut parts = path.trim_end_matches('/').rsplit(['/', ':']);
    parts.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://lms.example/users/zoe.quint@x.org", &["zoe.quint@x.org", "zoe.quint@x.org"])]
    #[case("https://lms.example/users/zoe%40x.org/", &["zoe%40x.org", "zoe%40x.org"])]
    #[case("https://lms.example/zoe@x.org/profile", &["zoe@x.org", "profile"])]
    #[case("https://lms.example/u/zoe.quint", &["zoe.quint"])]
    #[case("https://lms.example/user.php?id=zoe.quint&tab=1", &["zoe.quint"])]
    #[case("https://lms.example/user.php?User-Name=zoe", &["zoe"])]
    #[case("https://lms.example/u/zoe.quint?tab=home", &["zoe.quint"])]
    #[case("https://lms.example/people#zoe.quint", &["people", "zoe.quint"])]
    #[case("https://zoe.example/", &[])]
    #[case("https://zoe.example", &[])]
    #[case("acct:zoe@x.org", &["zoe@x.org", "zoe@x.org"])]
    #[case("urn:lms:user:zoe.quint", &["zoe.quint"])]
    #[case("zoe.quint", &[])]
    #[case("a b: c/d", &[])]
    #[case("zoe@x.org", &[])]
    fn parts_that_name_somebody(#[case] actor: &str, #[case] parts: &[&str]) {
        assert_eq!(names(actor), parts);
    }
}
