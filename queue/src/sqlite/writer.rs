//! The writing thread: gathers the commands that wait into one transaction, commits, then answers them all.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{CommandError, Reply, probe::Probe};

/// The most commands in one transaction: enough that a sync is shared by many, few enough that the first of them is
/// answered soon.
const GROUP: usize = 1_000;

/// What a writing thread has done since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Commands that were run: each publish, receive, acknowledgement or result write is one.
    pub commands: u64,
    /// Transactions that were committed for them.
    pub commits: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    commands: AtomicU64,
    commits: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Statistics {
        Statistics {
            commands: self.commands.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }
}

/// The way to the writing thread, which ends when the last of these is gone and its commands are done.
#[derive(Clone)]
pub(crate) struct WriteQueue {
    messages: Sender<Message>,
}

enum Message {
    Command(Box<dyn Command>),
    Sweep(Sweep),
    Probe(Reply<()>),
}

/// Something to be done now and then: throws away a bounded amount and says whether there is more.
struct Sweep {
    every: Duration,
    due: Instant,
    work: Box<SweepWork>,
}

type SweepWork = dyn FnMut(&Connection) -> rusqlite::Result<bool> + Send;

impl WriteQueue {
    pub(super) fn new() -> (Self, Inbox) {
        let (messages, inbox) = channel();
        (Self { messages }, Inbox(inbox))
    }

    /// Hands a command in at once, whether or not the answer is waited for. `work` runs inside the transaction and
    /// must not commit; `committed` runs once its effect is on the disk, before the answer goes out, and also where
    /// nobody waits for the answer any more.
    pub(crate) fn write<T, W, C>(
        &self,
        work: W,
        committed: C,
    ) -> impl Future<Output = Result<T, CommandError>> + Send + use<T, W, C>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, CommandError> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Write { work: Some(work), outcome: None, committed, reply };
        // A closed channel drops the command and its reply with it, which is what the wait below sees.
        drop(self.messages.send(Message::Command(Box::new(write))));
        async { answer.await.unwrap_or(Err(CommandError::Closed)) }
    }

    /// Whether something can be written.
    pub(crate) async fn probe(&self) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        drop(self.messages.send(Message::Probe(reply)));
        answer.await.unwrap_or(Err(CommandError::Closed))
    }

    /// Has this done every so often from now on, in place of what was set before.
    pub(crate) fn sweep(
        &self,
        every: Duration,
        work: impl FnMut(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    ) {
        let sweep = Sweep { every, due: Instant::now(), work: Box::new(work) };
        // Where the thread is gone there is nothing to sweep.
        drop(self.messages.send(Message::Sweep(sweep)));
    }
}

/// One command: run in the transaction, answered after it.
trait Command: Send {
    fn run(&mut self, connection: &Connection) -> Result<(), CommandError>;
    fn answer(self: Box<Self>, committed: Result<(), CommandError>);
}

struct Write<T, W, C> {
    work: Option<W>,
    outcome: Option<T>,
    committed: C,
    reply: Reply<T>,
}

impl<T, W, C> Command for Write<T, W, C>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, CommandError> + Send,
    C: FnOnce(&T) + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), CommandError> {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(connection)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), CommandError>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => {
                (self.committed)(&outcome);
                Ok(outcome)
            }
            (Ok(()), None) => Err(CommandError::Closed),
            (Err(error), _) => Err(error),
        };
        // Nobody may be waiting any more; an outcome that has to be undone then does so as it is dropped.
        drop(self.reply.send(answer));
    }
}

/// The writing thread's end of the queue.
pub(super) struct Inbox(Receiver<Message>);

/// What the writing thread does until every [`WriteQueue`] is gone.
pub(super) fn run(connection: &Connection, inbox: &Inbox, counters: &Arc<Counters>) {
    let mut sweep: Option<Sweep> = None;
    let mut probe = Probe::default();
    loop {
        let first = match &sweep {
            None => inbox.0.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(sweep) => inbox.0.recv_timeout(sweep.due.saturating_duration_since(Instant::now())),
        };
        let messages = match first {
            Ok(first) => std::iter::once(first).chain(inbox.0.try_iter().take(GROUP - 1)).collect(),
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut group = Vec::with_capacity(messages.len());
        let mut probes = Vec::new();
        for message in messages {
            match message {
                Message::Command(command) => group.push(command),
                Message::Sweep(new) => sweep = Some(new),
                Message::Probe(reply) => probes.push(reply),
            }
        }
        if !group.is_empty() && !run_group(connection, group, counters) {
            probe.doubt();
        }
        for reply in probes {
            // Whoever asked may have left in the meantime.
            drop(reply.send(probe.run(connection)));
        }
        if let Some(sweep) = sweep.as_mut().filter(|sweep| sweep.due <= Instant::now()) {
            sweep.run(connection);
        }
    }
}

impl Sweep {
    fn run(&mut self, connection: &Connection) {
        let swept = connection.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            let more = (self.work)(connection)?;
            connection.execute_batch("COMMIT")?;
            Ok(more)
        });
        let more = swept.unwrap_or_else(|error| {
            tracing::warn!(%error, "expired results could not be thrown away; trying again later");
            roll_back(connection);
            false
        });
        // With more to do, go on as soon as the commands that came meanwhile are done.
        self.due = Instant::now() + if more { Duration::ZERO } else { self.every };
    }
}

