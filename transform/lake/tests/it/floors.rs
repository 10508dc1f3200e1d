use chrono::DateTime;
use lake::Floor;

use crate::support::TestLake;

#[tokio::test]
async fn floors_are_read_back_for_every_log_and_partition() {
    let test = TestLake::new();
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
