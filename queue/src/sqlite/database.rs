//! The handle to an open file and its two threads.

use std::{
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::Notify;

use super::{
    CommandError, DatabaseError,
    file::DatabaseFile,
    reader::{self, ReadQueue},
    writer::{self, Counters, Statistics, WriteQueue},
};
use crate::{broker::QueueName, results::Waiters};

/// An open SQLite file. Cheap to clone; all clones are one database.
///
/// Dropping the last handle, brokers, consumers and result stores included, waits until the commands that are under
/// way are on the disk, and frees the file for the next to open.
#[derive(Clone)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
}

/// A handle that does not keep the database open.
pub(crate) struct WeakDatabase(Weak<Inner>);

/// What happens in the file, for those who wait for it. One set for each file, however many stores use it.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    /// One for each queue, rung once for each job that starts to wait there. Whoever hears it and leaves jobs behind
    /// rings it again.
    work: [Arc<Notify>; 2],
    /// Rung for each job that ends.
    pub(crate) ended: Arc<Waiters>,
}

impl Signals {
    /// The bell of a queue.
    pub(crate) fn work(&self, queue: QueueName) -> Arc<Notify> {
        let [interactive, bulk] = &self.work;
        Arc::clone(match queue {
            QueueName::Interactive => interactive,
            QueueName::Bulk => bulk,
        })
    }
}

/// Dropped in the order of its fields: each queue closes, then its thread finishes what it has and is joined. The
/// reader goes first, since the last connection to close tidies the log away, and only the writer may.
struct Inner {
    reads: ReadQueue,
    _reader: Thread,
    writes: WriteQueue,
    _writer: Thread,
    counters: Arc<Counters>,
    signals: Signals,
    numbers: AtomicI64,
}

impl SqliteDatabase {
    /// Opens the file, creating it where there is none, and returns to the queue what a killed process held. Blocks
    /// for some milliseconds: a thing to do before the program serves.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`]; each names the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        let path = path.as_ref();
        let DatabaseFile { reader, writer, lock } = DatabaseFile::open(path)?;
        let (writes, commands) = WriteQueue::new();
        let (reads, queries) = ReadQueue::new();
        let counters = Arc::new(Counters::default());

        let no_thread = |source| DatabaseError::Path { path: path.to_owned(), source };
        let reading = thread::Builder::new()
            .name("sqlite-reader".to_owned())
            .spawn(move || reader::run(&reader, &queries))
            .map_err(no_thread)?;
        let counted = Arc::clone(&counters);
        let writing = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                writer::run(&writer, &commands, &counted);
                drop(writer);
                drop(lock);
            })
            .map_err(no_thread)?;

        let inner = Inner {
            reads,
            _reader: Thread(Some(reading)),
            writes,
            _writer: Thread(Some(writing)),
            counters,
            signals: Signals::default(),
            numbers: AtomicI64::new(1),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How much was written since the file was opened, and in how many commits.
    pub fn statistics(&self) -> Statistics {
        self.inner.counters.read()
    }

    pub(crate) fn writes(&self) -> &WriteQueue {
        &self.inner.writes
    }

    /// Runs a query on what is committed.
    pub(crate) async fn read<T, Q>(&self, query: Q) -> Result<T, CommandError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, CommandError> + Send + 'static,
    {
        self.inner.reads.read(query).await
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.inner.signals
    }

    /// A number that this database has not given out since it was opened.
    pub(crate) fn next_number(&self) -> i64 {
        self.inner.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn downgrade(&self) -> WeakDatabase {
        WeakDatabase(Arc::downgrade(&self.inner))
    }
}

impl WeakDatabase {
    pub(crate) fn upgrade(&self) -> Option<SqliteDatabase> {
        self.0.upgrade().map(|inner| SqliteDatabase { inner })
    }
}

/// Joins its thread when it is dropped.
struct Thread(Option<JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if self.0.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a database thread had panicked");
        }
    }
}
