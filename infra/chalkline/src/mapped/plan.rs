//! A mapping for the columns of one file.

use anyhow::bail;
use chrono_tz::Tz;
use schemas::event::{CONTEXT, EVENT, EventType, Kind, Member, data_members};
use schemas::{CustomTypeName, Family};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::cell;
use super::expression::{Expression, From};
use super::mapping::{EventRule, Mapping};

/// Members of `data` that name a person, which no column holds as such.
const PEOPLE: [&str; 2] = ["by", "reply_to"];

/// What the rows of one file become.
#[derive(Debug)]
pub struct Plan {
    events: Vec<EventPlan>,
    time_zone: Option<Tz>,
}

#[derive(Debug)]
struct EventPlan {
    event_type: String,
    /// The columns that have to be one of these texts, or filled.
    when: Vec<(usize, Vec<String>)>,
    members: Vec<MemberPlan>,
}

#[derive(Debug)]
struct MemberPlan {
    /// The object that it stands in, if that is not the event itself.
    within: Option<&'static str>,
    name: String,
    kind: Kind,
    made_of: MadeOf,
    expression: Expression,
}

#[derive(Debug)]
enum MadeOf {
    Column(usize),
    Value(Value),
    /// Texts, each before a column; the last has none.
    Template(Vec<(String, Option<usize>)>),
}

/// Finds columns and members, and remembers those that are not there.
struct Check<'a> {
    columns: &'a [String],
    problems: Vec<String>,
}

impl Plan {
    /// The mapping for a file with these columns.
    ///
    /// # Errors
    /// Everything that does not fit, at once.
    pub fn new(mapping: &Mapping, columns: &[String]) -> anyhow::Result<Self> {
        let mut check = Check {
            columns,
            problems: Vec::new(),
        };
        let events = mapping.events.iter();
        let events = events.map(|rule| check.event(rule)).collect();
        if !check.problems.is_empty() {
            check.problems.dedup();
            bail!(
                "the mapping does not fit:\n  {}",
                check.problems.join("\n  ")
            );
        }
        Ok(Self {
            events,
            time_zone: mapping.time_zone,
        })
    }

    /// The events of a row, as JSON. `id` makes the id of one that the mapping gives
    /// none.
    pub fn events(&self, cells: &[Value], id: impl Fn(usize) -> Uuid) -> Vec<String> {
        let all = self.events.iter().enumerate();
        let wanted = all.filter(|(_, event)| event.holds_for(cells));
        let one = |(index, event): (usize, &EventPlan)| {
            let mut made = event.make(cells, self.time_zone);
            made.entry("id")
                .or_insert_with(|| Value::String(id(index).to_string()));
            Value::Object(made).to_string()
        };
        wanted.map(one).collect()
    }
}

impl EventPlan {
    fn holds_for(&self, cells: &[Value]) -> bool {
        let holds = |(column, texts): &(usize, Vec<String>)| match &cells[*column] {
            Value::Null => false,
            Value::String(text) => texts.is_empty() || texts.contains(text),
            other => texts.is_empty() || texts.contains(&other.to_string()),
        };
        self.when.iter().all(holds)
    }

    fn make(&self, cells: &[Value], zone: Option<Tz>) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("type".to_owned(), Value::String(self.event_type.clone()));
        for member in &self.members {
            let value = member.made_of.value(cells);
            let value = cell::member(value, member.kind, &member.expression, zone);
            if value.is_null() {
                continue;
            }
            let place = match member.within {
                None => Some(&mut event),
                Some(object) => event
                    .entry(object)
                    .or_insert_with(|| Value::Object(Map::new()))
                    .as_object_mut(),
            };
            if let Some(place) = place {
                place.insert(member.name.clone(), value);
            }
        }
        event
    }
}

impl MadeOf {
    fn value(&self, cells: &[Value]) -> Value {
        match self {
            Self::Column(column) => cells[*column].clone(),
            Self::Value(value) => value.clone(),
            Self::Template(parts) => {
                let mut text = String::new();
                for (before, column) in parts {
                    text.push_str(before);
                    match column.map(|column| &cells[column]) {
                        None => {}
                        // Half a name is nobody's.
                        Some(Value::Null) => return Value::Null,
                        Some(Value::String(cell)) => text.push_str(cell),
                        Some(cell) => text.push_str(&cell.to_string()),
                    }
                }
                Value::String(text)
            }
        }
    }
}

impl Check<'_> {
    fn event(&mut self, rule: &EventRule) -> EventPlan {
        let name = &rule.event_type;
        let family = match EventType::from_name(name) {
            Some(event_type) => Some(event_type.family),
            None => {
                if CustomTypeName::new(name.as_str()).is_err() {
                    self.problems.push(format!(
                        "{name} is no type of event: schemas/README.md lists them"
                    ));
                }
                None
            }
        };
        let when = rule.when.iter();
        let when = when.map(|condition| (self.column(&condition.column), condition.is.clone()));
        let when = when.collect();
        let mut members = Vec::new();
        for (name, expression) in &rule.members {
            let kind = kind_of(EVENT, name);
            if kind.is_none() {
                self.problems.push(format!(
                    "{name} is no member of an event: say data.{name} to keep it beside"
                ));
            }
            members.push(self.member(None, name, kind.unwrap_or(Kind::Any(0)), expression));
        }
        for (name, expression) in &rule.context {
            let kind = kind_of(CONTEXT, name).unwrap_or(Kind::Any(0));
            members.push(self.member(Some("context"), name, kind, expression));
        }
        for (name, expression) in &rule.data {
            let kind = data_kind(family, name);
            members.push(self.member(Some("data"), name, kind, expression));
        }
        for needed in ["time", "actor"] {
            if !rule.members.contains_key(needed) {
                self.problems.push(format!(
                    "{name} needs {needed} = \"…\", the name of a column"
                ));
            }
        }
        EventPlan {
            event_type: name.clone(),
            when,
            members,
        }
    }

    fn member(
        &mut self,
        within: Option<&'static str>,
        name: &str,
        kind: Kind,
        expression: &Expression,
    ) -> MemberPlan {
        let made_of = match &expression.from {
            From::Column(column) => MadeOf::Column(self.column(column)),
            From::Value(value) => MadeOf::Value(value.clone()),
            From::Template(template) => MadeOf::Template(self.template(template)),
        };
        MemberPlan {
            within,
            name: name.to_owned(),
            kind,
            made_of,
            expression: expression.clone(),
        }
    }

    fn column(&mut self, name: &str) -> usize {
        let found = self.columns.iter().position(|column| column == name);
        found.unwrap_or_else(|| {
            let columns = self.columns.join(", ");
            self.problems
                .push(format!("there is no column {name}; there are {columns}"));
            0
        })
    }

    fn template(&mut self, template: &str) -> Vec<(String, Option<usize>)> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((column, after)) = after.split_once('}') else {
                self.problems
                    .push(format!("{template} lacks a }}: write {{column}}"));
                return parts;
            };
            parts.push((before.to_owned(), Some(self.column(column))));
            rest = after;
        }
        parts.push((rest.to_owned(), None));
        parts
    }
}

fn kind_of(members: &[Member], name: &str) -> Option<Kind> {
    let found = members.iter().find(|member| member.names.contains(&name));
    found.map(|member| member.kind)
}

/// What a member of `data` takes; anything where it is none of ours.
fn data_kind(family: Option<Family>, name: &str) -> Kind {
    if PEOPLE.contains(&name) {
        return Kind::Person;
    }
    let members = family.map(data_members).unwrap_or_default();
    kind_of(members, name).unwrap_or(Kind::Any(0))
}
