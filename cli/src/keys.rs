//! `byecaptcha keys`: makes, lists and revokes the keys that servers ask for. What a program may want to read goes to
//! standard output, a new key alone on its line; what is said to people goes to standard error.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use byecaptcha_api::access::{Key, KeyFile, Scope};

use crate::{
    settings::{KeysCommand, KeysSettings, NewKeySettings},
    stdout,
};

/// Does what these ask for.
pub(crate) fn keys(settings: &KeysSettings) -> Result<()> {
    let file = KeyFile::at(settings.file());
    match &settings.command {
        KeysCommand::Create(new) => create(&file, new),
        KeysCommand::List => {
            let keys = file.read()?;
            let mut out = io::stdout().lock();
            let written = keys.iter().try_for_each(|key| writeln!(out, "{}", line(key)));
            stdout::unless_left(written.and_then(|()| out.flush())).context("standard output")
        }
        KeysCommand::Revoke { id } => {
            let key = file.revoke(id)?;
            say(&format!("{id} ({}) opens nothing any more", printable(&key.name)));
            Ok(())
        }
    }
}

fn create(file: &KeyFile, new: &NewKeySettings) -> Result<()> {
    let rate = match (new.rate, new.burst) {
        (Some(rate), Some(burst)) => Some(rate.with_burst(burst.get()).map_err(anyhow::Error::msg)?),
        (rate, _) => rate,
    };
    let key = file.create(&new.name, new.scopes.clone(), rate)?;
    let mut out = io::stdout().lock();
    let shown = writeln!(out, "{}", key.shown).and_then(|()| out.flush());
    shown.with_context(|| format!("the key {} is made and cannot be shown; revoke it", key.id))?;
    say(&format!(
        "The key {} is in {} by its hash alone: keep what is shown here, it cannot be shown again.",
        key.id,
        file.path().display()
    ));
    Ok(())
}

/// Where standard error is closed there is nobody left to tell.
fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Id, name, scopes, rate, and when it was made and revoked, apart by tabs.
fn line(key: &Key) -> String {
    let scopes: Vec<&str> = key.scopes.iter().copied().map(Scope::name).collect();
    let rate = key.rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    let revoked = key.revoked_at_ms.map_or_else(|| "-".to_owned(), time);
    let (name, created) = (printable(&key.name), time(key.created_at_ms));
    format!("{}\t{name}\t{}\t{rate}\t{created}\t{revoked}", key.id, scopes.join(","))
}

/// A name that somebody else has put into the file must not steer the terminal.
fn printable(name: &str) -> String {
    name.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn time(since_1970_ms: u64) -> String {
    // As far as calendars go: a number from a file that means nothing is shown as the last moment.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let time = UNIX_EPOCH + Duration::from_millis(since_1970_ms).min(LAST);
    humantime::format_rfc3339_seconds(time).to_string()
}
