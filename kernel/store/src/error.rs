//! The one error of every storage operation.

/// Why a statement did not do its work. Nothing of a failed batch is kept, except where a variant says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The queue in front of the database is full, or a lock was not to be had: try again later.
    #[error("the database is busy")]
    Busy,
    /// The time limit passed. A write may still take place.
    #[error("the database did not answer in time")]
    Timeout,
    /// No connection, or the circuit breaker is open. A write during which the connection broke may have taken place.
    #[error("the database is not available")]
    Unavailable,
    /// No room left on the device or in the quota.
    #[error("the database has no space left")]
    Full,
    /// A unique or foreign key, a missing value, or a text that holds NUL.
    #[error("the data breaks a rule of its table")]
    Constraint,
    /// The stored data cannot be read as what it should be.
    #[error("the stored data is damaged")]
    Corrupt,
    /// Anything else, in the database's own words.
    #[error("database error: {0}")]
    Other(String),
}

impl StoreError {
    /// Whether the database as a whole failed (and not this one statement): what the circuit breaker counts.
    pub fn is_outage(&self) -> bool {
        matches!(self, StoreError::Timeout | StoreError::Unavailable)
    }
}
