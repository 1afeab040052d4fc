//! `<addresses/>` (XEP-0033 §4).

use nightjar_jid::Jid;
use nightjar_text::Text;
use nightjar_xml::{Element, Writer};
use nightjar_xmpp::ns;

/// One `<address/>`.
#[derive(Clone, Debug)]
pub struct Address {
    pub kind: Text,
    pub jid: Option<Jid>,
    pub delivered: bool,
    /// All attributes but `delivered`.
    attributes: Vec<(Text, Text)>,
}

impl Address {
    /// The same address, delivered (§4.3).
    pub fn as_delivered(&self) -> Address {
        Address { delivered: true, ..self.clone() }
    }

    fn write(&self, xml: &mut Writer) {
        xml.start("address");
        for (name, value) in &self.attributes {
            xml.attr(name, value);
        }
        xml.attr_opt("delivered", self.delivered.then_some("true")).end("address");
    }
}

/// Who is to get a stanza.
#[derive(Debug, Default)]
pub struct Addresses {
    /// To be sent to, seen by all: `to` and `cc`.
    pub open: Vec<Address>,
    /// To be sent to, seen by nobody else.
    pub blind: Vec<Address>,
    /// To be sent to, but they are no addresses of ours: a URI, or nothing valid.
    pub invalid: usize,
    /// Shown to all: delivered ones, `noreply`, `replyto`, `replyroom`, `ofrom`.
    pub rest: Vec<Address>,
}

impl Addresses {
    /// Reads the element.
    pub fn read(element: &Element) -> Addresses {
        let mut all = Addresses::default();
        for child in element.children().filter(|child| child.is("address", ns::ADDRESS)) {
            let text = |name| child.attr(name).map(|value| Text::new(&value)).unwrap_or_default();
            let known = ["type", "jid", "uri", "node", "desc"];
            let attributes =
                known.iter().filter_map(|name| Some((Text::new(name), Text::new(&child.attr(name)?))));
            let address = Address {
                kind: text("type"),
                jid: Jid::parse(&text("jid")).ok(),
                delivered: matches!(text("delivered").as_str(), "true" | "1"),
                attributes: attributes.collect(),
            };
            match address.kind.as_str() {
                // §4.3: somebody has dealt with it.
                _ if address.delivered => all.rest.push(address),
                "to" | "cc" | "bcc" if address.jid.is_none() => all.invalid += 1,
                "to" | "cc" => all.open.push(address),
                "bcc" => all.blind.push(address),
                _ => all.rest.push(address),
            }
        }
        all
    }

    /// How many it is to be sent to.
    pub fn len(&self) -> usize {
        self.open.len() + self.blind.len()
    }
}

/// The element with these addresses; none if there are none.
pub fn to_xml<'a>(addresses: impl Iterator<Item = &'a Address>) -> Option<Text> {
    let mut addresses = addresses.peekable();
    addresses.peek()?;
    let mut xml = Writer::new();
    xml.start("addresses").ns(ns::ADDRESS);
    addresses.for_each(|address| address.write(&mut xml));
    xml.end("addresses");
    Some(Text::from(xml.finish()))
}
