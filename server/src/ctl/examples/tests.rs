use nightjar_base::commands::declare::{binary, command, integer, list, rescode, restuple, string, tuple};
use nightjar_base::commands::{CommandSpec, Field};

use super::{about, lines};

#[test]
fn a_command_has_an_example() {
    static GROUP: Field = binary("group");
    static SESSION: Field = tuple("session", &[string("resource"), integer("priority")]);
    static SPECS: [(CommandSpec, &str); 4] = [
        (
            command("register", &[], "", &[binary("user"), binary("host"), binary("password")], restuple()),
            "ejabberdctl register bob example.com SomEPass44|Success",
        ),
        (
            command("add", &[], "", &[list("groups", &GROUP), integer("days"), string("status")], rescode()),
            "ejabberdctl add \"Friends,Team 1\" 30 \"Set in vacation mode\"",
        ),
        (
            command("sessions", &[], "", &[], list("sessions", &SESSION)),
            "ejabberdctl sessions|tka1\t0|tka1\t0",
        ),
        (command("count", &[], "", &[integer("unknown")], integer("value")), "ejabberdctl count 5|5"),
    ];
    for (spec, wanted) in &SPECS {
        assert_eq!(lines(spec).join("|"), *wanted);
    }
    assert_eq!(about("user"), Some("User name"));
    assert_eq!(about("unheard_of"), None);
}
