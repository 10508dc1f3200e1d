//! What a token may be that is made with another: never wider than that one.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Grant, GrantProblem, QueryToken, Role};

/// What is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) role: Role,
    pub(super) subject: Option<String>,
    pub(super) grant: Grant,
}

/// Why a token is not made with another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooWide {
    /// Its holder makes none.
    #[error("{} tokens make no embed tokens: those of steward, district_admin and service do", .0.as_str())]
    Issuer(Role),
    /// Too much for what stands in a page.
    #[error("a page cannot be a {}: make an embed token of another role", .0.as_str())]
    Role(Role),
    /// A service makes services.
    #[error("a service token makes embed tokens of the role service, without a subject")]
    NotService,
    /// More schools.
    #[error("the token is not for the school {0:?}")]
    School(String),
    /// More tables.
    #[error("the token does not show the table {0:?}")]
    Table(String),
    /// More rows.
    #[error("the token shows no row of {0:?} with one of these values")]
    Filter(String),
    /// Names.
    #[error("the token does not show names")]
    Names,
    /// It makes no sense by itself.
    #[error(transparent)]
    Problem(GrantProblem),
}

/// What is wished for, within the bounds of `parent`. Of what is within them already it
/// changes nothing.
pub(super) fn narrowed(parent: &QueryToken, wish: Shape) -> Result<Shape, TooWide> {
    match parent.role {
        Role::Steward | Role::DistrictAdmin => {}
        Role::Service if wish.role == Role::Service && wish.subject.is_none() => {}
        Role::Service => return Err(TooWide::NotService),
        other => return Err(TooWide::Issuer(other)),
    }
    if matches!(wish.role, Role::Steward | Role::DistrictAdmin) {
        return Err(TooWide::Role(wish.role));
    }
    let bounds = &parent.grant;
    if wish.grant.names && parent.role == Role::Service && !bounds.names {
        return Err(TooWide::Names);
    }
    let schools = wish.grant.schools.difference(&bounds.schools).next();
    if let (Some(school), false) = (schools, bounds.schools.is_empty()) {
        return Err(TooWide::School(school.clone()));
    }
    let grant = Grant {
        filters: filters(&bounds.filters, wish.grant.filters)?,
        tables: tables(bounds.tables.as_ref(), wish.grant.tables)?,
        ..wish.grant
    };
    let problem = grant.problems(wish.role, wish.subject.as_deref());
    match problem.into_iter().next() {
        Some(problem) => Err(TooWide::Problem(problem)),
        None => Ok(Shape { grant, ..wish }),
    }
}

fn filters(
    bounds: &BTreeMap<String, BTreeSet<String>>,
    mut wish: BTreeMap<String, BTreeSet<String>>,
) -> Result<BTreeMap<String, BTreeSet<String>>, TooWide> {
    for (column, allowed) in bounds {
        let values = match wish.get(column) {
            Some(values) => values.intersection(allowed).cloned().collect(),
            None => allowed.clone(),
        };
        if values.is_empty() {
            return Err(TooWide::Filter(column.clone()));
        }
        wish.insert(column.clone(), values);
    }
    Ok(wish)
}

