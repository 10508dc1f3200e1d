//! Whom a provider means who calls people by another name than the roster does.

use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::runtime_env::RuntimeEnv;
use schemas::{Matching, Role, TenantId};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{Error, Unauthorised};
use crate::secure::is_by_roster;
use crate::session::Sessions;
use crate::slots::Slots;

/// How many names are remembered.
const NAMES: usize = 4_096;

/// How many are looked for at once, and for how long.
const AT_ONCE: usize = 2;
const LONGEST: Duration = Duration::from_secs(10);

/// Finds people in the newest roster, and remembers them as long as that is the newest.
pub(crate) struct People {
    sessions: Arc<Sessions>,
    runtime_env: Arc<RuntimeEnv>,
    found: Slots<Name, Option<Found>>,
    turns: Semaphore,
}

/// What somebody is called, and by the roster of which import they are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name {
    tenant: TenantId,
    import: u64,
    matching: Matching,
    name: String,
}

/// Whose name it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Nobody,
    One(String),
    Several,
    /// People whom the roster has disabled, and nobody else.
    Disabled,
}

impl Found {
    /// Of users and whether they are enabled, those who are first.
    fn of(users: &[(String, bool)]) -> Self {
        match users {
            [] => Self::Nobody,
            [(_, false), ..] => Self::Disabled,
            [_, (_, true), ..] => Self::Several,
            [(user, true), ..] => Self::One(user.clone()),
        }
    }
}

impl People {
    /// Finds them by these sessions, with this memory.
    pub(crate) fn new(sessions: Arc<Sessions>, runtime_env: Arc<RuntimeEnv>) -> Self {
        Self {
            sessions,
            runtime_env,
            found: Slots::new(NAMES),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Whom a provider calls so: by a column of `users`, in large or small letters.
    ///
    /// # Errors
    /// When the roster cannot be read.
    async fn find(
        &self,
        tenant: &TenantId,
        matching: Matching,
        said: &str,
        now: u64,
    ) -> Result<Found, Error> {
        let Some(column) = column(matching) else {
            return Ok(Found::One(said.to_owned()));
        };
        let small = said.to_lowercase();
        // Letters of other alphabets, of which small ones are of ours, are others.
        if small.is_ascii() && !said.is_ascii() {
            return Ok(Found::Nobody);
        }
        let name = Name {
            tenant: tenant.clone(),
            import: self.sessions.import(tenant).await?,
            matching,
            name: small,
        };
        let slot = self.found.get(&name, now);
        let mut slot = slot.lock().await;
        if let Some(found) = &*slot {
            return Ok(found.clone());
        }
        let looked = async {
            let _turn = self.turns.acquire().await;
            let users = self
                .sessions
                .users_called(tenant, column, &name.name, &self.runtime_env);
            users.await
        };
        let users = timeout(LONGEST, looked).await.unwrap_or_else(|elapsed| {
            // Whoever comes again may have more luck.
            Err(Error::Unavailable(Box::new(elapsed)))
        })?;
        Ok(slot.insert(Found::of(&users)).clone())
    }

    /// Who somebody is whom a provider calls so: a `user_id` of the roster. Those of whom
    /// it need not know are called by what was said, and what that is.
    ///
    /// # Errors
    /// [`Unauthorised::Unlisted`] when nobody is, or nobody who is enabled,
    /// [`Unauthorised::Ambiguous`] when several are; another one when the roster cannot be
    /// read.
    pub(super) async fn subject(
        &self,
        tenant: &TenantId,
        matching: Matching,
        (said, role): (&str, Role),
        now: u64,
    ) -> Result<String, Error> {
        match self.find(tenant, matching, said, now).await? {
            Found::One(user) => Ok(user),
            // No user_id, which somebody else may have.
            Found::Nobody if !is_by_roster(role) => {
                Ok(format!("{}:{said}", column(matching).unwrap_or_default()))
            }
            Found::Nobody | Found::Disabled => Err(Unauthorised::Unlisted.into()),
            Found::Several => Err(Unauthorised::Ambiguous.into()),
        }
    }
}

/// The column of `users` that has what a provider says; none where that is the key.
fn column(matching: Matching) -> Option<&'static str> {
    match matching {
        Matching::UserId => None,
        Matching::Username => Some("username"),
        Matching::Email => Some("email"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], Found::Nobody)]
    #[case(&[("a", true)], Found::One("a".to_owned()))]
    #[case(&[("a", true), ("b", false)], Found::One("a".to_owned()))]
    #[case(&[("a", true), ("b", true)], Found::Several)]
    #[case(&[("a", false), ("b", false)], Found::Disabled)]
    fn one_alone_is_meant(#[case] users: &[(&str, bool)], #[case] expected: Found) {
        let users = users.iter().map(|&(user, is)| (user.to_owned(), is));
        assert_eq!(Found::of(&users.collect::<Vec<_>>()), expected);
    }
}
