//! `<stream:features/>` between servers (RFC 6120 §4.3.2): written by the receiving server, read by the initiating one.

use nightjar_xml::Frame;

use super::{HostOffer, StartTls};
use crate::ns;
use crate::sm::Version;
use crate::stream::sasl::write_empty;
use crate::write::{self, Sink};

/// What there is to write.
pub(super) struct Offered<'a> {
    pub(super) host: &'a HostOffer,
    pub(super) secured: bool,
    pub(super) authenticated: bool,
    pub(super) sm: bool,
}

impl Offered<'_> {
    pub(super) fn write(&self) -> String {
        let mut out = String::with_capacity(512);
        out.put("<stream:features>");
        if !self.secured && self.host.starttls != StartTls::Never {
            let required = self.host.starttls == StartTls::Required;
            out.put("<starttls");
            write::attribute(&mut out, "xmlns", ns::TLS);
            out.put(if required { "><required/></starttls>" } else { "/>" });
        }
        // RFC 6120 §5.3.1: what is to come behind TLS is not offered before it.
        if self.secured || self.host.starttls != StartTls::Required {
            self.write_rest(&mut out);
        }
        out.put("</stream:features>");
        out
    }

    fn write_rest(&self, out: &mut String) {
        if self.host.external && self.secured && !self.authenticated {
            out.put("<mechanisms");
            write::attribute(out, "xmlns", ns::SASL);
            out.put("><mechanism>EXTERNAL</mechanism></mechanisms>");
        }
        if self.host.dialback {
            out.put("<dialback");
            write::attribute(out, "xmlns", ns::DIALBACK_FEATURE);
            out.put("><errors/></dialback>");
        }
        if self.host.bidi && !self.authenticated {
            write_empty(out, "bidi", ns::BIDI_FEATURE);
        }
        // Behind dialback no features follow, so it must be said now.
        if self.sm && (self.authenticated || self.host.dialback) {
            write_empty(out, "sm", ns::SM_2);
            write_empty(out, "sm", ns::SM);
        }
        self.host.features.iter().for_each(|xml| out.put(xml));
    }
}

/// What the peer offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Offers {
    pub(super) starttls: bool,
    pub(super) starttls_required: bool,
    pub(super) external: bool,
    pub(super) dialback: bool,
    pub(super) dialback_errors: bool,
    pub(super) bidi: bool,
    pub(super) sm: Option<Version>,
}

impl Offers {
    pub(super) fn read(frame: &Frame) -> Offers {
        let mut offers = Offers::default();
        for child in frame.children() {
            match (child.ns, child.name) {
                (ns::TLS, "starttls") => {
                    offers.starttls = true;
                    offers.starttls_required = child.parse().child("required", ns::TLS).is_some();
                }
                (ns::SASL, "mechanisms") => {
                    let list = child.parse();
                    offers.external = list.children().any(|mechanism| {
                        mechanism.is("mechanism", ns::SASL) && mechanism.text().trim_ascii() == "EXTERNAL"
                    });
                }
                (ns::DIALBACK_FEATURE, "dialback") => {
                    offers.dialback = true;
                    let list = child.parse();
                    offers.dialback_errors = list.child("errors", ns::DIALBACK_FEATURE).is_some();
                }
                (ns::BIDI_FEATURE, "bidi") => offers.bidi = true,
                (ns, "sm") => {
                    if let Some(version) = Version::of_ns(ns)
                        && offers.sm != Some(Version::V3)
                    {
                        offers.sm = Some(version);
                    }
                }
                _ => {}
            }
        }
        offers
    }
}
