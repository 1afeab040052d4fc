use super::{ALL, Level};

#[test]
fn names_and_numbers_lead_back() {
    for level in ALL {
        assert_eq!(Level::from_name(level.name()), Some(level));
        assert_eq!(Level::from_number(level as u8), level);
    }
    assert_eq!(Level::from_old_number(4), Some(Level::Info));
    assert_eq!(Level::from_old_number(6), None);
    assert_eq!(Level::from_name("loud"), None);
}
