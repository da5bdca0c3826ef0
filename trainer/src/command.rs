//! The command that this program was begun with, as cards and runs keep it.

use std::{env, iter};

/// What every command begins with.
pub(crate) const PROGRAM: &str = "byecaptcha-trainer";

/// The command as a shell takes it, in one line, whatever path the program lies at.
pub(crate) fn given() -> String {
    let arguments = env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy()));
    iter::once(PROGRAM.to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    // A line break would end the comment that it stands in.
    format!("'{}'", argument.replace('\'', r"'\''").replace(char::is_control, "?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_command_as_it_was_given() {
        assert_eq!(quoted("trainer/configs/lean.toml"), "trainer/configs/lean.toml");
        assert_eq!(quoted("composed,hku"), "composed,hku");
        assert_eq!(
            ["", "my pictures", "it's", "$HOME", "a\nb"].map(quoted).join(" "),
            r"'' 'my pictures' 'it'\''s' '$HOME' 'a?b'"
        );
    }
}
