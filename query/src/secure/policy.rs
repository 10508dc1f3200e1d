//! Which rows of a source somebody sees, and why. What nothing here shows nobody sees.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ident, lit};
use schemas::{Attribute, Condition, Effect, Policy, Role};

use super::about::{About, Source};
use super::cells::KEPT;
use super::scope::Scope;
use crate::Principal;

/// Which rows are shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rows {
    /// All of the tenant's.
    All,
    /// None.
    Nothing,
    /// Those that meet a condition; it is false or NULL of all others. It can ask for
    /// [`KEPT`], of reports that have a minimum cell.
    Where(Expr),
}

impl Rows {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, rows) | (rows, Self::Nothing) => rows,
            (Self::Where(one), Self::Where(other)) => Self::Where(one.or(other)),
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            (Self::All, rows) | (rows, Self::All) => rows,
            (Self::Where(one), Self::Where(other)) => Self::Where(one.and(other)),
        }
    }

    fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        conditions.into_iter().fold(Self::Nothing, Self::or)
    }
}

/// Which rows of a source are shown, and by what right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) rows: Rows,
    /// What grants and what restricts, for the record.
    pub(super) reasons: Vec<String>,
}

/// Somebody, with what the roster says is theirs.
pub(super) struct Asker<'a> {
    pub(super) principal: &'a Principal,
    pub(super) scope: &'a Scope,
}

/// Whether somebody may name a source at all. What they may not is not listed either.
pub(crate) fn may_name(principal: &Principal, source: Source) -> bool {
    let about = About::of(source);
    if about == About::Stewardship && !is_steward(principal.role) {
        // Neither a grant nor a policy shows it to anybody else.
        return false;
    }
    let granted = match &principal.grant.tables {
        Some(tables) => tables.contains(source.name()),
        None => principal.role != Role::Service,
    };
    let by_policy = || {
        let mut policies = principal.rules.policies.iter();
        policies
            .any(|policy| policy.effect == Effect::Grant && applies(policy, principal.role, source))
    };
    granted && (role_names(principal.role, about) || by_policy())
}

fn is_steward(role: Role) -> bool {
    matches!(role, Role::Steward | Role::DistrictAdmin)
}

fn role_names(role: Role, about: About) -> bool {
    match role {
        Role::Steward | Role::DistrictAdmin => true,
        _ if about == About::Stewardship => false,
        Role::Service => true,
        Role::Researcher => about != About::Remains,
        Role::Analyst => !matches!(about, About::Remains | About::Trait | About::Related),
        Role::SchoolAdmin => !matches!(about, About::Remains | About::Pipeline),
        Role::Teacher => !matches!(about, About::Remains | About::Pipeline | About::Trait),
        Role::Guardian | Role::Student => matches!(
            about,
            About::Student
                | About::User
                | About::Related
                | About::Member
                | About::Trait
                | About::Nobody
        ),
    }
}

fn applies(policy: &Policy, role: Role, source: Source) -> bool {
    policy.roles.contains(&role) && policy.tables.contains(source.name())
}

