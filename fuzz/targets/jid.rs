//! Addresses: what is parsed is normal, stays what it is when parsed again, and is the sum of its parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightjar_jid::{Jid, nameprep, nodeprep, resourceprep, saslprep};

fuzz_target!(|input: &str| {
    for prepare in [nodeprep, nameprep, resourceprep, saslprep] {
        if let Ok(once) = prepare(input) {
            // Preparation may refuse its own result (a character that normalisation brought in), never change it.
            if let Ok(twice) = prepare(&once) {
                assert_eq!(once, twice);
            }
        }
    }
    let Ok(jid) = Jid::parse(input) else { return };
    assert_eq!(Jid::parse(jid.as_str()).as_ref(), Ok(&jid), "parsed again");
    assert_eq!(
        Jid::from_parts(jid.local(), jid.domain(), jid.resource()).as_ref(),
        Ok(&jid),
        "from its parts"
    );
    assert_eq!(jid.bare().as_str(), jid.bare_str());
    assert!(jid.as_str().len() <= 3 * 1023 + 2);
    assert_eq!(jid.is_full(), jid.resource().is_some());
});
