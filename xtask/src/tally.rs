//! Counts of what a runner did.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub(crate) const PASSED: Tally = Tally { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Tally = Tally { passed: 0, failed: 1, skipped: 0 };

    /// One check that holds or not.
    pub(crate) fn of(holds: bool) -> Tally {
        if holds { Tally::PASSED } else { Tally::FAILED }
    }

    /// The last `N passed, N failed, N skipped` of a runner's output.
    pub(crate) fn last_in(output: &str) -> Option<Tally> {
        output.lines().rev().find_map(Tally::in_line)
    }

    fn in_line(line: &str) -> Option<Tally> {
        let words: Vec<&str> = line.split([' ', ',', ':']).filter(|word| !word.is_empty()).collect();
        let before = |name: &str| {
            let place = words.iter().position(|word| *word == name)?;
            words.get(place.checked_sub(1)?)?.parse::<u64>().ok()
        };
        Some(Tally { passed: before("passed")?, failed: before("failed")?, skipped: before("skipped")? })
    }

    /// nextest's summary (`Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 2 failed, 1 skipped`),
    /// where a count of nought is left out.
    pub(crate) fn in_nextest(output: &str) -> Option<Tally> {
        let line = output.lines().rev().find(|line| line.contains("Summary [") && line.contains(" run: "))?;
        let (_, counts) = line.split_once(" run: ")?;
        let count = |names: &[&str]| -> u64 {
            counts
                .split(',')
                .filter_map(|part| part.trim().split_once(' '))
                .filter(|(_, name)| names.iter().any(|wanted| name.starts_with(wanted)))
                .filter_map(|(number, _)| number.parse::<u64>().ok())
                .sum()
        };
        Some(Tally {
            passed: count(&["passed"]),
            failed: count(&["failed", "timed out", "exec failed"]),
            skipped: count(&["skipped"]),
        })
    }

    /// The sum of libtest's `test result:` lines.
    pub(crate) fn in_libtest(output: &str) -> Option<Tally> {
        let mut sum = Tally::default();
        let mut seen = false;
        for line in output.lines().filter(|line| line.starts_with("test result:")) {
            let count = |name: &str| -> u64 {
                line.split([';', '.'])
                    .filter_map(|part| part.trim().strip_suffix(name))
                    .filter_map(|number| number.trim().rsplit(' ').next()?.parse::<u64>().ok())
                    .sum()
            };
            sum += Tally { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
            seen = true;
        }
        seen.then_some(sum)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests;
