//! The settings that name the broker and the result store, and what they open. The addresses may hold passwords, so they
//! can be given in files, and nothing here repeats them.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use byecaptcha_queue::{
    BatchStore, Broker, BrokerOptions, FeedbackStore, QueueName, RabbitBroker, RedisResults, ResultOptions,
    ResultStore,
};
use clap::Args;

/// Settings of every program that is one of several on a broker.
#[derive(Args)]
pub struct BackendSettings {
    /// The broker: amqp://user:password@host:5672/%2f, or amqps://… for TLS.
    #[arg(
        long,
        env = "BROKER_URL",
        hide_env_values = true,
        value_name = "URL",
        conflicts_with = "broker_url_file"
    )]
    broker_url: Option<String>,
    /// A file that holds the broker's address and nothing else.
    #[arg(long, env = "BROKER_URL_FILE", value_name = "FILE")]
    broker_url_file: Option<PathBuf>,
    /// The result store: redis://user:password@host:6379/0, or rediss://… for TLS.
    #[arg(
        long,
        env = "RESULTS_URL",
        hide_env_values = true,
        value_name = "URL",
        conflicts_with = "results_url_file"
    )]
    results_url: Option<String>,
    /// A file that holds the result store's address and nothing else.
    #[arg(long, env = "RESULTS_URL_FILE", value_name = "FILE")]
    results_url_file: Option<PathBuf>,
    /// What the names of queues and keys begin with, for installations that share their servers.
    #[arg(long, env = "BYECAPTCHA_PREFIX", default_value = "byecaptcha", value_name = "NAME")]
    prefix: String,
    /// The attempt after which a job that kills workers or engines is given up. The same for all.
    #[arg(long, env = "BYECAPTCHA_DELIVERY_LIMIT", default_value = "3", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=15))]
    pub delivery_limit: u32,
    /// How long results can be fetched. The same for all.
    #[arg(long, env = "BYECAPTCHA_KEEP", default_value = "1h", value_name = "TIME", value_parser = humantime::parse_duration)]
    keep: Duration,
}

/// Brokers and a result store, connected to when they are first needed.
pub struct Backends {
    /// Takes and hands out jobs that someone waits for.
    pub broker: Arc<dyn Broker>,
    /// The same for bulk jobs.
    pub bulk: Arc<dyn Broker>,
    /// Keeps their results.
    pub results: Arc<dyn ResultStore>,
    /// Keeps batches beside them.
    pub batches: Arc<dyn BatchStore>,
    /// Keeps what people said was right.
    pub feedback: Arc<dyn FeedbackStore>,
}

impl BackendSettings {
    /// Opens what the settings name, with so many jobs at most that may wait in each queue. Called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// A sentence about the setting that is missing or wrong; it never holds an address.
    pub fn open(&self, capacity: usize) -> Result<Backends> {
        if self.keep < Duration::from_secs(1) {
            bail!("--keep: results must be kept for a second at least");
        }
        let broker_url = secret("broker-url", self.broker_url.as_deref(), self.broker_url_file.as_ref())?;
        expect_scheme("broker-url", &broker_url, &["amqp", "amqps"])?;
        let results_url = secret("results-url", self.results_url.as_deref(), self.results_url_file.as_ref())?;
        expect_scheme("results-url", &results_url, &["redis", "rediss"])?;
        let broker_options = BrokerOptions { capacity, delivery_limit: self.delivery_limit };
        let broker = |queue| {
            let broker = RabbitBroker::new(&broker_url, &self.prefix, queue, broker_options);
            broker.map(|broker| Arc::new(broker) as Arc<dyn Broker>).context("--broker-url")
        };
        let result_options = ResultOptions { keep: self.keep, ..Default::default() };
        let results = RedisResults::new(&results_url, &self.prefix, result_options);
        let results = Arc::new(results.context("--results-url")?);
        Ok(Backends {
            broker: broker(QueueName::Interactive)?,
            bulk: broker(QueueName::Bulk)?,
            results: results.clone(),
            batches: results.clone(),
            feedback: results,
        })
    }
}

fn secret(name: &str, value: Option<&str>, file: Option<&PathBuf>) -> Result<String> {
    match (value, file) {
        (Some(value), _) => Ok(value.trim().to_owned()),
        (None, Some(file)) => {
            let text =
                fs::read_to_string(file).with_context(|| format!("--{name}-file {}", file.display()))?;
            Ok(text.trim().to_owned())
        }
        (None, None) => {
            let variable = name.to_uppercase().replace('-', "_");
            bail!("--{name} is missing; it can also be given as {variable} or in a file by --{name}-file")
        }
    }
}

fn expect_scheme(name: &str, url: &str, schemes: &[&str]) -> Result<()> {
    let Some((scheme, _)) = url.split_once(':') else { bail!("--{name}: this is no address") };
    if schemes.contains(&scheme) {
        return Ok(());
    }
    match scheme {
        "memory" => bail!(
            "--{name}: what is in one process's memory, other processes cannot reach; `byecaptcha serve` is one process"
        ),
        "sqlite" => {
            bail!("--{name}: a SQLite file belongs to one process; `byecaptcha serve` is one process")
        }
        _ => bail!("--{name}: expected {}://…", schemes.join(":// or ")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        backends: BackendSettings,
    }

    fn open(arguments: &[&str]) -> Result<Backends> {
        let program = Program::try_parse_from([&["program"], arguments].concat())?;
        program.backends.open(10)
    }

    #[tokio::test]
    async fn what_is_wrong_is_named_and_no_password_is_repeated() {
        let broker = "amqp://user:secret@127.0.0.1:1/%2f";
        let results = "redis://:secret@127.0.0.1:1/0";
        assert!(
            open(&["--broker-url", broker, "--results-url", results]).is_ok(),
            "nothing is connected to yet"
        );
        for (arguments, named) in [
            (vec![], "BROKER_URL"),
            (vec!["--broker-url", broker], "RESULTS_URL"),
            (vec!["--broker-url", "memory:", "--results-url", results], "memory"),
            (vec!["--broker-url", broker, "--results-url", "sqlite:results.db"], "one process"),
            (vec!["--broker-url", "amqp://user:secret@host:port:/x", "--results-url", results], "broker-url"),
            (vec!["--broker-url", "secret", "--results-url", results], "no address"),
            (vec!["--broker-url-file", "/no/such/file", "--results-url", results], "/no/such/file"),
        ] {
            let error = open(&arguments).map(|_| ()).unwrap_err();
            // Not the whole error for programmers: it may come with a backtrace, and functions are called what they are.
            let causes: Vec<String> = error.chain().map(|cause| format!("{cause:?}")).collect();
            let text = format!("{error:#} {}", causes.join(" "));
            assert!(text.contains(named), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[tokio::test]
    async fn addresses_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let (broker, results) = (folder.path().join("broker"), folder.path().join("results"));
        fs::write(&broker, "amqp://user:secret@127.0.0.1:1/%2f\n").unwrap();
        fs::write(&results, "redis://127.0.0.1:1/0\n").unwrap();
        let (broker, results) = (broker.to_str().unwrap(), results.to_str().unwrap());
        assert!(open(&["--broker-url-file", broker, "--results-url-file", results]).is_ok());
    }
}
