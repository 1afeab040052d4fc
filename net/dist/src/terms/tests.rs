use super::*;

const NAME: Field = Field { name: "name", shape: Shape::String };
const COUNT: Field = Field { name: "count", shape: Shape::Integer };
static NAMES: Field = NAME;

fn field(shape: Shape) -> Field {
    Field { name: "it", shape }
}

fn read(shape: Shape, term: &Term) -> Option<Value> {
    value(&field(shape), term).ok()
}

#[test]
fn arguments_of_each_shape() {
    let tuple = Shape::Tuple(&[NAME, COUNT]);
    let rows = [
        (Shape::Integer, Term::Integer(7), Some(Value::Integer(7))),
        (Shape::Integer, Term::text("7"), None),
        (Shape::Binary, Term::text("tü"), Some(Value::text("tü"))),
        (Shape::Binary, Term::charlist("tü"), Some(Value::text("tü"))),
        (Shape::String, Term::byte_list("tü".as_bytes()), Some(Value::text("tü"))),
        (Shape::String, Term::charlist("日本"), Some(Value::text("日本"))),
        (Shape::String, Term::NIL, Some(Value::text(""))),
        (Shape::String, Term::Integer(1), None),
        (Shape::String, Term::list([Term::Integer(-1)]), None),
        (Shape::String, Term::list([Term::Integer(0x0011_0000)]), None),
        (Shape::Binary, Term::Binary(vec![0xff]), None),
        (Shape::Atom, Term::atom("debug"), Some(Value::text("debug"))),
        (Shape::Atom, Term::charlist("debug"), Some(Value::text("debug"))),
        (Shape::Rescode, Term::atom("ok"), Some(Value::Done(true))),
        (Shape::List(&NAMES), Term::list([Term::text("a")]), Some(Value::List(vec![Value::text("a")]))),
        (Shape::List(&NAMES), Term::list([Term::Integer(1)]), None),
        (
            tuple,
            Term::tuple([Term::text("a"), Term::Integer(1)]),
            Some(Value::Tuple(vec![Value::text("a"), Value::Integer(1)])),
        ),
        (tuple, Term::tuple([Term::text("a")]), None),
    ];
    for (shape, term, wanted) in rows {
        assert_eq!(read(shape, &term), wanted, "{term:?} as {shape:?}");
    }
}

#[test]
fn results_of_each_shape() {
    let rows = [
        (Shape::Integer, Value::Integer(7), Term::Integer(7)),
        (Shape::String, Value::text("ü"), Term::charlist("ü")),
        (Shape::Binary, Value::text("ü"), Term::text("ü")),
        (Shape::Atom, Value::text("info"), Term::atom("info")),
        (Shape::Rescode, Value::Done(true), Term::atom("ok")),
        (Shape::Rescode, Value::Told(false, Text::new("no")), Term::atom("error")),
        (
            Shape::Restuple,
            Value::Told(true, Text::new("yes")),
            Term::tuple([Term::atom("ok"), Term::charlist("yes")]),
        ),
        (Shape::List(&NAMES), Value::List(vec![Value::text("a")]), Term::list([Term::text("a")])),
        (
            Shape::Tuple(&[NAME, COUNT]),
            Value::Tuple(vec![Value::text("a"), Value::Integer(1)]),
            Term::tuple([Term::text("a"), Term::Integer(1)]),
        ),
    ];
    for (shape, value, wanted) in rows {
        assert_eq!(term(&field(shape), &value), wanted, "{value:?} as {shape:?}");
    }
}
