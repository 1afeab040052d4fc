use super::exposure;

#[test]
fn the_level_is_read() {
    assert_eq!(exposure("✓ …\n→ Overall exposure level for nightjar.service: 1.3 OK 🙂\n"), Some(1.3));
    assert_eq!(exposure("Failed to load unit\n"), None);
}
