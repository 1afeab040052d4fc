use nightjar_store::Value;

use super::*;

const SALT: &[u8] = b"0123456789abcdef";

fn keys(hash: ScramHash) -> ScramKeys {
    ScramKeys::derive(hash, &Secret::from("pencil"), SALT, 4096).unwrap()
}

fn row(number: i64, password: &str, serverkey: &str, salt: &str, iterations: i64) -> Row {
    Row::new(vec![number.into(), password.into(), serverkey.into(), salt.into(), Value::Int(iterations)])
}

/// A row of these keys, with the type and prefix given.
fn keys_row(number: i64, prefix: &str, hash: ScramHash) -> Row {
    let encoded = keys(hash).encode();
    row(number, &format!("{prefix}{}", encoded.stored_key), &encoded.server_key, &encoded.salt, 4096)
}

#[test]
fn every_form_that_was_ever_written() {
    use ScramHash::{Sha1, Sha256, Sha512};
    let table = [
        (row(1, "pencil", "", "", 0), PasswordType::Plain),
        (row(0, "pencil", "", "", 0), PasswordType::Plain),
        (keys_row(2, "", Sha1), PasswordType::Scram(Sha1)),
        (keys_row(3, "", Sha256), PasswordType::Scram(Sha256)),
        (keys_row(4, "", Sha512), PasswordType::Scram(Sha512)),
        (keys_row(0, "", Sha1), PasswordType::Scram(Sha1)),
        (keys_row(0, "sha256:", Sha256), PasswordType::Scram(Sha256)),
        (keys_row(0, "sha512:", Sha512), PasswordType::Scram(Sha512)),
    ];
    for (row, kind) in table {
        let stored = read("juliet", std::slice::from_ref(&row)).unwrap();
        assert_eq!(stored.types(), [kind], "{row:?}");
        assert!(stored.plain.iter().all(|plain| plain.same_as(b"pencil")));
        assert!(stored.keys.iter().all(|keys| keys.check_password(&Secret::from("pencil"))));
    }
}

#[test]
fn what_is_written_is_read() {
    let forms = ScramHash::ALL.map(|hash| Password::Keys(keys(hash)));
    let all: Vec<Password> = forms.into_iter().chain([Password::Plain(Secret::from("pencil"))]).collect();
    let rows: Vec<Row> = all.iter().map(|form| Row::new(form.params("juliet").split_off(1))).collect();
    let stored = read("juliet", &rows).unwrap();
    assert_eq!(stored.types(), PasswordType::ALL);
}

/// A damaged form is none; the others still count.
#[test]
fn damaged_rows_are_left_out() {
    let damaged = [
        row(2, "AAAA", "AAAA", "AAAA", 4096),
        row(3, "pencil", "", "", 0),
        row(5, "pencil", "", "", 0),
        row(0, "pencil", "x", "", 0),
        keys_row(3, "", ScramHash::Sha1),
        row(4, "", "", "", -1),
    ];
    for row in &damaged {
        assert_eq!(read("juliet", std::slice::from_ref(row)).unwrap().types(), [], "{row:?}");
    }
    let mixed = [damaged[0].clone(), keys_row(3, "", ScramHash::Sha256)];
    assert_eq!(read("juliet", &mixed).unwrap().types(), [PasswordType::Scram(ScramHash::Sha256)]);
}

#[test]
fn a_typed_row_goes_before_an_untyped_one() {
    let rows = [row(0, "old", "", "", 0), row(1, "new", "", "", 0)];
    assert!(read("juliet", &rows).unwrap().plain.unwrap().same_as(b"new"));
}

/// ejabberd 26.07 numbers the forms so; another number would orphan every password.
#[test]
fn type_numbers() {
    assert_eq!(PasswordType::ALL.map(type_number), [1, 2, 3, 4]);
}
