//! How much one of several may hold of what all share.
//!
//! Up to half of it is for whoever comes. Above, one may hold no more than some times
//! what is left free, divided by those that hold something: the threshold sinks as
//! others come, so that something is always left for the next one, and what is given
//! back goes to those who hold least. (Choudhury and Hahne, "Dynamic queue length
//! thresholds for shared-memory packet switches", here with the number of queues.)

/// What is held while a request wants more, in any unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How much there is in all.
    pub whole: usize,
    /// How much of it everybody holds.
    pub all: usize,
    /// How much of that the one holds whose request it is.
    pub own: usize,
    /// How much of that the request holds.
    pub request: usize,
    /// How many hold something, this one among them.
    pub holders: usize,
    /// How many times what is left free, divided by the holders, one may hold. With 1
    /// and n holders at least one part in n + 1 stays free, whatever they try.
    pub times: usize,
}

impl Held {
    /// The most that this one may hold now.
    pub fn most(self) -> usize {
        let others = self.all.saturating_sub(self.own);
        let left = self.whole.saturating_sub(others);
        let to_half = (self.whole / 2).saturating_sub(others);
        to_half.max(self.times * left / (self.holders + self.times).max(1))
    }

    /// Whether the request may have so much more.
    ///
    /// A request that is alone may have all there is: the largest body has to come in.
    pub fn admits(self, more: usize) -> bool {
        let is_alone = self.all == self.request;
        let most = if is_alone { self.whole } else { self.most() };
        self.own.saturating_add(more) <= most
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Alone: one request may have everything, many no more than half.
    #[case::largest([0, 0, 0, 1, 1], 100, true)]
    #[case::more_than_all([0, 0, 0, 1, 1], 101, false)]
    #[case::growing([60, 60, 60, 1, 1], 40, true)]
    #[case::to_half([40, 40, 0, 1, 1], 10, true)]
    #[case::above_half([45, 45, 0, 1, 1], 6, false)]
    // A flood holds half: another one has room, the flood has none.
    #[case::newcomer([50, 0, 0, 2, 1], 16, true)]
    #[case::newcomer_flooding([66, 16, 0, 2, 1], 1, false)]
    #[case::flood_beside_a_newcomer([60, 50, 0, 2, 1], 1, false)]
    // Who has come down to less than the others may have more.
    #[case::least_of_three([60, 5, 0, 3, 1], 5, true)]
    #[case::most_of_three([60, 30, 0, 3, 1], 5, false)]
    // Three times what is left.
    #[case::three_quarters([70, 70, 0, 1, 3], 5, true)]
    #[case::above_three_quarters([70, 70, 0, 1, 3], 6, false)]
    #[case::second_of_two([75, 0, 0, 2, 3], 15, true)]
    #[case::above_its_share([75, 0, 0, 2, 3], 16, false)]
    fn the_share_depends_on_what_is_left_and_who_is_there(
        #[case] held: [usize; 5],
        #[case] more: usize,
        #[case] admitted: bool,
    ) {
        let [all, own, request, holders, times] = held;
        let held = Held {
            whole: 100,
            all,
            own,
            request,
            holders,
            times,
        };
        assert_eq!(held.admits(more), admitted);
    }

    const WHOLE: usize = 10_000;

    /// What some hold, each as the sizes of its requests.
    type Floor = BTreeMap<usize, Vec<usize>>;

    fn sum(floor: &Floor) -> usize {
        floor.values().flatten().sum()
    }

    /// Lets a request in, if it is admitted.
    fn ask(floor: &mut Floor, who: usize, more: usize) -> bool {
        let own = floor.get(&who).map_or(0, |requests| requests.iter().sum());
        let held = Held {
            whole: WHOLE,
            all: sum(floor),
            own,
            request: 0,
            holders: floor.len() + usize::from(own == 0),
            times: 1,
        };
        let admitted = held.admits(more);
        if admitted {
            floor.entry(who).or_default().push(more);
        }
        admitted
    }

    /// One asks for so much, or the one of its requests that this picks is over.
    #[derive(Debug, Clone)]
    enum Step {
        Ask(usize, usize),
        Over(usize, prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_usize..8, 1..=WHOLE / 2).prop_map(|(who, more)| Step::Ask(who, more)),
            3 => (0_usize..8, 1_usize..200).prop_map(|(who, more)| Step::Ask(who, more)),
            1 => (0_usize..8, any::<prop::sample::Index>()).prop_map(|(w, i)| Step::Over(w, i)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Whatever some ask for in whatever order, room is left for one that holds
        /// nothing; and when they stop, everything can be had again.
        #[test]
        fn who_comes_next_finds_room(steps in prop::collection::vec(step(), 1..300)) {
            let mut floor = Floor::new();
            for step in steps {
                match step {
                    Step::Ask(who, more) => {
                        ask(&mut floor, who, more);
                    }
                    Step::Over(who, index) => {
                        if let Some(requests) = floor.get_mut(&who) {
                            requests.swap_remove(index.index(requests.len()));
                            if requests.is_empty() {
                                floor.remove(&who);
                            }
                        }
                    }
                }
                let holders = floor.len();
                let free = WHOLE - sum(&floor);
                prop_assert!(free >= WHOLE / (holders + 1), "{free} free, {floor:?}");
                let first = WHOLE / ((holders + 1) * (holders + 2));
                prop_assert!(ask(&mut floor.clone(), 99, first), "{first}: {floor:?}");
            }
            floor.clear();
            prop_assert!(ask(&mut floor, 99, WHOLE));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Those that take whatever they get, and give it back as it was taken, come to
        /// hold the same.
        #[test]
        fn floods_come_to_hold_the_same(
            floods in 2_usize..8,
            turns in prop::collection::vec(0_usize..8, 5_000..6_000),
        ) {
            const PIECE: usize = 10;
            let mut floor = Floor::new();
            while ask(&mut floor, 0, PIECE) {}
            for turn in turns {
                // The oldest request of one of them is over, and all ask for more.
                if let Some(requests) = floor.get_mut(&(turn % floods))
                    && requests.len() > 1
                {
                    requests.remove(0);
                }
                for flood in 0..floods {
                    ask(&mut floor, flood, PIECE);
                }
            }
            let held: Vec<usize> = floor.values().map(|requests| requests.iter().sum()).collect();
            let (least, most) = (held.iter().min(), held.iter().max());
            let (least, most) = (least.expect("some"), most.expect("some"));
            prop_assert!(most - least <= WHOLE / floods / 4, "{held:?}");
        }
    }
}
