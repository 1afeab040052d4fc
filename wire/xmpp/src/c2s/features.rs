//! `<stream:features/>` (RFC 6120 §4.3.2).

use nightjar_sasl::Mechanism;

use super::{FramingKind, HostOffer, Sasl2Offer, Settings, StartTls};
use crate::ns;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// What a client that is not authenticated can do.
pub(super) fn before_authentication(offer: &HostOffer, settings: &Settings, secured: bool) -> String {
    let mut out = open(settings.framing);
    let can_upgrade = !secured && settings.framing == FramingKind::Stream;
    if can_upgrade && offer.starttls != StartTls::Unavailable {
        start(&mut out, "starttls", ns::TLS);
        out.put(if offer.starttls == StartTls::Required { "><required/></starttls>" } else { "/>" });
    }
    if secured || offer.starttls != StartTls::Required {
        authentication(&mut out, offer);
        if offer.register {
            empty(&mut out, "register", ns::REGISTER_FEATURE);
        }
        if offer.legacy_auth {
            empty(&mut out, "auth", ns::LEGACY_AUTH_FEATURE);
        }
    }
    let allowed = u64::from(settings.limits_before_auth.stanza_bytes);
    limits(&mut out, offer.max_bytes.map(|max| max.min(allowed)), offer.idle_seconds);
    offer.features.iter().for_each(|xml| out.put(xml));
    out.put("</stream:features>");
    out
}

/// What an authenticated client can do; `bound` if it has its resource already.
pub(super) fn after_authentication(offer: &HostOffer, framing: FramingKind, bound: bool) -> String {
    let mut out = open(framing);
    if !bound {
        empty(&mut out, "bind", ns::BIND);
        start(&mut out, "session", ns::SESSION);
        out.put("><optional/></session>");
    }
    if offer.sm {
        empty(&mut out, "sm", ns::SM_2);
        empty(&mut out, "sm", ns::SM);
    }
    if offer.csi {
        empty(&mut out, "csi", ns::CSI);
    }
    limits(&mut out, offer.max_bytes, offer.idle_seconds);
    offer.features_authenticated.iter().for_each(|xml| out.put(xml));
    out.put("</stream:features>");
    out
}

fn open(framing: FramingKind) -> String {
    let mut out = String::with_capacity(1024);
    out.put("<stream:features");
    if framing == FramingKind::WebSocket {
        write::attribute(&mut out, "xmlns:stream", ns::STREAMS);
    }
    out.put(">");
    out
}

fn authentication(out: &mut String, offer: &HostOffer) {
    if !offer.sasl.channel_bindings.is_empty() {
        start(out, "sasl-channel-binding", ns::SASL_CHANNEL_BINDING);
        out.put(">");
        for binding in &offer.sasl.channel_bindings {
            out.put("<channel-binding");
            write::attribute(out, "type", binding.kind.name());
            out.put("/>");
        }
        out.put("</sasl-channel-binding>");
    }
    if offer.sasl1 && !offer.sasl.mechanisms.is_empty() {
        start(out, "mechanisms", ns::SASL);
        out.put(">");
        mechanisms(out, &offer.sasl.mechanisms);
        out.put("</mechanisms>");
    }
    if let Some(sasl2) = offer.sasl2.as_ref().filter(|_| !offer.sasl.mechanisms.is_empty()) {
        start(out, "authentication", ns::SASL2);
        out.put(">");
        mechanisms(out, &offer.sasl.mechanisms);
        inline(out, offer, sasl2);
        for task in &sasl2.upgrades {
            start(out, "upgrade", ns::SASL_UPGRADE);
            out.put(">");
            out.put(task.name());
            out.put("</upgrade>");
        }
        out.put("</authentication>");
    }
}

/// XEP-0388 §2.1, XEP-0386 §3.1, XEP-0198 §9.2, XEP-0484 §3.1
fn inline(out: &mut String, offer: &HostOffer, sasl2: &Sasl2Offer) {
    out.put("<inline>");
    if offer.sm {
        empty(out, "sm", ns::SM);
    }
    if let Some(features) = &sasl2.bind2 {
        start(out, "bind", ns::BIND2);
        out.put("><inline>");
        let own = [(offer.sm, ns::SM), (offer.csi, ns::CSI)];
        let own = own.into_iter().filter(|(offered, _)| *offered).map(|(_, ns)| ns);
        for feature in features.iter().map(|feature| feature.as_str()).chain(own) {
            out.put("<feature");
            write::attribute(out, "var", feature);
            out.put("/>");
        }
        out.put("</inline></bind>");
    }
    if !offer.sasl.fast.is_empty() {
        start(out, "fast", ns::FAST);
        out.put(">");
        mechanisms(out, &offer.sasl.fast);
        out.put("</fast>");
    }
    out.put("</inline>");
}

fn mechanisms(out: &mut String, list: &[Mechanism]) {
    list.iter().for_each(|mechanism| write::text_element(out, "mechanism", mechanism.name()));
}

/// XEP-0478
fn limits(out: &mut String, max_bytes: Option<u64>, idle_seconds: Option<u32>) {
    if max_bytes.is_none() && idle_seconds.is_none() {
        return;
    }
    start(out, "limits", ns::STREAM_LIMITS);
    out.put(">");
    if let Some(max) = max_bytes {
        write::text_element(out, "max-bytes", &max.to_string());
    }
    if let Some(seconds) = idle_seconds {
        write::text_element(out, "idle-seconds", &seconds.to_string());
    }
    out.put("</limits>");
}

fn start(out: &mut String, name: &str, ns: &str) {
    out.put("<");
    out.put(name);
    write::attribute(out, "xmlns", ns);
}

fn empty(out: &mut String, name: &str, ns: &str) {
    start(out, name, ns);
    out.put("/>");
}
