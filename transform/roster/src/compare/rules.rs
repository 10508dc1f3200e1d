//! Whose word counts where the source and what is stored disagree.

use std::collections::BTreeMap;

use schemas::roster::Entity;

use crate::row::Row;

/// Whose word counts in a field of a row that is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// The source's, also where it says nothing.
    #[default]
    SourceWins,
    /// That which is stored, also where that is nothing.
    KeepOurs,
    /// Whoever said something first.
    FirstWins,
}

/// The rules of all fields; where none is set, the source wins.
#[derive(Debug, Clone, Default)]
pub struct Rules(BTreeMap<Entity, BTreeMap<usize, Rule>>);

/// A rule for a field that has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entity} has no field {field} that a rule can be set for")]
pub struct UnknownField {
    entity: Entity,
    field: String,
}

impl Rules {
    /// Sets the rule of a field.
    ///
    /// # Errors
    /// [`UnknownField`] if there is none, if it is part of the key, or made of others.
    pub fn set(&mut self, entity: Entity, field: &str, rule: Rule) -> Result<(), UnknownField> {
        let fields = entity.fields();
        let index = fields
            .iter()
            .position(|of| of.name == field && !of.is_key && !of.from.is_empty())
            .ok_or_else(|| UnknownField {
                entity,
                field: field.to_owned(),
            })?;
        self.0.entry(entity).or_default().insert(index, rule);
        Ok(())
    }

    /// Puts into a new row what counts of the old one.
    pub(super) fn apply(&self, entity: Entity, old: &Row, new: &mut Row) {
        for (&index, rule) in self.0.get(&entity).into_iter().flatten() {
            let (Some(old), Some(new)) = (old.values.get(index), new.values.get_mut(index)) else {
                continue;
            };
            match rule {
                Rule::SourceWins => {}
                Rule::FirstWins if old.is_null() => {}
                Rule::KeepOurs | Rule::FirstWins => new.clone_from(old),
            }
        }
    }
}
