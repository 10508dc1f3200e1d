//! Members that are a time.

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A time of RFC 3339 to the microsecond, nothing for null.
pub fn rfc3339<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<Cow<'de, str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
    Ok(Some(time.to_utc().trunc_subsecs(6)))
}
