use chrono::DateTime;
use lake::{Floor, LakeError};
use rstest::rstest;

use crate::support::{Place, TestLake};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn floors_are_read_back_for_every_log_and_partition(
    #[values(Place::Folder, Place::S3)] place: Place,
) {
    let test = TestLake::at(place);
    assert!(test.lake.floors().await.expect("lists").is_empty());
    let floor = |log: &str, partition, position| Floor {
        log_id: log.to_owned(),
        partition,
        position,
        as_of: DateTime::from_timestamp(1_789_000_000, 0).expect("a time"),
    };
    for stored in [
        floor("a", 0, 1),
        floor("a", 1, 2),
        floor("b", 0, 3),
        floor("a", 0, 4),
    ] {
        test.lake.set_floor(&stored).await.expect("stores");
    }
    let mut floors = test.lake.floors().await.expect("lists");
    floors.sort_by_key(|f| (f.log_id.clone(), f.partition));
    assert_eq!(
        floors,
        [floor("a", 0, 4), floor("a", 1, 2), floor("b", 0, 3)]
    );
}

#[tokio::test]
async fn a_torn_floor_is_told_from_a_whole_one_and_promises_nothing() {
    let test = TestLake::new();
    let whole = Floor {
        log_id: "a".to_owned(),
        partition: 0,
        position: 7,
        as_of: DateTime::from_timestamp(1_789_000_000, 0).expect("a time"),
    };
    test.lake.set_floor(&whole).await.expect("stores");
    let folder = test.folder.path().join("_log/a");
    let text = std::fs::read(folder.join("0.json")).expect("a floor");
    std::fs::write(folder.join("1.json"), &text[..text.len() / 2]).expect("writes");
    std::fs::write(folder.join("2.json"), "").expect("writes");

    let floors = test.lake.floors_of("a").await.expect("lists");
    assert_eq!(floors.len(), 3);
    assert_eq!(floors[&0].as_ref().expect("whole"), &whole);
    for partition in [1, 2] {
        assert!(matches!(floors[&partition], Err(LakeError::Floor { .. })));
    }
    assert!(test.lake.floors_of("b").await.expect("lists").is_empty());
    for floor in test.lake.floors().await.expect("lists") {
        if floor.partition > 0 {
            assert_eq!((floor.position, floor.as_of), (0, DateTime::UNIX_EPOCH));
        }
    }
}
