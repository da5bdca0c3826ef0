//! `byecaptcha-dataset`: writes folders of labelled captcha images, shows what the styles look like, and turns folders into
//! TFRecord files and back.

mod convert;
mod feedback;
mod generate;
mod grow;
mod partial;
mod preview;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about = "Draws labelled captcha images of many kinds")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write images named TEXT_numN.jpg or .png into a folder
    Generate(generate::Generate),
    /// List the styles with what they are like
    Styles,
    /// Draw some pictures of each style into one picture
    Preview(preview::Preview),
    /// Turn a folder of labelled pictures into a TFRecord file, or a TFRecord file into a folder
    Convert(convert::Convert),
    /// Turn the feedback that a server has gathered into a folder of labelled pictures
    Feedback(feedback::Feedback),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Generate(arguments) => generate::generate(&arguments),
        Command::Styles => preview::styles(),
        Command::Preview(arguments) => preview::preview(&arguments),
        Command::Convert(arguments) => convert::convert(&arguments),
        Command::Feedback(arguments) => feedback::feedback(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Says something on standard error; where that is closed there is nobody left to tell.
fn tell(text: impl Display) {
    drop(writeln!(io::stderr(), "byecaptcha-dataset: {text}"));
}
