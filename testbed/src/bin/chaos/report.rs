//! The ledger as Markdown, and the verdict.

use std::{collections::BTreeMap, time::Duration};

use byecaptcha_queue::JobStatus;

use crate::{
    audit::Found,
    faults::Happened,
    ledger::{Counts, Ledger},
    settings::Settings,
};

/// Jobs must get through again by then.
const RECOVERY: Duration = Duration::from_secs(45);

pub(crate) struct Report<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) ledger: &'a Ledger,
    pub(crate) faults: &'a [Happened],
    pub(crate) found: &'a Found,
    pub(crate) load: Duration,
    pub(crate) skipped: u64,
}

/// Sums over all accepted jobs.
#[derive(Default)]
struct Ends {
    by_status: BTreeMap<&'static str, u64>,
    lost: u64,
    poison: u64,
    poison_without_letter: u64,
}

impl Report<'_> {
    /// The text, and whether everything is as it was promised.
    pub(crate) fn write(&self) -> (String, bool) {
        let (counts, ends, found) = (self.ledger.counts(), self.ends(), self.found);
        let untold = |wanted: JobStatus| found.untold.values().filter(|&&status| status == wanted).count();
        let untold_ended = found.untold.values().filter(|status| status.is_terminal()).count();
        let stray = self.stray_letters();
        let slowest = self.faults.iter().map(|fault| fault.recovered.unwrap_or(Duration::MAX)).max();
        let end = |status: JobStatus| ends.by_status.get(status.name()).copied().unwrap_or_default();

        let mut lines = Vec::new();
        let mut line = |what: &str, count: u64, meaning: &str| {
            lines.push(format!("| {what} | {count} | {meaning} |\n"));
        };
        line("attempted", counts.attempted, "requests that submit a picture, each try for itself");
        line("accepted", counts.accepted, "answered 202 or 200");
        line("refused", counts.refused, "answered 503; the client came back when it was told to");
        line("not sent", counts.unreachable, "nobody listened");
        line("indeterminate", counts.indeterminate, "sent and not answered: nobody knows");
        line("succeeded", end(JobStatus::Succeeded), "of the accepted");
        line("failed", end(JobStatus::Failed), "of the accepted");
        line("expired", end(JobStatus::Expired), "of the accepted, by their deadlines");
        line("canceled", end(JobStatus::Canceled), "of the accepted, taken back");
        line("**lost**", ends.lost, "accepted and never ended");
        line("**unknown**", counts.unknown, "answers that know nothing of an accepted job");
        line("**changed**", counts.changed, "an end that differed when it was read again");
        line(
            "read again",
            counts.reread,
            "ends compared byte for byte, every one at the end and some in between",
        );
        line(
            "**wrong**",
            counts.wrong + found.untold_wrong as u64,
            "another picture's text, or an end that cannot be",
        );
        line("**unexpected**", counts.unexpected, "answers that nothing explains");
        line(
            "recovered",
            untold_ended as u64,
            "jobs that no client was told of and that ended, by the records in Redis",
        );
        line(
            "begun only",
            untold(JobStatus::Queued) as u64,
            "records of submissions that never reached the broker",
        );
        line(
            "repeated",
            found.repeated,
            "outcomes for jobs that had ended: delivered twice, or taken back meanwhile; from the workers' logs",
        );
        line("poison", ends.poison, "of the accepted");
        line("poison recovered", untold(JobStatus::Failed) as u64, "of those that no client was told of");
        line("dead letters", found.dead.len() as u64, "different jobs: all the poison, and nothing else");
        line("dead letters twice", found.dead_twice as u64, "more letters than jobs");
        line(
            "**poison without letter**",
            ends.poison_without_letter,
            "accepted and failed, and not among the dead letters",
        );
        line("**stray letters**", stray + found.dead_innocents as u64, "of no poison, or of no failed job");
        line("workers died", found.worker_deaths as u64, "of poison or by fault");
        line("**still queued**", found.depth as u64, "in the broker at the end");

        let others = found.untold.values().filter(|status| **status == JobStatus::Processing).count();
        let kept = [
            ends.lost == 0,
            counts.unknown == 0,
            counts.changed == 0,
            counts.wrong == 0 && found.untold_wrong == 0,
            counts.unexpected == 0,
            ends.poison_without_letter == 0,
            stray == 0 && found.dead_innocents == 0,
            found.depth == 0 && others == 0,
            counts.accepted > 0,
            slowest.is_none_or(|slowest| slowest <= RECOVERY),
        ];
        let kept = kept.into_iter().all(|kept| kept);
        let text = format!(
            "{}\n| | jobs | |\n|---|---:|---|\n{}\n{}{}{}\n",
            self.heading(),
            lines.concat(),
            self.fault_table(),
            self.surprises(),
            match kept {
                true => "**Kept:** nothing accepted was lost, changed or mixed up.",
                false =>
                    "**Broken:** see the lines in bold, which must be 0, and the recoveries, which must be within 45 s.",
            },
        );
        (text, kept)
    }

    fn heading(&self) -> String {
        let Settings { seed, clients, apis, workers, rate, .. } = self.settings;
        let seconds = self.load.as_secs_f64();
        let each = self.ledger.counts().accepted as f64 / seconds;
        let rate = match rate {
            0 => "as fast as they can".to_owned(),
            rate => format!("{rate} jobs/s meant, {} not begun since all clients were busy", self.skipped),
        };
        format!(
            "# Chaos, seed {seed}\n\n{seconds:.0} s of load by up to {clients} clients ({rate}) on {apis} APIs and \
             {workers} workers: {each:.0} jobs accepted a second.\n"
        )
    }

    fn ends(&self) -> Ends {
        self.ledger.with_entries(|entries| {
            let mut ends = Ends::default();
            for (id, entry) in entries {
                match entry.status() {
                    Some(status) => *ends.by_status.entry(status.name()).or_default() += 1,
                    None => ends.lost += 1,
                }
                if entry.is_poison() {
                    ends.poison += 1;
                    ends.poison_without_letter += u64::from(!self.found.dead.contains(id));
                }
            }
            // Those that no client was told of and that failed were poison too.
            let untold = self.found.untold.iter().filter(|(_, status)| **status == JobStatus::Failed);
            let without = untold.filter(|(id, _)| !self.found.dead.contains(id)).count();
            ends.poison_without_letter += without as u64;
            ends
        })
    }

    /// Dead letters of jobs that did not fail, as their submitters read it.
    fn stray_letters(&self) -> u64 {
        let failed = |id| {
            let told = self.ledger.with_entries(|entries| entries.get(id).map(|entry| entry.status()));
            told.unwrap_or_else(|| self.found.untold.get(id).copied()) == Some(JobStatus::Failed)
        };
        self.found.dead.iter().filter(|id| !failed(id)).count() as u64
    }

    fn fault_table(&self) -> String {
        if self.faults.is_empty() {
            return String::new();
        }
        let rows = self.faults.iter().map(|Happened { at, what, lasted, recovered, before, after }| {
            let recovered =
                recovered.map_or("never".to_owned(), |recovered| format!("{:.2} s", recovered.as_secs_f64()));
            let grown = |count: fn(&Counts) -> u64| count(after) - count(before);
            format!(
                "| {:.1} s | {what} | {:.1} s | {recovered} | {} | {} | {} |\n",
                at.as_secs_f64(),
                lasted.as_secs_f64(),
                grown(|counts| counts.accepted),
                grown(|counts| counts.refused + counts.unreachable),
                grown(|counts| counts.indeterminate),
            )
        });
        format!(
            "| at | fault | lasted | jobs get through after | accepted | refused | indeterminate |\n\
             |---:|---|---:|---:|---:|---:|---:|\n{}\n",
            rows.collect::<String>()
        )
    }

    fn surprises(&self) -> String {
        let surprises = self.ledger.surprises();
        if surprises.is_empty() {
            return String::new();
        }
        let list = surprises.iter().map(|surprise| format!("- {surprise}\n"));
        format!("Surprises, the first of them:\n\n{}\n", list.collect::<String>())
    }
}
