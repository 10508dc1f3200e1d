//! By what people are called after the bundle.

use schemas::roster::Entity;

use super::Checked;
use crate::error::Error;
use crate::identity::{Identifier, SOURCED_ID, identifiers};
use crate::merge::Step;
use crate::row::Row;
use crate::stored::Stored;

impl Checked {
    /// By what a person of [`Entity::Users`] or [`Entity::UserProfiles`] may be
    /// called: without identifiers that lead to two people.
    pub fn identities(&self, entity: Entity, row: &Row) -> Vec<Identifier> {
        let mut found = identifiers(entity, row, &self.settings.actor_prefixes);
        found.retain(|id| id.kind == SOURCED_ID || !self.facts.is_shared(&id.value));
        found
    }

    /// Whether the bundle says something of people's identifiers.
    pub(crate) fn has_identities(&self) -> bool {
        self.has(Entity::Users) || self.has(Entity::UserProfiles)
    }

    /// The identifiers of all people as they are after the bundle, with the user's id;
    /// nothing of a bundle that has neither users nor profiles. What is stored of them
    /// is to be replaced by these: one that a new user shares no longer leads to the old
    /// one either, whose row does not change.
    ///
    /// # Errors
    /// When rows cannot be read.
    pub fn all_identities<'a>(
        &'a self,
        stored: &'a dyn Stored,
    ) -> Result<impl Iterator<Item = Result<(String, Identifier), Error>> + use<'a>, Error> {
        let tables: &[Entity] = if self.has_identities() {
            &[Entity::Users, Entity::UserProfiles]
        } else {
            &[]
        };
        let mut merges = Vec::new();
        for &entity in tables {
            merges.push((entity, self.merge(entity, stored)?));
        }
        let of_step = |entity, step: Result<Step, Error>| {
            let of_row = |row: &Row| {
                let user = row.text(entity, "user_id").unwrap_or_default();
                let identities = self.identities(entity, row).into_iter();
                identities.map(|id| Ok((user.to_owned(), id))).collect()
            };
            match step {
                Ok(step) => step.row().map_or_else(Vec::new, of_row),
                Err(error) => vec![Err(error)],
            }
        };
        Ok(merges
            .into_iter()
            .flat_map(move |(entity, merge)| merge.flat_map(move |step| of_step(entity, step))))
    }
}
