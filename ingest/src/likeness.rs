//! Names that may be misspelt.

/// How many letters a name may be off to be taken for a known one.
const UNLIKE: usize = 5;

/// The longest stretch, in bytes, in which a misspelt name differs from the known one: the
/// time that it takes to compare two grows with its square.
const STRETCH: usize = 16;

/// The known name that is spelt most like `name`, if one is. Known ones are of ASCII.
pub fn nearest<'k>(known: impl Iterator<Item = &'k str>, name: &str) -> Option<&'k str> {
    let near = known.filter_map(|known| Some((distance(known, name)?, known)));
    near.min().map(|(_, known)| known)
}

/// How many letters are off; `None` where that are too many.
fn distance(known: &str, name: &str) -> Option<usize> {
    if known.len().abs_diff(name.len()) > UNLIKE {
        return None;
    }
    let equal = |(a, b): &(u8, u8)| a == b && a.is_ascii();
    let start = known.bytes().zip(name.bytes()).take_while(equal).count();
    let (known, name) = (&known[start..], &name[start..]);
    let reversed = known.bytes().rev().zip(name.bytes().rev());
    let end = reversed.take_while(equal).count();
    let (known, name) = (&known[..known.len() - end], &name[..name.len() - end]);
    if known.len().max(name.len()) > STRETCH {
        return None;
    }
    Some(strsim::osa_distance(known, name)).filter(|distance| *distance <= UNLIKE)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("page.veiwed", Some("page.viewed"))]
    #[case("page.view", Some("page.viewed"))]
    #[case("pages.viewed", Some("page.viewed"))]
    #[case("Page.Viewed", Some("page.viewed"))]
    #[case("pagé.viewed", Some("page.viewed"))]
    #[case("aage.vieweda", Some("page.viewed"))]
    #[case("pale.vied", Some("page.viewed"))]
    #[case("é", None)]
    #[case("", None)]
    #[case("class.left", None)]
    #[case("xustom.abcdefghij_abcdefghij_b", None)]
    #[case(
        "custom.abcdefghij_abcdefghij_b",
        Some("custom.abcdefghij_abcdefghij_a")
    )]
    fn the_nearest_is_a_few_letters_off(#[case] name: &str, #[case] found: Option<&str>) {
        let known = [
            "page.viewed",
            "custom.abcdefghij_abcdefghij_a",
            "video.played",
        ];
        assert_eq!(nearest(known.into_iter(), name), found);
    }
}
