//! Every setting, from the command line or the environment, read and checked before anything is opened or bound.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::{
    Args, CommandFactory, Parser, Subcommand, ValueEnum,
    builder::{NonEmptyStringValueParser, RangedU64ValueParser},
    error::ErrorKind,
};

use byecaptcha_api::access::{AccessSettings, KeyId, Rate, Scope};
use byecaptcha_program::{address, logging::LogFormat};

use crate::{
    audit::settings::AuditSettings, bench::settings::BenchSettings, model::ModelSettings,
    submit::settings::SubmitSettings,
};

const DATABASE: &str = "byecaptcha.db";
/// Beside the database.
const KEYS: &str = "keys.json";

/// Reads text captchas.
#[derive(Parser)]
#[command(name = "byecaptcha", version, about, after_help = "Without a command, byecaptcha serves.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves the web page and the HTTP API, and reads what is sent there.
    Serve(ServeSettings),
    /// Reads pictures here and now, without a server.
    Recognize(RecognizeSettings),
    /// Reads your own labelled captchas and writes a page on how strong they are.
    Audit(AuditSettings),
    /// Makes, lists and revokes the keys that a server asks for.
    Keys(KeysSettings),
    /// Has a server read pictures, however many, and writes a table; what ends early can be gone on with.
    Submit(SubmitSettings),
    /// Measures how many pictures a server reads in a second, and how long each takes.
    Bench(BenchSettings),
    /// Asks the server of this machine whether it is ready; exit status 0 if it is.
    Healthcheck(HealthcheckSettings),
}

#[derive(Args)]
pub(crate) struct ServeSettings {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "BYECAPTCHA_LISTEN", default_value = "127.0.0.1:8080", value_name = "HOST:PORT", value_parser = address::parse)]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) access: AccessSettings,
    /// The SQLite file that keeps jobs and results, or the folder for it [default: the user's data folder].
    #[arg(long, env = "BYECAPTCHA_DATA", value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelSettings,
    /// Most pictures that go through the engine together.
    #[arg(long, env = "BYECAPTCHA_BATCH", default_value = "8", value_name = "COUNT", value_parser = batch())]
    pub(crate) batch: usize,
    /// Most jobs that may wait in each of the two queues; beyond that submitters are asked to come back later.
    #[arg(long, env = "BYECAPTCHA_QUEUE_CAPACITY", default_value = "10000", value_name = "COUNT", value_parser = count(1, 100_000_000))]
    pub(crate) queue_capacity: usize,
    /// How long results can be fetched.
    #[arg(long, env = "BYECAPTCHA_KEEP", default_value = "1h", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) keep: Duration,
    /// How long batches are kept with their results.
    #[arg(long, env = "BYECAPTCHA_KEEP_BATCHES", default_value = "24h", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) keep_batches: Duration,
    /// Keep all pictures for so long, so that those with feedback make a labelled set; none are kept otherwise.
    #[arg(long, env = "BYECAPTCHA_KEEP_IMAGES", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) keep_images: Option<Duration>,
    /// How long a shutdown waits for what was started.
    #[arg(long, env = "BYECAPTCHA_DRAIN", default_value = "10s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) drain: Duration,
    /// How log lines look, which go to standard error; RUST_LOG says which there are.
    #[arg(long, env = "BYECAPTCHA_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// The same as those of `serve`, whose variables a container has anyway.
#[derive(Args)]
pub(crate) struct HealthcheckSettings {
    /// The address that the server listens at.
    #[arg(long, env = "BYECAPTCHA_LISTEN", default_value = "127.0.0.1:8080", value_name = "HOST:PORT", value_parser = address::parse)]
    pub(crate) listen: SocketAddr,
    /// The names that it answers to.
    #[arg(long, env = "BYECAPTCHA_ALLOWED_HOSTS", value_name = "HOST,…", value_delimiter = ',')]
    pub(crate) allowed_hosts: Vec<String>,
}

#[derive(Args)]
pub(crate) struct RecognizeSettings {
    /// Files, folders (all pictures in them, at any depth) or - for standard input.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How results are written to standard output.
    #[arg(long, default_value = "text")]
    pub(crate) format: OutputFormat,
    #[command(flatten)]
    pub(crate) model: ModelSettings,
    /// Most pictures that go through the engine together.
    #[arg(long, env = "BYECAPTCHA_BATCH", default_value = "8", value_name = "COUNT", value_parser = batch())]
    pub(crate) batch: usize,
    /// A reading that is less sure, 0 to 1, is none; `recommended` is what the model's card has.
    #[arg(long, value_name = "CONFIDENCE|recommended")]
    pub(crate) min_confidence: Option<MinConfidence>,
}

/// The least confidence that is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MinConfidence {
    AtLeast(f32),
    Recommended,
}

impl FromStr for MinConfidence {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "recommended" => Ok(Self::Recommended),
            Ok(least) if (0.0..=1.0).contains(&least) => Ok(Self::AtLeast(least)),
            _ => Err("expected a number from 0 to 1, or recommended"),
        }
    }
}

#[derive(Args)]
pub(crate) struct KeysSettings {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    /// The file of keys [default: keys.json beside the database].
    #[arg(long, env = "BYECAPTCHA_KEYS", value_name = "FILE", global = true)]
    keys: Option<PathBuf>,
    /// The database that the server has, as its --data says.
    #[arg(long, env = "BYECAPTCHA_DATA", value_name = "PATH", global = true)]
    data: Option<PathBuf>,
}

