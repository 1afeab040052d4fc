//! Stream headers (RFC 6120 §4.7), STARTTLS (§5), and XML that must not be (§4.9.3, §11).

use super::*;

fn open(attributes: &str) -> String {
    format!("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' {attributes}>")
}

#[test]
fn headers_are_checked_before_anything_is_offered() {
    let client = "xmlns='jabber:client'";
    let cases = [
        ("version='1.0' to='example.org' {client}", "[opened]{header}{plain}"),
        ("version='1.1' to='EXAMPLE.org' {client}", "[opened]{header}{plain}"),
        ("version='12.0' to='example.org' {client}", "[opened]{header}{plain}"),
        (
            "version='1.0' to='example.org' from='a@example.org' xml:lang='de' {client}",
            "[opened]{header to}{plain}",
        ),
        ("to='example.org' {client}", "{early-header}{error unsupported-version}"),
        ("version='0.9' to='example.org' {client}", "{early-header}{error unsupported-version}"),
        ("version='one' to='example.org' {client}", "{early-header}{error unsupported-version}"),
        ("version='1' to='example.org' {client}", "{early-header}{error unsupported-version}"),
        ("version='1.0' {client}", "{early-header}{error improper-addressing|Missing 'to' attribute}"),
        ("version='1.0' to='' {client}", "{early-header}{error improper-addressing}"),
        ("version='1.0' to='a@example.org' {client}", "{early-header}{error improper-addressing}"),
        ("version='1.0' to='example.org/x' {client}", "{early-header}{error improper-addressing}"),
        ("version='1.0' to='example.net' {client}", "{early-header}{error host-unknown}"),
        ("version='1.0' to='example.org' from='@' {client}", "{early-header}{error invalid-from}"),
        (
            "version='1.0' to='example.org' from='a@example.net' {client}",
            "{early-header}{error invalid-from}",
        ),
        ("version='1.0' to='example.org' xmlns='jabber:server'", "{early-header}{error invalid-namespace}"),
        (
            "version='1.0' to='example.org' xmlns='jabber:component:accept'",
            "{early-header}{error invalid-namespace}",
        ),
        ("version='1.0' to='example.org'", "{early-header}{error invalid-namespace}"),
    ];
    let to = header_text("s1", " from='example.org' to='a@example.org'");
    for (attributes, expected) in cases {
        let sent = open(&attributes.replace("{client}", client));
        let expected = expected.replace("{header to}", &to);
        play(&mut plain(), &[(&sent, &expected)]);
    }
}

#[test]
fn what_is_no_stream_is_told_so() {
    let cases: &[(&str, &str)] = &[
        (
            "<stream:stream xmlns:stream='http://etherx.jabber.org/stream' xmlns='jabber:client' version='1.0' to='example.org'>",
            "invalid-namespace",
        ),
        ("<stream xmlns='jabber:client' version='1.0' to='example.org'>", "invalid-namespace"),
        (
            "<stream:flood xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client' version='1.0' to='example.org'>",
            "bad-format",
        ),
        ("<message xmlns='jabber:client'/>", "invalid-namespace"),
        ("<stream:stream>", "not-well-formed"),
        ("GET / HTTP/1.1\r\n\r\n", "not-well-formed"),
        ("\u{16}\u{3}\u{1}", "not-well-formed"),
        ("<?xml version='1.0' encoding='UTF-16'?>", "unsupported-encoding"),
        ("<?xml version='1.1'?>", "not-well-formed"),
        ("<!DOCTYPE stream><stream:stream>", "restricted-xml"),
        ("<!-- hello -->", "restricted-xml"),
        ("<?php ?>", "restricted-xml"),
    ];
    for (sent, condition) in cases {
        play(&mut plain(), &[(sent, &format!("{{early-header}}{{error {condition}}}"))]);
    }
}

#[test]
fn a_stream_may_have_any_prefix() {
    let sent = "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client' version='1.0' to='example.org'>";
    play(&mut plain(), &[(sent, "[opened]{header}{plain}")]);
}

#[test]
fn an_empty_stream_is_opened_and_closed() {
    let sent = OPEN.replace("version='1.0'>", "version='1.0'/>");
    play(&mut plain(), &[(&sent, "[opened]{header}{plain}</stream:stream>[closed]")]);
}

/// Hostile input: broken and forbidden XML in an open stream.
#[test]
fn bad_xml_ends_the_stream_with_its_error() {
    let deep = "<a>".repeat(200);
    let wide = format!("<a {}/>", (0..200).map(|n| format!("a{n}='' ")).collect::<String>());
    let long = format!("<auth>{}</auth>", "x".repeat(40_000));
    let cases = [
        ("<a></b>", "not-well-formed"),
        ("<a b=c/>", "not-well-formed"),
        ("<a>&bogus;</a>", "restricted-xml"),
        ("<a>&#0;</a>", "not-well-formed"),
        ("<p:a/>", "not-well-formed"),
        ("<a x='1' x='2'/>", "not-well-formed"),
        ("<!-- comment -->", "restricted-xml"),
        ("<?target data?>", "restricted-xml"),
        ("text", "bad-format"),
        ("</stream>", "not-well-formed"),
        (&deep, "policy-violation"),
        (&wide, "policy-violation"),
        (&long, "policy-violation"),
    ];
    for (sent, condition) in cases {
        let mut driven = opened(plain());
        driven.feed(sent.as_bytes());
        let end = driven.end.take();
        let Some(End::Error(error)) = end else { panic!("{sent}: {end:?}") };
        assert_eq!(error.condition.as_str(), condition, "{sent}");
        assert!(driven.said().ends_with(&expand(&format!("{{error {condition}}}"))), "{sent}");
    }
    for bytes in [&b"<a>\xff</a>"[..], b"<a>\xc0\x80</a>", b"<a>\xed\xa0\x80</a>"] {
        let mut driven = opened(plain());
        driven.feed(bytes);
        assert_eq!(driven.said(), expand("{error not-well-formed}"), "{bytes:?}");
    }
}

