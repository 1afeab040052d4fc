use super::super::File;
use super::{complaints, unsafe_complaints};

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn words_that_put_work_off_are_found() {
    for (text, found) in [
        (["// TO", "DO: later"].concat(), true),
        (["// enough for ", "now"].concat(), true),
        (["// enough for ", "nowhere"].concat(), false),
        (["let MY_TO", "DO_LIST = 1;"].concat(), false),
    ] {
        assert_eq!(complaints(&[file("a.rs", &text)]).len(), usize::from(found), "{text}");
        assert!(complaints(&[file("a.tsv", &text)]).is_empty());
    }
}

#[test]
fn unsafe_is_only_where_it_is_listed() {
    let head = "path\tinvariant\n";
    let code = "fn f() {\n    unsafe { g() }\n}\n";
    let listed = format!("{head}a.rs\tg is called once\n");
    assert_eq!(
        unsafe_complaints(&[file("a.rs", code)], head),
        ["a.rs:2: `unsafe` outside the files of unsafe.tsv"]
    );
    assert_eq!(unsafe_complaints(&[file("a.rs", code)], &listed), [""; 0]);
    assert_eq!(unsafe_complaints(&[file("a.rs", "// unsafe\n#![deny(unsafe_code)]")], head), [""; 0]);
    assert_eq!(
        unsafe_complaints(&[file("a.rs", "")], &listed),
        ["a.rs: no `unsafe` any more: take it off unsafe.tsv"]
    );
    assert_eq!(unsafe_complaints(&[], &listed), ["a.rs: is no more: take it off unsafe.tsv"]);
}
