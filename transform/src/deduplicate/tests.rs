use rstest::rstest;
use schemas::Family;
use schemas::event::Event;

use super::*;

const DAY: i64 = 86_400;

/// Memory for more than the tests remember.
const PLENTY: usize = 64 << 20;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_789_000_000 + seconds, 0).expect("a time")
}

fn demo() -> TenantId {
    "demo".parse().expect("a tenant")
}

fn index(limit_bytes: usize) -> Index {
    Index::new(TimeDelta::days(7), limit_bytes)
}

fn id(number: u32) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes())
}

#[rstest]
#[case::same_moment(0, true)]
#[case::last_second(7 * DAY, true)]
#[case::second_after(7 * DAY + 1, false)]
#[case::read_late_but_received_before(-7 * DAY, true)]
#[case::received_long_before(-7 * DAY - 1, false)]
fn an_id_repeats_within_the_window(#[case] after: i64, #[case] expected: bool) {
    let mut index = index(PLENTY);
    index.remember(0, &demo(), Uuid::nil(), at(0), None);
    let is_stored = |tenant, id, reach| index.stored(0, &tenant, id, at(after), reach).is_some();
    assert_eq!(is_stored(demo(), Uuid::nil(), Reach::Window), expected);
    assert!(is_stored(demo(), Uuid::nil(), Reach::Ever));
    assert!(!is_stored(
        "other".parse().expect("a tenant"),
        Uuid::nil(),
        Reach::Ever
    ));
    assert!(!is_stored(demo(), Uuid::max(), Reach::Ever));
    let elsewhere = index.stored(1, &demo(), Uuid::nil(), at(after), Reach::Ever);
    assert!(elsewhere.is_none(), "a partition knows its own");
}

#[test]
fn of_two_with_one_id_that_are_stored_each_is_repeated() {
    let mut index = index(PLENTY);
    let [early, late] = ["early", "late"].map(digest);
    index.remember(0, &demo(), Uuid::nil(), at(8 * DAY), Some(late));
    index.remember(0, &demo(), Uuid::nil(), at(0), Some(early));
    let content = |after: i64, digest| {
        let stored = index.stored(0, &demo(), Uuid::nil(), at(after), Reach::Window);
        stored.expect("is stored").has_content(digest)
    };
    assert_eq!(content(9 * DAY, late), Some(true));
    assert_eq!(content(9 * DAY, early), Some(false));
    assert_eq!(content(-DAY, early), Some(true));
}

/// The README says how much memory the index takes.
#[test]
fn an_event_takes_33_to_66_bytes_and_36_when_memory_is_full() {
    assert_eq!(SLOT_BYTES, 29);
    let mut index = index(PLENTY);
    for number in 0..100_000 {
        index.remember(0, &demo(), id(number), at(0), None);
    }
    let bytes = index.size_bytes() / index.len();
    assert!((33..=66).contains(&bytes), "{bytes}");

    let limit = 8 << 20;
    let mut index = super::Index::new(TimeDelta::days(7), limit);
    let (mut most, mut largest) = (0, 0);
    for number in 0..400_000 {
        index.remember(0, &demo(), id(number), at(i64::from(number)), None);
        largest = largest.max(index.size_bytes());
        if number % 1_000 == 0 {
            index.make_room();
            most = most.max(index.len());
            assert!(index.size_bytes() <= limit, "{}", index.size_bytes());
        }
    }
    // A quarter is the filters'.
    let bytes = limit / 4 * 3 / most;
    assert!((33..=39).contains(&bytes), "{bytes}");
    assert!(largest < limit + limit / 8, "{largest}");
}

fn digest(url: &str) -> Digest {
    let json = format!(
        r#"{{"id":"0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02","type":"page.viewed","dialect":"native","time":"2026-09-14T10:00:00Z","received_at":"2026-09-14T10:00:01Z","student_key":"6f1d0c8be1fbb0a7a2d4c5f60718293a","data":{{"url":"{url}"}}}}"#
    );
    let event = Event::decode(Family::Clickstream, 1, json.as_bytes());
    Digest::of(&event.expect("an event"))
}

#[test]
fn forgetting_decides_nothing() {
    let mut index = index(PLENTY);
    index.remember(0, &demo(), Uuid::nil(), at(0), None);
    index.remember(0, &demo(), Uuid::max(), at(DAY), None);
    index.forget_before(at(7 * DAY));
    assert_eq!(
        index.len(),
        2,
        "an event of this very time repeats the first"
    );
    index.forget_before(at(7 * DAY + 7200));
    assert_eq!(index.len(), 1);
    index.forget_before(at(0));
    let at = at(7 * DAY + 7200);
    let stored = index.stored(0, &demo(), Uuid::max(), at, Reach::Window);
    assert!(stored.is_some());
}

