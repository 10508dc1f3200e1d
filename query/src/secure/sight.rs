//! What an asker sees of which source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan, ScalarUDF, lit};
use datafusion::physical_plan::ExecutionPlan;
use schemas::Role;
use schemas::roster::Class;

use super::about::{About, Source};
use super::aggregates::aggregates_only;
use super::barrier::Warrant;
use super::cells;
use super::policy::{Asker, Rows};
use super::pseudonym::Pseudonym;
use super::scope::Scope;
use super::secured::{Mask, Secured};
use super::verify::verify;
use super::witness::Witnessed;
use crate::audit::Seen;
use crate::error::Error;
use crate::{Principal, failure};

/// The keys by which events name whom they are about, hashes already: what rosters have
/// of them leads to events, and to nothing else.
const STUDENT_KEYS: [&str; 2] = ["student_key", "sent_key"];

/// What one query shows of people, made anew for each.
#[derive(Debug)]
pub(crate) struct Sight {
    principal: Principal,
    scope: Arc<Scope>,
    /// Identifiers become others, by a key that is forgotten with the query.
    pseudonym: Arc<ScalarUDF>,
    /// All is read behind barriers of this warrant; `None`: there is nothing to hide.
    warrant: Option<Warrant>,
    /// Those whose rows it reads.
    seen: Arc<Seen>,
    /// What was decided on each source that was mounted.
    decisions: Mutex<BTreeMap<&'static str, Decision>>,
    /// The columns that hold pseudonyms: others in each query.
    unsettled: Mutex<BTreeSet<String>>,
}

/// By what right a source is shown, and which of its columns are not as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) reasons: Vec<String>,
    pub(crate) masks: Vec<String>,
}

impl Sight {
    /// What somebody sees, of whom the roster says this. Whose rows they read is noted.
    pub(crate) fn new(principal: &Principal, scope: Arc<Scope>, seen: &Arc<Seen>) -> Self {
        let is_whole = sees_all(principal);
        let pseudonym = Pseudonym::new(rand::random());
        Self {
            principal: principal.clone(),
            scope,
            pseudonym: Arc::new(ScalarUDF::new_from_impl(pseudonym)),
            warrant: (!is_whole).then(|| Warrant::new(rand::random())),
            seen: Arc::clone(seen),
            decisions: Mutex::default(),
            unsettled: Mutex::default(),
        }
    }

    /// Whose it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What decides what is seen of given rows, but pseudonyms: two sights of one
    /// fingerprint show the same.
    pub(crate) fn fingerprint(&self) -> String {
        let Principal {
            tenant,
            time_zone,
            role,
            subject,
            grant,
            rules,
            minimum_cell,
            // By what somebody is known decides nothing.
            credential: _,
            token_id: _,
        } = &self.principal;
        let decides = (tenant, time_zone, role, subject, grant, rules, minimum_cell);
        format!("{decides:?} {:?}", self.scope.digest)
    }

