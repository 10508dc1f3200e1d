//! Types of events of a tenant's own, whose data keeps to the JSON Schema that the
//! tenant registered.

mod cost;
mod schema;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use schemas::{CustomType, Tenant, TenantId};
use serde_json::{Map, Value};

use crate::likeness;
use crate::outcome::{Reason, Rejection};

pub use schema::Schema;

/// Of how many tenants the types are kept compiled: of others they are compiled anew.
const KNOWN: usize = 256;

/// The own types of one tenant. Each schema is compiled when its first event comes.
#[derive(Debug)]
pub struct CustomTypes {
    tenant: Arc<Tenant>,
    compiled: Vec<OnceLock<Option<Schema>>>,
}

impl CustomTypes {
    /// Those of this tenant.
    pub fn new(tenant: Arc<Tenant>) -> Self {
        let compiled = tenant.custom_types.iter().map(|_| OnceLock::new());
        Self {
            compiled: compiled.collect(),
            tenant,
        }
    }

    /// Whether the tenant has registered it.
    pub fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Checks the data of an event of the type `name`.
    ///
    /// # Errors
    /// [`Reason::UnregisteredType`], and [`Reason::SchemaViolation`] for each thing that
    /// the schema does not take.
    pub fn check(&self, name: &str, data: &mut Map<String, Value>) -> Result<(), Rejection> {
        let refuse = |detail: String| {
            let rejection = Rejection::new(Reason::UnregisteredType, "/type", detail);
            Err(rejection)
        };
        let Some(index) = self.position(name) else {
            return refuse(self.unregistered(name));
        };
        let compiled =
            self.compiled[index].get_or_init(|| Schema::new(&self.types()[index].schema).ok());
        let Some(schema) = compiled else {
            return refuse(
                "Ask the operator to register the type again: its schema is none.".to_owned(),
            );
        };
        // Borrowed as a value for as long as it is checked.
        let value = Value::Object(std::mem::take(data));
        let checked = schema.check(&value);
        if let Value::Object(members) = value {
            *data = members;
        }
        checked
    }

    fn types(&self) -> &[CustomType] {
        &self.tenant.custom_types
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.types()
            .iter()
            .position(|own| own.name.as_str() == name)
    }

    /// What to do about a type that is not registered.
    fn unregistered(&self, name: &str) -> String {
        let own = self.types().iter().map(|own| own.name.as_str());
        match likeness::nearest(own, name) {
            Some(near) => {
                format!("Send a type that is registered: the nearest is {near}.")
            }
            None => "Register the type first: `chalkline type register`.".to_owned(),
        }
    }
}

/// The own types of the tenants that send.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<TenantId, Arc<CustomTypes>>>);

impl Cache {
    /// The types of this tenant, as its document says now.
    pub fn of(&self, tenant: &Arc<Tenant>) -> Arc<CustomTypes> {
        if tenant.custom_types.is_empty() {
            return Arc::new(CustomTypes::new(Arc::clone(tenant)));
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(types) = known.get(&tenant.id)
            && (Arc::ptr_eq(&types.tenant, tenant) || types.types() == tenant.custom_types)
        {
            return Arc::clone(types);
        }
        if known.len() == KNOWN {
            known.clear();
        }
        let types = Arc::new(CustomTypes::new(Arc::clone(tenant)));
        known.insert(tenant.id.clone(), Arc::clone(&types));
        types
    }
}

#[cfg(test)]
mod tests {
    use schemas::CustomTypeName;
    use serde_json::json;

    use super::*;

    fn tenant(schema: Value) -> Arc<Tenant> {
        let mut tenant = Tenant::new(TenantId::new("demo").expect("a slug"), "Demo");
        tenant.custom_types.push(CustomType {
            name: CustomTypeName::new("custom.lab.opened").expect("a name"),
            description: None,
            schema,
            registered_at: chrono::DateTime::UNIX_EPOCH,
        });
        Arc::new(tenant)
    }

    fn check(types: &CustomTypes, name: &str, data: Value) -> Result<(), (Reason, String)> {
        let mut data = data.as_object().expect("an object").clone();
        let sent = data.clone();
        let checked = types.check(name, &mut data);
        assert_eq!(data, sent);
        checked.map_err(|rejection| {
            assert!(rejection.detail.ends_with('.'), "{rejection:?}");
            (rejection.reason, rejection.detail)
        })
    }

    #[test]
    fn a_type_that_is_not_registered_is_refused_and_the_nearest_named() {
        let types = CustomTypes::new(tenant(json!({})));
        assert_eq!(check(&types, "custom.lab.opened", json!({"a": 1})), Ok(()));
        let (reason, detail) = check(&types, "custom.lab.openend", json!({})).expect_err("refused");
        assert_eq!(reason, Reason::UnregisteredType);
        assert!(detail.contains("custom.lab.opened"), "{detail}");
        let (_, detail) = check(&types, "custom.quiz", json!({})).expect_err("refused");
        assert!(detail.contains("chalkline type register"), "{detail}");
    }

    #[test]
    fn the_cache_follows_the_document() {
        let cache = Cache::default();
        let strict = tenant(json!({"required": ["station"]}));
        let first = cache.of(&strict);
        assert!(check(&first, "custom.lab.opened", json!({})).is_err());
        // The same types in a newer document stay compiled.
        let mut renamed = (*strict).clone();
        renamed.name = "Other".to_owned();
        assert!(Arc::ptr_eq(&cache.of(&Arc::new(renamed)), &first));
        let lax = cache.of(&tenant(json!({})));
        assert_eq!(check(&lax, "custom.lab.opened", json!({})), Ok(()));
    }
}
