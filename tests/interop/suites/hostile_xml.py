# server: hostile.yml.in
# seconds: 120
"""Broken, forbidden, oversize and slow XML: the error the RFC names, and nobody else notices."""
import asyncio
import time

from hostile import attack, attacks, local_port, log_text, memory_kib
from raw import NS, Raw, account, error_condition, online, q, show, stream_header
from suite import DOMAIN, PID, equal, run, until

LIMIT = 65536

# Sent in a bound session; RFC 6120 §4.9.3 and §11.
BROKEN = [
    ("end tag of another element", "<message><body>x</message></body>", ["not-well-formed"]),
    ("end tag that was never opened", "</message>", ["not-well-formed"]),
    ("attribute twice", "<message to='a' to='b'/>", ["not-well-formed"]),
    ("attribute twice under two prefixes of one namespace",
     "<message xmlns:a='urn:x' xmlns:b='urn:x' a:y='1' b:y='2'/>", ["not-well-formed"]),
    ("attribute without quotes", "<message to=a/>", ["not-well-formed"]),
    ("attribute without blank between", "<message to='a'from='b'/>", ["not-well-formed"]),
    ("less-than in attribute", "<message to='<'/>", ["not-well-formed"]),
    ("bare ampersand", "<message><body>a & b</body></message>", ["not-well-formed"]),
    ("CDATA end in text", "<message><body>]]></body></message>", ["not-well-formed"]),
    ("character reference to NUL", "<message><body>&#0;</body></message>", ["not-well-formed"]),
    ("character reference to a surrogate", "<message><body>&#xD800;</body></message>", ["not-well-formed"]),
    ("character reference beyond Unicode", "<message><body>&#x110000;</body></message>", ["not-well-formed"]),
    ("control character", "<message><body>\x01</body></message>", ["not-well-formed"]),
    ("NUL byte", "<message><body>\x00</body></message>", ["not-well-formed"]),
    ("U+FFFE", "<message><body>\ufffe</body></message>", ["not-well-formed"]),
    ("name that begins with a digit", "<1message/>", ["not-well-formed"]),
    ("two colons in a name", "<a:b:c xmlns:a='urn:x'/>", ["not-well-formed", "bad-namespace-prefix"]),
    ("prefix nobody declared", "<message><x:y/></message>", ["bad-namespace-prefix", "not-well-formed"]),
    ("attribute's prefix nobody declared", "<message x:y='1'/>", ["bad-namespace-prefix", "not-well-formed"]),
    ("prefix bound to nothing", "<message xmlns:a=''/>", ["not-well-formed", "bad-namespace-prefix", "invalid-namespace"]),
    ("prefix xml bound to another namespace", "<message xmlns:xml='urn:x'/>", ["not-well-formed", "bad-namespace-prefix", "invalid-namespace"]),
    ("comment", "<!-- x --><message/>", ["restricted-xml"]),
    ("comment in a stanza", "<message><!-- x --></message>", ["restricted-xml"]),
    ("processing instruction", "<?php x ?>", ["restricted-xml"]),
    ("processing instruction in a stanza", "<message><?a b?></message>", ["restricted-xml"]),
    ("DTD", "<!DOCTYPE a [<!ENTITY b 'c'>]><message/>", ["restricted-xml", "not-well-formed"]),
    ("entity nobody declared", "<message><body>&who;</body></message>", ["restricted-xml", "not-well-formed"]),
    ("XML declaration between stanzas", "<message/><?xml version='1.0'?>", ["restricted-xml", "not-well-formed"]),
    ("text between stanzas", "words", ["bad-format", "not-well-formed", "invalid-xml", "unsupported-stanza-type"]),
    ("element that is no stanza", "<nonsense/>", ["unsupported-stanza-type"]),
    ("stanza in another namespace", "<message xmlns='urn:x'/>", ["unsupported-stanza-type", "invalid-namespace"]),
    ("stanza of the server namespace", "<message xmlns='jabber:server'/>", ["unsupported-stanza-type", "invalid-namespace"]),
]


@attacks(BROKEN, lambda name, *_: f"XML: {name} ends the stream")
async def _(name, data, conditions):
    client = await online()
    await client.write(data)
    await client.stream_error(*conditions)


# Bytes that are no UTF-8 (RFC 6120 §11.6; row 60).
BYTES = [
    ("lone continuation byte", b"\x80"),
    ("overlong slash", b"\xc0\xaf"),
    ("overlong NUL", b"\xc0\x80"),
    ("surrogate", b"\xed\xa0\x80"),
    ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
    ("truncated sequence", b"\xe2\x82"),
    ("0xFF", b"\xff"),
]


@attacks([(place, *row) for place in ("text", "attribute", "name") for row in BYTES],
         lambda place, name, _: f"row 60, bytes: {name} in {place} ends the stream")
