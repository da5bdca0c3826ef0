//! One SQLite file for a broker, a result store or both: what an accepted job survives a `kill -9` in.
//!
//! **One process at a time.** Opening a file takes an advisory lock on `PATH.lock`, and a second process is turned
//! away with an error that says so. That makes recovery simple and immediate: whatever was delivered and not
//! acknowledged when the file is opened belonged to a process that is gone, so it goes straight back to the queue with
//! its attempt counted. There are no leases to wait for and none to renew. Several processes that share work need a
//! broker made for that.
//!
//! **Grouped commits.** One thread owns the writing connection. It takes all commands that wait, runs them in one
//! transaction, each in a savepoint of its own so that one that fails leaves its neighbours alone, commits, and only
//! then answers. While the disk works on one commit the next group gathers, so a loaded program pays one disk
//! sync for many jobs, and an idle one waits for nothing. The log is written ahead and synced at each commit
//! (`journal_mode = WAL`, `synchronous = FULL`): an answer means that the data is on the disk.
//!
//! **Reads** have a thread and a connection of their own, so polling for a result never waits behind a commit.
//!
//! **Ready** is a database to which something could be written a short while ago, and which has refused nothing since.

mod database;
mod file;
mod probe;
mod reader;
mod writer;

use std::{io, path::PathBuf};

use tokio::sync::oneshot;

pub use database::SqliteDatabase;
pub(crate) use database::{Signals, WeakDatabase};
pub use writer::Statistics;
pub(crate) use writer::WriteQueue;

use crate::{BrokerError, ResultError};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file, or its lock beside it, cannot be opened or created.
    #[error("cannot open or create the database {}: {source}", path.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Someone has it open.
    #[error("the database {} is in use: a SQLite queue belongs to one process at a time", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote it.
    #[error(
        "the database {} was written by a newer version of this program (its format is {found}, the newest known \
         here is {known})",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The newest format that this program can read.
        known: i64,
    },
    /// It is a SQLite database, but not one of ours.
    #[error("the database {} belongs to another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is no SQLite database, it is damaged, or it cannot be written.
    #[error("the database {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

/// Why a command or a query on an open database came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum CommandError {
    /// The database's thread is gone.
    Closed,
    /// SQLite refused; nothing of the command was kept.
    Failed(String),
}

const CLOSED: &str = "the database is closed";

impl From<CommandError> for BrokerError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Closed => Self::Unavailable(CLOSED.to_owned()),
            CommandError::Failed(reason) => Self::Storage(reason),
        }
    }
}

impl From<CommandError> for ResultError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Closed => Self::Unavailable(CLOSED.to_owned()),
            CommandError::Failed(reason) => Self::Storage(reason),
        }
    }
}

impl From<rusqlite::Error> for CommandError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The way back from a database thread.
type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// SQLite's integers are signed; a time or a count beyond that is as good as endless.
pub(crate) fn to_sql(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The number that [`to_sql`] wrote.
pub(crate) fn from_sql<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

/// Turns a column that does not hold what was written there into SQLite's error for that.
pub(crate) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
