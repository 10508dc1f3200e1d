//! What a JSON Schema may cost: how many parts it has once each of its references is
//! replaced by what it refers to.
//!
//! A few lines of `$ref` can ask a part a billion times: by referring twice to what refers
//! twice, and so on, or to themselves twice for the same member, which doubles with every
//! level of the data. Both are seen in the schema alone, so that no data need be judged to
//! find out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

/// The most parts, each counted as often as it is referred to.
const MOST: usize = 10_000;

/// Checks that a schema refers to its own parts alone, and that what it costs grows with
/// the data and not faster.
///
/// # Errors
/// What to change, in words for who wrote it.
pub fn check(schema: &Value) -> Result<(), String> {
    let parts = Parts::of(schema)?;
    parts.count()?;
    (0..parts.edges.len()).try_for_each(|part| parts.check_cycles(part))
}

/// Where in the data a part asks another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// At the same place.
    Here,
    /// At the member or element of that name.
    Named(String),
    /// At members or elements of any name.
    Any,
}

/// The parts of a schema, each a schema of its own, and which asks which. The whole is the
/// first.
struct Parts {
    edges: Vec<Vec<(Place, usize)>>,
    /// Of each part the group of those that lead to each other.
    groups: Vec<usize>,
}

impl Parts {
    fn of(schema: &Value) -> Result<Self, String> {
        let mut reading = Reading::default();
        reading.part(schema, "", true)?;
        let mut edges = reading.edges;
        for (part, target) in reading.references {
            let target = match target.strip_prefix('#') {
                Some("") => Some(0),
                Some(name) if !name.starts_with('/') => reading.anchors.get(name).copied(),
                Some(pointer) => reading.pointers.get(pointer).copied(),
                None => None,
            };
            let target = target
                .ok_or("its $ref must be the place of a schema in it, for example #/$defs/step")?;
            edges[part].push((Place::Here, target));
        }
        let groups = groups(&edges);
        Ok(Self { edges, groups })
    }

    /// Counts the parts that are asked from the whole on, at its place and below, each as
    /// often as it is; what goes round in a circle is counted once.
    fn count(&self) -> Result<(), String> {
        let mut of_groups = vec![0_usize; self.edges.len()];
        // In this order all that a group asks, but for itself, comes before it.
        for part in self.in_order(0) {
            let group = self.groups[part];
            let asked = self.edges[part]
                .iter()
                .map(|(_, other)| self.groups[*other]);
            let asked = asked.filter(|other| *other != group);
            let sum = |sum: usize, other: usize| sum.saturating_add(of_groups[other]);
            let count = asked.fold(1, sum);
            of_groups[group] = of_groups[group].saturating_add(count);
            if of_groups[group] > MOST {
                return Err(format!(
                    "it has more than {MOST} parts when each $ref is replaced by what it refers \
                     to: refer to each part less often"
                ));
            }
        }
        Ok(())
    }

    /// The parts below one, each after those that it asks.
    fn in_order(&self, from: usize) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::from([from]);
        let mut stack = vec![(from, 0)];
        while let Some((part, next)) = stack.pop() {
            match self.edges[part].get(next) {
                None => order.push(part),
                Some((_, other)) => {
                    stack.push((part, next + 1));
                    if seen.insert(*other) {
                        stack.push((*other, 0));
                    }
                }
            }
        }
        order
    }

    /// Checks that a part which comes back to itself does so one level deeper in the data,
    /// and no more than once for each place there.
    fn check_cycles(&self, part: usize) -> Result<(), String> {
        let group = self.groups[part];
        let mut deeper: BTreeMap<&Place, usize> = BTreeMap::new();
        let mut asked = 0;
        let mut stack = vec![part];
        while let Some(here) = stack.pop() {
            asked += 1;
            for (place, other) in &self.edges[here] {
                if self.groups[*other] != group {
                    continue;
                }
                if *place != Place::Here {
                    *deeper.entry(place).or_default() += 1;
                } else if *other == part || asked > MOST {
                    return Err("it refers to itself without going deeper into the data".into());
                } else {
                    stack.push(*other);
                }
            }
        }
        let anywhere = deeper.get(&Place::Any).copied().unwrap_or(0);
        let named = deeper.iter().filter(|(place, _)| ***place != Place::Any);
        let most = named.map(|(_, count)| *count).max().unwrap_or(0) + anywhere;
        if most > 1 {
            let problem = "it refers to itself more than once for the same member: what that \
                           costs doubles with every level of the data";
            return Err(problem.to_owned());
        }
        Ok(())
    }
}

