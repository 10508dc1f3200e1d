//! Addresses of pages.

/// Parts of a path after which somebody is named, or a secret of theirs stands.
const PEOPLE: &[&str] = &[
    "account_recovery_confirm",
    "accounts",
    "activate",
    "enrollment",
    "password_reset_confirm",
    "profile",
    "progress",
    "reset",
    "u",
    "user",
    "users",
];

/// An address without its query, in which names, codes and mailboxes stand, and
/// without people in its path; `None` for a text that is no address.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let is_address = ["https://", "http://", "/"]
        .iter()
        .any(|start| text.starts_with(start));
    if !is_address {
        return None;
    }
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let mut person = false;
    let parts = path.split('/').map(|part| {
        let hidden = person && !part.is_empty() && !is_version(part);
        let shown = if hidden { "-" } else { part };
        person = PEOPLE.contains(&part);
        shown
    });
    Some(parts.collect::<Vec<_>>().join("/"))
}

/// Whether a part of a path is a version: `/api/user/v1/…`.
fn is_version(part: &str) -> bool {
    let number = part.strip_prefix('v').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The block to which an address jumps: `…/jump_to/<usage key>`.
pub fn jump(text: &str) -> Option<String> {
    let (_, block) = text.split_once("/jump_to/")?;
    let block = block.split(['?', '#']).next().unwrap_or_default();
    let block = block.trim_end_matches('/');
    super::block::is_usage_key(block).then(|| block.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/courses/A/B/C/info?of=ann", Some("/courses/A/B/C/info"))]
    #[case("https://lms.example/u/ann#x", Some("https://lms.example/u/-"))]
    #[case("/courses/A/B/C/progress/41/", Some("/courses/A/B/C/progress/-/"))]
    #[case("/courses/A/B/C/progress", Some("/courses/A/B/C/progress"))]
    #[case("/activate/9252c9f5/x", Some("/activate/-/x"))]
    #[case("/api/user/v1/accounts/ann", Some("/api/user/v1/accounts/-"))]
    #[case("x_module", None)]
    #[case("", None)]
    fn addresses_name_nobody(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(address(text).as_deref(), expected);
    }

    #[test]
    fn a_jump_says_its_block() {
        let key = "block-v1:A+B+C+type@sequential+block@s1";
        let found = jump(&format!("http://lms.example/courses/c/jump_to/{key}/?x=1"));
        assert_eq!(found.as_deref(), Some(key));
        assert_eq!(jump("/courses/c/jump_to/elsewhere"), None);
    }
}