#[test]
fn of_partitions_that_go_nothing_is_kept() {
    let mut index = index(PLENTY);
    for partition in 0..3 {
        index.remember(partition, &demo(), id(partition), at(0), None);
        index.remember(partition, &demo(), id(partition), at(9 * DAY), None);
    }
    index.keep(&[1].into());
    assert_eq!(index.len(), 1);
    let is_stored = |index: &Index, partition, number| {
        let stored = index.stored(partition, &demo(), id(number), at(0), Reach::Window);
        stored.is_some()
    };
    assert!(is_stored(&index, 1, 1));
    assert!(!is_stored(&index, 0, 0));
    // Who comes back begins anew.
    index.remember(0, &demo(), id(7), at(0), None);
    assert!(is_stored(&index, 0, 7));
    assert!(!is_stored(&index, 0, 0) && !is_stored(&index, 1, 7));
}

/// What an index says of an event received at some time.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    Stored,
    New,
    AskTheLake,
}

fn says(index: &Index, number: u32, received_at: i64, reach: Reach) -> Says {
    let (tenant, id, at) = (demo(), id(number), at(received_at));
    if index.stored(0, &tenant, id, at, reach).is_some() {
        Says::Stored
    } else if index.unknown(0, &tenant, id, at, reach).is_some() {
        Says::AskTheLake
    } else {
        Says::New
    }
}

#[rstest]
#[case::new(7 * DAY, 1, Reach::Window, Says::New)]
#[case::repeated(7 * DAY, 0, Reach::Window, Says::Stored)]
// Its first may be older than what is known.
#[case::late(7 * DAY - 1, 1, Reach::Window, Says::AskTheLake)]
#[case::late_but_known(7 * DAY - 1, 0, Reach::Window, Says::Stored)]
#[case::everywhere(7 * DAY, 1, Reach::Ever, Says::AskTheLake)]
#[case::everywhere_but_known(30 * DAY, 0, Reach::Ever, Says::Stored)]
fn what_is_older_than_the_index_is_not_known(
    #[case] received_at: i64,
    #[case] number: u32,
    #[case] reach: Reach,
    #[case] expected: Says,
) {
    let mut index = index(PLENTY);
    index.begin_at(at(0));
    index.load(0, &demo(), id(0), at(3));
    index.load(0, &demo(), id(1), at(-3));
    assert_eq!(says(&index, number, received_at, reach), expected);
    // As after forgetting.
    let mut forgetful = super::Index::new(TimeDelta::days(7), PLENTY);
    forgetful.remember(0, &demo(), id(0), at(3), None);
    forgetful.remember(0, &demo(), id(1), at(-3), None);
    forgetful.forget_before(at(7 * DAY + 3600));
    assert_eq!(says(&forgetful, number, received_at, reach), expected);
}

#[rstest]
#[case::in_order(false)]
#[case::newest_first(true)]
fn what_has_no_room_is_never_taken_for_new(#[case] newest_first: bool) {
    const EVENTS: u32 = 40_000;
    let mut index = index(256 << 10);
    let mut events: Vec<u32> = (0..EVENTS).collect();
    if newest_first {
        events.reverse();
    }
    for number in events {
        index.load(0, &demo(), id(number), at(i64::from(number)));
    }
    index.make_room();
    assert!(index.size_bytes() <= 256 << 10);
    let said: Vec<Says> = (0..EVENTS)
        .map(|number| says(&index, number, i64::from(EVENTS), Reach::Window))
        .collect();
    assert!(!said.contains(&Says::New));
    let asked = said
        .iter()
        .filter(|said| **said == Says::AskTheLake)
        .count();
    assert_eq!(EVENTS as usize - asked, index.len());
    assert!((2_000..8_000).contains(&index.len()), "{}", index.len());

    // As long as filters have them all, hardly a new event is looked up.
    let mut index = super::Index::new(TimeDelta::days(7), 256 << 10);
    for number in 0..20_000 {
        index.load(0, &demo(), id(number), at(i64::from(number)));
    }
    index.make_room();
    assert!(index.len() < 8_000);
    let new = 1_000_000..1_010_000;
    let asked = new.filter(|n| says(&index, *n, 20_000, Reach::Window) == Says::AskTheLake);
    let asked = asked.count();
    assert!(asked < 20, "{asked} of 10,000");
}

/// A filter says when the events were received that it has.
#[test]
fn what_a_filter_may_have_is_looked_for_in_its_time_only() {
    let mut index = index(256 << 10);
    for number in 0..20_000 {
        index.load(0, &demo(), id(number), at(i64::from(number)));
    }
    index.make_room();
    let times = |number| index.unknown(0, &demo(), id(number), at(20_000), Reach::Window);
    let mut longest = TimeDelta::zero();
    for number in (0..10_000).step_by(100) {
        let times = times(number).expect("only the lake knows");
        assert!(
            times.contains(&at(i64::from(number))),
            "{number}: {times:?}"
        );
        longest = longest.max(*times.end() - *times.start());
    }
    // Of 20,000 seconds.
    assert!(longest < TimeDelta::seconds(10_000), "{longest}");
}
