//! Opening the file: the lock that keeps it to one process, the settings, and the steps from older formats to this one.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::DatabaseError;

/// Each brings a file from the format of its index to the next.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("alone.sql"),
    include_str!("queues.sql"),
    include_str!("feedback.sql"),
    include_str!("batches.sql"),
    include_str!("dead_letters.sql"),
    include_str!("creators.sql"),
    include_str!("confirmed.sql"),
    include_str!("calls.sql"),
];

/// Marks a SQLite file as ours: "ByeC".
const APPLICATION_ID: i64 = 0x4279_6543;

/// An opened file: to be dropped in this order, so that the lock outlives the connections.
pub(super) struct DatabaseFile {
    pub(super) reader: Connection,
    pub(super) writer: Connection,
    pub(super) lock: File,
}

impl DatabaseFile {
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let at_path = |source| DatabaseError::Path { path: path.to_owned(), source };
        drop(open_file(path).map_err(at_path)?);
        // Two names for one file must meet at one lock; and an absolute path is nothing special to SQLite, as
        // `:memory:` or `file:` would be.
        let file = path.canonicalize().map_err(at_path)?;
        let lock = open_file(&lock_path(&file)).map_err(at_path)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => DatabaseError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => at_path(source),
        })?;
        sync_folder(&file).map_err(at_path)?;

        let unusable = |error: rusqlite::Error| DatabaseError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let threads = OpenFlags::SQLITE_OPEN_NO_MUTEX; // each connection stays on one thread
        let mut writer = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | threads)
            .map_err(unusable)?;
        writer.busy_timeout(Duration::from_secs(5)).map_err(unusable)?;
        let found = format(&writer).map_err(unusable)?;
        let known = MIGRATIONS.len();
        let done = match found {
            Format::Empty => 0,
            Format::Foreign => return Err(DatabaseError::Foreign { path: path.to_owned() }),
            Format::Ours(found) => match usize::try_from(found) {
                Ok(done) if done <= known => done,
                _ => {
                    let known = super::to_sql(known);
                    return Err(DatabaseError::Newer { path: path.to_owned(), found, known });
                }
            },
        };
        prepare(&mut writer, done).map_err(unusable)?;
        let reader = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY | threads)
            .map_err(unusable)?;
        reader.busy_timeout(Duration::from_secs(5)).map_err(unusable)?;
        Ok(Self { reader, writer, lock })
    }
}

/// Opens or creates; a new file is for its owner only, since it will hold what people uploaded.
fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file's name is in its folder, which must reach the disk too.
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

enum Format {
    Empty,
    Ours(i64),
    Foreign,
}

fn format(connection: &Connection) -> rusqlite::Result<Format> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, version, tables) {
        (APPLICATION_ID, version, _) => Format::Ours(version),
        (0, 0, 0) => Format::Empty,
        _ => Format::Foreign,
    })
}

/// Sets the connection up, brings the file to the newest format, and returns what a killed process held.
fn prepare(connection: &mut Connection, done: usize) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?; // macOS: fsync alone leaves data in the drive's cache
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    let transaction = connection.transaction()?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if done < MIGRATIONS.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", super::to_sql(MIGRATIONS.len()))?;
    }
    let returned = transaction.execute("UPDATE jobs SET consumer = NULL WHERE consumer IS NOT NULL", [])?;
    transaction.commit()?;
    if returned > 0 {
        tracing::info!(returned, "jobs that an earlier process held are back in the queue");
    }
    Ok(())
}
