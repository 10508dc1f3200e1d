//! Which figures of a group may stand beside each other: what they differ in, if it is about
//! too few people, is told by their difference.

use std::collections::{HashMap, HashSet};
use std::iter;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::{as_boolean_array, as_int64_array, as_list_array, as_uint64_array};
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Column, ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility, lit,
};

/// Of so many different conditions the figures of a statement are at most: each is a bit.
pub(super) const MOST: usize = 32;

/// The rows that a figure is of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Those that meet this.
    pub(super) condition: Expr,
    /// Whether not they are counted, but whom they are about.
    pub(super) counts_people: bool,
}

/// Which of the figures over these rows may be shown, beside those over all rows of the
/// group; for [`is_shown`].
pub(super) fn shown(person: &Column, figures: Vec<Rows>, least: u32) -> Expr {
    let of_people = figures.iter().enumerate();
    let of_people = of_people.filter(|(_, rows)| rows.counts_people);
    let conditions: Vec<Expr> = figures.iter().map(|rows| rows.condition.clone()).collect();
    let function = Shown {
        figures: figures.len(),
        of_people: of_people.map(|(place, _)| 1_i64 << place).sum(),
        least: least as usize,
        signature: Signature::variadic_any(Volatility::Immutable),
    };
    let conditions = conditions.into_iter().map(Expr::is_true);
    let args = iter::once(Expr::Column(person.clone())).chain(conditions);
    let function = Arc::new(AggregateUDF::new_from_impl(function));
    let call = AggregateFunction::new_udf(function, args.collect(), false, None, Vec::new(), None);
    Expr::AggregateFunction(call)
}

/// Whether the figure of the condition at a place is among those that [`shown`] found.
pub(super) fn is_shown(shown: Expr, place: usize) -> Expr {
    (shown & lit(1_i64 << place)).not_eq(lit(0_i64))
}

/// One figure after the other is shown, unless it would cut the group, with those that are
/// shown already, into a part of fewer than `least` people.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shown {
    figures: usize,
    of_people: i64,
    least: usize,
    signature: Signature,
}

impl AggregateUDFImpl for Shown {
    fn name(&self) -> &str {
        "chalkline_shown"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Parts::new(
            self.figures,
            self.of_people,
            self.least,
        )))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |name: &str, of: DataType| {
            let name = format_state_name(args.name, name);
            Arc::new(Field::new_list(name, Field::new_list_field(of, true), true))
        };
        Ok(vec![
            list("met", DataType::Int64),
            list("people", DataType::UInt64),
        ])
    }
}

/// Hashes of people. Two that are alike make one of two people, which hides more.
type Known = HashSet<u64, RandomState>;

/// The rows of a group by the conditions that they meet, as bits: who they are about. Rows
/// about people who are not known make a part, too.
#[derive(Debug)]
struct Parts {
    figures: usize,
    /// Those that count people.
    of_people: i64,
    least: usize,
    people: HashMap<i64, Known, RandomState>,
}

impl Parts {
    fn new(figures: usize, of_people: i64, least: usize) -> Self {
        Self {
            figures,
            of_people,
            least,
            people: HashMap::default(),
        }
    }

    fn add(&mut self, met: i64, person: Option<u64>) {
        self.people.entry(met).or_default().extend(person);
    }

    /// Whether these figures cut the group into parts of enough people.
    fn are_enough(&self, figures: i64) -> bool {
        let mut parts: HashMap<i64, Known, RandomState> = HashMap::default();
        for (met, people) in &self.people {
            let part = parts.entry(met & figures).or_default();
            for person in people {
                // More than enough are no more.
                if part.len() >= self.least {
                    break;
                }
                part.insert(*person);
            }
        }
        parts.values().all(|people| people.len() >= self.least)
    }

    /// How many people have rows that meet these conditions, some of theirs one, some
    /// another: what counts of people differ in.
    fn by_person(&self) -> HashMap<i64, usize, RandomState> {
        let mut met_by: HashMap<u64, i64, RandomState> = HashMap::default();
        for (met, people) in &self.people {
            for person in people {
                *met_by.entry(*person).or_default() |= met & self.of_people;
            }
        }
        let mut people: HashMap<i64, usize, RandomState> = HashMap::default();
        for met in met_by.into_values() {
            *people.entry(met).or_default() += 1;
        }
        people
    }
}

