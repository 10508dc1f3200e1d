//! Whose a query is, and whether they may still see what they saw.

use std::sync::Arc;

use schemas::{AccessRules, Grant, Role, TenantId};

use crate::principal::{Principal, Shown};
use crate::session::Decided;

/// Who submitted a query: the same credential, or the same person of an identity provider,
/// whose tokens come and go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) tenant: TenantId,
    kind: &'static str,
    /// The token with which an embed token was made, or the identity provider.
    by: Option<String>,
    pub(super) token_id: Option<String>,
    subject: Option<String>,
}

impl Owner {
    pub(super) fn of(principal: &Principal) -> Self {
        let (by, token_id) = match &principal.credential {
            Shown::Token => (None, Some(principal.token_id.clone())),
            Shown::Embed { parent } => (Some(parent.clone()), Some(principal.token_id.clone())),
            Shown::Identity { issuer } => (Some(issuer.clone()), None),
        };
        Self {
            tenant: principal.tenant.clone(),
            kind: principal.credential.kind(),
            by,
            token_id,
            subject: principal.subject.clone(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }
}

/// What decides what somebody sees of the tables, besides what these hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Right {
    role: Role,
    grant: Grant,
    rules: Arc<AccessRules>,
    minimum_cell: u32,
    roster: Option<Decided>,
}

impl Right {
    pub(super) fn new(principal: &Principal, roster: Option<Decided>) -> Self {
        Self {
            role: principal.role,
            grant: principal.grant.clone(),
            rules: Arc::clone(&principal.rules),
            minimum_cell: principal.minimum_cell,
            roster,
        }
    }

    /// What of it is another now; `None` when it is the same.
    pub(super) fn changed(&self, now: &Self) -> Option<&'static str> {
        let roster = |right: &Self| right.roster.map(|decided| decided.import);
        if self.role != now.role {
            Some("the role is another")
        } else if self.grant != now.grant {
            Some("the bounds of the credential are others")
        } else if self.rules != now.rules || self.minimum_cell != now.minimum_cell {
            Some("the tenant's rules are others")
        } else if roster(self) != roster(now) {
            Some("there is a newer roster")
        } else if self.roster != now.roster {
            Some("the roster is judged by another day")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use chrono_tz::Tz;
    use rstest::rstest;

    use super::*;

    fn principal() -> Principal {
        Principal {
            tenant: TenantId::new("north").expect("a slug"),
            time_zone: Tz::UTC,
            role: Role::Teacher,
            subject: Some("ann".to_owned()),
            grant: Grant::default(),
            rules: Arc::default(),
            minimum_cell: 10,
            credential: Shown::Token,
            token_id: "a".to_owned(),
        }
    }

    #[test]
    fn another_credential_is_another_owner() {
        let owner = Owner::of(&principal());
        let embed = |parent: &str| Principal {
            credential: Shown::Embed {
                parent: parent.to_owned(),
            },
            ..principal()
        };
        let identity = |token_id: &str| Principal {
            credential: Shown::Identity {
                issuer: "https://login.north.example".to_owned(),
            },
            token_id: token_id.to_owned(),
            ..principal()
        };
        let others = [
            Principal {
                token_id: "b".to_owned(),
                ..principal()
            },
            Principal {
                tenant: TenantId::new("south").expect("a slug"),
                ..principal()
            },
            Principal {
                subject: Some("bob".to_owned()),
                ..principal()
            },
            embed("a"),
            identity("a"),
        ];
        for other in &others {
            assert_ne!(Owner::of(other), owner, "{other:?}");
        }
        assert_ne!(Owner::of(&embed("a")), Owner::of(&embed("b")));
        // The same person logs in again.
        assert_eq!(Owner::of(&identity("a")), Owner::of(&identity("b")));
    }

    #[rstest]
    #[case(|_: &mut Principal| {}, 1, 1, None)]
    #[case(|p: &mut Principal| p.role = Role::Steward, 1, 1, Some("role"))]
    #[case(|p: &mut Principal| p.grant.names = true, 1, 1, Some("bounds"))]
    #[case(|p: &mut Principal| p.minimum_cell = 5, 1, 1, Some("rules"))]
    #[case(|_: &mut Principal| {}, 2, 1, Some("newer roster"))]
    #[case(|_: &mut Principal| {}, 1, 2, Some("day"))]
    fn what_decides_is_compared(
        #[case] change: fn(&mut Principal),
        #[case] import: u64,
        #[case] day: u32,
        #[case] expected: Option<&str>,
    ) {
        let decided = |import, day| {
            let day = NaiveDate::from_ymd_opt(2026, 9, day).expect("a day");
            Some(Decided { import, day })
        };
        let was = Right::new(&principal(), decided(1, 1));
        let mut principal = principal();
        change(&mut principal);
        let now = Right::new(&principal, decided(import, day));
        let changed = was.changed(&now);
        assert_eq!(changed.is_some(), expected.is_some(), "{changed:?}");
        assert!(
            changed
                .unwrap_or_default()
                .contains(expected.unwrap_or_default())
        );
    }
}
