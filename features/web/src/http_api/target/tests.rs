use super::Target;

fn check(prefix: &str, path: &str, wanted: Option<(&str, u32)>) {
    let path: Vec<String> = path.split('/').map(str::to_owned).collect();
    let wanted = wanted.map(|(command, version)| Target { command, version });
    assert_eq!(Target::read(prefix, &path, 9), wanted, "{prefix} {path:?}");
}

#[test]
fn paths_name_commands_and_versions() {
    check("/api", "status", Some(("status", 9)));
    check("/api", "status/", Some(("status", 9)));
    check("/api", "status/v1", Some(("status", 1)));
    check("/api", "v2/status", Some(("status", 2)));
    check("/api/v1", "status", Some(("status", 1)));
    check("/api/v1", "status/v0", Some(("status", 0)));
    check("/api", "status/vx", Some(("status", 9)));
    check("/api", "v7", Some(("v7", 7)));
    check("/api", "", None);
    check("/api", "//", None);
}
