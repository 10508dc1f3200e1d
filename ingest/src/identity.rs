//! From actors to student keys.

use std::collections::HashMap;
use std::rc::Rc;

use schemas::{StudentHasher, StudentKey, Tenant, TenantSecret, normalise_actor};

use crate::dialect::Mention;
use crate::iri;
use crate::spelling::Spelling;

/// How many people of a request are remembered: more are hashed anew.
const KNOWN: usize = 10_000;

/// The people of one request: each is hashed once.
pub struct People<'t> {
    hasher: StudentHasher,
    tenant: &'t Tenant,
    known: HashMap<String, Rc<Person>>,
}

impl<'t> People<'t> {
    /// Nobody yet.
    pub fn new(tenant: &'t Tenant, secret: &TenantSecret) -> Self {
        Self {
            hasher: StudentHasher::new(secret),
            tenant,
            known: HashMap::new(),
        }
    }

    /// The person whom an actor names.
    pub fn person(&mut self, actor: &str) -> Rc<Person> {
        if let Some(person) = self.known.get(actor) {
            return Rc::clone(person);
        }
        let normalised = normalise_actor(actor, &self.tenant.actor_prefixes);
        let key = self.hasher.key(&normalised);
        let mut names = vec![actor, &normalised];
        names.extend(iri::names(actor));
        let person = Rc::new(Person::new(key, &names));
        if self.known.len() == KNOWN {
            self.known.clear();
        }
        self.known.insert(actor.to_owned(), Rc::clone(&person));
        person
    }

    /// The person whom an event mentions, by each of the names it uses.
    pub fn mentioned(&mut self, mention: &Mention) -> Vec<Rc<Person>> {
        let person = self.person(&mention.actor);
        // One word, `Student` or `Green`, would be found in what is no name.
        let full_name = mention.name.as_deref().map(str::trim);
        let full_name = full_name.filter(|name| name.contains(char::is_whitespace));
        let named = full_name.map(|name| Rc::new(Person::new(person.key, &[name])));
        std::iter::once(person).chain(named).collect()
    }
}

/// A person: the key that is kept, and the spellings that are not.
pub struct Person {
    /// What the person is called from here on.
    pub key: StudentKey,
    /// All that may name the person in text.
    pub spellings: Vec<Spelling>,
}

impl Person {
    /// A person with that key, who is called so.
    pub fn new(key: StudentKey, names: &[&str]) -> Self {
        Self {
            key,
            spellings: Spelling::all(names),
        }
    }
}