/// A schema as it is read.
#[derive(Default)]
struct Reading {
    edges: Vec<Vec<(Place, usize)>>,
    /// Parts by their JSON pointers.
    pointers: HashMap<String, usize>,
    anchors: HashMap<String, usize>,
    /// Who refers, and what it says.
    references: Vec<(usize, String)>,
}

impl Reading {
    fn part(&mut self, schema: &Value, pointer: &str, whole: bool) -> Result<usize, String> {
        let part = self.edges.len();
        self.edges.push(Vec::new());
        self.pointers.insert(pointer.to_owned(), part);
        let Value::Object(members) = schema else {
            return Ok(part);
        };
        for (name, value) in members {
            let at = format!("{pointer}/{}", escaped(name));
            match (name.as_str(), value) {
                ("$ref", Value::String(target)) => {
                    self.references.push((part, target.clone()));
                }
                ("$anchor", Value::String(name)) => {
                    self.anchors.insert(name.clone(), part);
                }
                ("$id" | "id", Value::String(_)) if !whole => {
                    return Err("only the whole of it may have an $id".to_owned());
                }
                ("$dynamicRef" | "$recursiveRef", _) => {
                    return Err(format!("refer to its parts by $ref, not by {name}"));
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                    self.list(part, all, &at, |_| Place::Here)?;
                }
                ("not" | "if" | "then" | "else", value) => {
                    self.ask(part, Place::Here, value, &at)?;
                }
                ("dependentSchemas" | "dependencies", Value::Object(all)) => {
                    self.map(part, all, &at, |_| Place::Here)?;
                }
                ("properties", Value::Object(all)) => {
                    self.map(part, all, &at, |name| Place::Named(name.to_owned()))?;
                }
                ("patternProperties", Value::Object(all)) => {
                    self.map(part, all, &at, |_| Place::Any)?;
                }
                ("prefixItems" | "items", Value::Array(all)) => {
                    self.list(part, all, &at, |index| Place::Named(index.to_string()))?;
                }
                (
                    "items"
                    | "additionalItems"
                    | "contains"
                    | "unevaluatedItems"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames",
                    value,
                ) => self.ask(part, Place::Any, value, &at)?,
                // Nothing is asked of these but by who refers to them.
                ("$defs" | "definitions", Value::Object(all)) => {
                    for (name, value) in all {
                        self.part(value, &format!("{at}/{}", escaped(name)), false)?;
                    }
                }
                _ => {}
            }
        }
        Ok(part)
    }

    fn ask(&mut self, part: usize, place: Place, value: &Value, at: &str) -> Result<(), String> {
        let other = self.part(value, at, false)?;
        self.edges[part].push((place, other));
        Ok(())
    }

    fn list(
        &mut self,
        part: usize,
        all: &[Value],
        at: &str,
        place: fn(usize) -> Place,
    ) -> Result<(), String> {
        let mut all = all.iter().enumerate();
        all.try_for_each(|(index, value)| {
            self.ask(part, place(index), value, &format!("{at}/{index}"))
        })
    }

    fn map(
        &mut self,
        part: usize,
        all: &Map<String, Value>,
        at: &str,
        place: fn(&str) -> Place,
    ) -> Result<(), String> {
        all.iter().try_for_each(|(name, value)| {
            self.ask(part, place(name), value, &format!("{at}/{}", escaped(name)))
        })
    }
}

