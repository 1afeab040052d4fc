use super::*;

#[test]
fn placeholder_is_replaced_below() {
    assert_eq!(Term::decode(&encode(&Term::NIL), &Limits::default()), Ok(Term::NIL));
}
