use super::{Flags, parse};

fn parsed(line: &str) -> Result<Flags, String> {
    parse(line.split_whitespace().map(str::to_owned))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn flags_end_at_the_command() {
    let flags = parsed("--home /srv/n -t --json --version 0 kick_user a --json").unwrap();
    let wanted = Flags {
        home: Some("/srv/n".into()),
        no_timeout: true,
        json: true,
        words: words("--version 0 kick_user a --json"),
        ..Flags::default()
    };
    assert_eq!(flags, wanted);
}

#[test]
fn ejabberdctls_flags_are_known() {
    let flags = parsed("-n n@h -s /spool -l /logs -f /f.yml -c x -d /etc --auth a b c status").unwrap();
    let wanted = Flags {
        home: Some("/spool".into()),
        config: Some("/f.yml".into()),
        config_dir: Some("/etc".into()),
        ctl_config: Some("x".into()),
        logs: Some("/logs".into()),
        node: Some("n@h".to_owned()),
        words: words("--auth a b c status"),
        ..Flags::default()
    };
    assert_eq!(flags, wanted);
    assert_eq!(parsed("--home=/x status").unwrap().home, Some("/x".into()));
}

#[test]
fn a_flag_without_its_value_is_a_mistake() {
    for line in ["--home", "--version", "--auth a b"] {
        assert!(parsed(line).is_err(), "{line}");
    }
}
