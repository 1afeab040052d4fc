# server: hostile.yml.in
# seconds: 120
"""Streams in the wrong order, too early, too slow, half closed, never read: each ends alone."""
import asyncio
import socket
import ssl

from hostile import attack, attacks, memory_kib, unharmed
from raw import NS, Raw, account, context, escape, online, q, show, stream_header
from sasl import Scram, b64, plain
from suite import DOMAIN, HOST, PID, PORT, TLS_PORT, equal, run, unique

OTHER = f"other.{DOMAIN}"

# Sent after STARTTLS and before login.
EARLY = [
    ("message", "<message to='%s'><body>x</body></message>" % DOMAIN, ["not-authorized"]),
    ("presence", "<presence/>", ["not-authorized"]),
    ("bind", "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", ["not-authorized"]),
    ("roster", "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>", ["not-authorized"]),
    ("unknown element", "<nonsense xmlns='urn:x'/>", ["not-authorized", "unsupported-stanza-type"]),
]


@attacks(EARLY, lambda name, *_: f"order: {name} before login ends the stream")
async def _(name, data, conditions):
    client = await Raw.connect()
    await client.write(data)
    await client.stream_error(*conditions)


@attack("order: login before STARTTLS is refused where TLS is required")
async def _():
    who = await account()
    client = await Raw.connect("none")
    equal(client.mechanisms(), [], "mechanisms before TLS")
    assert client.features.find(f"{q('tls:starttls')}/{q('tls:required')}") is not None, show(client.features)
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain(who.user, who.password)}</auth>")
    answer = await client.read()
    refused = answer is None or answer.tag in (q("sasl:failure"), q("stream:error"))
    assert refused, show(answer)
    client.abort()


@attack("order: STARTTLS twice is refused")
async def _():
    client = await Raw.connect()
    await client.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    answer = await client.read()
    assert answer is None or answer.tag in (q("tls:failure"), q("stream:error")), show(answer)
    client.abort()


@attack("order: login twice is refused")
async def _():
    client = await online()
    await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain('a', 'b')}</auth>")
    answer = await client.read()
    assert answer is None or answer.tag in (q("sasl:failure"), q("stream:error")), show(answer)
    client.abort()


@attack("order: stanzas before binding a resource are refused")
async def _():
    who = await account()
    client = await Raw.connect()
    answer = await client.auth(who.user, who.password)
    equal(answer.tag, q("sasl:success"))
    await client.open()
    await client.write(f"<message to='{who.jid}' id='early'><body>x</body></message>")
    answer = await client.read()
    assert answer is None or answer.tag == q("stream:error") or answer.get("type") == "error", show(answer)
    client.abort()


@attack("order: binding twice is refused, the session goes on or ends cleanly")
async def _():
    client = await online()
    await client.write("<iq type='set' id='again'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
    answer = await client.read()
    assert answer is None or answer.tag == q("stream:error") or answer.get("type") == "error", show(answer)
    client.abort()


@attack("order: a second stream header inside the stream ends it")
async def _():
    client = await online()
    await client.write(stream_header()[21:] + "</stream:stream>")
    await client.stream_error("unsupported-stanza-type", "bad-format", "invalid-namespace", "not-well-formed")


@attack("early data after STARTTLS is thrown away or ends the stream, never believed")
async def _():
    who = await account()
    client = await Raw.connect("none")
    # In one segment with <starttls/>: what a man in the middle would inject (CVE-2011-0411's class).
    injected = f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain(who.user, who.password)}</auth>"
    await client.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + stream_header() + injected)
    try:
        answer = await client.read()
        if answer is None or answer.tag != q("tls:proceed"):
            return
        await client.handshake()
        await client.open()
    except (ConnectionError, ssl.SSLError, AssertionError):
        return
    assert client.mechanisms(), f"the injected login was believed: {show(client.features)}"
    equal(await client.keep_reading(0.3), [], "answers to what was injected")
    client.abort()


