//! One field of a vCard read or written, as the commands get_vcard and set_vcard do.

use nightjar_text::Text;
use nightjar_xml::{ElementRef, Writer};
use nightjar_xmpp::ns;

/// The values of a field, or of a part of it. A telephone number is found by its kind: `TEL`, `HOME`.
pub(super) fn values(vcard: ElementRef<'_>, name: &str, part: Option<&str>) -> Vec<Text> {
    let fields = vcard.children().filter(|child| child.name() == name);
    let Some(part) = part else {
        return fields.take(1).map(text).collect();
    };
    if name == "TEL" {
        let wanted = fields.filter(|tel| tel.child(part, ns::VCARD).is_some());
        return wanted.filter_map(|tel| tel.child("NUMBER", ns::VCARD)).take(1).map(text).collect();
    }
    fields.take(1).flat_map(|field| field.children().filter(|child| child.name() == part).map(text)).collect()
}

fn text(element: ElementRef<'_>) -> Text {
    Text::new(&element.text())
}

/// The vCard with these values in place of what the field, or the part of it, held.
pub(super) fn with(vcard: Option<ElementRef<'_>>, name: &str, part: Option<&str>, contents: &[Text]) -> Text {
    let children: Vec<ElementRef<'_>> = vcard.iter().flat_map(|vcard| vcard.children()).collect();
    let mut xml = Writer::new();
    xml.start("vCard").ns(ns::VCARD);
    match part {
        None => contents.iter().for_each(|content| {
            xml.element(name, content);
        }),
        Some(kind) if name == "TEL" => contents.iter().for_each(|content| {
            xml.start("TEL").start(kind).end(kind).element("NUMBER", content).end("TEL");
        }),
        Some(part) => {
            xml.start(name);
            contents.iter().for_each(|content| {
                xml.element(part, content);
            });
            let field = children.iter().find(|child| child.name() == name);
            let others = field.into_iter().flat_map(|field| field.children());
            others.filter(|child| child.name() != part).for_each(|child| copy(&mut xml, child));
            xml.end(name);
        }
    }
    let is_replaced = |child: &ElementRef<'_>| match part {
        Some(kind) if name == "TEL" => child.name() == name && child.child(kind, ns::VCARD).is_some(),
        _ => child.name() == name,
    };
    // Only the first field of a name is changed, and only this one is taken away.
    let first = children.iter().position(is_replaced);
    let stays = |at: usize, child: &ElementRef<'_>| {
        if name == "TEL" || part.is_none() { !is_replaced(child) } else { Some(at) != first }
    };
    for (at, child) in children.iter().enumerate() {
        if stays(at, child) {
            copy(&mut xml, *child);
        }
    }
    xml.end("vCard");
    Text::from(xml.finish())
}

/// Writes an element anew, since deeper ones lean on the namespaces of their parents.
fn copy(xml: &mut Writer, element: ElementRef<'_>) {
    xml.start(element.name());
    if element.ns() != ns::VCARD {
        xml.ns(element.ns());
    }
    xml.text(&element.text());
    element.children().for_each(|child| copy(xml, child));
    xml.end(element.name());
}

#[cfg(test)]
mod tests;
