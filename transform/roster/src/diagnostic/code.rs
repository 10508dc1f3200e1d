//! The kinds of diagnostics: their names, how bad they are, what to do.

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row is taken.
    Warning,
    /// The row or file is left out, and what is stored of it is kept.
    Error,
    /// The bundle is refused.
    Fatal,
}

impl Severity {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $severity:ident $advice:literal)*) => {
        /// What is wrong, for programs; names are never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What to do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

codes! {
    /// The manifest names a version that is neither 1.1 nor 1.2.
    UnsupportedVersion "unsupported_version" Fatal "Export OneRoster 1.1 or 1.2."
    /// The manifest says neither bulk, delta nor absent of a file.
    UnknownMode "unknown_mode" Fatal "Write bulk, delta or absent in manifest.csv."
    /// The manifest promises a file that is not there.
    MissingFile "missing_file" Fatal "Add the file, or write absent in manifest.csv."
    /// Nothing to import.
    NoFiles "no_files" Fatal "Send the CSV files of OneRoster in the zip's root or in one folder."
    /// A catalogue without tables.
    NoTables "no_tables" Fatal "Name the files by their tables, as contents.csv, or the members of the JSON object."
    /// What should be JSON is not.
    InvalidJson "invalid_json" Fatal "Write an object with an array of objects for each table, or a line of JSON for each row."
    /// A file has not even a header.
    NoHeader "no_header" Fatal "Begin the file with the header of the binding."
    /// A column without which no row can be read.
    MissingColumn "missing_column" Fatal "Add the column to the export."
    /// Two columns of one name.
    RepeatedColumn "repeated_column" Fatal "Keep one of the columns."
    /// A row that does not end.
    RowTooLong "row_too_long" Fatal "Close the quote in this row, or before it."
    /// Something is above itself.
    ParentCircle "parent_circle" Fatal "Correct the parents so that none is below its child."

    /// A file is the copy of another.
    CopiedFile "copied_file" Error "Export the file itself, or write absent in manifest.csv."
    /// A file without rows, which as a bulk would end everything.
    EmptyFile "empty_file" Error "Leave the file out if there is nothing to say; in OneRoster write absent in manifest.csv."
    /// More or fewer fields than columns.
    ColumnCount "column_count" Error "Quote fields that hold commas, and write empty fields too."
    /// Nothing where something must be.
    MissingValue "missing_value" Error "Fill the field."
    /// An identifier that cannot be one.
    InvalidId "invalid_id" Error "Use 1 to 255 characters without control characters."
    /// A value of another type than the column's.
    InvalidValue "invalid_value" Error "Write it as the detail says."
    /// A day and month that could be either.
    AmbiguousDate "ambiguous_date" Error "Write dates as 2026-09-01, or say which of day and month comes first."
    /// The id of an earlier row.
    DuplicateId "duplicate_id" Error "Give each row an id of its own; prefix those of staff and students if they meet."
    /// A row about something that is not there.
    DanglingReference "dangling_reference" Error "Export what it refers to as well, or leave the row out."
    /// It ends before it begins.
    BeginAfterEnd "begin_after_end" Error "Correct one of the dates."

    /// There is no `manifest.csv`.
    MissingManifest "missing_manifest" Warning "Add manifest.csv: without it all files are taken for bulk."
    /// The manifest leaves the mode of a file open.
    BlankMode "blank_mode" Warning "Write bulk, delta or absent in manifest.csv."
    /// The manifest says absent, but the file is there.
    UndeclaredFile "undeclared_file" Warning "Write bulk or delta in manifest.csv if the file is meant."
    /// A file that the version does not have.
    UnknownFile "unknown_file" Warning "Nothing is read from it; leave it out."
    /// Not UTF-8.
    Encoding "encoding" Warning "Export as UTF-8."
    /// A column's name is written otherwise.
    ColumnSpelling "column_spelling" Warning "Spell the header as the binding does."
    /// A column that the binding does not have.
    UnknownColumn "unknown_column" Warning "Nothing is read from it; call extensions metadata.…"
    /// A column without a name.
    UnnamedColumn "unnamed_column" Warning "Leave empty columns out."
    /// A column that may not be left out, but whose values may be.
    AbsentColumn "absent_column" Warning "Write the column with empty fields."
    /// A value of another type in a column that may be empty.
    ValueLeftOut "value_left_out" Warning "Write it as the detail says; it is taken for empty."
    /// A word in another case.
    WordSpelling "word_spelling" Warning "Write the word as the binding does."
    /// A day where a time is asked for.
    DateWithoutTime "date_without_time" Warning "Write 2026-09-01T00:00:00.000Z; midnight UTC is taken."
    /// A time where a day is asked for.
    TimeInDate "time_in_date" Warning "Write 2026-09-01; the time is cut off."
    /// Days written with slashes.
    SlashDate "slash_date" Warning "Write dates as 2026-09-01."
    /// A bulk with `status` or `dateLastModified`.
    StatusInBulk "status_in_bulk" Warning "Leave status and dateLastModified blank in a bulk."
    /// A bulk with a row to be deleted.
    DeletedInBulk "deleted_in_bulk" Warning "Leave the row out: what is not in a bulk is ended."
    /// A status of OneRoster 1.0.
    InactiveStatus "inactive_status" Warning "Write tobedeleted, as which it is taken."
    /// The same row again.
    RepeatedRow "repeated_row" Warning "Write each row once."
    /// It refers to what is not there, and is taken all the same.
    UnresolvedReference "unresolved_reference" Warning "Export what it refers to as well."
    /// An org that is not a school where a school is asked for.
    NotASchool "not_a_school" Warning "Refer to an org of type school."
    /// A session of a type that does not fit.
    WrongSessionType "wrong_session_type" Warning "Refer to a session of the type that the detail names."
    /// A session in one that is smaller by type.
    WrongNesting "wrong_nesting" Warning "Put grading periods into terms or semesters, and those into school years."
    /// A session that reaches out of its parent.
    OutsideParent "outside_parent" Warning "Correct the dates of the session or of its parent."
    /// An enrollment before or after the terms of its class.
    OutsideTerms "outside_terms" Warning "Correct the dates, or the terms of the class."
    /// A class that nobody teaches.
    NoTeacher "no_teacher" Warning "Enroll a teacher in the class."
    /// A class with two primary teachers.
    SeveralPrimaryTeachers "several_primary_teachers" Warning "Make one teacher of a class primary."
    /// Primary is said of somebody else than a teacher.
    PrimaryNotTeacher "primary_not_teacher" Warning "Leave primary empty but for teachers."
    /// A user with two primary roles in an org.
    SeveralPrimaryRoles "several_primary_roles" Warning "Make one role of a user in an org primary."
    /// A user without a role.
    NoRole "no_role" Warning "Give the user a role in roles.csv."
    /// A student who teaches, or a teacher who is enrolled as a student.
    RoleContradiction "role_contradiction" Warning "Correct the user's role or the enrollment's."
    /// As many subjects as codes are asked for.
    SubjectCodesCount "subject_codes_count" Warning "Write a code for each subject, in the same order."
    /// A user id that is not `{type:id}`.
    UserIdForm "user_id_form" Warning "Write user ids as {type:id}."
    /// An identifier of two people.
    SharedIdentifier "shared_identifier" Warning "Give each person an identifier of their own: this one leads to nobody."
    /// A score beyond what the line item allows.
    ScoreOutOfRange "score_out_of_range" Warning "Correct the score, or the range of the line item."
    /// Due before it was assigned.
    DueBeforeAssigned "due_before_assigned" Warning "Correct one of the dates."
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_snake_case_and_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for name in &names {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