@attack("row 15: after login the stream cannot move to another host")
async def _():
    who = await account()
    client = await Raw.connect()
    answer = await client.auth(who.user, who.password)
    equal(answer.tag, q("sasl:success"))
    await client.write("<?xml version='1.0'?>" + stream_header(OTHER)[21:])
    client.restart_parser()
    element = await client.read()
    if element is not None and element.tag == q("stream:features"):
        result = await client.iq("set", f"<bind xmlns='{NS['bind']}'/>")
        jid = result.findtext(f"{q('bind:bind')}/{q('bind:jid')}") or ""
        assert f"@{OTHER}" not in jid, f"bound {jid} with the password of {who.jid}"
    else:
        assert element is None or element.tag == q("stream:error"), show(element)
    client.abort()


@attack("row 15: after STARTTLS another host is another login, not a mixture")
async def _():
    who = await account()
    client = await Raw.connect("none")
    await client.starttls()
    client.restart_parser()
    await client.write(stream_header(OTHER))
    element = await client.read()
    if element is not None and element.tag == q("stream:features"):
        answer = await client.auth(who.user, who.password)
        assert answer is None or answer.tag != q("sasl:success"), "logged in on a host without that account"
    client.abort()


# Row 14: every way to break a stream, in every state.
async def connected():
    return await Raw.connect("none", open=False)


async def opened():
    return await Raw.connect("none")


async def encrypted():
    return await Raw.connect()


async def authenticated():
    who = await account()
    client = await Raw.connect()
    await client.auth(who.user, who.password)
    return client


STATES = [("connected", connected), ("opened", opened), ("encrypted", encrypted), ("authenticated", authenticated), ("bound", online)]
ENDS = ["broken XML", "stream error of ours", "end tag", "cut", "half close", "half close in a stanza"]


@attacks([(name, state, end) for name, state in STATES for end in ENDS],
         lambda name, _, end: f"row 14: {end} while {name}")
