//! The short of it, for the terminal.

use std::io::{self, Write};

use crate::audit::{
    report::{Rate, Report},
    settings::AuditSettings,
    words::{about, decimal, dollars, number, percent},
};

pub(crate) fn write(mut out: impl Write, report: &Report, settings: &AuditSettings) -> io::Result<()> {
    let Report { pictures, case_counted, ignoring_case, cost, verdict, model, .. } = report;
    let interval = |Rate { share, low, high, .. }: Rate| {
        format!("{} ({} to {})", percent(share), percent(low), percent(high))
    };
    writeln!(
        out,
        "{} pictures of {}, read by the model {}, version {}",
        number(pictures.counted),
        report.folder,
        model.name,
        model.version
    )?;
    for (count, what) in [
        (pictures.unreadable, "cannot be read, and are in no figure"),
        (pictures.unlabelled, "have no label, and are in no figure"),
        (
            pictures.with_unknown_characters,
            "have characters that the model does not know, and count as misread",
        ),
    ] {
        if count > 0 {
            writeln!(out, "  {} {what}", number(count))?;
        }
    }
    writeln!(out, "  right, case counted   {}", interval(case_counted.right))?;
    writeln!(out, "  right, ignoring case  {}", interval(ignoring_case.right))?;
    writeln!(out, "  characters wrong      {}", percent(report.judged().character_error_rate))?;
    writeln!(
        out,
        "  cost                  {} ms of one core each; 1,000 for {}, {} solved for a dollar",
        decimal(cost.core_seconds_per_picture * 1000.0),
        dollars(cost.dollars_per_thousand),
        if cost.tries_per_solved.is_some() {
            format!("about {}", about(cost.solved_per_dollar))
        } else {
            "none".to_owned()
        }
    )?;
    writeln!(out, "{}", verdict.headline)?;
    writeln!(out, "  {}", verdict.reason)?;
    writeln!(out, "  {}", verdict.limit)?;
    writeln!(out, "All of it, with what it does not say: {}", settings.out.display())?;
    out.flush()
}
