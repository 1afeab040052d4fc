use std::cell::Cell;
use std::time::Duration;

use super::wait_until;

#[test]
fn waiting_ends_when_it_may_or_when_it_must() {
    let looks = Cell::new(0);
    let third = || {
        looks.set(looks.get() + 1);
        looks.get() == 3
    };
    assert_eq!(wait_until(Duration::from_secs(60), third).code, 0);
    assert_eq!(looks.get(), 3);
    assert_eq!(wait_until(Duration::ZERO, || false).code, 1);
}
