use super::{newest, spell};

#[test]
fn seconds_are_spelt() {
    for (seconds, wanted) in [("59", "00:00:59"), ("3661", "01:01:01"), ("90061", "1 d 01:01:01"), ("-", "-")]
    {
        assert_eq!(spell(seconds), wanted);
    }
}

#[test]
fn the_youngest_sessions_come_first() {
    let info = "a@h/1\tc2s\t::1\t5222\t0\tn@h\t100\navoid\nb@h/2\tc2s_tls\t::1\t5223\t0\tn@h\t7";
    assert_eq!(newest(info), ["    00:00:07  b@h/2  c2s_tls  ::1", "    00:01:40  a@h/1  c2s  ::1"]);
}
