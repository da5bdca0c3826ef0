//! Errors in words, with what has caused them.

use std::{error::Error, iter};

/// An error with its causes: by itself it says "client error", and the last cause says "connection refused". Some errors
/// say their causes themselves, and those are not said again.
pub(crate) fn in_words(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).fold(String::new(), |words, cause| match words.as_str() {
        "" => cause,
        _ if words.ends_with(&cause) => words,
        _ => format!("{words}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context, anyhow};
    use byecaptcha_models::LoadError;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let source = io::Error::other("gone");
        let error = anyhow!(LoadError::Read { path: "x.json".into(), source }).context("--model x");
        assert_eq!(in_words(error.as_ref()), "--model x: cannot read x.json: gone");
        let error =
            Err::<(), _>(io::Error::other("gone")).context("reading").context("the list").unwrap_err();
        assert_eq!(in_words(error.as_ref()), "the list: reading: gone");
    }
}
