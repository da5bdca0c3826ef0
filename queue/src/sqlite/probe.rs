//! Whether the disk takes anything: tried out, since a full one is read from as ever.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{CommandError, writer::roll_back};

/// Bytes, about what a picture and its job take. The log may have grown before the disk was full, and have room for less.
const SIZE: u32 = 64 << 10;
/// How long it holds that something was written, unless a write is refused meanwhile. Whoever asks every second must not
/// keep the disk busy.
const HOLDS: Duration = Duration::from_secs(60);

/// What is known of the disk.
#[derive(Default)]
pub(super) struct Probe {
    written_at: Option<Instant>,
}

impl Probe {
    /// A write was refused: what is known no longer holds.
    pub(super) fn doubt(&mut self) {
        self.written_at = None;
    }

    /// Writes, where it is not known that something can be written. In a transaction of its own: it may want more room than the
    /// commands that wait, and they must not fail with it.
    pub(super) fn run(&mut self, connection: &Connection) -> Result<(), CommandError> {
        if self.written_at.is_some_and(|at| at.elapsed() < HOLDS) {
            return Ok(());
        }
        let written = write(connection);
        match &written {
            Ok(()) => self.written_at = Some(Instant::now()),
            Err(error) => {
                self.doubt();
                tracing::warn!(%error, "nothing can be written to the database");
                roll_back(connection);
            }
        }
        Ok(written?)
    }
}

fn write(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // Beside the last one, as a job would have to find room beside what is there; and other bytes, since a page that stays
    // as it is is not written.
    connection.prepare_cached("INSERT INTO probe (filler) VALUES (randomblob(?))")?.execute([SIZE])?;
    connection
        .prepare_cached("DELETE FROM probe WHERE number < ?")?
        .execute([connection.last_insert_rowid()])?;
    connection.execute_batch("COMMIT")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{
        Broker, BrokerError, BrokerOptions, Job, JobOptions, ResultError, ResultOptions, ResultStore,
        SqliteBroker, SqliteDatabase, SqliteResults,
    };

    struct Setting {
        database: SqliteDatabase,
        broker: SqliteBroker,
        results: SqliteResults,
        _folder: tempfile::TempDir,
    }

    impl Setting {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
            Self {
                broker: SqliteBroker::new(database.clone(), BrokerOptions::default()),
                results: SqliteResults::new(database.clone(), ResultOptions::default()),
                database,
                _folder: folder,
            }
        }

        /// Lets the file grow by so many pages and no more, as a disk with so much room would.
        async fn leave_room(&self, pages: i64) {
            let limit = move |connection: &rusqlite::Connection| {
                let used: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
                connection.pragma_update_and_check(None, "max_page_count", used + pages, |_| Ok(()))?;
                Ok(())
            };
            self.database.writes().write(limit, |()| {}).await.unwrap();
        }

        async fn probes(&self) -> i64 {
            let last = |connection: &rusqlite::Connection| {
                Ok(connection.query_row("SELECT max(number) FROM probe", [], |row| row.get(0))?)
            };
            self.database.read(last).await.unwrap()
        }
    }

    fn job() -> Job {
        Job::new(Bytes::from(vec![7; 200 << 10]), JobOptions::default())
    }

    #[tokio::test]
    async fn a_full_disk_is_found_before_anyone_submits() {
        let setting = Setting::new();
        setting.leave_room(0).await;
        assert!(matches!(setting.broker.ready().await, Err(BrokerError::Storage(_))));
        assert!(matches!(setting.results.ready().await, Err(ResultError::Storage(_))));
        setting.leave_room(1_000).await;
        setting.broker.ready().await.unwrap();
        setting.results.ready().await.unwrap();
    }

    #[tokio::test]
    async fn a_write_that_was_refused_ends_what_was_known() {
        let setting = Setting::new();
        setting.broker.ready().await.unwrap();
        setting.leave_room(0).await;
        assert!(setting.broker.publish(&job()).await.is_err());
        assert!(setting.broker.ready().await.is_err());
        assert!(setting.results.ready().await.is_err());
        setting.leave_room(1_000).await;
        setting.broker.publish(&job()).await.unwrap();
        setting.broker.ready().await.unwrap();
    }

    #[tokio::test]
    async fn whoever_asks_again_and_again_writes_once() {
        let setting = Setting::new();
        for _ in 0..10 {
            setting.broker.ready().await.unwrap();
            setting.results.ready().await.unwrap();
        }
        assert_eq!(setting.probes().await, 1);
    }
}
