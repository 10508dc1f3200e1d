//! Which field of a record is which column.

use crate::binding::{Column, File};
use crate::diagnostic::{Code, Diagnostics};
use crate::manifest::Version;
use crate::records::Record;

/// What extensions begin with; they are the sender's own and not read.
const METADATA: &str = "metadata.";

/// Names shorter than this are not taken for misspelled.
const LONG_ENOUGH: usize = 8;

/// How many letters a misspelled name may be off.
const SLIPS: usize = 2;

/// Where the columns of a file stand.
#[derive(Debug)]
pub(crate) struct Header {
    /// For each column of the binding, where it stands.
    places: Vec<Option<usize>>,
    /// How many fields a record has to have.
    pub(crate) named: usize,
    /// How many it may have.
    pub(crate) all: usize,
}

impl Header {
    /// Reads the header; none if no row can be read by it.
    pub(crate) fn read(
        file: File,
        version: Version,
        record: &Record<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let name = file.name();
        let columns = file.columns(version);
        let headers: Vec<&str> = record.iter().collect();
        let mut places: Vec<Option<usize>> = vec![None; columns.len()];
        let mut taken = vec![false; headers.len()];
        let mut is_readable = true;
        // Exact names first, so that no misspelled one takes another's place.
        let passes: [fn(&str, &str) -> bool; 3] = [
            |header, column| header == column,
            |header, column| bare(header) == bare(column),
            is_misspelled,
        ];
        let mut misspelled = Vec::new();
        for (pass, matches) in passes.into_iter().enumerate() {
            for (index, column) in columns.iter().enumerate() {
                for (place, header) in headers.iter().enumerate() {
                    if taken[place] || !matches(header, column.name) {
                        continue;
                    }
                    if places[index].is_some() {
                        if pass < 2 {
                            taken[place] = true;
                            let detail = "the column is there twice";
                            let code = Code::RepeatedColumn;
                            diagnostics.add(code, &name, Some(1), Some(column.name), detail);
                            is_readable = false;
                        }
                        continue;
                    }
                    places[index] = Some(place);
                    taken[place] = true;
                    if pass > 0 {
                        misspelled.push(column.name);
                    }
                }
            }
        }
        for (index, column) in columns.iter().enumerate() {
            if places[index].is_none() && column.required {
                let detail = "the header does not have the column";
                let code = Code::MissingColumn;
                diagnostics.add(code, &name, Some(1), Some(column.name), detail);
                is_readable = false;
            }
        }
        if !is_readable {
            // What else is in this line may be no header at all, but people's names.
            return None;
        }
        for column in misspelled {
            let detail = "the header spells the column otherwise";
            diagnostics.add(Code::ColumnSpelling, &name, Some(1), Some(column), detail);
        }
        if !file.is_of_catalog() {
            report_absent(&name, columns, &places, diagnostics);
        }
        report_unknown(&name, &headers, &taken, diagnostics);
        let named = headers.iter().rposition(|header| !header.is_empty());
        Some(Self {
            places,
            named: named.map_or(0, |last| last + 1),
            all: headers.len(),
        })
    }

    /// That of records which have just the columns of the binding, in its order.
    pub(crate) fn of_all(columns: &[Column]) -> Self {
        Self {
            places: (0..columns.len()).map(Some).collect(),
            named: columns.len(),
            all: columns.len(),
        }
    }

    /// Where the column of that index in the binding stands.
    pub(crate) fn place(&self, column: usize) -> Option<usize> {
        self.places.get(column).copied().flatten()
    }
}

fn report_absent(
    name: &str,
    columns: &[Column],
    places: &[Option<usize>],
    diagnostics: &mut Diagnostics,
) {
    for (column, place) in columns.iter().zip(places) {
        if place.is_none() {
            let detail = "the header does not have the column; it is taken for empty";
            diagnostics.add(Code::AbsentColumn, name, Some(1), Some(column.name), detail);
        }
    }
}

