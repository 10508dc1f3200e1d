//! A queue that serves tenants alike, however much each of them puts into it:
//! start-time fair queueing (Goyal, Vin and Cheng, 1996).

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use schemas::TenantId;

/// What waits, each for a tenant and with what it costs to serve.
///
/// Among tenants that always have something waiting, the costs served differ by no
/// more than the largest two; what a tenant puts in while it has nothing waiting waits
/// for no more than one of each other tenant.
pub struct FairQueue<T> {
    /// How far the service of each tenant has come, in costs.
    clock: u64,
    /// Where the service of what a tenant has put in will end.
    ends: HashMap<TenantId, u64>,
    waiting: BinaryHeap<Waiting<T>>,
    /// How many were put in, which tells who came first.
    count: u64,
}

struct Waiting<T> {
    /// Where its service begins, and its number.
    rank: (u64, u64),
    item: T,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            clock: 0,
            ends: HashMap::new(),
            waiting: BinaryHeap::new(),
            count: 0,
        }
    }
}

impl<T> FairQueue<T> {
    /// Puts something in for a tenant.
    pub fn push(&mut self, tenant: &TenantId, cost: u64, item: T) {
        let end = self.ends.get(tenant).copied().unwrap_or(0);
        let start = end.max(self.clock);
        self.ends
            .insert(tenant.clone(), start.saturating_add(cost.max(1)));
        self.count += 1;
        self.waiting.push(Waiting {
            rank: (start, self.count),
            item,
        });
    }

    /// Counts what a tenant was served beyond what it was put in for.
    pub fn charge(&mut self, tenant: &TenantId, cost: u64) {
        let end = self.ends.get(tenant).copied().unwrap_or(0);
        let end = end.max(self.clock).saturating_add(cost);
        self.ends.insert(tenant.clone(), end);
    }

    /// How many wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes out whatever is next.
    pub fn pop(&mut self) -> Option<T> {
        let next = self.waiting.pop();
        match &next {
            Some(next) => {
                self.clock = next.rank.0;
                // Who is not ahead any more begins like everybody who comes.
                let clock = self.clock;
                self.ends.retain(|_, end| *end > clock);
            }
            None => *self = Self::default(),
        }
        next.map(|next| next.item)
    }
}

impl<T> Ord for Waiting<T> {
    /// The lowest rank is the greatest, which a heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank)
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<T> Eq for Waiting<T> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(number: usize) -> TenantId {
        TenantId::new(format!("t-{number}")).expect("a slug")
    }

    const LARGEST: u64 = 100;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Each tenant's come out once and in their order, whatever others put in.
        #[test]
        fn all_come_out_once_and_each_tenants_in_order(
            steps in prop::collection::vec(
                prop_oneof![
                    2 => (0_usize..5, 1..=LARGEST).prop_map(Some),
                    1 => Just(None),
                ],
                0..200,
            ),
        ) {
            let mut queue = FairQueue::default();
            let (mut pushed, mut popped) = (vec![0; 5], vec![0; 5]);
            let mut check = |(of, number): (usize, usize)| {
                let in_order = popped[of] == number;
                popped[of] += 1;
                in_order
            };
            for step in steps {
                match step {
                    Some((of, cost)) => {
                        queue.push(&tenant(of), cost, (of, pushed[of]));
                        pushed[of] += 1;
                    }
                    None => prop_assert!(queue.pop().is_none_or(&mut check)),
                }
            }
            while let Some(next) = queue.pop() {
                prop_assert!(check(next));
            }
            prop_assert_eq!(pushed, popped);
            prop_assert!(queue.ends.is_empty());
        }

        /// Tenants that always wait are served the same, by cost, and who comes new
        /// waits for one of each.
        #[test]
        fn who_always_waits_is_served_like_the_others(
            costs in prop::collection::vec(prop::collection::vec(1..=LARGEST, 50), 2..6),
            before in 0_usize..100,
        ) {
            let tenants = costs.len();
            let mut queue = FairQueue::default();
            for (of, costs) in costs.iter().enumerate() {
                for cost in costs {
                    queue.push(&tenant(of), *cost, (of, *cost));
                }
            }
            let mut served = vec![0; tenants];
            let mut left = vec![50; tenants];
            for _ in 0..before {
                let (of, cost) = queue.pop().expect("many are left");
                served[of] += cost;
                left[of] -= 1;
                if left.contains(&0) {
                    break;
                }
                let (least, most) = (served.iter().min(), served.iter().max());
                let (least, most) = (least.expect("some"), most.expect("some"));
                prop_assert!(most - least <= 2 * LARGEST, "{served:?}");
            }
            queue.push(&tenant(99), LARGEST, (99, 0));
            let mut ahead = vec![0; tenants];
            while let Some((of, _)) = queue.pop() && of != 99 {
                ahead[of] += 1;
            }
            prop_assert!(ahead.iter().all(|waited_for| *waited_for <= 1), "{ahead:?}");
        }
    }
}
