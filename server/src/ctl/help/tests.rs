use nightjar_base::commands::{CommandSpec, Field, Policy, Shape};

use super::{glob, help, usage};

static USER: Field = Field { name: "username", shape: Shape::String };
static REGISTERED: CommandSpec = CommandSpec {
    name: "registered_users",
    tags: &["accounts"],
    doc: "List all accounts of a host",
    arguments: &[Field { name: "host", shape: Shape::Binary }],
    result: Field { name: "users", shape: Shape::List(&USER) },
    policy: Policy::Restricted,
    version: 0,
};
static STATUS: CommandSpec = CommandSpec {
    name: "status",
    tags: &["server"],
    doc: "Tell how the node does",
    arguments: &[],
    result: Field { name: "res", shape: Shape::Restuple },
    policy: Policy::Restricted,
    version: 0,
};
static HIDDEN: CommandSpec = CommandSpec { name: "echo", tags: &["internal"], ..STATUS_COPY };
const STATUS_COPY: CommandSpec = CommandSpec {
    name: "status",
    tags: &[],
    doc: "",
    arguments: &[],
    result: Field { name: "res", shape: Shape::Restuple },
    policy: Policy::Restricted,
    version: 0,
};

fn check(words: &[&str], code: u8, holds: &[&str], lacks: &[&str]) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let output = help(&[&REGISTERED, &STATUS, &HIDDEN], &words);
    assert_eq!(output.code, code, "{words:?}");
    for part in holds {
        assert!(output.text.contains(part), "{words:?}: {part:?} is not in\n{}", output.text);
    }
    for part in lacks {
        assert!(!output.text.contains(part), "{words:?}: {part:?} is in\n{}", output.text);
    }
}

#[test]
fn each_form_of_help_answers() {
    check(&[], 0, &["help COMMAND"], &[]);
    check(&["tags"], 0, &["  accounts\n     registered_users", "  server\n     status"], &["echo"]);
    check(&["--tags"], 0, &["Available tags"], &[]);
    check(&["--tags", "server"], 0, &["with tag server", "status"], &["registered_users"]);
    check(&["commands"], 0, &["    registered_users host\n"], &["echo"]);
    check(&["accounts"], 0, &["registered_users host"], &["status"]);
    check(
        &["registered_users"],
        0,
        &["Command Name: registered_users", "host::binary", "users::[ username::string ]"],
        &[],
    );
    check(&["stat*"], 0, &["Command Name: status"], &[]);
    check(&["*"], 0, &["registered_users host", "status"], &["echo"]);
    check(&["nothing"], 0, &["No tag or command matches 'nothing'"], &[]);
    check(&["--dual"], 2, &["Usage:"], &[]);
    check(&["--long"], 2, &["Usage:"], &[]);
}

#[test]
fn globs_match_as_in_a_shell() {
    for (pattern, name, wanted) in [
        ("kick_*", "kick_user", true),
        ("kick_?ser", "kick_user", true),
        ("*user*", "kick_users", true),
        ("kick_user", "kick_users", false),
        ("", "x", false),
    ] {
        assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), wanted, "{pattern} {name}");
    }
}

#[test]
fn usage_lists_all_commands() {
    let text = usage(&[&REGISTERED, &STATUS, &HIDDEN], true);
    assert!(text.contains("  registered_users host List all accounts of a host\n"), "{text}");
    assert!(!text.contains("echo"), "{text}");
}
