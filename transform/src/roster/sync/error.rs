use roster::Entity;

/// Why a database could not be read. What it holds is not repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Nobody answers there, or lets us in.
    #[error("cannot connect to the database {address}: {why}; check address, role and password")]
    Connect {
        /// Where, without the password.
        address: String,
        /// Why.
        why: String,
    },
    /// It does not answer, and may never.
    #[error("the database {0} does not answer; it is tried for {1} seconds")]
    Silent(String, u64),
    /// It has no schema `chalkline`.
    #[error(
        "the database has no schema chalkline: run infra/postgres/setup.sh --views FILE, as \
         infra/postgres/README.md says, or give a --mapping"
    )]
    NotSetUp,
    /// A view is not there that has to be.
    #[error("there is no view chalkline.{0}: infra/postgres/README.md says what belongs into it")]
    MissingView(Entity),
    /// A column is not there.
    #[error("{table} has no column {column}; it has to be {expected}")]
    MissingColumn {
        /// The view, or the table of the mapping.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        expected: &'static str,
    },
    /// A column is of another type.
    #[error("{table}.{column} is {found}; it has to be {expected}")]
    ColumnType {
        /// The view, or the table of the mapping.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The type that it should have.
        expected: &'static str,
    },
    /// A query of a mapping selects what is no column.
    #[error("{table} has a column {column}, which is none of {entity}; its columns are {columns}")]
    UnknownColumn {
        /// The table of the mapping.
        table: String,
        /// The column.
        column: String,
        /// The table.
        entity: Entity,
        /// All that there may be.
        columns: String,
    },
    /// The role may not read it.
    #[error("the role {role} may not read {what}; let the owner run: {grant};")]
    Denied {
        /// Who reads.
        role: String,
        /// What.
        what: String,
        /// What lets it.
        grant: String,
    },
    /// A statement took too long, or waited too long for a lock.
    #[error(
        "{table} was given up: a statement took too long, or something has it locked; try again, \
         or give --statement-timeout and --lock-timeout more"
    )]
    TimedOut {
        /// The view, or the table of the mapping.
        table: String,
    },
    /// The database refuses what is asked. Its words are repeated unless they could hold
    /// values.
    #[error("{table} cannot be read: {message} (SQLSTATE {code})")]
    Query {
        /// The view, or the table of the mapping.
        table: String,
        /// The code of PostgreSQL.
        code: String,
        /// What it says.
        message: String,
    },
    /// The connection broke.
    #[error("the connection to the database broke while {table} was read: {why}; try again")]
    Broken {
        /// The view, or the table of the mapping.
        table: String,
        /// Why.
        why: String,
    },
    /// A value cannot be read.
    #[error("a value of {table} cannot be read: {why}")]
    Value {
        /// The view, or the table of the mapping.
        table: String,
        /// Why.
        why: String,
    },
    /// It was told to stop.
    #[error("stopped; nothing of it is seen, and it can be said again")]
    Stopped,
}

impl SourceError {
    /// What went wrong when a table was asked for.
    pub(super) fn of(table: &str, role: &str, error: sqlx::Error) -> Self {
        let table = table.to_owned();
        let database = match error {
            sqlx::Error::Database(error) => error,
            source @ (sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => {
                let why = words(&source);
                return Self::Broken { table, why };
            }
            source => {
                let why = words(&source);
                return Self::Value { table, why };
            }
        };
        let code = database.code().unwrap_or_default().into_owned();
        match code.as_str() {
            "42501" => {
                let view = table.strip_prefix("chalkline.");
                let is_itself = view.is_some_and(|view| {
                    let message = database.message();
                    message.ends_with(&format!(" {view}"))
                });
                let of = if is_itself { table.as_str() } else { "…" };
                Self::Denied {
                    role: role.to_owned(),
                    what: format!("{table} ({})", database.message()),
                    grant: format!("GRANT SELECT ON {of} TO {role}"),
                }
            }
            "57014" | "55P03" => Self::TimedOut { table },
            // Data exceptions and violations repeat values.
            _ if code.starts_with("22") || code.starts_with("23") => Self::Query {
                table,
                code,
                message: "a value is not as the view or query wants it".to_owned(),
            },
            _ => Self::Query {
                table,
                message: database.message().to_owned(),
                code,
            },
        }
    }
}

/// Why, once: the errors of the driver repeat their cause.
pub(super) fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}