impl Asker<'_> {
    /// The rows of a source that has these columns.
    ///
    /// # Errors
    /// When a policy of the tenant's asks for what the source does not have: nothing is
    /// shown then.
    pub(super) fn shown(&self, source: Source, columns: &Schema) -> Result<Shown> {
        let role = self.principal.role;
        if !may_name(self.principal, source) {
            return Ok(Shown {
                rows: Rows::Nothing,
                reasons: Vec::new(),
            });
        }
        let about = About::of(source);
        let mut rows = match role_names(role, about) {
            true => self.by_role(about, columns),
            false => Rows::Nothing,
        };
        let mut reasons = vec![format!("role {}", role.as_str())];
        let policies = &self.principal.rules.policies;
        let policies = policies
            .iter()
            .filter(|policy| applies(policy, role, source));
        for policy in policies
            .clone()
            .filter(|policy| policy.effect == Effect::Grant)
        {
            rows = rows.or(self.by_policy(policy, columns)?);
            reasons.push(format!("policy {}", policy.id));
        }
        for policy in policies.filter(|policy| policy.effect == Effect::Restrict) {
            rows = rows.and(self.by_policy(policy, columns)?);
            reasons.push(format!("policy {}", policy.id));
        }
        for (column, values) in &self.principal.grant.filters {
            if columns.index_of(column).is_ok() {
                rows = rows.and(among(column, values));
                reasons.push(format!("grant on {column}"));
            } else if !matches!(about, About::Nobody) {
                rows = Rows::Nothing;
            }
        }
        Ok(Shown { rows, reasons })
    }

    fn by_role(&self, about: About, columns: &Schema) -> Rows {
        let scope = self.scope;
        let has = |column: &str| columns.index_of(column).is_ok();
        match self.principal.role {
            Role::Steward | Role::DistrictAdmin | Role::Researcher | Role::Service => Rows::All,
            Role::Analyst => match about {
                About::Section | About::Group => kept(),
                _ => Rows::All,
            },
            _ if about == About::Nobody => Rows::All,
            Role::SchoolAdmin => match about {
                About::Student => among("school_id", &scope.schools),
                About::Section => self.stays(columns).or(kept()),
                About::Group => kept(),
                About::Member if has("school_id") => among("school_id", &scope.schools),
                About::Member => self.stays(columns),
                About::User | About::Trait => among("user_id", &scope.users),
                About::Related => {
                    among("user_id", &scope.users).and(among("agent_id", &scope.users))
                }
                _ => Rows::Nothing,
            },
            Role::Teacher => match about {
                About::Student | About::Section | About::Member => self.stays(columns),
                About::Group if has("course_id") => among("course_id", &scope.courses).and(kept()),
                About::User | About::Related => among("user_id", &scope.users),
                _ => Rows::Nothing,
            },
            Role::Guardian | Role::Student => match about {
                About::Student => among("student_key", &scope.student_keys),
                About::User | About::Member | About::Trait => among("user_id", &scope.users),
                About::Related => {
                    let own = self.principal.subject.iter().cloned().collect();
                    among("user_id", &own).or(among("agent_id", &own))
                }
                _ => Rows::Nothing,
            },
        }
    }

    fn by_policy(&self, policy: &Policy, columns: &Schema) -> Result<Rows> {
        let mut rows = Rows::All;
        for (column, condition) in &policy.when {
            let data_type = columns.field_with_name(column)?.data_type().clone();
            rows = rows.and(self.condition(column, condition, &data_type)?);
        }
        Ok(rows)
    }

    fn condition(&self, column: &str, condition: &Condition, of: &DataType) -> Result<Rows> {
        let value = |text: &String| {
            Ok::<_, datafusion::error::DataFusionError>(lit(ScalarValue::try_from_string(
                text.clone(),
                of,
            )?))
        };
        let values = |texts: &BTreeSet<String>| texts.iter().map(value).collect::<Result<Vec<_>>>();
        let column = || ident(column);
        Ok(match condition {
            Condition::OneOf(texts) if texts.is_empty() => Rows::Nothing,
            Condition::OneOf(texts) => Rows::Where(column().in_list(values(texts)?, false)),
            Condition::NoneOf(texts) if texts.is_empty() => Rows::Where(column().is_not_null()),
            Condition::NoneOf(texts) => Rows::Where(column().in_list(values(texts)?, true)),
            Condition::AtLeast(text) => Rows::Where(column().gt_eq(value(text)?)),
            Condition::LessThan(text) => Rows::Where(column().lt(value(text)?)),
            Condition::Theirs(attribute) => {
                let theirs = match attribute {
                    Attribute::Schools => self.scope.schools.clone(),
                    Attribute::Sections => {
                        let stays = self.scope.sections.iter();
                        stays.map(|stay| stay.section.clone()).collect()
                    }
                    Attribute::StudentKeys => self.scope.student_keys.clone(),
                    Attribute::Users => self.scope.users.clone(),
                };
                if theirs.is_empty() {
                    return Ok(Rows::Nothing);
                }
                Rows::Where(column().in_list(values(&theirs)?, false))
            }
        })
    }

    /// The rows of sections, of the days on which they were the asker's.
    fn stays(&self, columns: &Schema) -> Rows {
        // Sections of the same days are one condition: most are of one term.
        let mut together: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for stay in &self.scope.sections {
            let days = (stay.first, stay.last);
            together
                .entry(days)
                .or_default()
                .insert(stay.section.clone());
        }
        let zone = self.principal.time_zone;
        Rows::any(together.into_iter().map(|((first, last), sections)| {
            let bounds = bounds(columns, zone, first, last)
                .into_iter()
                .map(Rows::Where);
            bounds.fold(among("section_id", &sections), Rows::and)
        }))
    }
}

/// The rows that are about enough students.
fn kept() -> Rows {
    Rows::Where(ident(KEPT))
}

fn among(column: &str, values: &BTreeSet<String>) -> Rows {
    if values.is_empty() {
        return Rows::Nothing;
    }
    let values = values.iter().map(|value| lit(value.as_str())).collect();
    Rows::Where(ident(column).in_list(values, false))
}

/// That a row is of these days, by the first of these columns that there are.
fn bounds(
    columns: &Schema,
    zone: Tz,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
) -> Vec<Expr> {
    let has = |column: &str| columns.index_of(column).is_ok();
    let mut bounds = Vec::new();
    if has("occurred_at") {
        let from = first.map(|day| midnight(day, zone));
        let until = last.and_then(|day| Some(midnight(day.checked_add_days(Days::new(1))?, zone)));
        bounds.extend(from.map(|at| ident("occurred_at").gt_eq(lit(moment(at)))));
        bounds.extend(until.map(|at| ident("occurred_at").lt(lit(moment(at)))));
    } else if has("day") {
        bounds.extend(first.map(|day| ident("day").gt_eq(lit(date(day)))));
        bounds.extend(last.map(|day| ident("day").lt_eq(lit(date(day)))));
    } else if has("begin_date") && has("end_date") {
        // Whoever was there on one of them.
        let ends = |day| ident("end_date").gt_eq(lit(date(day)));
        let begins = |day| ident("begin_date").lt_eq(lit(date(day)));
        bounds.extend(first.map(|day| ident("end_date").is_null().or(ends(day))));
        bounds.extend(last.map(|day| ident("begin_date").is_null().or(begins(day))));
    }
    bounds
}

fn moment(at: DateTime<Utc>) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), Some("UTC".into()))
}

fn date(day: NaiveDate) -> ScalarValue {
    ScalarValue::Date32(Some(day.to_epoch_days()))
}

/// When a day begins at a place; where clocks skip midnight, the first moment after it.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(chrono::NaiveTime::MIN);
    match zone.from_local_datetime(&local).earliest() {
        Some(at) => at.to_utc(),
        None => {
            let before = zone.offset_from_utc_datetime(&(local - chrono::TimeDelta::hours(3)));
            (local - before.fix()).and_utc()
        }
    }
}

#[cfg(test)]
mod tests;
