use super::*;

fn bodies(chunks: &[&str]) -> Vec<String> {
    let mut input = Input::new(Vec::new());
    let mut found = Vec::new();
    for chunk in chunks {
        input.space().unwrap()[..chunk.len()].copy_from_slice(chunk.as_bytes());
        input.end += chunk.len();
        while let Some(body) = input.next_body().unwrap() {
            found.push(String::from_utf8(body.to_vec()).unwrap());
        }
    }
    found
}

#[test]
fn bodies_are_found_across_reads() {
    for (chunks, wanted) in [
        (&["<message><body>a</body></message><message><body>b</body></message>"][..], &["a", "b"][..]),
        (&["<presence/><message><x/></message><message id='1'><body>a</bo", "dy></message>"], &["a"]),
        (&["<message><body>a</body><stanza-id id='7'/></mess", "age>"], &["a"]),
        (&["<message><body>a</body>"], &[]),
    ] {
        assert_eq!(bodies(chunks), wanted, "{chunks:?}");
    }
}

#[test]
fn an_error_ends_the_run() {
    let mut input =
        Input::new(b"<message type='error'><body>a</body><error type='wait'/></message>".to_vec());
    assert!(input.next_body().is_err());
}

#[test]
fn a_stamp_is_read_back() {
    for value in [0, 9, 10, 0x1234_5678_9abc_def0, u64::MAX] {
        assert_eq!(hexadecimal(value), format!("{value:016x}").as_bytes());
    }
}
