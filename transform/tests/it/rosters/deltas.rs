//! Any sequence of deltas, through the store, equals one bulk of the final state.

use proptest::prelude::*;
use transform::roster::JobState;

use super::lake::Stored;
use super::school::School;

/// One thing that happens in the school.
#[derive(Debug, Clone)]
enum Event {
    Section(u32, Option<(u32, u32)>),
    User(u32, Option<u32>),
    Enrollment(u32, Option<(u32, u32, u32)>),
}

fn happens(school: &mut School, event: &Event) {
    fn put<V: Copy>(table: &mut std::collections::BTreeMap<u32, V>, key: u32, value: Option<V>) {
        match value {
            Some(value) => table.insert(key, value),
            None => table.remove(&key),
        };
    }
    match event {
        Event::Section(key, value) => put(&mut school.sections, *key, *value),
        Event::User(key, value) => put(&mut school.users, *key, *value),
        Event::Enrollment(key, value) => put(&mut school.enrollments, *key, *value),
    }
    // Whoever deletes a class or a person deletes their enrollments as well.
    let (sections, users) = (&school.sections, &school.users);
    school
        .enrollments
        .retain(|_, (section, user, _)| sections.contains_key(section) && users.contains_key(user));
}

fn event() -> impl Strategy<Value = Event> {
    let some = proptest::option::weighted::<(std::ops::Range<u32>, std::ops::Range<u32>)>;
    prop_oneof![
        (0..3_u32, some(0.8, (0..3, 0..3))).prop_map(|(key, value)| Event::Section(key, value)),
        (0..4_u32, proptest::option::weighted(0.8, 0..3_u32))
            .prop_map(|(key, value)| Event::User(key, value)),
        (
            0..6_u32,
            proptest::option::weighted(0.8, (0..3_u32, 0..4_u32, 0..3_u32))
        )
            .prop_map(|(key, value)| Event::Enrollment(key, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_deltas_equals_one_bulk(
        days in proptest::collection::vec(proptest::collection::vec(event(), 1..10), 1..5),
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let by_deltas = Stored::new().await;
            let mut school = School::default();
            // What is there from the first.
            by_deltas.import(&school.bulk()).await;
            let mut states = vec![by_deltas.current().await];
            for (day, events) in (1..).zip(&days) {
                let before = school.clone();
                events.iter().for_each(|event| happens(&mut school, event));
                if let Some(delta) = school.delta(&before, day) {
                    let job = by_deltas.import(&delta).await;
                    prop_assert_eq!(job.state, JobState::Done);
                    states.push(by_deltas.current().await);
                }
            }
            let by_bulk = Stored::new().await;
            by_bulk.import(&school.bulk()).await;
            prop_assert_eq!(by_deltas.values().await, by_bulk.values().await);

            // There is a way back to each of them.
            let newest = states.len();
            for (number, state) in states.iter().enumerate().rev() {
                by_deltas.rollback(Some(number as u64 + 1)).await;
                prop_assert_eq!(&by_deltas.current().await, state, "{} of {}", number, newest);
            }
            Ok(())
        })?;
    }
}
