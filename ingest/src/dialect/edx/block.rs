//! Usage keys: how Open edX calls the blocks of a course.

/// The usage key of a block of this kind, `block-v1:…` or `i4x://…`, which video
/// players and forms tell by its end only.
pub fn usage_key(course: Option<&str>, kind: &str, id: &str) -> String {
    if id.contains([':', '@']) {
        return id.to_owned();
    }
    let course = course.unwrap_or_default();
    if let Some(run) = course.strip_prefix("course-v1:") {
        return format!("block-v1:{run}+type@{kind}+block@{id}");
    }
    // `<org>/<course>/<run>`, the older way, has blocks of a course, not of a run.
    let mut parts = course.split('/');
    let (Some(org), Some(course), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return id.to_owned();
    };
    let of_page = format!("i4x-{org}-{course}-{kind}-");
    match id.strip_prefix(&of_page) {
        Some(end) => format!("i4x://{org}/{course}/{kind}/{end}"),
        // Of another course, or with signs that a page's ids cannot have.
        None if id.starts_with("i4x-") => id.to_owned(),
        None => format!("i4x://{org}/{course}/{kind}/{id}"),
    }
}

/// Whether a text is the usage key of a block.
pub fn is_usage_key(text: &str) -> bool {
    text.starts_with("block-v1:") || text.starts_with("i4x://")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("course-v1:A+B+C", "v1", "block-v1:A+B+C+type@video+block@v1")]
    #[case("course-v1:A+B+C", "block-v1:X", "block-v1:X")]
    #[case("A/B.1x/C", "v1", "i4x://A/B.1x/video/v1")]
    #[case("A/B/C", "i4x-A-B-video-v1", "i4x://A/B/video/v1")]
    #[case("A/B/C", "i4x-A-D-video-v1", "i4x-A-D-video-v1")]
    #[case("A/B/C", "i4x://A/B/video/v1", "i4x://A/B/video/v1")]
    #[case("bio-101", "v1", "v1")]
    fn blocks_have_one_name(#[case] course: &str, #[case] id: &str, #[case] key: &str) {
        assert_eq!(usage_key(Some(course), "video", id), key);
        assert_eq!(usage_key(None, "video", "v1"), "v1");
    }
}