    /// The names of columns whose values are others in each query.
    pub(crate) fn unsettled(&self) -> BTreeSet<String> {
        let columns = self.unsettled.lock();
        columns.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rows of a source as they are seen. `class` says what each column tells.
    ///
    /// # Errors
    /// When a policy of the tenant's does not fit the source, or which rows of a report are
    /// about enough students cannot be reckoned.
    pub(crate) async fn of_rows(
        &self,
        source: Source,
        rows: Arc<dyn TableProvider>,
        class: impl Fn(&str) -> Class,
        asked: &cells::Asked<'_>,
    ) -> Result<Arc<dyn TableProvider>, Error> {
        let Some(warrant) = self.warrant else {
            let reasons = vec![format!("role {}", self.principal.role.as_str())];
            self.decide(source, reasons, Vec::new());
            return Ok(match About::of(source).is_personal() {
                true => Arc::new(Witnessed::new(rows, &self.seen)),
                false => rows,
            });
        };
        let columns: SchemaRef = rows.schema();
        let asker = Asker {
            principal: &self.principal,
            scope: &self.scope,
        };
        let shown = asker.shown(source, &columns);
        // What a rule of the tenant's is wrong about is nothing that its asker could mend.
        let shown = shown.map_err(|error| Error::Internal(Box::new(error)))?;
        let (rows, condition): (Arc<dyn TableProvider>, Expr) = match shown.rows {
            Rows::All => (rows, lit(true)),
            Rows::Nothing => (Arc::new(EmptyTable::new(Arc::clone(&columns))), lit(false)),
            Rows::Where(condition) => (rows, condition),
        };
        let asks_for_kept = condition
            .column_refs()
            .iter()
            .any(|of| of.name == cells::KEPT);
        let rows = match source
            .report()
            .and_then(|report| Some((report, report.minimum_cell.as_ref()?)))
        {
            Some((report, cell)) if asks_for_kept => {
                let least = self.principal.minimum_cell;
                let judged = asked.judged(report, cell, rows, least).await;
                judged.map_err(failure::explain)?
            }
            _ => rows,
        };
        let about = About::of(source);
        let masks: Vec<_> = columns
            .fields()
            .iter()
            .map(|column| {
                self.mask(
                    about,
                    column.name(),
                    column.data_type(),
                    class(column.name()),
                )
            })
            .collect();
        let pseudonyms = columns.fields().iter().zip(&masks);
        let pseudonyms = pseudonyms.filter(|(_, mask)| matches!(mask, Some(Mask::Function(_))));
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(pseudonyms.map(|(column, _)| column.name().clone()));
        let masked = columns.fields().iter().zip(&masks);
        let masked = masked.filter(|(_, mask)| mask.is_some());
        let masked = masked.map(|(column, _)| column.name().clone()).collect();
        self.decide(source, shown.reasons, masked);
        let secured = Secured::new(rows, condition, masks, warrant);
        Ok(match about.is_personal() {
            true => Arc::new(secured.of_people(&self.seen)),
            false => Arc::new(secured),
        })
    }

    /// Rows that are about nobody and that everybody may see.
    pub(crate) fn of_anybody(&self, rows: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        match self.warrant {
            None => rows,
            Some(warrant) => {
                let masks = vec![None; rows.schema().fields().len()];
                Arc::new(Secured::new(rows, lit(true), masks, warrant))
            }
        }
    }

    fn mask(&self, about: About, column: &str, of: &DataType, class: Class) -> Option<Mask> {
        let pseudonym = || match of {
            DataType::Utf8 => Mask::Function(Arc::clone(&self.pseudonym)),
            // Of anything but a text, lists of identifiers too, nothing is shown.
            _ => Mask::Null,
        };
        let is_own_key = STUDENT_KEYS.contains(&column);
        match self.principal.role {
            Role::Steward | Role::DistrictAdmin | Role::SchoolAdmin | Role::Teacher => None,
            // Whoever else has to do with an event is not theirs.
            Role::Guardian | Role::Student => {
                let is_other = about == About::Student && class == Class::Key && !is_own_key;
                is_other.then(pseudonym)
            }
            Role::Service if self.principal.grant.names => None,
            // What is reckoned from many is about none of them.
            _ if matches!(about, About::Section | About::Group) => None,
            Role::Researcher | Role::Analyst | Role::Service => match class {
                Class::Plain | Class::Record => None,
                Class::Key if is_own_key => None,
                Class::Key => Some(pseudonym()),
                Class::Personal => Some(Mask::Null),
            },
        }
    }

    /// What was decided on each source that was mounted, by its name.
    pub(crate) fn decisions(&self) -> BTreeMap<&'static str, Decision> {
        let decisions = self.decisions.lock();
        decisions.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decide(&self, source: Source, reasons: Vec<String>, masks: Vec<String>) {
        let mut decisions = self
            .decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        decisions.insert(source.name(), Decision { reasons, masks });
    }

    /// The plan as it may run: for who sees aggregates only, one that shows no others.
    ///
    /// # Errors
    /// When it asks for more.
    pub(crate) fn bounded(&self, plan: LogicalPlan) -> Result<LogicalPlan, Error> {
        match self.principal.role {
            Role::Analyst => aggregates_only(plan, self.principal.minimum_cell),
            _ => Ok(plan),
        }
    }

    /// Refuses what a statement became, if it would show more.
    ///
    /// # Errors
    /// When something is read that did not come through [`Sight::of_rows`].
    pub(crate) fn verify(
        &self,
        statement: &LogicalPlan,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> datafusion::error::Result<()> {
        let Some(warrant) = self.warrant else {
            return Ok(());
        };
        let mut has_values = false;
        statement.apply_with_subqueries(|node| {
            has_values |= matches!(node, LogicalPlan::Values(_));
            Ok(TreeNodeRecursion::Continue)
        })?;
        verify(plan, warrant, has_values)
    }
}

/// Whether there is nothing that somebody does not see.
pub(crate) fn sees_all(principal: &Principal) -> bool {
    let role = matches!(principal.role, Role::Steward | Role::DistrictAdmin);
    let mut policies = principal.rules.policies.iter();
    role && principal.grant.is_empty()
        && !policies.any(|policy| policy.roles.contains(&principal.role))
}
