use super::*;

#[test]
fn a_name_with_spaces_and_parentheses() {
    let line = "42 (a) (b c) S 7 42 42 0 -1 4194304 10 0 0 0 11 22 33 44 20 0 1 0 100 0 0";
    assert_eq!(parse_stat(line), Some(Stat { pid: 42, parent: 7, own_ticks: 33, reaped_ticks: 77 }));
    assert_eq!(parse_stat("42 (short) S 7"), None);
}

#[test]
fn kilobytes_of_a_field() {
    let text = "Rss:  1234 kB\nPss: 1 kB\nAnonymous:      5 kB\n";
    assert_eq!(
        (kilobytes(text, "Rss:"), kilobytes(text, "Anonymous:"), kilobytes(text, "None:")),
        (1234, 5, 0)
    );
}

#[test]
fn this_process_has_memory_and_a_child_is_counted() {
    let this = Process::this();
    assert!(this.memory().unwrap().resident > 0);
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let found = this.tree().unwrap().iter().any(|stat| stat.pid == child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found);
}
