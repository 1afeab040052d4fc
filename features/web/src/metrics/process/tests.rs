use super::{Process, cpu_seconds, field};

#[test]
fn proc_is_read() {
    let stat = "7 (a b) c) S 1 1 1 0 -1 0 1 2 3 4 150 50 9 9 20 0 8 0 1 2 3";
    assert_eq!(cpu_seconds(stat), Some(2.0));
    assert_eq!(cpu_seconds(""), None);
    assert_eq!(field("Name:\tx\nVmRSS:\t  512 kB\n", "VmRSS:"), Some(512));
    assert_eq!(field("Name:\tx\n", "VmRSS:"), None);
    let own = Process::read();
    assert!(own.resident_bytes.unwrap() > 1_000_000, "{own:?}");
    assert!(own.descriptors.unwrap() >= 3 && own.threads.unwrap() >= 1, "{own:?}");
}