/// What to do with keys.
#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes a key and shows it, once. Servers take it within two seconds.
    Create(NewKeySettings),
    /// Lists the keys, revoked ones included. Secrets are not kept, so none are shown.
    List,
    /// Has a key open nothing any more. Servers notice within two seconds.
    Revoke {
        /// The key's id: the part between bc_ and the next _.
        id: KeyId,
    },
}

#[derive(Args)]
pub(crate) struct NewKeySettings {
    /// Whose the key is, or what it is for.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// What it opens: submit, read, or admin for everything.
    #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', default_value = "submit,read")]
    pub(crate) scopes: Vec<Scope>,
    /// How often it may be used, as in 5/s, 30/m or 1000/h; without this, as the server's --default-rate says.
    #[arg(long, value_name = "N/s")]
    pub(crate) rate: Option<Rate>,
    /// Most requests at once [default: as many as --rate has in its time].
    #[arg(long, value_name = "COUNT", requires = "rate")]
    pub(crate) burst: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// The text alone; with several inputs, the path, a tab and the text.
    Text,
    /// One object a line, with confidences and alternatives.
    Jsonl,
    /// A table with a header line.
    Csv,
}

fn batch() -> RangedU64ValueParser<usize> {
    count(1, 256)
}

pub(crate) fn count(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

/// The settings of this process. Wrong ones end it with status 2 and a message that names them.
pub(crate) fn parse() -> Command {
    let command =
        Arguments::parse().command.or_else(|| Arguments::parse_from(["byecaptcha", "serve"]).command);
    let Some(command) = command else {
        Arguments::command().error(ErrorKind::MissingSubcommand, "no command was given").exit()
    };
    let (name, checked) = match &command {
        Command::Serve(settings) => ("serve", settings.check()),
        Command::Keys(settings) => ("keys", settings.check()),
        Command::Submit(settings) => ("submit", settings.check()),
        Command::Bench(settings) => ("bench", settings.check()),
        Command::Audit(settings) => ("audit", settings.check()),
        Command::Recognize(_) => ("recognize", Ok(())),
        Command::Healthcheck(_) => ("healthcheck", Ok(())),
    };
    if let Err(message) = checked {
        let mut arguments = Arguments::command();
        arguments.build();
        let named = arguments.find_subcommand_mut(name);
        let error = named.map(|command| command.error(ErrorKind::ValueValidation, &message));
        error.unwrap_or_else(|| Arguments::command().error(ErrorKind::ValueValidation, message)).exit();
    }
    command
}

impl ServeSettings {
    fn check(&self) -> Result<(), String> {
        self.access.check(self.listen, Some(&self.usual_keys()))?;
        for (flag, kept, time) in
            [("--keep", "results", self.keep), ("--keep-batches", "batches", self.keep_batches)]
        {
            if time < Duration::from_secs(1) {
                return Err(format!("{flag}: {kept} must be kept for a second at least"));
            }
        }
        if self.data.is_none() && dirs::data_dir().is_none() {
            return Err("--data: this user has no data folder, so the path must be given".to_owned());
        }
        Ok(())
    }

    /// The SQLite file.
    pub(crate) fn database(&self) -> PathBuf {
        database(self.data.as_deref())
    }

    /// Where the keys are where no setting says so.
    pub(crate) fn usual_keys(&self) -> PathBuf {
        self.database().with_file_name(KEYS)
    }
}

impl KeysSettings {
    fn check(&self) -> Result<(), String> {
        if self.keys.is_none() && self.data.is_none() && dirs::data_dir().is_none() {
            return Err("--keys: this user has no data folder, so the file must be given".to_owned());
        }
        if let KeysCommand::Create(NewKeySettings { rate: Some(rate), burst: Some(burst), .. }) =
            &self.command
        {
            rate.with_burst(burst.get()).map_err(|error| format!("--burst: {error}"))?;
        }
        Ok(())
    }

    /// The file of keys.
    pub(crate) fn file(&self) -> PathBuf {
        let usual = || database(self.data.as_deref()).with_file_name(KEYS);
        self.keys.clone().unwrap_or_else(usual)
    }
}

fn database(data: Option<&Path>) -> PathBuf {
    match data {
        None => dirs::data_dir().unwrap_or_default().join("byecaptcha").join(DATABASE),
        Some(path) if path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            path.join(DATABASE)
        }
        Some(path) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(arguments: &[&str]) -> Result<ServeSettings, String> {
        let arguments = [&["byecaptcha", "serve"], arguments].concat();
        match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
            Some(Command::Serve(settings)) => settings.check().map(|()| settings),
            _ => Err("not serve".to_owned()),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn loopback_needs_no_permission_and_the_world_does() {
        for loopback in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:8080", "localhost:8080"] {
            assert!(serve(&["--listen", loopback]).is_ok(), "{loopback}");
        }
        for public in ["0.0.0.0:8080", "[::]:8080", "192.0.2.7:80"] {
            assert!(serve(&["--listen", public]).is_err_and(|error| error.contains("--allow-public")));
            assert!(serve(&["--listen", public, "--allow-public"]).is_ok());
        }
    }

    #[test]
    fn data_may_be_a_file_or_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let database = |path: &str| serve(&["--data", path]).map(|settings| settings.database()).unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(database(path), folder.path().join("byecaptcha.db"));
        assert_eq!(database(&format!("{path}/new/")), folder.path().join("new/byecaptcha.db"));
        assert_eq!(database(&format!("{path}/jobs.sqlite")), folder.path().join("jobs.sqlite"));
    }
}
