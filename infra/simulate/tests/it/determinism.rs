//! The same seed and size make the same bytes, on every machine and in every release that
//! does not say otherwise.

use std::io::Cursor;

use rstest::rstest;
use sha2::{Digest as _, Sha256};
use simulate::{Bundle, Catalog, Delivery, EventOptions, Events, Semester, Version, World};

use crate::read::{district, school};

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

/// The files of a bundle, one after the other.
fn bundle(world: &World, version: Version) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = Bundle::new(world, version);
    let written = bundle
        .write_folder(folder.path(), &mut |_| {})
        .expect("a bundle");
    let mut bytes = Vec::new();
    for (file, _) in written.files {
        bytes.extend(std::fs::read(folder.path().join(file)).expect("a file"));
    }
    bytes
}

fn catalog(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    let catalog = Catalog::new(world);
    catalog
        .write_json(&mut bytes, &mut |_| {})
        .expect("a catalogue");
    bytes
}

fn events(world: &World, delivery: Delivery) -> Vec<u8> {
    let options = EventOptions {
        delivery,
        ..EventOptions::of(Semester::Fall)
    };
    let batches = Events::new(world, &options).batches(1_000);
    batches.flat_map(|batch| batch.lines).collect()
}

/// A change here is a change of every simulated school: say so in the README.
#[rstest]
#[case::a_small_school(school(1, 24), ["b5eeca01ab351bbc", "0849779c1e33e2cc", "b684a262ddac8aff", "c5e66bdcdbcce1e6", "77ba3c43b9bf5f52"])]
#[case::another_seed(school(2, 24), ["80bfa3e5574db52f", "181954ad73203eac", "bdf78c5fe8821edb", "966ed21d891696a4", "4fc85a9ee0ced3c8"])]
#[case::a_district(district(1, 2, 60), ["ef976f0b988bfd9c", "1e279a35265ad759", "8232e6b6798d6def", "c0028d28ae6575f6", "bdb49a3936d241fa"])]
fn bytes_are_those_that_they_always_were(#[case] world: World, #[case] expected: [&str; 5]) {
    let made = [
        digest(&bundle(&world, Version::V1_1)),
        digest(&bundle(&world, Version::V1_2)),
        digest(&catalog(&world)),
        digest(&events(&world, Delivery::Ideal)),
        digest(&events(&world, Delivery::Real)),
    ];
    assert_eq!(made, expected);
}

#[test]
fn a_zip_is_the_same_twice_and_has_the_files_of_the_folder() {
    let world = school(1, 60);
    let zip = || {
        let mut bytes = Cursor::new(Vec::new());
        let bundle = Bundle::new(&world, Version::V1_2);
        bundle.write_zip(&mut bytes, &mut |_| {}).expect("a bundle");
        bytes.into_inner()
    };
    let bytes = zip();
    assert!(bytes == zip());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut unpacked = Vec::new();
    for index in 1..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        std::io::copy(&mut file, &mut unpacked).expect("a file");
    }
    assert!(unpacked == bundle(&world, Version::V1_2));
    let first = archive.by_index(0).expect("a file");
    assert_eq!(first.name().expect("a name"), "manifest.csv");
}