impl Accumulator for Parts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [people, conditions @ ..] = values else {
            return internal_err!("figures are of people");
        };
        let conditions = conditions.iter().map(|met| as_boolean_array(met));
        let conditions: Vec<&BooleanArray> = conditions.collect::<Result<_>>()?;
        let mut hashes = vec![0_u64; people.len()];
        create_hashes([people], &RandomState::default(), &mut hashes)?;
        for (row, person) in hashes.into_iter().enumerate() {
            let mut met = 0;
            for (place, condition) in conditions.iter().enumerate() {
                if condition.is_valid(row) && condition.value(row) {
                    met |= 1_i64 << place;
                }
            }
            self.add(met, people.is_valid(row).then_some(person));
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let by_person = match self.of_people {
            0 => HashMap::default(),
            _ => self.by_person(),
        };
        let are_counted_apart = |figures: i64| {
            let mut counts: HashMap<i64, usize, RandomState> = HashMap::default();
            for (met, people) in &by_person {
                *counts.entry(met & figures).or_default() += people;
            }
            counts.values().all(|people| *people >= self.least)
        };
        let mut shown = 0;
        for place in 0..self.figures {
            let figures = shown | 1_i64 << place;
            let is_of_some = self.people.keys().any(|met| met >> place & 1 == 1);
            if is_of_some && self.are_enough(figures) && are_counted_apart(figures) {
                shown = figures;
            }
        }
        Ok(ScalarValue::Int64(Some(shown)))
    }

    fn size(&self) -> usize {
        let parts = self.people.capacity() * size_of::<(i64, Known)>();
        let people: usize = self.people.values().map(HashSet::capacity).sum();
        // A byte more each, by which they are found, and everybody once more at the end.
        size_of_val(self) + parts + 2 * people * (2 * size_of::<u64>() + 1)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut all_met = Vec::new();
        let mut all_people = Vec::new();
        for (met, people) in &self.people {
            all_met.push(*met);
            all_people.push(None);
            for person in people {
                all_met.push(*met);
                all_people.push(Some(*person));
            }
        }
        let list = |values: ArrayRef| SingleRowListArrayBuilder::new(values).build_list_scalar();
        Ok(vec![
            list(Arc::new(Int64Array::from(all_met))),
            list(Arc::new(UInt64Array::from(all_people))),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [all_met, all_people] = states else {
            return internal_err!("parts are kept as two lists");
        };
        let (all_met, all_people) = (as_list_array(all_met)?, as_list_array(all_people)?);
        for lists in all_met.iter().zip(all_people.iter()) {
            let (Some(met), Some(people)) = lists else {
                continue;
            };
            let (met, people) = (as_int64_array(&met)?, as_uint64_array(&people)?);
            for (met, person) in met.values().iter().zip(people.iter()) {
                self.add(*met, person);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::StringArray;
    use rstest::rstest;

    use super::*;

    /// The rows of a group: whom each is about, and which of three conditions it meets.
    fn parts(rows: &[(Option<&str>, [bool; 3])]) -> Parts {
        let people: StringArray = rows.iter().map(|(person, _)| *person).collect();
        let mut values: Vec<ArrayRef> = vec![Arc::new(people)];
        for place in 0..3 {
            let met: Vec<bool> = rows.iter().map(|(_, met)| met[place]).collect();
            values.push(Arc::new(BooleanArray::from(met)));
        }
        let mut parts = Parts::new(3, 0b100, 2);
        parts.update_batch(&values).expect("rows");
        parts
    }

    const ALL: [bool; 3] = [true; 3];
    const NONE: [bool; 3] = [false; 3];
    const FIRST: [bool; 3] = [true, false, false];
    const SECOND: [bool; 3] = [false, true, false];
    const THIRD: [bool; 3] = [false, false, true];

    #[rstest]
    #[case::of_all(&[(Some("a"), ALL), (Some("b"), ALL)], 0b111)]
    #[case::of_nobody(&[(Some("a"), NONE), (Some("b"), NONE)], 0)]
    #[case::all_but_one(&[(Some("a"), ALL), (Some("b"), ALL), (Some("c"), NONE)], 0)]
    #[case::all_but_two(
        &[(Some("a"), ALL), (Some("b"), ALL), (Some("c"), NONE), (Some("d"), NONE)],
        0b111
    )]
    #[case::all_but_one_who_did_both(&[(Some("a"), ALL), (Some("b"), ALL), (Some("b"), NONE)], 0)]
    #[case::all_but_somebody_unknown(&[(Some("a"), ALL), (Some("b"), ALL), (None, NONE)], 0)]
    #[case::nothing_is_left_by_two(
        &[(Some("a"), FIRST), (Some("b"), FIRST), (Some("c"), SECOND), (Some("d"), SECOND)],
        0b011
    )]
    #[case::one_is_left_by_two(
        &[(Some("a"), FIRST), (Some("b"), FIRST), (Some("c"), SECOND), (Some("d"), SECOND),
          (Some("e"), NONE)],
        0b001
    )]
    // Three did something else, of whom all but one did it, too: the count says so.
    #[case::all_but_one_are_counted(
        &[(Some("a"), THIRD), (Some("b"), THIRD), (Some("a"), NONE), (Some("b"), NONE),
          (Some("c"), NONE)],
        0
    )]
    #[case::all_but_two_are_counted(
        &[(Some("a"), THIRD), (Some("b"), THIRD), (Some("c"), NONE), (Some("d"), NONE)],
        0b100
    )]
    #[case::all_but_one_have_rows(
        &[(Some("a"), FIRST), (Some("b"), FIRST), (Some("a"), NONE), (Some("b"), NONE),
          (Some("c"), NONE)],
        0b001
    )]
    fn figures_are_shown_that_leave_enough_people(
        #[case] rows: &[(Option<&str>, [bool; 3])],
        #[case] expected: i64,
    ) {
        let shown = parts(rows).evaluate().expect("a number");
        assert_eq!(shown, ScalarValue::Int64(Some(expected)));
    }

    #[test]
    fn parts_are_the_same_in_pieces() {
        let halves = [
            parts(&[(Some("a"), ALL), (Some("b"), NONE)]),
            parts(&[(Some("b"), ALL), (Some("c"), NONE), (None, FIRST)]),
        ];
        let mut whole = Parts::new(3, 0b100, 2);
        for mut half in halves {
            let state = half.state().expect("a state");
            let state = state.iter().map(|list| list.to_array().expect("an array"));
            whole
                .merge_batch(&state.collect::<Vec<_>>())
                .expect("merged");
        }
        // The first figure would leave nobody known of what the others do not have.
        let shown = whole.evaluate().expect("a number");
        assert_eq!(shown, ScalarValue::Int64(Some(0b001)));
    }
}
