use super::super::{Field, Shape, Value};

use super::{Misfit, parse};

const NUMBER: Field = Field { name: "days", shape: Shape::Integer };
const NAME: Field = Field { name: "user", shape: Shape::Binary };
static WORD: Field = Field { name: "group", shape: Shape::Binary };
const GROUPS: Field = Field { name: "groups", shape: Shape::List(&WORD) };
static PAIR: Field = Field { name: "option", shape: Shape::Tuple(&[NAME, NUMBER]) };
const PAIRS: Field = Field { name: "options", shape: Shape::List(&PAIR) };

fn check(fields: &'static [Field], words: &[&str], wanted: Result<Vec<Value>, Misfit>) {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(parse(fields, &words), wanted, "{words:?}");
}

#[test]
fn words_become_values() {
    check(&[NAME, NUMBER], &["alice", "30"], Ok(vec![Value::text("alice"), Value::Integer(30)]));
    check(&[NAME], &[""], Ok(vec![Value::text("")]));
    check(
        &[GROUPS],
        &["a, b,,c"],
        Ok(vec![Value::List(vec![Value::text("a"), Value::text("b"), Value::text("c")])]),
    );
    check(&[GROUPS], &[""], Ok(vec![Value::List(Vec::new())]));
    check(
        &[PAIRS],
        &["a:1,b:2"],
        Ok(vec![Value::List(vec![
            Value::Tuple(vec![Value::text("a"), Value::Integer(1)]),
            Value::Tuple(vec![Value::text("b"), Value::Integer(2)]),
        ])]),
    );
}

#[test]
fn misfits_are_told() {
    check(&[NAME, NUMBER], &["alice"], Err(Misfit::Missing(1)));
    check(&[], &["x", "y"], Err(Misfit::Surplus(2)));
    check(&[PAIRS], &["a"], Err(Misfit::Missing(1)));
    let wrong = Misfit::Wrong { name: "days", expected: "a whole number", given: "soon".to_owned() };
    check(&[NUMBER], &["soon"], Err(wrong));
}
