use super::*;

#[test]
fn pieces() {
    for (input, wanted) in [
        ("  \n<a/>", Some(Piece::Skip(3))),
        ("<?xml version='1.0'?><stream:stream>", Some(Piece::Skip(21))),
        ("<stream:stream id='1'><a/>", Some(Piece::Open(22))),
        ("</stream:stream>", Some(Piece::Close(16))),
        ("<a/><b/>", Some(Piece::Element(4))),
        ("<a><b>x</b><c d='>'/></a>rest", Some(Piece::Element(25))),
        ("<stream:features><x/></stream:features>", Some(Piece::Element(39))),
        ("<a><b></b>", None),
        ("<a x='/>", None),
        ("<stream:stre", None),
        ("", None),
    ] {
        assert_eq!(next_piece(input.as_bytes()), wanted, "{input}");
    }
}

#[test]
fn text_of_elements() {
    let xml = "<iq><set xmlns='r'><first index='0'>17</first><last>18</last><empty/></set></iq>";
    for (name, wanted) in [("first", Some("17")), ("last", Some("18")), ("empty", Some("")), ("count", None)]
    {
        assert_eq!(text_of(xml, name), wanted, "{name}");
    }
    assert_eq!(between(xml, "index='", "'"), Some("0"));
}