fn report_unknown(name: &str, headers: &[&str], taken: &[bool], diagnostics: &mut Diagnostics) {
    for (place, header) in headers.iter().enumerate() {
        if taken[place] {
            continue;
        }
        if header.is_empty() {
            let column = format!("#{}", place + 1);
            let detail = "the column has no name; it is not read";
            diagnostics.add(Code::UnnamedColumn, name, Some(1), Some(&column), detail);
        } else if !header.to_ascii_lowercase().starts_with(METADATA) {
            let detail = "the binding has no such column; it is not read";
            diagnostics.add(Code::UnknownColumn, name, Some(1), Some(header), detail);
        }
    }
}

/// A name without what people write it differently by.
pub(crate) fn bare(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_misspelled(header: &str, column: &str) -> bool {
    column.len() >= LONG_ENOUGH
        && header.len() >= LONG_ENOUGH
        && strsim::damerau_levenshtein(&bare(header), &bare(column)) <= SLIPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Records;
    use rstest::rstest;

    fn read(file: File, header: &str) -> (Option<Header>, Vec<String>) {
        let mut diagnostics = Diagnostics::new(99);
        let mut records = Records::new(header.as_bytes());
        let record = records.next().expect("a record").expect("a header");
        let header = Header::read(file, Version::V1_1, &record, &mut diagnostics);
        let found = diagnostics
            .rows()
            .iter()
            .map(|row| format!("{} {}", row.code, row.column.as_deref().unwrap_or_default()))
            .collect();
        (header, found)
    }

    #[rstest]
    #[case("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId", &[])]
    #[case("type,name,sourcedId,parentSourcedId,identifier,status,dateLastModified", &[])]
    #[case("SourcedId,status,dataLastModified,name,type,identifier,parent_sourced_id",
        &["column_spelling dateLastModified", "column_spelling parentSourcedId", "column_spelling sourcedId"])]
    #[case("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId,metadata.x,colour,,",
        &["unnamed_column #10", "unnamed_column #11", "unknown_column colour"])]
    #[case("sourcedId,name,type", &["absent_column dateLastModified", "absent_column identifier",
        "absent_column parentSourcedId", "absent_column status"])]
    #[case("sourcedId,status,dateLastModified,type,identifier,Anna,parentSourcedId", &["missing_column name"])]
    #[case("sourcedId,SOURCEDID,status,dateLastModified,name,type,identifier,parentSourcedId",
        &["repeated_column sourcedId"])]
    #[case("org-1,active,,North High,school,,", &["missing_column name", "missing_column sourcedId", "missing_column type"])]
    fn headers_are_mapped(#[case] header: &str, #[case] expected: &[&str]) {
        assert_eq!(read(File::Orgs, header).1, expected);
    }

    #[test]
    fn preferred_names_keep_apart_however_they_are_misspelled() {
        let text = "sourcedId,enabledUser,username,givenName,familyName,prefferedGivenName,\
                    prefferedMiddleName,prefferedFamilyName";
        let mut diagnostics = Diagnostics::new(99);
        let mut records = Records::new(text.as_bytes());
        let record = records.next().expect("a record").expect("a header");
        let header =
            Header::read(File::Users, Version::V1_2, &record, &mut diagnostics).expect("readable");
        let columns = File::Users.columns(Version::V1_2);
        for (name, place) in [
            ("preferredGivenName", 5),
            ("preferredMiddleName", 6),
            ("preferredFamilyName", 7),
            ("givenName", 3),
        ] {
            let index = columns.iter().position(|column| column.name == name);
            assert_eq!(
                header.place(index.expect("a column")),
                Some(place),
                "{name}"
            );
        }
    }

    #[test]
    fn empty_columns_at_the_end_need_no_fields() {
        let text = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId,,";
        let header = read(File::Orgs, text).0.expect("readable");
        assert_eq!((header.named, header.all), (7, 9));
    }
}
