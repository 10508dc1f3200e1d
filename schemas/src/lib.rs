#![doc = include_str!("../README.md")]

mod access;
mod audit;
mod calendar;
mod columns;
mod credential;
mod custom_type;
pub mod event;
mod family;
mod grant;
pub mod headers;
mod id;
mod identity;
pub mod layout;
mod origin;
mod policy;
mod problem;
mod report;
pub mod roster;
mod student;
mod table;
pub mod tally;
mod tenant;
mod value;
mod write_key;

pub use access::{AccessRules, Attribute, Condition, Effect, Grant, Policy, Role};
pub use audit::{AuditAsker, AuditEnd, AuditReads, AuditRecord, AuditType};
pub use calendar::{Calendar, CalendarError, TermDates};
pub use columns::{column_class, columns, is_personal, sort_columns};
pub use credential::{Credential, CredentialError, CredentialKind, SecretHash};
pub use custom_type::{
    CustomType, CustomTypeName, CustomTypeNameError, MAX_CUSTOM_TYPES, MAX_SCHEMA_BYTES,
};
pub use family::{Family, OtherPerson};
pub use grant::GrantProblem;
pub use id::{IdError, SourceName, StudentKey, TenantId, Term};
pub use identity::{
    ClaimNames, IdentityProblem, IdentityProvider, Matching, RoleClaim, SigningAlgorithm,
    is_address as is_provider_address,
};
pub use origin::{Origin, OriginError};
pub use policy::PolicyProblem;
pub use problem::{Problem, ProblemDetail};
pub use report::{
    MinimumCell, Report, ReportColumn, ReportKind, ReportName, Threshold, Visibility, report,
    reports,
};
pub use student::{StudentHasher, TenantSecret, log_key, normalise_actor, strip_prefix};
pub use table::Table;
pub use tenant::{QueryToken, Refusal, Tenant};
pub use write_key::{KeyKind, WriteKey};