fn tables(
    bounds: Option<&BTreeSet<String>>,
    wish: Option<BTreeSet<String>>,
) -> Result<Option<BTreeSet<String>>, TooWide> {
    match (bounds, wish) {
        (None, wish) => Ok(wish),
        (Some(bounds), None) => Ok(Some(bounds.clone())),
        (Some(bounds), Some(wish)) => match wish.difference(bounds).next() {
            Some(table) => Err(TooWide::Table(table.clone())),
            None => Ok(Some(wish)),
        },
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemas::{Credential, CredentialKind, TenantId};
    use serde_json::{Value, json};

    use super::*;

    fn parent(role: Role, grant: Value) -> QueryToken {
        let tenant = TenantId::new("north").expect("a slug");
        let credential = Credential::new(CredentialKind::Token, tenant, "a".to_owned(), [1; 32]);
        let now = "2026-09-14T12:00:00Z".parse().expect("a time");
        let mut token = QueryToken::new(&credential, role, now);
        token.grant = serde_json::from_value(grant).expect("a grant");
        token
    }

    fn wish(role: Role, subject: Option<&str>, grant: Value) -> Shape {
        Shape {
            role,
            subject: subject.map(str::to_owned),
            grant: serde_json::from_value(grant).expect("a grant"),
        }
    }

    #[rstest]
    #[case(json!({"tables": ["video"]}), json!({"tables": ["video"]}))]
    #[case(json!({"tables": ["video"], "filters": {"course_id": ["a", "b"]}}),
        json!({"tables": ["video"], "filters": {"course_id": ["a", "b"]}}))]
    fn a_steward_makes_services(#[case] asked: Value, #[case] expected: Value) {
        let steward = parent(Role::Steward, json!({}));
        let made = narrowed(&steward, wish(Role::Service, None, asked));
        assert_eq!(made, Ok(wish(Role::Service, None, expected)));
    }

    #[rstest]
    #[case::inherits(json!({}), Ok(json!(
        {"tables": ["video", "clickstream"], "filters": {"course_id": ["a", "b"]}})))]
    #[case::fewer(json!({"tables": ["video"], "filters": {"course_id": ["b"], "term": ["2026-27"]}}),
        Ok(json!({"tables": ["video"], "filters": {"course_id": ["b"], "term": ["2026-27"]}})))]
    #[case::meets(json!({"filters": {"course_id": ["b", "c"]}}),
        Ok(json!({"tables": ["video", "clickstream"], "filters": {"course_id": ["b"]}})))]
    #[case::others(json!({"filters": {"course_id": ["c"]}}),
        Err(TooWide::Filter("course_id".to_owned())))]
    #[case::more(json!({"tables": ["video", "users"]}), Err(TooWide::Table("users".to_owned())))]
    #[case::names(json!({"names": true}), Err(TooWide::Names))]
    fn a_service_makes_no_wider_one(
        #[case] asked: Value,
        #[case] expected: Result<Value, TooWide>,
    ) {
        let bounds = json!({
            "tables": ["video", "clickstream"], "filters": {"course_id": ["a", "b"]},
        });
        let service = parent(Role::Service, bounds);
        let made = narrowed(&service, wish(Role::Service, None, asked));
        let expected = expected.map(|grant| wish(Role::Service, None, grant));
        assert_eq!(made, expected);
        if let Ok(made) = made {
            assert_eq!(narrowed(&service, made.clone()), Ok(made));
        }
    }

    #[rstest]
    #[case(Role::Service, Role::Analyst, None, TooWide::NotService)]
    #[case(Role::Service, Role::Service, Some("t"), TooWide::NotService)]
    #[case(Role::Teacher, Role::Service, None, TooWide::Issuer(Role::Teacher))]
    #[case(Role::Analyst, Role::Analyst, None, TooWide::Issuer(Role::Analyst))]
    #[case(Role::Steward, Role::Steward, None, TooWide::Role(Role::Steward))]
    #[case(
        Role::Steward,
        Role::DistrictAdmin,
        None,
        TooWide::Role(Role::DistrictAdmin)
    )]
    #[case(
        Role::Steward,
        Role::Teacher,
        None,
        TooWide::Problem(GrantProblem::Subject(Role::Teacher))
    )]
    #[case(
        Role::DistrictAdmin,
        Role::Service,
        None,
        TooWide::Problem(GrantProblem::Tables)
    )]
    fn who_makes_which(
        #[case] issuer: Role,
        #[case] role: Role,
        #[case] subject: Option<&str>,
        #[case] expected: TooWide,
    ) {
        let made = narrowed(&parent(issuer, json!({})), wish(role, subject, json!({})));
        assert_eq!(made, Err(expected));
    }

    #[test]
    fn a_bounded_steward_makes_bounded_teachers() {
        let steward = parent(Role::Steward, json!({"filters": {"school_id": ["n"]}}));
        let made = narrowed(&steward, wish(Role::Teacher, Some("t-1"), json!({})));
        let expected = wish(
            Role::Teacher,
            Some("t-1"),
            json!({"filters": {"school_id": ["n"]}}),
        );
        assert_eq!(made, Ok(expected));
    }
}
