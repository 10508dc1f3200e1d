//! What a listener wants to hear of.

use axum::extract::Query;
use axum::http::Uri;
use schemas::Family;

use crate::error::Error;
use crate::outcome::Answered;

/// What a listener wants to hear of: everything of one's own key, unless the
/// parameters say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The key's id; those of all keys of the tenant when absent.
    key: Option<String>,
    /// Outcomes by name, `refused` for whole requests; all when empty.
    outcomes: Vec<String>,
    /// A type, or its beginning before a `*`.
    event_type: Option<String>,
    family: Option<Family>,
    /// Which part of the events, above 0 and at most 1.
    sample: f64,
    /// What of an event is due.
    due: f64,
}

/// The outcomes that can be asked for.
const OUTCOMES: [&str; 6] = [
    "accepted",
    "duplicate",
    "ignored",
    "rejected",
    "retry",
    "refused",
];

impl Filter {
    /// Reads the parameters of who listens with the key `own`.
    ///
    /// # Errors
    /// [`Error::Parameter`], with what to write.
    pub fn of(uri: &Uri, own: &str) -> Result<Self, Error> {
        let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let parameters = parameters
            .map_err(|_| Error::Parameter("Write the parameters as name=value, joined by &."))?;
        let mut filter = Self {
            key: Some(own.to_owned()),
            outcomes: Vec::new(),
            event_type: None,
            family: None,
            sample: 1.0,
            due: 0.0,
        };
        for (name, value) in parameters.0 {
            match name.as_str() {
                "key" if value == "all" => filter.key = None,
                "key" => filter.key = Some(value),
                "outcome" => {
                    let outcomes = value.split(',').map(str::to_owned);
                    filter.outcomes.extend(outcomes);
                }
                "type" => filter.event_type = Some(value),
                "family" => {
                    let family = Family::from_name(&value).ok_or(Error::Parameter(
                        "Send as family clickstream, video, assessment, attendance or tutoring.",
                    ));
                    filter.family = Some(family?);
                }
                "sample" => {
                    let sample = value.parse().ok().filter(|s| *s > 0.0 && *s <= 1.0);
                    filter.sample = sample.ok_or(Error::Parameter(
                        "Send as sample a number above 0 and at most 1, for example 0.01.",
                    ))?;
                }
                _ => {
                    return Err(Error::Parameter(
                        "The parameters are key, outcome, type, family and sample.",
                    ));
                }
            }
        }
        let known = |outcome: &String| OUTCOMES.contains(&outcome.as_str());
        if !filter.outcomes.iter().all(known) {
            return Err(Error::Parameter(
                "Send as outcome some of accepted, duplicate, ignored, rejected, retry and \
                 refused, joined by commas.",
            ));
        }
        Ok(filter)
    }

    /// Whether requests with this key are wanted.
    pub fn takes_key(&self, key: &str) -> bool {
        self.key.as_ref().is_none_or(|wanted| wanted == key)
    }

    /// Whether requests are wanted of which no event was looked at.
    pub fn takes_refusals(&self) -> bool {
        self.takes_outcome("refused")
    }

    /// Whether the event is wanted; of those, only the sample is.
    pub fn takes(&mut self, event: &Answered) -> bool {
        let family = self.family.is_none() || event.family == self.family;
        let wanted = family && self.takes_outcome(event.outcome.name()) && self.takes_type(event);
        if wanted {
            self.due += self.sample;
        }
        let take = wanted && self.due >= 1.0;
        if take {
            self.due -= 1.0;
        }
        take
    }

    fn takes_outcome(&self, name: &str) -> bool {
        self.outcomes.is_empty() || self.outcomes.iter().any(|wanted| wanted == name)
    }

    fn takes_type(&self, event: &Answered) -> bool {
        let Some(wanted) = &self.event_type else {
            return true;
        };
        let Some(event_type) = event.event_type.as_deref() else {
            return false;
        };
        match wanted.strip_suffix('*') {
            Some(beginning) => event_type.starts_with(beginning),
            None => event_type == wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::outcome::{Outcome, Reason, Rejection};

    fn filter(query: &str) -> Result<Filter, Error> {
        let uri = format!("/v1/tail?{query}").parse().expect("an address");
        Filter::of(&uri, "own")
    }

    fn video() -> Answered {
        Answered {
            id: None,
            event_type: Some("video.played".into()),
            family: Some(Family::Video),
            outcome: Outcome::Rejected(Rejection::new(Reason::WrongType, "", "")),
            spooled: false,
        }
    }

    #[rstest]
    #[case("", true)]
    #[case("outcome=accepted,rejected", true)]
    #[case("outcome=accepted&outcome=retry", false)]
    #[case("outcome=refused", false)]
    #[case("type=video.played", true)]
    #[case("type=video.*", true)]
    #[case("type=video", false)]
    #[case("type=*", true)]
    #[case("family=video", true)]
    #[case("family=clickstream&type=video.*", false)]
    fn events_are_told_that_were_asked_for(#[case] query: &str, #[case] taken: bool) {
        let mut filter = filter(query).expect("a filter");
        assert_eq!(filter.takes(&video()), taken);
    }

    #[rstest]
    fn other_parameters_are_refused(
        #[values(
            "outcome=good",
            "sample=0",
            "sample=2",
            "sample=x",
            "sample=NaN",
            "family=audit",
            "colour=1"
        )]
        query: &str,
    ) {
        assert!(matches!(filter(query), Err(Error::Parameter(_))), "{query}");
    }

    #[test]
    fn a_sample_is_that_part_of_what_is_wanted() {
        let mut filter = filter("sample=0.25&type=video.*").expect("a filter");
        let other = Answered {
            event_type: None,
            ..video()
        };
        let events = [video(), other];
        let taken = (0..1_000).filter(|n| {
            let taken = filter.takes(&events[n % 2]);
            assert!(n % 2 == 0 || !taken);
            taken
        });
        assert_eq!(taken.count(), 125);
    }

    #[test]
    fn one_hears_of_ones_own_key_unless_another_is_named() {
        for (query, own, other) in [
            ("", true, false),
            ("key=all", true, true),
            ("key=b", false, true),
        ] {
            let filter = filter(query).expect("a filter");
            assert_eq!(
                (filter.takes_key("own"), filter.takes_key("b")),
                (own, other)
            );
        }
    }
}
