//! One registration per source in `registration_timeout`.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use nightjar_jid::Jid;
use nightjar_text::Text;
use parking_lot::Mutex;

/// Sources remembered at a time; beyond it, the oldest is forgotten early.
const SOURCES_MAX: usize = 100_000;

/// Who registers, as far as the pace is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// An IPv4 address, or the /64 an IPv6 address is in: whoever has one address of it has all.
    Address(IpAddr),
    /// An account that is logged in.
    Account(Text),
}

impl Source {
    pub(super) fn address(ip: IpAddr) -> Source {
        Source::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
            ip @ IpAddr::V4(_) => ip,
        })
    }

    pub(super) fn account(jid: &Jid) -> Source {
        Source::Account(Text::new(jid.bare_str()))
    }
}

/// When each source registered last, in monotonic time.
#[derive(Default)]
pub(super) struct Pace {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    times: HashMap<Source, Duration>,
    /// In the order of their times; holds sources that were taken back, too.
    order: VecDeque<(Duration, Source)>,
}

impl Pace {
    /// Notes a registration; false if this source had one less than `pause` ago.
    pub(super) fn claim(&self, source: &Source, now: Duration, pause: Duration) -> bool {
        let mut state = self.state.lock();
        state.forget_before(now, pause);
        if state.times.contains_key(source) {
            return false;
        }
        state.times.insert(source.clone(), now);
        state.order.push_back((now, source.clone()));
        true
    }

    /// Takes a claim back: the registration failed.
    pub(super) fn release(&self, source: &Source) {
        self.state.lock().times.remove(source);
    }
}

impl State {
    fn forget_before(&mut self, now: Duration, pause: Duration) {
        while let Some((time, _)) = self.order.front() {
            if now.saturating_sub(*time) < pause && self.order.len() < SOURCES_MAX {
                break;
            }
            if let Some((time, source)) = self.order.pop_front()
                && self.times.get(&source) == Some(&time)
            {
                self.times.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, Source};

    #[test]
    fn one_registration_a_pause() {
        let pace = Pace::default();
        let source = Source::address("192.0.2.1".parse().unwrap());
        let other = Source::address("192.0.2.2".parse().unwrap());
        let claim = |source, now| pace.claim(source, Duration::from_secs(now), Duration::from_secs(600));
        assert!(claim(&source, 0));
        assert!(claim(&other, 1));
        assert!(!claim(&source, 599));
        assert!(claim(&source, 600));
        assert!(!claim(&source, 700));
        pace.release(&source);
        assert!(claim(&source, 701));
        assert!(!claim(&source, 1300));
    }

    #[test]
    fn addresses_of_one_network_are_one_source() {
        let source = |ip: &str| Source::address(ip.parse().unwrap());
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:2"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    }
}
