//! Whatever is sent, there is an answer.

use std::io::Cursor;

use proptest::prelude::*;
use roster::{Bundle, Limits};

use crate::school;
use crate::store::{Store, check, today};

/// Text in which quotes, commas, dates and ends of lines are as common as letters.
fn csv() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\"".to_owned()),
        Just(",".to_owned()),
        Just("\r\n".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("1/05/2023".to_owned()),
        Just("2026-13-41T".to_owned()),
        Just("tobedeleted".to_owned()),
        Just("{LDAP:".to_owned()),
        Just("ext:".to_owned()),
        "\\PC{0,4}",
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_anything_is_answered(text in csv(), name in 0..21_usize, keep in 0..2_u8) {
        let files = school::new();
        let name = files.0.keys().nth(name).cloned().expect("a file");
        // Behind the header, or in place of it.
        let header = files.0[&name].lines().next().unwrap_or_default().to_owned();
        let text = if keep == 0 { text } else { format!("{header}\n{text}") };
        let store = Store::default();
        let checked = check(files.with(&name, &text).bundle(), &store);
        let rules = roster::Rules::default();
        if let Ok(comparison) = checked.compare(&store, &rules, today()) {
            prop_assert!(!comparison.tables().is_empty());
        }
        let mut told = Vec::new();
        checked.diagnostics.write_csv(&mut told).expect("written");
    }

    #[test]
    fn bytes_that_are_no_zip_file_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Bundle::from_zip(Cursor::new(bytes), Limits::default()).is_err());
    }

    #[test]
    fn a_zip_file_with_a_wrong_byte_is_read_or_refused(at in 0..1_000_000_usize, byte in any::<u8>()) {
        let mut bytes = school::old().zip();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(mut bundle) = Bundle::from_zip(Cursor::new(bytes), Limits::default())
            && let Ok(reading) = roster::read(&mut bundle, roster::Settings::default())
        {
            reading.check(&Store::default()).expect("checked");
        }
    }
}
