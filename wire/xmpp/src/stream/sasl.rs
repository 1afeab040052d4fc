//! Elements of SASL (RFC 6120 §6, XEP-0388).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nightjar_sasl::SaslFailure;

use crate::ns;
use crate::write::{self, Sink};

/// Base64 without white space inside; `=` stands for no bytes (RFC 6120 §6.4.2).
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, SaslFailure> {
    match text {
        "=" => Ok(Vec::new()),
        text => STANDARD.decode(text).map_err(|_| SaslFailure::incorrect_encoding()),
    }
}

pub(crate) fn encode(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// Writes `<name xmlns='ns'>` with the data in base64.
pub(crate) fn write_data(out: &mut String, name: &str, ns: &str, data: &[u8]) {
    if data.is_empty() {
        return write_empty(out, name, ns);
    }
    out.put("<");
    out.put(name);
    write::attribute(out, "xmlns", ns);
    out.put(">");
    out.put(&encode(data));
    out.put("</");
    out.put(name);
    out.put(">");
}

pub(crate) fn write_empty(out: &mut String, name: &str, ns: &str) {
    out.put("<");
    out.put(name);
    write::attribute(out, "xmlns", ns);
    out.put("/>");
}

/// Writes `<failure/>` (RFC 6120 §6.5); `profile` is its namespace.
pub(crate) fn write_failure(xml: &mut String, profile: &str, failure: &SaslFailure) {
    xml.put("<failure");
    write::attribute(xml, "xmlns", profile);
    xml.put("><");
    xml.put(failure.condition.name());
    if profile != ns::SASL {
        write::attribute(xml, "xmlns", ns::SASL);
    }
    xml.put("/>");
    if let Some(text) = &failure.text {
        xml.put("<text");
        write::attribute(xml, "xml:lang", "en");
        xml.put(">");
        write::text(xml, text);
        xml.put("</text>");
    }
    xml.put("</failure>");
}
