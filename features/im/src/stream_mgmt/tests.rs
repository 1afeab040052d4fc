use std::time::Duration;

use nightjar_base::stream_options::Resend;

use super::{longest, resend};

#[test]
fn resend_on_timeout_has_three_values() {
    let cases = [("true", Resend::Always), ("false", Resend::Never), ("if_offline", Resend::IfOffline)];
    for (word, expected) in cases {
        assert_eq!(resend(word), expected, "{word}");
    }
}

#[test]
fn the_longest_wait_is_never_below_the_usual_one() {
    let seconds = Duration::from_secs;
    for (usual, max, expected) in [(300, None, 300), (300, Some(600), 600), (300, Some(60), 300)] {
        assert_eq!(longest(seconds(usual), max.map(seconds)), seconds(expected));
    }
}
