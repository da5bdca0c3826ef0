//! The thread that owns the model. Preparation, engine and decoding run here and nowhere else, so that they never hold
//! up the runtime's threads, and a panic in them costs an attempt and not the worker.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use byecaptcha_models::{PreparedImage, Reading, ReadingOptions, Recognizer};
use byecaptcha_queue::{Job, JobOptions};
use bytes::Bytes;
use tokio::sync::{oneshot, watch};

/// What became of one picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was read.
    Read(Reading),
    /// It is no picture that can be read, and never will be.
    Refused {
        /// A stable, hyphenated word.
        kind: &'static str,
        /// A sentence.
        detail: String,
    },
    /// The engine failed, on this picture or on another in its batch; another attempt may go well.
    Crashed(String),
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct Answers {
    /// One for each picture, in order.
    pub answers: Vec<Answer>,
    /// How long preparation, engine and decoding took together.
    pub elapsed: Duration,
}

/// The thread is gone: the engine reads nothing any more.
#[derive(Debug, thiserror::Error)]
#[error("the engine's thread has ended")]
pub struct EngineGone;

/// The handle to the thread. Dropping it lets the thread finish its batch and end.
pub struct Engine {
    batches: mpsc::Sender<Batch>,
    warm: watch::Receiver<Warmth>,
}

/// What the engine is given.
pub struct Picture {
    /// Encoded, as it was uploaded.
    pub image: Bytes,
    /// How it is to be read.
    pub options: ReadingOptions,
}

impl Picture {
    /// A job's picture.
    pub fn of(job: &Job) -> Self {
        let JobOptions { charset, min_length, max_length, top_k, .. } = &job.options;
        let count = |number: &Option<u32>| number.and_then(|number| usize::try_from(number).ok());
        let options = ReadingOptions {
            charset: charset.clone(),
            min_length: count(min_length),
            max_length: count(max_length),
            // The likeliest text is no alternative.
            alternatives: count(top_k).map(|texts| texts.saturating_sub(1)),
        };
        Self { image: job.image.clone(), options }
    }
}

struct Batch {
    pictures: Vec<Picture>,
    reply: oneshot::Sender<Answers>,
}

/// How far the warm-up is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warmth {
    Cold,
    Warm,
    Failed(String),
}

impl Engine {
    /// Starts the thread, which first runs empty batches of 1 and of `max_batch`.
    pub fn start(recognizer: Recognizer, max_batch: usize) -> io::Result<Self> {
        let (batches, queue) = mpsc::channel();
        let (warmth, warm) = watch::channel(Warmth::Cold);
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || run(recognizer, max_batch, &queue, &warmth))?;
        Ok(Self { batches, warm })
    }

    /// Waits until the warm-up is over; the error says why it failed.
    pub async fn warm(&self) -> Result<(), String> {
        let mut warm = self.warm.clone();
        match warm.wait_for(|warmth| *warmth != Warmth::Cold).await.as_deref() {
            Ok(Warmth::Failed(reason)) => Err(reason.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(EngineGone.to_string()),
        }
    }

    /// Hands a batch over; the receiver gets the answers. Batches are taken in order.
    pub fn submit(&self, pictures: Vec<Picture>) -> Result<oneshot::Receiver<Answers>, EngineGone> {
        let (reply, answers) = oneshot::channel();
        self.batches.send(Batch { pictures, reply }).map_err(|_| EngineGone)?;
        Ok(answers)
    }
}

fn run(
    mut recognizer: Recognizer,
    max_batch: usize,
    queue: &mpsc::Receiver<Batch>,
    warmth: &watch::Sender<Warmth>,
) {
    let started = Instant::now();
    let warmed = guarded(|| {
        recognizer.warm_up(1)?;
        recognizer.warm_up(max_batch)
    });
    match warmed {
        Ok(()) => {
            let name = &recognizer.card().name;
            tracing::info!(model = %name, milliseconds = started.elapsed().as_millis(), "the engine is warm");
            warmth.send_replace(Warmth::Warm);
        }
        Err(reason) => {
            warmth.send_replace(Warmth::Failed(reason));
            return;
        }
    }
    while let Ok(Batch { pictures, reply }) = queue.recv() {
        let started = Instant::now();
        let answers = answer(&mut recognizer, pictures);
        if answers.iter().any(|answer| matches!(answer, Answer::Crashed(_)))
            && let Err(reason) = guarded(|| recognizer.warm_up(1))
        {
            // After some errors of CUDA every call fails for as long as the process lives. Its end costs this batch an
            // attempt; going on would cost every job in the queue all of them.
            tracing::error!(reason, "the engine does not even read a blank picture any more");
            return;
        }
        // Where nobody waits any more, the worker has given up on this batch and said so to the broker.
        drop(reply.send(Answers { answers, elapsed: started.elapsed() }));
    }
}

/// One answer for each picture. One that is broken is refused by itself; what is left goes through the engine.
fn answer(recognizer: &mut Recognizer, pictures: Vec<Picture>) -> Vec<Answer> {
    let (mut prepared, mut asked) = (Vec::with_capacity(pictures.len()), Vec::with_capacity(pictures.len()));
    let refusals: Vec<Option<Answer>> = pictures
        .into_iter()
        .map(|Picture { image, options }| match guarded(|| Ok::<_, String>(recognizer.prepare(&image))) {
            Ok(Ok(image)) => {
                prepared.push(image);
                asked.push(options);
                None
            }
            Ok(Err(error)) => Some(Answer::Refused { kind: error.kind(), detail: error.to_string() }),
            Err(reason) => Some(Answer::Crashed(reason)),
        })
        .collect();
    let mut readings = recognize(recognizer, &prepared, &asked).into_iter();
    let missing = || Answer::Crashed("the engine gave too few answers".to_owned());
    refusals.into_iter().map(|refusal| refusal.or_else(|| readings.next()).unwrap_or_else(missing)).collect()
}

fn recognize(
    recognizer: &mut Recognizer,
    prepared: &[PreparedImage],
    options: &[ReadingOptions],
) -> Vec<Answer> {
    if prepared.is_empty() {
        return Vec::new();
    }
    match guarded(|| recognizer.recognize_with(prepared, options)) {
        Ok(readings) => readings.into_iter().map(Answer::Read).collect(),
        Err(reason) => vec![Answer::Crashed(reason); prepared.len()],
    }
}

/// Runs the work with its panics turned into errors. What it leaves behind is used again: a recognizer keeps nothing
/// from one picture to the next.
fn guarded<T, E: ToString>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("the engine panicked: {}", words(panic.as_ref()))),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it did not say why")
}
