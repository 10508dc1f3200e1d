//! What the address of an upload asks of its import.

use axum::extract::Query;
use axum::http::Uri;
use schemas::roster::Entity;

use super::What;
use crate::error::Error;

/// The longest name of what is imported, in bytes.
pub const LONGEST_SOURCE: usize = 200;

/// What is asked of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it is called.
    pub source: String,
    /// Whether it is taken although it ends more than it may.
    pub forced: bool,
    /// Whether a catalogue changes only what it names.
    pub delta: bool,
    /// The table whose rows a catalogue is.
    pub table: Option<Entity>,
}

impl Options {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn of(what: What, uri: &Uri) -> Result<Self, Error> {
        let parameters = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let parameters = parameters
            .map_err(|_| Error::Parameter("Write the parameters as name=value, joined by &."))?;
        let mut options = Self {
            source: "upload".to_owned(),
            forced: false,
            delta: false,
            table: None,
        };
        for (name, value) in parameters.0 {
            match (name.as_str(), what) {
                ("source", _) if is_name(&value) => options.source = value,
                ("source", _) => {
                    return Err(Error::Parameter(
                        "Send as source a name of at most 200 bytes that people can read.",
                    ));
                }
                ("force", _) => {
                    options.forced = flag(&value, "Send as force true or false.")?;
                }
                ("delta", What::Catalog) => {
                    options.delta = flag(&value, "Send as delta true or false.")?;
                }
                ("table", What::Catalog) => options.table = Some(table(&value)?),
                (_, What::Roster) => {
                    return Err(Error::Parameter("The parameters are source and force."));
                }
                (_, What::Catalog) => {
                    return Err(Error::Parameter(
                        "The parameters are table, delta, source and force.",
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_SOURCE).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn flag(value: &str, advice: &'static str) -> Result<bool, Error> {
    value.parse().map_err(|_| Error::Parameter(advice))
}

fn table(name: &str) -> Result<Entity, Error> {
    let mut tables = Entity::ALL
        .into_iter()
        .filter(|table| table.is_of_catalog());
    let table = tables.find(|table| table.name() == name);
    table.ok_or(Error::Parameter(
        "Send as table one of the catalogue's: course_details, section_details, standards, \
         contents, alignments, programs, program_enrollments, awards, calendar_days.",
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", Some(("upload", false)))]
    #[case::both("?source=PowerSchool%20nightly&force=true", Some(("PowerSchool nightly", true)))]
    #[case::not_forced("?force=false", Some(("upload", false)))]
    #[case::unsure("?force=yes", None)]
    #[case::empty("?source=", None)]
    #[case::two_lines("?source=a%0Ab", None)]
    #[case::other("?dry_run=true", None)]
    #[case::a_table("?table=contents", None)]
    #[case::a_delta("?delta=true", None)]
    fn of_a_roster_they_are_a_name_and_whether_to_force(
        #[case] query: &str,
        #[case] expected: Option<(&str, bool)>,
    ) {
        let uri = format!("/v1/roster{query}").parse().expect("an address");
        let expected = expected.map(|(source, forced)| Options {
            source: source.to_owned(),
            forced,
            delta: false,
            table: None,
        });
        assert_eq!(Options::of(What::Roster, &uri).ok(), expected);
    }

    #[rstest]
    #[case::nothing("", Some((false, None)))]
    #[case::both("?delta=true&table=contents", Some((true, Some(Entity::Contents))))]
    #[case::of_rosters("?table=users", None)]
    #[case::a_file("?table=contents.csv", None)]
    #[case::unsure("?delta=1", None)]
    #[case::other("?mode=delta", None)]
    fn of_a_catalogue_also_its_table_and_whether_it_is_a_delta(
        #[case] query: &str,
        #[case] expected: Option<(bool, Option<Entity>)>,
    ) {
        let uri = format!("/v1/catalog{query}").parse().expect("an address");
        let options = Options::of(What::Catalog, &uri).ok();
        assert_eq!(options.map(|o| (o.delta, o.table)), expected);
    }

    #[test]
    fn the_advice_names_all_tables() {
        let Err(Error::Parameter(advice)) = table("users") else {
            panic!("users is none of the catalogue's");
        };
        for table in Entity::ALL.into_iter().filter(|t| t.is_of_catalog()) {
            assert!(advice.contains(&format!(" {table}")), "{table}");
        }
    }
}
