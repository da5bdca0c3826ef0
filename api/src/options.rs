//! What a caller asks for beside the picture: one table of options, whether they stand in the address, in a form's fields
//! or in a JSON object.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use axum::http::Uri;
use byecaptcha_queue::{JobOptions, QueueName, job::now_ms};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    members::{Member, Members},
    min_confidence::{MinConfidence, RECOMMENDED},
    problem::{self, Problem, shown},
    state::ApiState,
};

/// Lengths that can be asked for. No network here has steps for more characters.
const LENGTHS: RangeInclusive<u32> = 1..=32;
/// How many texts a result may hold.
const TEXTS: RangeInclusive<u32> = 1..=10;
/// Most characters in a model's name.
const MODEL: usize = 64;
/// Most characters in a charset.
const CHARSET: usize = 512;

/// The largest whole number that all readers of JSON agree on.
pub(crate) const LARGEST: u64 = (1 << 53) - 1;

/// Options as they were asked for.
#[derive(Clone, Debug, Default, ToSchema)]
pub(crate) struct Options {
    /// Which model reads; the default one where absent.
    #[schema(max_length = 64)]
    model: Option<String>,
    /// The only characters that the text may hold.
    #[schema(min_length = 1, max_length = 512)]
    charset: Option<String>,
    /// How many characters the text has; `min_length` and `max_length` in one.
    #[schema(minimum = 1, maximum = 32)]
    length: Option<u32>,
    /// Fewest characters in the text.
    #[schema(minimum = 1, maximum = 32)]
    min_length: Option<u32>,
    /// Most characters in the text.
    #[schema(minimum = 1, maximum = 32)]
    max_length: Option<u32>,
    /// How many texts the result holds at most, the likeliest among them.
    #[schema(minimum = 1, maximum = 10)]
    top_k: Option<u32>,
    /// A reading that is less sure is none: the job fails as `low-confidence`.
    #[schema(schema_with = MinConfidence::schema)]
    min_confidence: Option<MinConfidence>,
    /// For so many milliseconds the result is of use: a job that no worker has started by then ends as `expired`.
    #[schema(minimum = 0, maximum = 9007199254740991u64)]
    deadline_ms: Option<u64>,
    /// `bulk` for what nobody waits for: workers take such jobs only while the `interactive` queue is empty.
    queue: Option<QueueName>,
}

/// Options that are numbers.
const NUMBERS: [&str; 6] = ["length", "min_length", "max_length", "top_k", "min_confidence", "deadline_ms"];
/// All options.
const NAMES: [&str; 9] = {
    let [length, min_length, max_length, top_k, min_confidence, deadline_ms] = NUMBERS;
    ["model", "charset", length, min_length, max_length, top_k, min_confidence, deadline_ms, "queue"]
};