async def _(place, name, data):
    client = await online()
    frames = {"text": b"<message><body>%s</body></message>", "attribute": b"<message id='%s'/>", "name": b"<message><a%sb/></message>"}
    await client.write(frames[place] % data)
    await client.stream_error("not-well-formed", "unsupported-encoding")


# Sent instead of the stream header; rows 23 and 60 among them.
HEADERS = [
    ("another stream namespace", stream_header(stream="urn:x"), ["invalid-namespace"]),
    ("another content namespace", stream_header(content="urn:x"), ["invalid-namespace"]),
    ("server content namespace", stream_header(content="jabber:server"), ["invalid-namespace"]),
    ("no stream at all", "<message/>", ["invalid-namespace", "bad-format", "not-well-formed", "bad-namespace-prefix", "invalid-xml", "unsupported-stanza-type"]),
    ("unknown host", stream_header(to="nowhere.example"), ["host-unknown"]),
    ("malformed host", stream_header(to="@@@"), ["improper-addressing", "host-unknown"]),
    ("unsupported encoding", stream_header().replace("?>", " encoding='ISO-8859-1'?>"), ["unsupported-encoding", "not-well-formed"]),
    ("XML 2.0", stream_header().replace("version='1.0'?>", "version='2.0'?>"), ["not-well-formed"]),
    ("HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ["not-well-formed", "bad-format"]),
    ("DTD before the stream", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>" + stream_header()[21:], ["restricted-xml", "not-well-formed"]),
    ("comment before the stream", "<!-- x -->" + stream_header()[21:], ["restricted-xml", "not-well-formed"]),
    ("UTF-16", stream_header().encode("utf-16"), ["not-well-formed", "unsupported-encoding"]),
]


@attacks(HEADERS, lambda name, *_: f"stream header: {name} is refused")
async def _(name, data, conditions):
    client = await Raw.connect("none", open=False)
    await client.write(data)
    await client.stream_error(*conditions)


@attack("row 23: DTD, comment and instruction are refused before login too")
async def _():
    for data in ("<!DOCTYPE a>", "<!-- x -->", "<?a b?>", "<auth><!-- x --></auth>"):
        client = await Raw.connect()
        await client.write(data)
        await client.stream_error("restricted-xml", "not-well-formed")


@attack("row 23: an entity that expands to a billion never expands")
async def _():
    levels = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10 if n else 'ha'}'>" for n in range(9))
    client = await Raw.connect("none", open=False)
    await client.write(f"<?xml version='1.0'?><!DOCTYPE a [{levels}]><stream:stream a='&e8;'>")
    await client.stream_error("restricted-xml", "not-well-formed")


@attack("a stanza of the allowed size passes, one larger is policy-violation")
async def _():
    one, other = await online(), await online()
    text = "x" * (LIMIT - 2000)
    await one.message(other.jid, text)
    await other.body(text)
    await one.message(other.jid, "x" * (LIMIT + 1))
    await one.stream_error("policy-violation")


@attacks([(part,) for part in ("attribute", "name", "attribute name", "text", "prefix", "blanks", "end tag", "reference")],
         lambda part: f"row 60: an endless {part} is cut at the limit")
async def _(part):
    client = await online()
    begin = {
        "attribute": "<message id='", "name": "<message><", "attribute name": "<message ", "text": "<message><body>",
        "prefix": "<message xmlns:", "blanks": "<message ", "end tag": "<message></message", "reference": "<message><body>&#",
    }[part]
    fill = {"blanks": " ", "end tag": " ", "reference": "0"}.get(part, "a")
    await client.write(begin)
    try:
        for _ in range(40):
            await client.write(fill * 8192)
    except ConnectionError:
        pass
    await client.stream_error("policy-violation", "not-well-formed")


@attack("row 60: a long stanza in one-byte writes costs linear time")
async def _():
    async def cost(size):
        client = await online()
        client.writer.get_extra_info("socket")
        frame = f"<message to='{client.jid}'><body>{'x' * size}</body></message>".encode()
        start = time.monotonic()
        for place in range(len(frame)):
            client.writer.write(frame[place:place + 1])
            if place % 64 == 0:
                await client.writer.drain()
        await client.writer.drain()
        await client.expect("message", 20)
        return time.monotonic() - start
    small = await cost(6000)
    large = await cost(48000)
    assert large < small * 8 * 3 + 1, f"8 times the bytes took {large / small:.1f} times as long"


@attack("row 60: a stanza a thousand times deeper than any is refused")
async def _():
    client = await online()
    await client.write("<message>" + "<a>" * 10000)
    await client.stream_error("policy-violation", "not-well-formed", "restricted-xml")


@attack("row 60: thousands of attributes and of namespaces are refused or served, never slow")
async def _():
    for attributes in ([f" a{n}='1'" for n in range(4000)], [f" xmlns:a{n}='urn:{n}'" for n in range(2000)]):
        client = await online()
        start = time.monotonic()
        await client.write(f"<message to='{client.jid}'{''.join(attributes)}/>")
        try:
            element = await client.read(5)
            assert element is None or element.tag in (q("stream:error"), q("message")), show(element)
        finally:
            client.abort()
        assert time.monotonic() - start < 2, "too slow"


@attack("half a stanza held open costs no more than its bytes", 60)
async def _():
    if not PID:
        return
    client = await online()
    before = memory_kib()
    await client.write("<message><body>" + "x" * 60000)
    await asyncio.sleep(0.5)
    assert memory_kib() - before < 8192, f"{memory_kib() - before} KiB for 60 kB"
    client.abort()


# Stanzas that are well-formed and wrong: an error stanza, and the stream goes on.
WRONG = [
    ("iq of no known type", "<iq type='nonsense' id='x1'><a xmlns='urn:x'/></iq>", "bad-request"),
    ("iq without a type", "<iq id='x1'><a xmlns='urn:x'/></iq>", "bad-request"),
    ("iq get without a child", "<iq type='get' id='x1' to='%s'/>" % DOMAIN, "bad-request"),
    ("iq get with two children", "<iq type='get' id='x1' to='%s'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>" % DOMAIN, "bad-request"),
    ("presence of no known type", "<presence type='nonsense' id='x1'/>", "bad-request"),
    ("malformed address", "<message id='x1' to='a@b@c@/'><body>x</body></message>", "jid-malformed"),
    ("address with an empty local part", "<message id='x1' to='@%s'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("address with an empty resource", "<message id='x1' to='a@%s/'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("address whose local part is too long", "<message id='x1' to='%s@%s'><body>x</body></message>" % ("a" * 1024, DOMAIN), "jid-malformed"),
    ("row 54: address with forbidden characters", "<message id='x1' to='a&quot;b@%s'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("row 54: address with a blank", "<message id='x1' to='a b@%s'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("row 54: address with a private-use character", "<message id='x1' to='a\ue000@%s'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("row 54: resource with a control character", "<message id='x1' to='a@%s/b&#x7f;'><body>x</body></message>" % DOMAIN, "jid-malformed"),
    ("row 54: bidirectional mixture", "<message id='x1' to='a\u0627b@%s'><body>x</body></message>" % DOMAIN, "jid-malformed"),
]


@attacks(WRONG, lambda name, *_: f"stanza: {name} is answered with an error, the stream goes on")
async def _(name, data, condition):
    client = await online()
    await client.write(data)
    answer = await client.expect(lambda e: e.get("type") == "error")
    equal(answer.get("id"), "x1", "id")
    equal(error_condition(answer)[1], condition, "condition")
    await client.until_pong()


@attack("row 54: bad UTF-8 in an address ends the stream")
async def _():
    for data in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\x98"):
        client = await online()
        await client.write(b"<message to='a" + data + b"@localhost'/>")
        await client.stream_error("not-well-formed", "unsupported-encoding")


@attack("an error is never answered with an error")
async def _():
    client = await online()
    await client.write("<iq type='error' id='e1' to='nobody@%s'><error type='cancel'/></iq>" % DOMAIN)
    await client.write("<message type='error' id='e2' to='nobody@%s'><error type='cancel'/></message>" % DOMAIN)
    await client.write("<iq type='result' id='e3' to='nobody@%s'/>" % DOMAIN)
    seen = await client.until_pong()
    assert not [element for element in seen if element.get("id") in ("e1", "e2", "e3")], [show(e) for e in seen]


@attack("sending in another's name is invalid-from")
async def _():
    other = await account()
    for sender in (other.jid, f"{other.jid}/x", DOMAIN, "other.example", f"a@{DOMAIN}"):
        client = await online()
        await client.write(f"<message from='{sender}' to='{client.jid}'><body>x</body></message>")
        await client.stream_error("invalid-from")


@attack("sending in one's own name, bare or full, is allowed")
async def _():
    client = await online()
    for sender in (client.jid, client.account.jid):
        await client.write(f"<message from='{sender}' to='{client.jid}' id='{sender}'><body>own</body></message>")
        equal((await client.body("own")).get("from"), client.jid)


@attack("the log names the peer's address for a broken stream")
async def _():
    client = await online()
    port = local_port(client)
    await client.write("<broken</broken>")
    await client.stream_error("not-well-formed")
    if PID:
        await until(lambda: f"127.0.0.1:{port}" in log_text() or f"127.0.0.1]:{port}" in log_text(), what="a log line with the peer's address")


run()
