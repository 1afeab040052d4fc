use core::net::IpAddr;

use super::{Features, Judgement, Nonces};

const ALICE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1));
const BOB: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 2));

const ALL: Features = Features { password_algorithms: true, username_anonymity: true };

fn nonces(secret: u8) -> Nonces {
    Nonces::new([secret; 32], 600, ALL)
}

#[test]
fn a_nonce_is_good_for_its_client_and_its_time() {
    let nonce = nonces(1).make(ALICE, 1_000);
    assert!(nonce.starts_with("obMatJos2wAAA"), "{nonce}");
    assert_eq!(nonce.len(), 29);
    for (maker, client, now, wanted) in [
        (1, ALICE, 1_000, Judgement::Fresh(ALL)),
        (1, ALICE, 1_600, Judgement::Fresh(ALL)),
        (1, ALICE, 1_601, Judgement::Stale),
        (1, ALICE, 999, Judgement::Stale),
        (1, BOB, 1_000, Judgement::Stale),
        (2, ALICE, 1_000, Judgement::Stale),
    ] {
        assert_eq!(nonces(maker).judge(nonce.as_bytes(), client, now), wanted, "{maker} {client} {now}");
    }
}

#[test]
fn a_nonce_says_what_it_offered_and_nobody_between_changes_that() {
    let (all, open) = (nonces(1).make(ALICE, 1_000), nonces(1).make_open(ALICE, 1_000));
    assert_eq!((all.len(), &all[..13], &open[..13]), (open.len(), "obMatJos2wAAA", "obMatJos2gAAA"));
    let features = Features { username_anonymity: false, ..ALL };
    assert_eq!(nonces(1).judge(open.as_bytes(), ALICE, 1_000), Judgement::Fresh(features));
    for stripped in [all.replacen("wAAA", "gAAA", 1), open.replacen("gAAA", "wAAA", 1)] {
        assert_eq!(nonces(1).judge(stripped.as_bytes(), ALICE, 1_000), Judgement::Stale, "{stripped}");
    }
}

#[test]
fn a_changed_nonce_is_stale() {
    let nonce = nonces(1).make(ALICE, 1_000).into_bytes();
    for at in 0..nonce.len() {
        let mut changed = nonce.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        if changed != nonce {
            assert_eq!(nonces(1).judge(&changed, ALICE, 1_000), Judgement::Stale, "{at}");
        }
    }
    for other in [&b""[..], b"obMatJos2", b"obMatJos2wAAA", &[0xff; 200]] {
        assert_eq!(nonces(1).judge(other, ALICE, 1_000), Judgement::Stale);
    }
}
