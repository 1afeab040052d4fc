use super::newest_libc;

#[test]
fn the_newest_library_counts() {
    assert_eq!(newest_libc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0"), "2.34");
    assert_eq!(newest_libc(b"static"), "2.17");
}