/// Whether all of them went well.
fn run_group(connection: &Connection, mut group: Vec<Box<dyn Command>>, counters: &Counters) -> bool {
    let mut outcomes = Vec::with_capacity(group.len());
    let committed = commit_group(connection, &mut group, &mut outcomes);
    counters.commands.fetch_add(group.len() as u64, Ordering::Relaxed);
    if let Err(error) = &committed {
        tracing::error!(?error, commands = group.len(), "a transaction failed");
        roll_back(connection);
        outcomes = vec![Err(error.clone()); group.len()];
    } else {
        counters.commits.fetch_add(1, Ordering::Relaxed);
    }
    let all_well = outcomes.iter().all(Result::is_ok);
    for (command, outcome) in group.into_iter().zip(outcomes) {
        command.answer(outcome);
    }
    all_well
}

/// Runs and commits; `outcomes` gets one entry for each command, which counts only if the whole succeeds.
fn commit_group(
    connection: &Connection,
    group: &mut [Box<dyn Command>],
    outcomes: &mut Vec<Result<(), CommandError>>,
) -> Result<(), CommandError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for command in group {
        connection.prepare_cached("SAVEPOINT command")?.execute([])?;
        let outcome = command.run(connection);
        if let Err(error) = &outcome {
            // A full disk or an I/O error can make SQLite abandon the transaction and with it the commands that
            // already ran; going on would commit the rest one by one, outside of any.
            if connection.is_autocommit() {
                return Err(error.clone());
            }
            connection.prepare_cached("ROLLBACK TO command")?.execute([])?;
        }
        connection.prepare_cached("RELEASE command")?.execute([])?;
        outcomes.push(outcome);
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}

pub(super) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(connection: &Connection, number: i64) -> Result<(), CommandError> {
        connection.execute("INSERT INTO numbers VALUES (?)", [number])?;
        Ok(())
    }

    fn numbers(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    type Work = fn(&Connection) -> Result<(), CommandError>;

    /// Hands all these in before the thread starts, so that they are one group.
    fn run_as_one_group(connection: &Connection, commands: Vec<Work>) -> (Vec<bool>, Statistics) {
        let (queue, inbox) = WriteQueue::new();
        let answers: Vec<_> = commands.into_iter().map(|command| queue.write(command, |()| {})).collect();
        drop(queue);
        let counters = Arc::default();
        run(connection, &inbox, &counters);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answers = answers.into_iter().map(|answer| runtime.block_on(answer).is_ok()).collect();
        (answers, counters.read())
    }

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER NOT NULL)").unwrap();
        connection
    }

    #[test]
    fn a_failed_command_leaves_its_neighbours_alone() {
        let connection = connection();
        let half_done = |connection: &Connection| {
            insert(connection, 2)?;
            connection.execute("INSERT INTO numbers VALUES (NULL)", [])?;
            Ok(())
        };
        let commands: Vec<Work> = vec![|c| insert(c, 1), half_done, |c| insert(c, 3)];
        let (answers, statistics) = run_as_one_group(&connection, commands);
        assert_eq!(answers, [true, false, true]);
        assert_eq!(numbers(&connection), [1, 3]);
        assert_eq!(statistics, Statistics { commands: 3, commits: 1 });
    }

    #[test]
    fn nobody_is_told_of_a_commit_that_did_not_come() {
        let connection = connection();
        // What SQLite does by itself when the disk fails in certain ways.
        let abandoned = |connection: &Connection| {
            connection.execute_batch("ROLLBACK; INSERT INTO numbers VALUES (NULL)")?;
            Ok(())
        };
        let commands: Vec<Work> = vec![|c| insert(c, 1), abandoned, |c| insert(c, 3)];
        let (answers, statistics) = run_as_one_group(&connection, commands);
        assert_eq!(answers, [false, false, false]);
        assert_eq!(numbers(&connection), [0_i64; 0]);
        assert_eq!(statistics, Statistics { commands: 3, commits: 0 });

        let (answers, _) = run_as_one_group(&connection, vec![|c| insert(c, 4)]);
        assert_eq!((answers, numbers(&connection)), (vec![true], vec![4]));
    }
}