async def _(name, state, end):
    client = await state()
    if end == "broken XML":
        await client.write("<<<")
    elif end == "stream error of ours":
        await client.write("<stream:error><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
    elif end == "end tag":
        await client.write("</stream:stream>")
    elif end == "cut":
        client.abort()
        return
    else:
        if end == "half close in a stanza":
            await client.write("<message><bo")
        if client.writer.can_write_eof():
            client.writer.write_eof()
        else:
            # TLS has no half close in asyncio: the socket itself is shut.
            client.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
    await client.end()


@attack("row 50: a peer that never logs in is cut, whatever it sends meanwhile")
async def _():
    client = await Raw.connect()
    start = asyncio.get_running_loop().time()
    wrong = plain("nobody", "nothing")
    try:
        while asyncio.get_running_loop().time() - start < 20:
            await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{wrong}</auth> ")
            await asyncio.sleep(0.3)
            if client.reader.at_eof():
                break
            while True:
                try:
                    if await client.read(0.05) is None:
                        break
                except asyncio.TimeoutError:
                    break
            if client.ended:
                break
    except (ConnectionError, ssl.SSLError):
        pass
    took = asyncio.get_running_loop().time() - start
    assert took < 15, f"still there after {took:.0f} s"
    client.abort()


@attacks([("nothing",), ("blanks",), ("half a header",), ("a header",), ("half a handshake",)],
         lambda what: f"row 18: a peer that sends {what} is cut by the timer")
async def _(what):
    port = TLS_PORT if what == "half a handshake" else None
    client = await Raw.connect("none", open=False, port=port)
    data = {"nothing": b"", "blanks": b" ", "half a header": b"<?xml version='1.0'?><stream:str",
            "a header": stream_header().encode(), "half a handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}[what]
    if data:
        await client.write(data)
    if what == "blanks":
        for _ in range(10):
            await asyncio.sleep(0.3)
            try:
                await client.write(b" ")
            except ConnectionError:
                break
    await client.end(15)


@attack("row 18: a drip of one byte at a time does not outlive the timer")
async def _():
    client = await Raw.connect("none", open=False)
    start = asyncio.get_running_loop().time()
    try:
        for byte in stream_header() + "<message><body>" + "x" * 1000:
            await client.write(byte)
            await asyncio.sleep(0.2)
            if client.reader.at_eof() or asyncio.get_running_loop().time() - start > 20:
                break
    except ConnectionError:
        pass
    took = asyncio.get_running_loop().time() - start
    assert took < 15, f"still there after {took:.0f} s"
    client.abort()


@attack("row 18: a thousand peers without login cost little memory", 60)
async def _():
    if not PID:
        return
    before = memory_kib()
    peers = []
    for batch in range(20):
        peers += await asyncio.gather(*(Raw.connect("none", open=False) for _ in range(50)))
        for peer in peers[-50:]:
            peer.writer.write(stream_header().encode() + b"<message><body>" + b"x" * 2000)
    await unharmed()
    grown = memory_kib() - before
    for peer in peers:
        peer.abort()
    assert grown < 64 * 1024, f"{grown} KiB for {len(peers)} peers, {before} before"


@attack("row 2: a receiver that never reads is cut, the sender and the rest are served", 90)
async def _():
    sender, deaf = await online(), await online()
    deaf.writer.transport.pause_reading()
    before = memory_kib() if PID else 0
    text = "x" * 30000
    for number in range(3000):
        await sender.message(deaf.jid, text, "normal" if number % 2 else "headline", more="<no-store xmlns='urn:xmpp:hints'/>")
        if number % 200 == 0:
            await unharmed()
    await sender.until_pong()
    if PID:
        grown = memory_kib() - before
        assert grown < 96 * 1024, f"{grown} KiB for a queue that nobody reads"
    sender.abort()
    deaf.abort()


@attacks([(text, before) for text in ("zlib", "lzw") for before in (True, False)],
         lambda method, before: f"rows 7 and 8: compression ({method}) is not to be had {'before' if before else 'after'} login")
async def _(method, before):
    client = await Raw.connect() if before else await online()
    assert "compression" not in show(client.features), show(client.features)
    await client.write(f"<compress xmlns='http://jabber.org/protocol/compress'><method>{method}</method></compress>")
    answer = await client.read()
    refused = answer is None or answer.tag == q("stream:error") or answer.tag.endswith("}failure")
    assert refused, show(answer)
    client.abort()


@attack("row 5: SSL 3 to TLS 1.1 are refused on both ports")
async def _():
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        for tls in ("direct", "starttls"):
            old = context()
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = version
            old.set_ciphers("ALL:@SECLEVEL=0")
            try:
                client = await Raw.connect(tls, tls_context=old)
            except (ssl.SSLError, ConnectionError, OSError):
                continue
            raise AssertionError(f"{tls} took {client.writer.get_extra_info('ssl_object').version()}")


@attack("row 5: weak cipher suites are refused with TLS 1.2")
async def _():
    for ciphers in ("aNULL", "eNULL", "RC4", "3DES", "EXPORT", "AES128-SHA", "AES128-GCM-SHA256", "DHE-RSA-AES128-SHA"):
        weak = context()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            weak.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        except ssl.SSLError:
            continue
        try:
            client = await Raw.connect("direct", tls_context=weak)
        except (ssl.SSLError, ConnectionError, OSError):
            continue
        raise AssertionError(f"took {client.writer.get_extra_info('ssl_object').cipher()}")


@attack("row 5: TLS 1.2 and 1.3 are served, renegotiation is not")
async def _():
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        new = context()
        new.minimum_version = new.maximum_version = version
        client = await Raw.connect("direct", tls_context=new)
        equal(client.writer.get_extra_info("ssl_object").version(), name)
        client.abort()
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"{HOST}:{TLS_PORT}", "-tls1_2", "-servername", DOMAIN,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    process.stdin.write(b"R\n")
    await process.stdin.drain()
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 8)
    except asyncio.TimeoutError:
        process.kill()
        out, _ = await process.communicate()
    text = out.decode(errors="replace")
    begun = text.partition("RENEGOTIATING")[2]
    assert not begun or "error" in begun or "no renegotiation" in begun or "closed" in begun.lower(), text[-400:]


@attack("garbage instead of a TLS handshake is cut")
async def _():
    for data in (b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 500, stream_header().encode()):
        client = await Raw.connect("none", open=False, port=TLS_PORT)
        await client.write(data)
        await client.end()


run()