/// Numbers of the groups whose members lead to each other, for each part (Kosaraju).
fn groups(edges: &[Vec<(Place, usize)>]) -> Vec<usize> {
    let forth: Vec<Vec<usize>> = edges
        .iter()
        .map(|all| all.iter().map(|(_, other)| *other).collect())
        .collect();
    let mut back = vec![Vec::new(); edges.len()];
    for (part, others) in forth.iter().enumerate() {
        others.iter().for_each(|other| back[*other].push(part));
    }
    let mut seen = vec![false; edges.len()];
    let mut order = Vec::new();
    for part in 0..edges.len() {
        visit(part, &forth, &mut seen, &mut order);
    }
    let mut seen = vec![false; edges.len()];
    let mut groups = vec![0; edges.len()];
    for part in order.into_iter().rev() {
        let mut group = Vec::new();
        visit(part, &back, &mut seen, &mut group);
        group.into_iter().for_each(|member| groups[member] = part);
    }
    groups
}

/// Adds the parts that one leads to and that were not seen, each after those it leads to.
fn visit(from: usize, edges: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    let mut stack = Vec::new();
    if !std::mem::replace(&mut seen[from], true) {
        stack.push((from, 0));
    }
    while let Some((part, next)) = stack.pop() {
        match edges[part].get(next) {
            None => order.push(part),
            Some(&other) => {
                stack.push((part, next + 1));
                if !std::mem::replace(&mut seen[other], true) {
                    stack.push((other, 0));
                }
            }
        }
    }
}

/// A name as a step of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// Parts that each refer twice to the next.
    fn doubling(levels: usize, place: fn(Value) -> Value) -> Value {
        let mut parts = Map::new();
        for level in 0..levels {
            let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
            let twice = [place(next.clone()), place(next)];
            parts.insert(level.to_string(), json!({ "allOf": twice }));
        }
        parts.insert(levels.to_string(), json!({ "type": "object" }));
        json!({ "$ref": "#/$defs/0", "$defs": parts })
    }

    #[rstest]
    #[case::here(|next| next)]
    #[case::below(|next| json!({ "properties": { "a": next } }))]
    #[case::in_any(|next| json!({ "items": next }))]
    fn what_doubles_with_every_reference_is_refused(#[case] place: fn(Value) -> Value) {
        assert_eq!(check(&doubling(5, place)), Ok(()));
        let error = check(&doubling(40, place)).expect_err("refused");
        assert!(error.contains("less often"), "{error}");
    }

    #[rstest]
    #[case::list(json!({ "properties": { "next": { "$ref": "#" } } }), true)]
    #[case::tree(
        json!({ "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } }), true
    )]
    #[case::children(
        json!({ "properties": { "parts": { "type": "array", "items": { "$ref": "#" } } } }), true
    )]
    #[case::at_once(json!({ "allOf": [{ "$ref": "#" }] }), false)]
    #[case::by_another(
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "not": { "$ref": "#" } } } }), false
    )]
    #[case::twice_for_a_member(
        json!({ "properties": { "a": { "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] } } }), false
    )]
    #[case::by_two_parts(
        json!({ "allOf": [
            { "properties": { "a": { "$ref": "#" } } },
            { "properties": { "a": { "$ref": "#" } } },
        ] }),
        false
    )]
    #[case::by_name_and_by_pattern(
        json!({
            "properties": { "a": { "$ref": "#" } },
            "patternProperties": { "^a": { "$ref": "#" } },
        }),
        false
    )]
    #[case::anchor(
        json!({ "$anchor": "node", "properties": { "next": { "$ref": "#node" } } }), true
    )]
    #[case::escaped(
        json!({ "$ref": "#/$defs/a~1b~0c", "$defs": { "a/b~c": {} } }), true
    )]
    #[case::nowhere(json!({ "$ref": "#/$defs/none" }), false)]
    #[case::elsewhere(json!({ "$ref": "other.json" }), false)]
    #[case::no_part(json!({ "$ref": "#/properties", "properties": {} }), false)]
    #[case::inner_id(json!({ "$defs": { "a": { "$id": "x" } } }), false)]
    #[case::dynamic(json!({ "$dynamicRef": "#node" }), false)]
    #[case::a_member_named_id(json!({ "properties": { "$id": { "type": "string" } } }), true)]
    fn a_schema_may_come_back_to_itself_one_level_deeper(
        #[case] schema: Value,
        #[case] taken: bool,
    ) {
        assert_eq!(check(&schema).is_ok(), taken, "{:?}", check(&schema));
    }
}
