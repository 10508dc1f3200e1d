use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What a sender sent beyond the columns: a JSON object.
///
/// Whoever makes an event works on its members; whoever reads one from the log
/// has their text as it stands there, and takes it apart only when asked to.
#[derive(Debug, Clone)]
pub struct Extra(Held);

#[derive(Debug, Clone)]
enum Held {
    Members(Map<String, Value>),
    Text(Box<RawValue>),
}

impl Extra {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Held::Members(members) => members.is_empty(),
            Held::Text(text) => text.get() == "{}",
        }
    }

    /// The object as JSON: canonical, if it is the log's that ingest writes.
    pub fn json(&self) -> Cow<'_, str> {
        match &self.0 {
            Held::Members(members) => serde_json::to_string(members)
                .expect("JSON prints as JSON")
                .into(),
            Held::Text(text) => text.get().into(),
        }
    }

    /// The object's members.
    pub fn members(&self) -> Cow<'_, Map<String, Value>> {
        match &self.0 {
            Held::Members(members) => Cow::Borrowed(members),
            Held::Text(text) => Cow::Owned(parse(text)),
        }
    }

    /// The object's members, to change them.
    pub fn members_mut(&mut self) -> &mut Map<String, Value> {
        if let Held::Text(text) = &self.0 {
            self.0 = Held::Members(parse(text));
        }
        match &mut self.0 {
            Held::Members(members) => members,
            Held::Text(_) => unreachable!("it was just taken apart"),
        }
    }
}

/// The members; of an object that [`Value`] cannot hold (a number beyond all
/// range, nesting without end) one member `text` with all of it. Ingest writes no
/// such object.
fn parse(object: &RawValue) -> Map<String, Value> {
    let text = object.get();
    let whole = || Map::from_iter([("text".to_owned(), text.into())]);
    serde_json::from_str(text).unwrap_or_else(|_| whole())
}

impl Default for Extra {
    fn default() -> Self {
        Map::new().into()
    }
}

impl From<Map<String, Value>> for Extra {
    fn from(members: Map<String, Value>) -> Self {
        Self(Held::Members(members))
    }
}

/// Equal members; their order and blanks in the text do not count.
impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.members() == other.members()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Held::Members(members) => members.serialize(serializer),
            Held::Text(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Extra {
    /// Takes an object only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let is_object = text.get().starts_with('{');
        is_object
            .then_some(Self(Held::Text(text)))
            .ok_or_else(|| serde::de::Error::custom("extra is an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<Extra> {
        serde_json::from_str(json)
    }

    #[test]
    fn text_is_kept_and_members_can_be_changed() {
        let mut extra = read(r#"{"a":[1.50,"ü"],"b":{}}"#).expect("an object");
        assert_eq!(extra.json(), r#"{"a":[1.50,"ü"],"b":{}}"#);
        assert_eq!(extra.members()["a"][0], 1.5);
        extra.members_mut().remove("a");
        assert_eq!(extra.json(), r#"{"b":{}}"#);
        assert_eq!(extra, read(r#"{ "b" : {} }"#).expect("an object"));
    }

    #[test]
    fn nothing_is_lost_of_what_no_value_holds() {
        for text in [
            r#"{"a":1e999}"#.to_owned(),
            format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)),
        ] {
            let extra = read(&text).expect("an object");
            assert_eq!(extra.json(), text);
            assert_eq!(extra.members()["text"], text);
        }
    }

    #[test]
    fn only_an_object_is_taken() {
        for bad in ["[]", "1", "null", r#""{}""#, "{", r#"{"a":}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("{}").expect("an object").is_empty());
        assert!(Extra::default().is_empty());
    }
}
