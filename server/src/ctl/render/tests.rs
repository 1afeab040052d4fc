use nightjar_base::commands::{CommandError, CommandResult, CommandSpec, Field, Policy, Shape, Value};
use nightjar_text::Text;

use super::{Output, render};

static NAME: Field = Field { name: "name", shape: Shape::String };
static GROUPS: Field = Field { name: "groups", shape: Shape::List(&NAME) };
static ROW: Field = Field {
    name: "row",
    shape: Shape::Tuple(&[
        Field { name: "jid", shape: Shape::String },
        Field { name: "priority", shape: Shape::Integer },
        GROUPS_FIELD,
    ]),
};
const GROUPS_FIELD: Field = Field { name: "groups", shape: Shape::List(&NAME) };

fn check(shape: Shape, version: u32, result: CommandResult, text: &str, code: u8) {
    let spec = CommandSpec {
        name: "command",
        tags: &[],
        doc: "",
        arguments: &[],
        result: Field { name: "res", shape },
        policy: Policy::Restricted,
        version: 0,
    };
    assert_eq!(render(&spec, version, &result), Output::new(text, code), "{result:?}");
}

#[test]
fn results_look_like_ejabberdctls() {
    check(Shape::Integer, 1, Ok(Value::Integer(-7)), "-7", 0);
    check(Shape::Atom, 1, Ok(Value::text("info")), "info", 0);
    check(Shape::String, 1, Ok(Value::text("a b")), "a b", 0);
    check(Shape::Rescode, 1, Ok(Value::Done(true)), "", 0);
    check(Shape::Rescode, 1, Ok(Value::Done(false)), "Error: false", 1);
    check(Shape::Restuple, 1, Ok(Value::Told(true, Text::new("Done it"))), "Done it", 0);
    check(
        Shape::Restuple,
        1,
        Ok(Value::Told(false, Text::new("No host"))),
        "Error: error\nError: \"No host\"",
        1,
    );
    check(Shape::List(&NAME), 1, Ok(Value::List(Vec::new())), "", 0);
    check(Shape::List(&NAME), 1, Ok(Value::List(vec![Value::text("a"), Value::text("b")])), "a\nb", 0);
}

#[test]
fn tuples_and_inner_lists_have_their_separators() {
    let groups = Value::List(vec![Value::text("x"), Value::text("y")]);
    let row = Value::Tuple(vec![Value::text("a@b"), Value::Integer(1), groups]);
    check(ROW.shape, 1, Ok(row.clone()), "a@b\t1\tx,y", 0);
    check(ROW.shape, 0, Ok(row.clone()), "a@b\t1\tx;y", 0);
    check(Shape::List(&ROW), 1, Ok(Value::List(vec![row.clone(), row])), "a@b\t1\tx,y\na@b\t1\tx,y", 0);
    check(Shape::List(&GROUPS), 1, Ok(Value::List(vec![Value::List(vec![Value::text("x")])])), "x", 0);
}

#[test]
fn failures_say_why() {
    for (error, wanted) in [
        (
            CommandError::Conflict("User a@b already registered".into()),
            "Error: conflict: User a@b already registered",
        ),
        (CommandError::NotFound("unknown_user".into()), "{not_found,\"unknown_user\"}"),
        (
            CommandError::Arguments("Wrong resource number: 3".into()),
            "{bad_argument,\"Wrong resource number: 3\"}",
        ),
        (
            CommandError::Failed("Unknown virtual host".into()),
            "Error: error\nError: \"Unknown virtual host\"",
        ),
        (CommandError::Failed("account_does_not_exist".into()), "Error: account_does_not_exist"),
        (
            CommandError::Coded {
                word: "cannot_register",
                number: 10001,
                text: "Unknown virtual host".into(),
            },
            "Error: cannot_register: Unknown virtual host",
        ),
        (CommandError::NotAllowed("access_rules_unauthorized".into()), "{error,access_rules_unauthorized}"),
    ] {
        check(Shape::Rescode, 1, Err(error), wanted, 1);
    }
}
