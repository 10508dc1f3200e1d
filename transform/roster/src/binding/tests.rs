use super::*;

#[test]
fn files_refer_only_to_themselves_and_to_earlier_ones() {
    for version in Version::ALL {
        for file in File::ALL {
            for column in file.columns(version) {
                let refers = column.refers.map_or(file, |reference| reference.file);
                assert!(refers <= file, "{file} {}", column.name);
                // The catalogue refers to rosters, of whichever version they were.
                let of_roster = file.is_of_catalog() && refers.is_of(Version::V1_2);
                assert!(of_roster || refers.is_of(version), "{file} {}", column.name);
            }
        }
    }
}

#[test]
fn tables_of_the_catalogue_are_called_as_their_files() {
    for file in File::ALL {
        let entity = file.entity();
        assert_eq!(entity.is_of_catalog(), file.is_of_catalog(), "{file}");
        if file.is_of_catalog() {
            assert_eq!(file.stem(), entity.name());
        }
    }
}

#[test]
fn every_file_begins_alike_and_names_no_column_twice() {
    for version in Version::ALL {
        for file in File::ALL.into_iter().filter(|file| file.is_of(version)) {
            let columns = file.columns(version);
            let names = [columns[0].name, columns[1].name, columns[2].name];
            let key = file.entity().key_fields().next().expect("a key");
            let expected = match version {
                Version::Catalog1 => [file.entity().fields()[key].name, "status", "modified_at"],
                _ => ["sourcedId", "status", "dateLastModified"],
            };
            assert_eq!(names, expected, "{file}");
            let may_be_all = file == File::CalendarDays;
            assert!(columns[0].required || may_be_all, "{file}");
            for (index, column) in columns.iter().enumerate() {
                let again = |other: &Column| other.name.eq_ignore_ascii_case(column.name);
                assert!(
                    !columns[..index].iter().any(again),
                    "{file} {}",
                    column.name
                );
            }
        }
    }
}

#[test]
fn version_1_1_has_13_data_files_1_2_has_21_and_the_catalogue_9() {
    let count = |version| File::ALL.iter().filter(|file| file.is_of(version)).count();
    assert_eq!(Version::ALL.map(count), [13, 21, 9]);
}
