//! Members beyond the schema that say who someone is. They go no further.

use serde_json::{Map, Value};

/// Names of members that hold personal data or name a person, without case and
/// separators.
const PERSONAL: &[&str] = &[
    "account",
    "actor",
    "address",
    "avatar",
    "birthdate",
    "birthday",
    "city",
    "clientip",
    "dateofbirth",
    "displayname",
    "dob",
    "email",
    "emailaddress",
    "familyname",
    "firstname",
    "fullname",
    "givenname",
    "homepage",
    "ip",
    "ipaddress",
    "ipv4",
    "ipv6",
    "lastname",
    "lat",
    "latitude",
    "learner",
    "learnerid",
    "lng",
    "login",
    "lon",
    "longitude",
    "mail",
    "mbox",
    "mboxsha1sum",
    "middlename",
    "mobile",
    "name",
    "nickname",
    "openid",
    "password",
    "phone",
    "phonenumber",
    "photo",
    "postalcode",
    "remoteaddr",
    "remoteip",
    "ssn",
    "street",
    "streetaddress",
    "student",
    "studentid",
    "surname",
    "telephone",
    "uid",
    "user",
    "userid",
    "userip",
    "username",
    "xforwardedfor",
    "zip",
    "zipcode",
];

/// Drops personal members at any depth and shortens user agents.
pub fn drop_personal(members: &mut Map<String, Value>) {
    members.retain(|name, value| {
        let plain = Plain::of(name);
        if plain.is_personal() {
            return false;
        }
        match value {
            Value::String(text) if plain.text() == "useragent" => *text = browser(text).to_owned(),
            Value::Object(members) => drop_personal(members),
            Value::Array(values) => values.iter_mut().for_each(drop_inside),
            _ => {}
        }
        true
    });
}

/// Whether a member of that name says who someone is.
pub fn is_personal(name: &str) -> bool {
    Plain::of(name).is_personal()
}

/// The longest name that is looked for has fewer letters.
const LONGEST: usize = 16;

/// For each first letter the lengths of the personal names that begin with it, as bits:
/// nearly all names of members are seen by that to be no such name.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < PERSONAL.len() {
        let name = PERSONAL[at].as_bytes();
        lengths[(name[0] - b'a') as usize] |= 1 << name.len();
        at += 1;
    }
    lengths
};

/// A name without case and separators; of an IRI the last word, which says what
/// it is.
struct Plain {
    letters: [u8; LONGEST],
    /// 0 if there are more letters than are looked at.
    length: usize,
}

impl Plain {
    fn of(name: &str) -> Self {
        let mut plain = Self {
            letters: [0; LONGEST],
            length: 0,
        };
        let name = name.trim_end_matches('/').rsplit(['/', '#']).next();
        let bytes = name.unwrap_or_default().bytes();
        for letter in bytes.filter(u8::is_ascii_alphanumeric) {
            if plain.length == LONGEST {
                plain.length = 0;
                break;
            }
            plain.letters[plain.length] = letter.to_ascii_lowercase();
            plain.length += 1;
        }
        plain
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.letters[..self.length]).unwrap_or_default()
    }

    fn is_personal(&self) -> bool {
        let first = usize::from(self.letters[0].wrapping_sub(b'a'));
        let lengths = LENGTHS.get(first).copied().unwrap_or(0);
        self.length < LONGEST
            && lengths & 1 << self.length != 0
            && PERSONAL.binary_search(&self.text()).is_ok()
    }
}

fn drop_inside(value: &mut Value) {
    match value {
        Value::Object(members) => drop_personal(members),
        Value::Array(values) => values.iter_mut().for_each(drop_inside),
        _ => {}
    }
}

/// The family of a browser: what is left of its user agent.
fn browser(user_agent: &str) -> &'static str {
    // Most claim to be others too: the first that matches is meant.
    [
        ("bot", "bot"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("okhttp", "okhttp"),
        ("Dart/", "Dart"),
        ("CFNetwork", "CFNetwork"),
    ]
    .iter()
    .find(|(mark, _)| user_agent.contains(mark))
    .map_or("other", |(_, family)| family)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_names_are_sorted_for_the_search() {
        assert!(PERSONAL.is_sorted());
        for name in PERSONAL {
            assert!(
                is_personal(name) && is_personal(&name.to_uppercase()),
                "{name}"
            );
            assert!(!is_personal(&format!("{name}{name}{name}")), "{name}");
        }
        assert!(!is_personal("") && !is_personal("/") && !is_personal("7"));
    }

    #[test]
    fn personal_members_go_at_any_depth() {
        let mut members = json!({
            "theme": "dark",
            "IP-Address": "192.0.2.1",
            "device": {"user_agent": "Mozilla/5.0 … Chrome/126.0 Safari/537.36", "e_mail": "kept?", "email": "x"},
            "people": [{"full_name": "Ann", "seat": 3}, [{"name": "Ben"}]],
            "https://example.com/ext/ip-address": "192.0.2.1",
            "https://example.com/ext#email/": "x",
            "openID": "x", "mail": "x", "home_page": "x", "lat": 1, "lng": 1, "lon": 1,
            "platform": "kept", "long": 1, "mailing": "kept",
        });
        drop_personal(members.as_object_mut().expect("an object"));
        // `e_mail` is spelt `email` without separators.
        assert_eq!(
            members,
            json!({
                "theme": "dark",
                "device": {"user_agent": "Chrome"},
                "people": [{"seat": 3}, [{}]],
                "platform": "kept", "long": 1, "mailing": "kept",
            })
        );
    }

    #[test]
    fn user_agents_are_told_apart_by_family_only() {
        for (user_agent, family) in [
            (
                "Mozilla/5.0 (X11; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox",
            ),
            ("Mozilla/5.0 … Chrome/126 Safari/537.36 Edg/126", "Edge"),
            ("Mozilla/5.0 … Version/17.5 Safari/605", "Safari"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
            ("curl/8", "other"),
        ] {
            assert_eq!(browser(user_agent), family, "{user_agent}");
        }
    }
}