#[test]
fn starttls_is_negotiated_and_the_stream_begins_anew() {
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>[starttls]";
    let mut driven = opened(plain());
    play(&mut driven, &[(starttls, proceed)]);
    driven.handshake();
    play(&mut driven, &[(OPEN, "[opened]{header}{secured}")]);
    // TLS inside TLS.
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>[tls refused]";
    play(&mut driven, &[(starttls, failure)]);

    let mut without = opened(Driven::new(FramingKind::Stream, false, StartTls::Unavailable));
    play(&mut without, &[(starttls, failure)]);
}

/// Hostile input: commands injected behind `<starttls/>`, in the same packet or in the next.
#[test]
fn early_data_ends_the_stream() {
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    let proceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>[starttls]";
    let mut together = opened(plain());
    play(&mut together, &[(&format!("{starttls}{OPEN}"), &format!("{proceed}[early data]"))]);
    let mut apart = opened(plain());
    play(&mut apart, &[(starttls, proceed), (" ", "[early data]")]);
}

#[test]
fn the_host_is_fixed_by_the_first_header() {
    let other = OPEN.replace("example.org", "example.net");
    let refused = "{early-header}{error not-authorized|The host must not change during a stream}";
    // Behind STARTTLS.
    let mut driven = opened(plain());
    driven.feed(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    driven.said();
    driven.handshake();
    play(&mut driven, &[(&other, refused)]);
    // Hostile input: authenticated at one host, reopened to another.
    let mut driven = opened(secured());
    driven.feed(AUTH_PLAIN.as_bytes());
    driven.said();
    play(&mut driven, &[(&other, refused)]);
}

/// `hosts_alias`: the client goes on to name the host as it did, the account is the host's.
#[test]
fn a_host_can_be_reached_by_another_name() {
    let open = OPEN.replace("to='example.org'", "to='alias.example' from='juliet@alias.example'");
    let header = header_text("s1", " from='example.org' to='juliet@alias.example'");
    let features = format!("[opened]{header}{{secured}}");
    let success =
        "[authenticated juliet@example.org PLAIN]<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    let again = format!("[opened]{header}{{authenticated}}");
    play(&mut secured(), &[(&open, &features), (AUTH_PLAIN, success), (&open, &again)]);
    let other = "{early-header}{error not-authorized|The host must not change during a stream}";
    play(&mut secured(), &[(&open, &features), (AUTH_PLAIN, success), (OPEN, other)]);
}

#[test]
fn behind_authentication_the_header_names_the_account_or_nobody() {
    let cases = [
        ("from='juliet@example.org'", "[opened]{header to}{authenticated}"),
        ("from='juliet@example.org/balcony'", "[opened]{header to}{authenticated}"),
        ("", "[opened]{header}{authenticated}"),
        ("from='romeo@example.org'", "{early-header}{error invalid-from}"),
    ];
    let to = header_text("s1", " from='example.org' to='juliet@example.org'");
    for (from, expected) in cases {
        let mut driven = opened(secured());
        driven.feed(AUTH_PLAIN.as_bytes());
        driven.said();
        let sent = OPEN.replace("to='example.org'", &format!("to='example.org' {from}"));
        play(&mut driven, &[(&sent, &expected.replace("{header to}", &to))]);
    }
}

#[test]
fn nothing_but_authentication_goes_before_authentication() {
    let cases = [
        ("<message to='a@b'/>", "{error not-authorized}"),
        ("<presence/>", "{error not-authorized}"),
        ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "{error not-authorized}"),
        (
            "<iq type='get' id='1' to='example.net'><query xmlns='jabber:iq:register'/></iq>",
            "{error not-authorized}",
        ),
        ("<iq type='result' id='1'/>", "{error not-authorized}"),
        ("<iq type='get'><query xmlns='jabber:iq:register'/></iq>", "{error not-authorized}"),
        ("<iq xmlns='jabber:server' type='get' id='1'/>", "{error invalid-namespace}"),
        ("<odd xmlns='u:odd'/>", "{error unsupported-stanza-type}"),
        ("<active xmlns='urn:xmpp:csi:0'/>", "{error unsupported-stanza-type}"),
        (" \n", ""),
        (
            "<enable xmlns='urn:xmpp:sm:3'/>",
            "<failed xmlns='urn:xmpp:sm:3'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
        ),
        (
            "<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>",
            "[early]<iq type='result' id='1'/>",
        ),
    ];
    for (sent, expected) in cases {
        play(&mut opened(secured()), &[(sent, expected)]);
    }
    let required = "{error policy-violation|Use of STARTTLS required}";
    play(
        &mut opened(plain()),
        &[("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>", required)],
    );
    play(&mut opened(plain()), &[(AUTH_PLAIN, "{sasl encryption-required}[failed ? encryption-required]")]);
}

#[test]
fn legacy_authentication_binds_at_once() {
    let mut driven = opened(secured());
    let sent = "<iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>a</username></query></iq>";
    play(
        &mut driven,
        &[
            (sent, "[early]<iq type='result' id='1'/>"),
            ("<presence/>", "[stanza presence/available]<presence/>"),
        ],
    );
}
