use std::io::{Cursor, Write};

use rstest::rstest;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A zip file of these names, each with this content.
fn zip(names: &[&str], content: &[u8]) -> Cursor<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default())
            .expect("started");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("finished")
}

fn open(names: &[&str]) -> Result<Bundle, BundleError> {
    Bundle::from_zip(zip(names, b"a\n"), Limits::default())
}

#[rstest]
#[case(&["manifest.csv", "users.csv"], true, vec![File::Users], 0)]
#[case(&["MANIFEST.CSV", "Users.CSV", "academicsessions.csv"], true, vec![File::AcademicSessions, File::Users], 0)]
#[case(&["export/users.csv", "export/orgs.csv"], false, vec![File::Orgs, File::Users], 0)]
#[case(&["users.csv", "old/users.csv", "notes.csv", "readme.txt"], false, vec![File::Users], 2)]
#[case(&["__MACOSX/._users.csv", "__MACOSX/users.csv", ".DS_Store", "users.csv"], false, vec![File::Users], 0)]
#[case(&["a/b/users.csv"], false, vec![], 1)]
fn files_are_found(
    #[case] names: &[&str],
    #[case] manifest: bool,
    #[case] files: Vec<File>,
    #[case] unknown: usize,
) {
    let bundle = open(names).expect("opened");
    assert_eq!(bundle.has_manifest(), manifest);
    assert_eq!(bundle.files(), files);
    assert_eq!(bundle.unknown().len(), unknown);
}

#[rstest]
#[case(&["../users.csv"])]
#[case(&["/users.csv"])]
#[case(&["a\\..\\users.csv"])]
#[case(&["C:users.csv"])]
fn names_that_lead_out_are_refused(#[case] names: &[&str]) {
    assert!(matches!(open(names), Err(BundleError::Path)));
}

#[test]
fn the_same_name_in_another_case_is_refused() {
    let twice = open(&["users.csv", "Users.csv"]);
    assert!(matches!(twice, Err(BundleError::Twice(name)) if name == "Users.csv"));
}

#[test]
fn limits_are_held() {
    let limits = Limits {
        files: 2,
        file_bytes: 10,
        total_bytes: 15,
        ratio: 200,
    };
    let refused = |names: &[&str], content: &[u8]| {
        Bundle::from_zip(zip(names, content), limits)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(refused(&["users.csv"], &[b'a'; 10]), None);
    let large = refused(&["users.csv"], &[b'a'; 11]).expect("refused");
    assert!(
        large.starts_with("users.csv inflates to over 10 bytes"),
        "{large}"
    );
    assert!(refused(&["users.csv", "orgs.csv"], &[b'a'; 8]).is_some());
    assert!(refused(&["a", "b", "c"], b"").is_some());
}

#[test]
fn a_bomb_is_refused_unread() {
    let bomb = Bundle::from_zip(zip(&["users.csv"], &vec![b'a'; 4 << 20]), Limits::default());
    assert!(matches!(bomb, Err(BundleError::Bomb(_))));
}

#[test]
fn a_file_larger_than_its_entry_says_is_not_read_to_its_end() {
    let content = [b'a'; 1000];
    let mut bytes = {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default();
        zip.start_file("users.csv", stored).expect("started");
        zip.write_all(&content).expect("written");
        zip.finish().expect("finished").into_inner()
    };
    // The size in the central directory: 24 bytes behind its signature.
    let directory = bytes
        .windows(4)
        .rposition(|window| window == [0x50, 0x4B, 1, 2])
        .expect("a directory");
    bytes[directory + 24..directory + 28].copy_from_slice(&100_u32.to_le_bytes());
    let mut bundle = Bundle::from_zip(Cursor::new(bytes), Limits::default()).expect("opened");
    let mut read = Vec::new();
    let end = bundle
        .read("users.csv")
        .and_then(|mut file| file.read_to_end(&mut read));
    assert!(end.is_err() || read.len() <= 100, "{} bytes", read.len());
}

#[test]
fn what_is_no_zip_or_is_encrypted_is_refused() {
    let none = Bundle::from_zip(Cursor::new(b"users".to_vec()), Limits::default());
    assert!(matches!(none, Err(BundleError::NotZip(_))));

    let mut bytes = zip(&["users.csv"], b"a\n").into_inner();
    // Bit 0 of the flags: 6 behind the local signature, 8 behind the central one.
    bytes[6] |= 1;
    let directory = bytes
        .windows(4)
        .rposition(|window| window == [0x50, 0x4B, 1, 2])
        .expect("a directory");
    bytes[directory + 8] |= 1;
    let locked = Bundle::from_zip(Cursor::new(bytes), Limits::default());
    assert!(matches!(locked, Err(BundleError::Encrypted(_))));
}

#[test]
fn folders_are_read_like_zip_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("export");
    fs::create_dir(&inner).expect("made");
    fs::write(inner.join("USERS.csv"), "a\n").expect("written");
    let mut bundle = Bundle::open(folder.path(), Limits::default()).expect("opened");
    assert_eq!(bundle.files(), [File::Users]);
    let mut text = String::new();
    bundle
        .read("users.csv")
        .and_then(|mut file| file.read_to_string(&mut text))
        .expect("read");
    assert_eq!(text, "a\n");
}
