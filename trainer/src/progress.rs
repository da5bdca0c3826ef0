//! What is told while something is under way.

use std::fmt::Display;

use byecaptcha_dataset::stdout;

/// Prints a line. Nobody may be there to take it, and what is under way goes on without.
pub(crate) fn tell(line: impl Display) {
    drop(stdout::line(line));
}
