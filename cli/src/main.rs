//! The program `byecaptcha`: reads settings, starts what they ask for, and turns errors into words and exit statuses.

mod audit;
mod bench;
mod causes;
mod client;
mod inputs;
mod keys;
mod model;
mod recognize;
mod serve;
mod settings;
mod stdout;
mod submit;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use byecaptcha_program::healthcheck;
use settings::Command;

fn main() -> ExitCode {
    let ended = match settings::parse() {
        Command::Serve(settings) => serve::serve(&settings).map(|()| ExitCode::SUCCESS),
        Command::Keys(settings) => keys::keys(&settings).map(|()| ExitCode::SUCCESS),
        Command::Recognize(settings) => recognize::recognize(&settings),
        Command::Audit(settings) => audit::audit(&settings),
        Command::Submit(settings) => submit::submit(&settings),
        Command::Bench(settings) => bench::bench(&settings),
        Command::Healthcheck(settings) => {
            let host = settings.allowed_hosts.first().map(String::as_str);
            healthcheck::ask(settings.listen, host).map(|()| ExitCode::SUCCESS)
        }
    };
    ended.unwrap_or_else(|error| {
        // Where standard error is closed there is nobody left to tell.
        drop(writeln!(io::stderr(), "byecaptcha: {}", causes::in_words(error.as_ref())));
        ExitCode::FAILURE
    })
}
