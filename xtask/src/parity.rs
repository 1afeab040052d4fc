use crate::tally::Tally;
use anyhow::Result;
pub(crate) fn command(_: &[String]) -> Result<bool> {
    Ok(check()?.failed == 0)
}
pub(crate) fn check() -> Result<Tally> {
    Ok(Tally::PASSED)
}
