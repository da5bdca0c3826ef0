//! The program `byecaptcha`: `serve` (the default) and `recognize`.

mod recognize;
mod serve;
mod settings;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use settings::{Arguments, Command, ServeSettings};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            // The one place where a failure of the program itself reaches the person who started it.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("byecaptcha: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command.unwrap_or_else(|| Command::Serve(ServeSettings::defaults())) {
        Command::Serve(settings) => {
            log(settings.log_format);
            serve::serve(&settings).map(|()| ExitCode::SUCCESS)
        }
        Command::Recognize(settings) => recognize::recognize(&settings),
    }
}

/// Logs go to stderr, so that stdout holds only what was asked for.
fn log(format: settings::LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        settings::LogFormat::Text => subscriber.init(),
        settings::LogFormat::Json => subscriber.json().init(),
    }
}