impl Options {
    /// Those in the address.
    pub(crate) fn from_query(uri: &Uri) -> Result<Self, Problem> {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !options.set(&name, &value)? {
                return Err(malformed(format!("There is no option {:?}.", shown(&name))).in_field("query"));
            }
        }
        Ok(options)
    }

    /// Takes the members of a JSON object.
    pub(crate) fn set_members(&mut self, members: &Members) -> Result<(), Problem> {
        for (name, member) in members.iter() {
            let Some(known) = NAMES.iter().find(|known| **known == name) else {
                let detail = format!("The JSON is not a job: there is no member {:?}.", shown(name));
                return Err(Problem::new(problem::MALFORMED_BODY, detail));
            };
            let text = match member {
                Member::Null => continue,
                Member::Text(text) if !NUMBERS.contains(known) => text,
                // The one number that has a name.
                Member::Text(text) if *known == "min_confidence" && text == RECOMMENDED => text,
                // 4.0 is a whole number, too.
                Member::Number(number) if NUMBERS.contains(known) => {
                    let text = number.to_string();
                    &text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
                }
                _ => {
                    let kind = if NUMBERS.contains(known) { "number" } else { "string" };
                    return Err(malformed(format!("{known}: it is no {kind}.")).in_field(known));
                }
            };
            self.set(name, text)?;
        }
        Ok(())
    }

    /// Takes a form's field; false where there is no option of this name. Left blank, it asks for nothing.
    pub(crate) fn set_field(&mut self, name: &str, text: &str) -> Result<bool, Problem> {
        if text.is_empty() { Ok(NAMES.contains(&name)) } else { self.set(name, text) }
    }

    /// Takes one option; false where there is none of this name.
    fn set(&mut self, name: &str, text: &str) -> Result<bool, Problem> {
        match name {
            "model" => once(&mut self.model, "model", text, model)?,
            "charset" => once(&mut self.charset, "charset", text, charset)?,
            "length" => once(&mut self.length, "length", text, |text| within(text, LENGTHS))?,
            "min_length" => once(&mut self.min_length, "min_length", text, |text| within(text, LENGTHS))?,
            "max_length" => once(&mut self.max_length, "max_length", text, |text| within(text, LENGTHS))?,
            "top_k" => once(&mut self.top_k, "top_k", text, |text| within(text, TEXTS))?,
            "min_confidence" => {
                once(&mut self.min_confidence, "min_confidence", text, MinConfidence::read)?;
            }
            "deadline_ms" => {
                once(&mut self.deadline_ms, "deadline_ms", text, |text| within(text, 0..=LARGEST))?;
            }
            "queue" => once(&mut self.queue, "queue", text, queue)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// These as options of a batch, whose jobs are bulk jobs all.
    pub(crate) fn bulk(self) -> Result<Self, Problem> {
        match self.queue {
            Some(QueueName::Interactive) => {
                let detail = "queue: nobody waits for one picture of a batch; it is bulk.";
                Err(malformed(detail.to_owned()).in_field("queue"))
            }
            _ => Ok(self),
        }
    }

    /// These, with what they leave open as the others have it. The three lengths are one option here.
    pub(crate) fn or(self, others: &Self) -> Self {
        let others = others.clone();
        let has_length = self.length.or(self.min_length).or(self.max_length).is_some();
        let lengths = if has_length { &self } else { &others };
        let (length, min_length, max_length) = (lengths.length, lengths.min_length, lengths.max_length);
        Self {
            length,
            min_length,
            max_length,
            model: self.model.or(others.model),
            charset: self.charset.or(others.charset),
            top_k: self.top_k.or(others.top_k),
            min_confidence: self.min_confidence.or(others.min_confidence),
            deadline_ms: self.deadline_ms.or(others.deadline_ms),
            queue: self.queue.or(others.queue),
        }
    }

    /// What they make of a job, and the queue that it is for, once all of them are known.
    pub(crate) fn checked(self, state: &ApiState) -> Result<(JobOptions, QueueName), Problem> {
        let Self { length, min_length, max_length, .. } = self;
        if length.is_some() && (min_length.is_some() || max_length.is_some()) {
            let detail = "length is min_length and max_length in one; give it or them.";
            return Err(contradiction(detail.to_owned()).in_field("length"));
        }
        let (min_length, max_length) = (length.or(min_length), length.or(max_length));
        if let (Some(least), Some(most)) = (min_length, max_length)
            && least > most
        {
            let detail = format!("{least} characters at least and {most} at most cannot be.");
            return Err(contradiction(detail).in_field("min_length"));
        }
        let model = self.model.as_deref();
        let known =
            state.models.iter().find(|known| model.map_or(known.default, |model| known.name == model));
        let Some(known) = known else {
            let names: Vec<&str> = state.models.iter().map(|known| known.name.as_str()).collect();
            let model = model.unwrap_or_default();
            let detail = format!("No model is called {model:?}; there are: {}.", names.join(", "));
            return Err(Problem::new(problem::UNKNOWN_MODEL, detail).in_field("model"));
        };
        if let Some(charset) = &self.charset
            && !charset.chars().any(|character| known.charset.contains(character))
        {
            let detail = format!("{} reads none of these; it reads {}", known.name, known.charset);
            return Err(contradiction(detail).in_field("charset"));
        }
        let min_confidence = match (self.min_confidence, known.recommended_min_confidence) {
            (None, _) => None,
            (Some(MinConfidence::AtLeast(least)), _) => Some(least),
            (Some(MinConfidence::Recommended), Some(least)) => Some(least),
            (Some(MinConfidence::Recommended), None) => {
                let detail = format!("{} recommends no least confidence.", known.name);
                return Err(contradiction(detail).in_field("min_confidence"));
            }
        };
        let options = JobOptions {
            model: self.model,
            charset: self.charset,
            min_length,
            max_length,
            top_k: self.top_k,
            min_confidence,
            deadline_at_ms: self.deadline_ms.map(|from_now| now_ms().saturating_add(from_now)),
            traceparent: None,
        };
        Ok((options, self.queue.unwrap_or(QueueName::Interactive)))
    }
}

fn malformed(detail: String) -> Problem {
    Problem::new(problem::MALFORMED_OPTION, detail)
}

fn contradiction(detail: String) -> Problem {
    Problem::new(problem::CONTRADICTION, detail)
}

/// Reads an option's value; refuses a second one.
fn once<T>(
    option: &mut Option<T>,
    name: &'static str,
    text: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<(), Problem> {
    if option.is_some() {
        return Err(contradiction(format!("{name} is given twice.")).in_field(name));
    }
    *option = Some(read(text).map_err(|why| malformed(format!("{name}: {why}.")).in_field(name))?);
    Ok(())
}

fn within<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, String> {
    let value = text.parse().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("{:?} is no number from {} to {}", shown(text), range.start(), range.end()))
}

fn model(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0..=MODEL => Ok(text.to_owned()),
        count => Err(format!("{count} characters are more than the {MODEL} that a name has")),
    }
}

fn charset(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0 => Err("it holds no character".to_owned()),
        1..=CHARSET => Ok(text.to_owned()),
        count => Err(format!("{count} characters are more than the {CHARSET} that are taken")),
    }
}

fn queue(text: &str) -> Result<QueueName, String> {
    [QueueName::Interactive, QueueName::Bulk]
        .into_iter()
        .find(|queue| queue.as_str() == text)
        .ok_or_else(|| "it is interactive or bulk".to_owned())
}
