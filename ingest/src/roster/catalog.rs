//! In which form a catalogue comes, and the name by which it is read.

use axum::http::HeaderMap;
use schemas::roster::Entity;

use crate::error::Error;
use crate::receive::media_type;

/// Media types of zip files.
pub const ZIP_TYPES: [&str; 2] = ["application/zip", "application/x-zip-compressed"];

/// How a zip file begins: with a file, or with the end of an empty one.
const ZIP: [&[u8; 4]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A form of a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A zip file of CSV files, one for each table.
    Zip,
    /// The rows of one table.
    Csv,
    /// An object with an array of rows for each table, or the rows of one.
    Json,
    /// A line for each row of one table.
    Lines,
}

/// How a body begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// As a zip file.
    Zip,
    /// As an object of JSON.
    Object,
    /// As an array of JSON.
    Array,
    /// Otherwise.
    Text,
    /// There is nothing.
    Nothing,
}

impl Begins {
    /// How a body with these first bytes begins.
    pub fn of(first: &[u8]) -> Self {
        if ZIP.iter().any(|zip| first.starts_with(*zip)) {
            return Self::Zip;
        }
        let text = first.strip_prefix(MARK).unwrap_or(first).trim_ascii_start();
        match text.first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(_) => Self::Text,
            None => Self::Nothing,
        }
    }
}

impl Form {
    /// The form that the head says; `None` if it says none.
    ///
    /// # Errors
    /// [`Error::NotCatalogType`] for a type in which no catalogue comes.
    pub fn declared(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        match media_type(headers).as_deref() {
            None | Some("" | "application/octet-stream") => Ok(None),
            Some(zip) if ZIP_TYPES.contains(&zip) => Ok(Some(Self::Zip)),
            Some("text/csv") => Ok(Some(Self::Csv)),
            Some("application/json") => Ok(Some(Self::Json)),
            Some("application/x-ndjson") => Ok(Some(Self::Lines)),
            Some(_) => Err(Error::NotCatalogType),
        }
    }

    /// The form of a body that begins so. Of an object with a table's name it is told by
    /// that: a catalogue in one object names its tables itself.
    fn guess(begins: Begins, table: Option<Entity>) -> Self {
        match begins {
            Begins::Zip => Self::Zip,
            Begins::Object if table.is_some() => Self::Lines,
            Begins::Object | Begins::Array => Self::Json,
            Begins::Text | Begins::Nothing => Self::Csv,
        }
    }

    fn may_begin(self, begins: Begins) -> bool {
        match self {
            Self::Zip => begins == Begins::Zip,
            Self::Csv => begins == Begins::Text,
            Self::Json => matches!(begins, Begins::Object | Begins::Array),
            Self::Lines => begins == Begins::Object,
        }
    }
}

/// The name by which a catalogue is read that is declared so, begins so, and has the rows
/// of `table` if that is said.
///
/// # Errors
/// [`Error::NotCatalog`], [`Error::NoTable`], or [`Error::Parameter`] for a table of what
/// names its tables itself.
pub fn name(
    declared: Option<Form>,
    begins: Begins,
    table: Option<Entity>,
) -> Result<String, Error> {
    let form = declared.unwrap_or_else(|| Form::guess(begins, table));
    if !form.may_begin(begins) {
        return Err(Error::NotCatalog);
    }
    let names_its_tables = form == Form::Zip || (form, begins) == (Form::Json, Begins::Object);
    let stem = match table {
        None if names_its_tables => "catalog",
        None => return Err(Error::NoTable),
        Some(_) if names_its_tables => {
            return Err(Error::Parameter(
                "Leave table out: a zip file or an object of JSON names its tables itself.",
            ));
        }
        Some(table) => table.name(),
    };
    let ending = match form {
        Form::Zip => "zip",
        Form::Csv => "csv",
        Form::Json => "json",
        Form::Lines => "jsonl",
    };
    Ok(format!("{stem}.{ending}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_file(b"PK\x03\x04..", Begins::Zip)]
    #[case::an_empty_zip(b"PK\x05\x06", Begins::Zip)]
    #[case::half_a_zip(b"PK\x03", Begins::Text)]
    #[case::an_object(b" \r\n{", Begins::Object)]
    #[case::marked(b"\xef\xbb\xbf[", Begins::Array)]
    #[case::csv(b"content_id,kind", Begins::Text)]
    #[case::blanks(b" \n", Begins::Nothing)]
    #[case::nothing(b"", Begins::Nothing)]
    fn a_form_is_seen_by_the_first_bytes(#[case] first: &[u8], #[case] expected: Begins) {
        assert_eq!(Begins::of(first), expected);
    }

    const TABLE: Option<Entity> = Some(Entity::Contents);

    #[rstest]
    #[case(Some(Form::Zip), Begins::Zip, None, "catalog.zip")]
    #[case(Some(Form::Csv), Begins::Text, TABLE, "contents.csv")]
    #[case(Some(Form::Json), Begins::Object, None, "catalog.json")]
    #[case(Some(Form::Json), Begins::Array, TABLE, "contents.json")]
    #[case(Some(Form::Lines), Begins::Object, TABLE, "contents.jsonl")]
    #[case(None, Begins::Zip, None, "catalog.zip")]
    #[case(None, Begins::Text, TABLE, "contents.csv")]
    #[case(None, Begins::Object, None, "catalog.json")]
    #[case(None, Begins::Object, TABLE, "contents.jsonl")]
    #[case(None, Begins::Array, TABLE, "contents.json")]
    #[case::csv_of_what(Some(Form::Csv), Begins::Text, None, "missing_table")]
    #[case::rows_of_what(Some(Form::Json), Begins::Array, None, "missing_table")]
    #[case::lines_of_what(Some(Form::Lines), Begins::Object, None, "missing_table")]
    #[case::text_of_what(None, Begins::Text, None, "missing_table")]
    #[case::named_twice(Some(Form::Zip), Begins::Zip, TABLE, "unknown_parameter")]
    #[case::named_within(Some(Form::Json), Begins::Object, TABLE, "unknown_parameter")]
    #[case::no_zip(Some(Form::Zip), Begins::Text, None, "not_a_catalog")]
    #[case::no_json(Some(Form::Json), Begins::Text, None, "not_a_catalog")]
    #[case::no_csv(Some(Form::Csv), Begins::Zip, TABLE, "not_a_catalog")]
    #[case::no_lines(Some(Form::Lines), Begins::Array, TABLE, "not_a_catalog")]
    #[case::empty(None, Begins::Nothing, TABLE, "not_a_catalog")]
    fn a_catalogue_is_read_by_its_form_and_its_table(
        #[case] declared: Option<Form>,
        #[case] begins: Begins,
        #[case] table: Option<Entity>,
        #[case] expected: &str,
    ) {
        let name = name(declared, begins, table);
        assert_eq!(
            name.unwrap_or_else(|error| error.problem().code.to_owned()),
            expected
        );
    }
}
