//! Rows as bytes, for the temporary files of the sort.

use chrono::{DateTime, NaiveDate};

use super::{Incoming, Row, Value, Want};
use crate::error::Error;

impl Incoming {
    /// Appends the row: its key first, so that it can be compared undecoded.
    pub(crate) fn encode(&self, to: &mut Vec<u8>) {
        put_text(to, &self.key);
        to.extend_from_slice(&self.line.to_le_bytes());
        to.push(match self.want {
            Want::Keep => 0,
            Want::End => 1,
            Want::Nothing => 2,
        });
        let modified = self
            .row
            .modified_at
            .map_or(i64::MIN, |at| at.timestamp_micros());
        to.extend_from_slice(&modified.to_le_bytes());
        to.push(u8::try_from(self.row.values.len()).unwrap_or(u8::MAX));
        for value in &self.row.values {
            put_value(to, value);
        }
    }

    /// Reads what [`Incoming::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = bytes;
        decode(&mut from).ok_or(Error::Spill)
    }
}

/// The key and line of an encoded row, by which rows are sorted.
pub(crate) fn sort_key(bytes: &[u8]) -> (&[u8], u64) {
    let mut from = bytes;
    let key = take_bytes(&mut from).unwrap_or_default();
    let line = take(&mut from).map(u64::from_le_bytes).unwrap_or_default();
    (key, line)
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(text.as_bytes());
}

fn put_value(to: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => to.push(0),
        Value::Text(text) => {
            to.push(1);
            put_text(to, text);
        }
        Value::Texts(texts) => {
            to.push(2);
            let count = u32::try_from(texts.len()).unwrap_or(u32::MAX);
            to.extend_from_slice(&count.to_le_bytes());
            for text in texts {
                put_text(to, text);
            }
        }
        Value::Date(day) => {
            to.push(3);
            to.extend_from_slice(&day.to_epoch_days().to_le_bytes());
        }
        Value::Boolean(yes) => to.extend_from_slice(&[4, u8::from(*yes)]),
        Value::Number(number) => {
            to.push(5);
            to.extend_from_slice(&number.to_le_bytes());
        }
        Value::Integer(number) => {
            to.push(6);
            to.extend_from_slice(&number.to_le_bytes());
        }
        Value::Time(time) => {
            to.push(7);
            to.extend_from_slice(&time.timestamp_micros().to_le_bytes());
        }
    }
}

fn decode(from: &mut &[u8]) -> Option<Incoming> {
    let key = take_text(from)?;
    let line = u64::from_le_bytes(take(from)?);
    let want = match take::<1>(from)? {
        [0] => Want::Keep,
        [1] => Want::End,
        [2] => Want::Nothing,
        _ => return None,
    };
    let modified = i64::from_le_bytes(take(from)?);
    let modified_at = (modified != i64::MIN)
        .then(|| DateTime::from_timestamp_micros(modified))
        .flatten();
    let [count] = take::<1>(from)?;
    let values = (0..count)
        .map(|_| take_value(from))
        .collect::<Option<_>>()?;
    let row = Row {
        values,
        modified_at,
    };
    Some(Incoming {
        key,
        line,
        want,
        row,
    })
}

fn take_value(from: &mut &[u8]) -> Option<Value> {
    Some(match take::<1>(from)? {
        [0] => Value::Null,
        [1] => Value::Text(take_text(from)?),
        [2] => {
            let count = u32::from_le_bytes(take(from)?);
            Value::Texts((0..count).map(|_| take_text(from)).collect::<Option<_>>()?)
        }
        [3] => Value::Date(NaiveDate::from_epoch_days(i32::from_le_bytes(take(from)?))?),
        [4] => Value::Boolean(take::<1>(from)? == [1]),
        [5] => Value::Number(f64::from_le_bytes(take(from)?)),
        [6] => Value::Integer(i64::from_le_bytes(take(from)?)),
        [7] => Value::Time(DateTime::from_timestamp_micros(i64::from_le_bytes(take(
            from,
        )?))?),
        _ => return None,
    })
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(from)?) as usize;
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

fn take_text(from: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(take_bytes(from)?)
        .ok()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    #[test]
    fn rows_round_trip_and_cut_ones_do_not() {
        let row = Incoming {
            key: "a".to_owned(),
            line: 7,
            want: Want::End,
            row: Row {
                values: vec![
                    Value::Null,
                    Value::from("ü"),
                    Value::Texts(vec!["a".to_owned(), String::new()]),
                    Value::Date("2026-09-01".parse().expect("a day")),
                    Value::Boolean(true),
                    Value::Number(-0.5),
                    Value::Integer(-3),
                    Value::Time("2026-09-01T08:00:00.5Z".parse().expect("a time")),
                ],
                modified_at: Some(DateTime::<Utc>::UNIX_EPOCH),
            },
        };
        let mut bytes = Vec::new();
        row.encode(&mut bytes);
        assert_eq!(Incoming::decode(&bytes).expect("decoded"), row);
        assert_eq!(sort_key(&bytes), (b"a".as_slice(), 7));
        for cut in 0..bytes.len() {
            assert!(Incoming::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
