//! Which files the SQLite backend takes, and what it says of the others: one process at a time, no file of another program or a
//! newer version, and errors where one is damaged.

use std::{path::Path, time::Duration};

use byecaptcha_queue::{
    Broker, BrokerOptions, DatabaseError, JobId, JobRecord, Lookup, QueueName, ResultOptions, ResultStore,
    SqliteBroker, SqliteDatabase, SqliteResults,
};
use rusqlite::Connection;

use super::{broker, job};

fn refused(path: &Path) -> DatabaseError {
    match SqliteDatabase::open(path) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn one_opener_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let first = SqliteDatabase::open(&path).unwrap();
    let error = refused(&path);
    assert!(matches!(error, DatabaseError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("queue.db is in use"), "{error}");
    #[cfg(unix)]
    {
        let alias = folder.path().join("alias.db");
        std::os::unix::fs::symlink(&path, &alias).unwrap();
        assert!(matches!(refused(&alias), DatabaseError::InUse { .. }), "one file, whatever its name");
    }
    let clone = first.clone();
    drop(first);
    assert!(matches!(refused(&path), DatabaseError::InUse { .. }));
    drop(clone);
    SqliteDatabase::open(&path).unwrap();
}

#[test]
fn paths_that_cannot_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere").join("queue.db");
    for path in [missing.as_path(), folder.path()] {
        let error = refused(path);
        assert!(matches!(error, DatabaseError::Path { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn files_that_are_no_queue_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(&text, "This is a shopping list, not a database. ".repeat(100)).unwrap();
    let error = refused(&text);
    assert!(matches!(error, DatabaseError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("text.db cannot be used"), "{error}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("This is a shopping list"));

    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE jobs (name TEXT)").unwrap();
    let error = refused(&foreign);
    assert!(matches!(error, DatabaseError::Foreign { .. }), "{error}");

    let newer = folder.path().join("newer.db");
    drop(SqliteDatabase::open(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&newer);
    assert!(matches!(error, DatabaseError::Newer { found: 99, known: 9, .. }), "{error}");
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_file_of_the_first_format_is_brought_to_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(include_str!("../../src/sqlite/schema.sql")).unwrap();
    file.execute_batch(
        "INSERT INTO jobs (id, submitted_at_ms, options) VALUES (randomblob(16), 7, '{}');
         INSERT INTO images VALUES (last_insert_rowid(), x'6f6c64');
         INSERT INTO results (id, status, submitted_at_ms) VALUES (zeroblob(16), 'queued', 7);
         PRAGMA application_id = 0x42796543; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(file);
    let database = SqliteDatabase::open(&path).unwrap();
    let store = SqliteResults::new(database.clone(), ResultOptions::default());
    assert_eq!(store.begin_alone(JobId::new()).await.unwrap(), Some(0));
    let Lookup::Found(record) = store.get(JobId::from_bytes([0; 16])).await.unwrap() else {
        panic!("it is gone")
    };
    assert!(!record.confirmed, "nobody knows");
    let broker = SqliteBroker::new(database, BrokerOptions::default());
    assert_eq!(broker.depth().await.unwrap(), 1);
    let delivery = broker.consumer().await.unwrap().receive(1).await.unwrap().remove(0);
    assert_eq!(&delivery.job.image[..], b"old");
    assert_eq!(broker.on(QueueName::Bulk).depth().await.unwrap(), 0);
}

#[tokio::test]
async fn times_alone_that_an_older_version_counted_still_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let file = Connection::open(&path).unwrap();
    for step in [
        include_str!("../../src/sqlite/schema.sql"),
        include_str!("../../src/sqlite/alone.sql"),
        "INSERT INTO alone VALUES (zeroblob(16), 2); PRAGMA application_id = 0x42796543; PRAGMA user_version = 2;",
    ] {
        file.execute_batch(step).unwrap();
    }
    drop(file);
    let store = SqliteResults::new(SqliteDatabase::open(&path).unwrap(), ResultOptions::default());
    assert_eq!(store.begin_alone(JobId::from_bytes([0; 16])).await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_damaged_file_gives_errors_not_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    {
        let broker = broker(&path);
        for number in 0..100 {
            broker.publish(&job(&number.to_string().repeat(2_000))).await.unwrap();
        }
    }
    // Whatever page is hit, opening or working says so; the first page holds the format.
    let whole = std::fs::read(&path).unwrap();
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        std::fs::write(&path, damaged).unwrap();
        match SqliteDatabase::open(&path) {
            Err(error) => assert!(matches!(error, DatabaseError::Unusable { .. }), "page {page}: {error}"),
            Ok(database) => {
                let broker = SqliteBroker::new(database.clone(), BrokerOptions::default());
                let results = SqliteResults::new(database, ResultOptions::default());
                let mut consumer = broker.consumer().await.unwrap();
                let received = tokio::time::timeout(Duration::from_millis(20), consumer.receive(100)).await;
                if let Ok(Ok(deliveries)) = received {
                    for delivery in deliveries {
                        drop(delivery.reject("damaged").await);
                    }
                }
                drop(broker.publish(&job("one more")).await);
                drop(broker.depth().await);
                drop(broker.dead_letters().await);
                drop(results.create(&JobRecord::queued(&job("one more"))).await);
                drop(results.get(job("").id).await);
            }
        }
        for suffix in ["-wal", "-shm"] {
            drop(std::fs::remove_file(folder.path().join(format!("queue.db{suffix}"))));
        }
    }
    std::fs::write(&path, whole).unwrap();
    assert_eq!(broker(&path).depth().await.unwrap(), 100);
}
