//! Addresses of Canvas name people by numbers that only tell so by what stands before.

/// Parts of a path that people's ids follow.
const PEOPLE: [&str; 9] = [
    "about",
    "conversations",
    "grades",
    "observees",
    "observers",
    "students",
    "submissions",
    "user_profile",
    "users",
];

/// The address without the people in it, and without its query, in which they are
/// told in many ways: `/courses/7/users/*`.
pub fn without_people(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let mut before = "";
    let parts = address.split('/').map(|part| {
        let names = PEOPLE.contains(&before) && !part.is_empty() && part != "self";
        before = part;
        // The address of somebody's calendar.
        if names || part.starts_with("user_") && part != "user_profile" {
            "*"
        } else {
            part
        }
    });
    let parts: Vec<_> = parts.collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "https://c.example/courses/7/assignments",
        "https://c.example/courses/7/assignments"
    )]
    #[case(
        "https://c.example/courses/7/users/48",
        "https://c.example/courses/7/users/*"
    )]
    #[case(
        "https://c.example/users/self/files",
        "https://c.example/users/self/files"
    )]
    #[case("https://c.example/users/48?as=1", "https://c.example/users/*")]
    #[case(
        "https://c.example/courses/7/assignments/3/submissions/48/x#a",
        "https://c.example/courses/7/assignments/3/submissions/*/x"
    )]
    #[case(
        "https://c.example/feeds/calendars/user_Ab1.ics",
        "https://c.example/feeds/calendars/*"
    )]
    #[case("https://c.example/x?student_id=48", "https://c.example/x")]
    #[case(
        "https://c.example/courses/7/grades/",
        "https://c.example/courses/7/grades/"
    )]
    #[case("", "")]
    fn people_are_taken_out(#[case] address: &str, #[case] kept: &str) {
        assert_eq!(without_people(address), kept);
    }
}
