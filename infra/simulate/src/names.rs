//! Names of people and places. Given names are of many languages, family names and places
//! of nowhere, so that nobody is met.

use crate::draw::Draw;

/// Given names, and how they are spelt in an account.
const GIVEN: &[(&str, &str)] = &[
    ("Aaliyah", "aaliyah"),
    ("Abebe", "abebe"),
    ("Adaeze", "adaeze"),
    ("Ahmad", "ahmad"),
    ("Aiko", "aiko"),
    ("Aïcha", "aicha"),
    ("Akua", "akua"),
    ("Alejandro", "alejandro"),
    ("Amara", "amara"),
    ("Amélie", "amelie"),
    ("Anahí", "anahi"),
    ("Anh", "anh"),
    ("Anjali", "anjali"),
    ("Arjun", "arjun"),
    ("Astrid", "astrid"),
    ("Ayşe", "ayse"),
    ("Beatriz", "beatriz"),
    ("Björn", "bjorn"),
    ("Bronwen", "bronwen"),
    ("Camila", "camila"),
    ("Carlos", "carlos"),
    ("Chidi", "chidi"),
    ("Chloé", "chloe"),
    ("Dao", "dao"),
    ("Darius", "darius"),
    ("Deborah", "deborah"),
    ("Diego", "diego"),
    ("Dmitri", "dmitri"),
    ("Elif", "elif"),
    ("Elijah", "elijah"),
    ("Emre", "emre"),
    ("Esperanza", "esperanza"),
    ("Eun-ji", "eunji"),
    ("Fatima", "fatima"),
    ("Feng", "feng"),
    ("Fiona", "fiona"),
    ("Gabriela", "gabriela"),
    ("Giulia", "giulia"),
    ("Grace", "grace"),
    ("Guðrún", "gudrun"),
    ("Hana", "hana"),
    ("Hassan", "hassan"),
    ("Hina", "hina"),
    ("Hiroshi", "hiroshi"),
    ("Ibrahim", "ibrahim"),
    ("Imani", "imani"),
    ("Ines", "ines"),
    ("Isla", "isla"),
    ("Ivana", "ivana"),
    ("Jamal", "jamal"),
    ("Jasmine", "jasmine"),
    ("Jia", "jia"),
    ("João", "joao"),
    ("José", "jose"),
    ("Jürgen", "jurgen"),
    ("Kaito", "kaito"),
    ("Kalani", "kalani"),
    ("Kavya", "kavya"),
    ("Kenji", "kenji"),
    ("Kwame", "kwame"),
    ("Laila", "laila"),
    ("Leilani", "leilani"),
    ("Linh", "linh"),
    ("Łukasz", "lukasz"),
    ("Luca", "luca"),
    ("Mahina", "mahina"),
    ("Maja", "maja"),
    ("Malik", "malik"),
    ("Mariana", "mariana"),
    ("Mateo", "mateo"),
    ("Mei", "mei"),
    ("Micah", "micah"),
    ("Minh", "minh"),
    ("Mohammed", "mohammed"),
    ("Nadia", "nadia"),
    ("Naveen", "naveen"),
    ("Ngozi", "ngozi"),
    ("Niamh", "niamh"),
    ("Noah", "noah"),
    ("Nora", "nora"),
    ("Oksana", "oksana"),
    ("Olu", "olu"),
    ("Oscar", "oscar"),
    ("Paloma", "paloma"),
    ("Pavel", "pavel"),
    ("Priya", "priya"),
    ("Quang", "quang"),
    ("Quinn", "quinn"),
    ("Rafael", "rafael"),
    ("Rania", "rania"),
    ("Ravi", "ravi"),
    ("Renée", "renee"),
    ("Rosa", "rosa"),
    ("Sadia", "sadia"),
    ("Samira", "samira"),
    ("Santiago", "santiago"),
    ("Saoirse", "saoirse"),
    ("Seo-yeon", "seoyeon"),
    ("Siddharth", "siddharth"),
    ("Siobhán", "siobhan"),
    ("Sofia", "sofia"),
    ("Søren", "soren"),
    ("Tadesse", "tadesse"),
    ("Talia", "talia"),
    ("Tariq", "tariq"),
    ("Thandiwe", "thandiwe"),
    ("Thiago", "thiago"),
    ("Tomás", "tomas"),
    ("Tuấn", "tuan"),
    ("Uma", "uma"),
    ("Valentina", "valentina"),
    ("Viktor", "viktor"),
    ("Wanjiru", "wanjiru"),
    ("Wei", "wei"),
    ("Ximena", "ximena"),
    ("Yara", "yara"),
    ("Yohannes", "yohannes"),
    ("Yuki", "yuki"),
    ("Yusuf", "yusuf"),
    ("Zainab", "zainab"),
    ("Zeynep", "zeynep"),
    ("Žofie", "zofie"),
    ("Zoë", "zoe"),
    ("Zuri", "zuri"),
];

/// Halves of family names.
const FIRST_HALVES: &[&str] = &[
    "Amber", "Birch", "Bram", "Cinder", "Copper", "Dapple", "Elder", "Fern", "Flint", "Gold",
    "Hazel", "Heron", "Juniper", "Kestrel", "Lantern", "Maple", "Marble", "Nettle", "Oat",
    "Pebble", "Quill", "Rowan", "Saffron", "Thistle", "Umber", "Velvet", "Willow", "Yarrow",
];
const SECOND_HALVES: &[&str] = &[
    "by", "croft", "dale", "fold", "gate", "hollow", "lark", "mark", "nook", "quist", "reed",
    "shaw", "song", "thorpe", "vane", "wick", "wright", "yard",
];

/// Places of districts and schools.
const PLACES: &[&str] = &[
    "Larkfield",
    "Brindle Valley",
    "Osterholm",
    "Cedar Hollow",
    "Pinewater",
    "Marlow Creek",
    "Saltbridge",
    "Heron Lake",
    "Windmere",
    "Copper Ridge",
    "Fallowmoor",
    "Juniper Falls",
    "Stonewick",
    "Amberley Point",
    "Northglade",
    "Quarry Hill",
    "Silverbrook",
    "Thornbury Flats",
    "Willow Bend",
    "Eastmarch",
    "Goldenrod",
    "Kestrel Bay",
    "Longmeadow",
    "Redcliff Run",
];

/// The name of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) given: &'static str,
    /// The given name as it is written in an account.
    pub(crate) plain: &'static str,
    pub(crate) family: String,
}

pub(crate) fn person(draw: &mut Draw) -> Name {
    let (given, plain) = draw.pick(GIVEN);
    Name {
        given,
        plain,
        family: family(draw),
    }
}

pub(crate) fn family(draw: &mut Draw) -> String {
    format!("{}{}", draw.pick(FIRST_HALVES), draw.pick(SECOND_HALVES))
}

/// The place of a district or a school; beyond the list they are numbered.
pub(crate) fn place(first: u32, index: u32) -> String {
    let count = PLACES.len() as u32;
    let place = PLACES[((first + index) % count) as usize];
    match index / count {
        0 => place.to_owned(),
        round => format!("{place} {}", round + 1),
    }
}

/// What stands in an address for a place.
pub(crate) fn slug(place: &str) -> String {
    place.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_spelt_in_ascii() {
        for (name, plain) in GIVEN {
            assert!(plain.bytes().all(|b| b.is_ascii_lowercase()), "{name}");
        }
        assert_eq!(slug("Heron Lake"), "heron-lake");
        assert_eq!(place(23, 1), "Larkfield");
        assert_eq!(place(0, 24), "Larkfield 2");
    }
}
