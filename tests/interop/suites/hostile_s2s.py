# server: hostile_s2s.yml.in
# seconds: 180
"""Other servers that lie, swap, strip, flood, or say nothing: none is believed, none harms anybody else."""
import asyncio
import os
import re
import ssl

import suite
from hostile import attack, attacks, memory_kib, unharmed
from raw import NS, Raw, online, q, show
from suite import DOMAIN, HOST, ctl, equal, run, unique

PORT = int(os.environ["NJ_PORT_S2S"])
STRICT = f"strict.{DOMAIN}"
NS["server"], NS["db"] = "jabber:server", "jabber:server:dialback"
# Their servers, if they have any, are at these addresses.
EVIL, OTHER, DENIED = "127.0.0.9", "127.0.0.10", "127.0.0.66"


def header(from_, to, extra=""):
    sender = f" from='{from_}'" if from_ else ""
    return (f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{NS['stream']}' "
            f"xmlns:db='{NS['db']}'{sender} to='{to}' version='1.0'{extra}>")


class Server(Raw):
    """A stream to Nightjar's port for servers."""

    @classmethod
    async def arrive(cls, from_=EVIL, to=DOMAIN, tls=True, features=True):
        made = cls(*await asyncio.open_connection(HOST, PORT, limit=1 << 24))
        made.from_, made.to = from_, to
        await made.begin(features or tls)
        if tls:
            await made.starttls()
            await made.begin(features)
        return made

    async def begin(self, features=True):
        self.restart_parser()
        await self.write(header(self.from_, self.to))
        if features:
            self.features = await self.expect("stream:features")

    async def key(self, from_=None, to=None, key="0" * 64):
        """What is answered to a dialback key."""
        from_, to = from_ or self.from_, to or self.to
        await self.write(f"<db:result from='{from_}' to='{to}'>{key}</db:result>")
        return await self.expect(lambda e: e.tag == q("db:result") and e.get("to") == from_, 15)

    async def say(self, to, body, from_=EVIL):
        await self.write(f"<message from='x@{from_}' to='{to}' type='chat'><body>{body}</body></message>")


class Own:
    """A server of the suite at an address: `talk(reader, writer, text)` is called with what was sent to it."""

    def __init__(self, address, talk):
        self.address, self.talk, self.heard, self.connections = address, talk, [], 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, self.address, PORT)
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while data := await reader.read(65536):
                self.heard.append(data.decode(errors="replace"))
                await self.talk(writer, self.heard[-1])
        except (ConnectionError, asyncio.CancelledError):
            pass

    def text(self):
        return "".join(self.heard)


class Authority:
    """The authoritative server at an address, with TLS; `answer(from_, to, id_)` gives what it says about a key."""

    def __init__(self, address, answer):
        self.address, self.answer, self.asked, self.writers = address, answer, 0, []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = os.path.dirname(suite.CONFIG)
        self.tls.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "key.pem"))

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, self.address, PORT)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        # Nightjar keeps connections on which it asked; the next test has one of its own.
        await asyncio.sleep(0.2)

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            await reader.readuntil(b"version='1.0'")
            writer.write(opening(self.address, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"))
            await reader.readuntil(b"xmpp-tls'/>")
            writer.write(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            await writer.start_tls(self.tls)
            await reader.readuntil(b"version='1.0'")
            writer.write(opening(self.address, DIALBACK))
            while True:
                asked = (await reader.readuntil(b"</db:verify>")).decode()
                self.asked += 1
                from_, to, id_ = (re.search(f"<db:verify[^>]* {name}=[\"']([^\"']*)", asked)[1] for name in ("from", "to", "id"))
                writer.write(self.answer(from_, to, id_).encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass


def valid(from_, to, id_):
    return f"<db:verify from='{to}' to='{from_}' id='{id_}' type='valid'/>"


def opening(domain, features):
    return (f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='{NS['stream']}' "
            f"xmlns:db='{NS['db']}' id='{unique('s')}' from='{domain}' version='1.0'>"
            f"<stream:features>{features}</stream:features>").encode()


DIALBACK = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"


async def not_delivered(victim, *bodies):
    seen = " ".join(map(show, await victim.until_pong()))
    for body in bodies:
        assert body not in seen, seen


# Sent on an encrypted stream on which nothing is proved.
UNASKED = [
    ("row 9: an answer to a key nobody sent", "<db:result from='{me}' to='{to}' type='valid'/>"),
    ("row 9: an answer about a key nobody asked about", "<db:verify from='{me}' to='{to}' id='x' type='valid'/>"),
    ("row 9: an answer in the name of the host", "<db:result from='{to}' to='{me}' type='valid'/>"),
    ("nothing", ""),
]


@attacks(UNASKED, lambda name, _: f"{name} authorises no stanza")
async def _(name, data):
    victim = await online()
    server = await Server.arrive()
    await server.write(data.format(me=EVIL, to=DOMAIN))
    body = unique("unasked")
    await server.say(victim.jid, body)
    await server.stream_error("not-authorized", "invalid-from", "host-unknown", "policy-violation",
                              "improper-addressing", "unsupported-stanza-type")
    await not_delivered(victim, body)


@attack("a key whose authoritative server can't be reached is no proof")
async def _():
    victim = await online()
    server = await Server.arrive()
    answer = await server.key()
    assert answer.get("type") in ("error", "invalid"), show(answer)
    body = unique("unverified")
    await server.say(victim.jid, body)
    await server.stream_error("not-authorized", "invalid-from", "host-unknown", "policy-violation")
    await not_delivered(victim, body)


# What an authoritative server says when it is asked about another key than it speaks of.
BESIDE = [
    ("another id", lambda from_, to, id_: valid(from_, to, id_ + "0")),
    ("another domain of its own", lambda from_, to, id_: valid(from_, OTHER, id_)),
    ("another host of ours", lambda from_, to, id_: valid(STRICT, to, id_)),
    ("a result", lambda from_, to, id_: f"<db:result from='{to}' to='{from_}' type='valid'/>"),
    ("no", lambda from_, to, id_: valid(from_, to, id_).replace("'valid'", "'invalid'")),
    ("what is no type", lambda from_, to, id_: valid(from_, to, id_).replace("'valid'", "'VALID'")),
]


@attacks(BESIDE, lambda name, _: f"row 9: an authoritative server that says {name} proves nothing", seconds=40)
async def _(name, answer):
    victim = await online()
    body = unique("beside")
    async with Authority(EVIL, answer) as authority:
        server = await Server.arrive()
        await server.write(f"<db:result from='{EVIL}' to='{DOMAIN}'>{'0' * 64}</db:result>")
        seen = " ".join(map(show, await server.keep_reading(2)))
        assert authority.asked == 1 and 'type="valid"' not in seen, (authority.asked, seen)
        if not server.ended:
            await server.say(victim.jid, body)
            await server.stream_error("not-authorized", "invalid-from", "host-unknown", "policy-violation")
    await not_delivered(victim, body)


# Sent by a server that has proved to be EVIL.
SPOOFED = [
    ("from another domain", "x@" + OTHER, None, "invalid-from"),
    ("from a host of ours", "admin@" + DOMAIN, None, "invalid-from"),
    ("from a subdomain", "x@sub." + EVIL, None, "invalid-from"),
    ("from what is no address", "@@" + EVIL, None, "invalid-from"),
    ("from nobody", None, None, "improper-addressing"),
    ("to a host it was not let in to", "x@" + EVIL, "x@" + STRICT, "host-unknown"),
    ("to a domain that isn't ours", "x@" + EVIL, "x@" + OTHER, "host-unknown"),
]


@attacks(SPOOFED, lambda name, *_: f"a server that has proved its domain sends a stanza {name}: it ends")
async def _(name, from_, to, condition):
    victim = await online()
    async with Authority(EVIL, valid):
        server = await Server.arrive()
        answer = await server.key()
        equal(answer.get("type"), "valid", show(answer))
        proper, body = unique("proper"), unique("spoofed")
        await server.say(victim.jid, proper)
        got = await victim.body(proper)
        equal(got.get("from"), f"x@{EVIL}")
        sender = f" from='{from_}'" if from_ else ""
        await server.write(f"<message{sender} to='{to or victim.jid}' type='chat'><body>{body}</body></message>")
        await server.stream_error(condition, "improper-addressing", "invalid-from", "host-unknown")
    await not_delivered(victim, body)


@attack("a server that calls itself by a domain of ours is sent away")
async def _():
    server = await Server.arrive(from_=STRICT, tls=False, features=False)
    await server.stream_error("invalid-from")


@attack("a key for a domain of ours is refused")
async def _():
    server = await Server.arrive()
    answer = await server.key(from_=STRICT)
    equal(answer.get("type"), "error", show(answer))


@attacks([("from", OTHER, DOMAIN), ("to", EVIL, STRICT)],
         lambda what, *_: f"domain swap: another `{what}` behind TLS ends the stream")
async def _(what, from_, to):
    server = await Server.arrive(tls=False)
    await server.starttls()
    server.from_, server.to = from_, to
    await server.begin(features=False)
    await server.stream_error("invalid-from", "not-authorized")


@attack("a host that isn't here is host-unknown")
async def _():
    server = await Server.arrive(to="elsewhere.test", tls=False, features=False)
    await server.stream_error("host-unknown")


@attack("row 19: where neither a trusted certificate nor dialback may prove it, nothing does")
async def _():
    server = await Server.arrive(to=STRICT, features=False)
    await server.stream_error("not-authorized")


@attack("a server that mod_s2s_dialback's access denies needs a certificate")
async def _():
    server = await Server.arrive(from_="127.0.0.67", features=False)
    await server.stream_error("not-authorized")


@attack("row 19: EXTERNAL without a certificate is refused, offered or not")
async def _():
    server = await Server.arrive()
    assert server.features.find(q("sasl:mechanisms")) is None, show(server.features)
    await server.write(f"<auth xmlns='{NS['sasl']}' mechanism='EXTERNAL'>=</auth>")
    answer = await server.read()
    assert answer is None or answer.tag in (q("sasl:failure"), q("stream:error")), show(answer)
    server.abort()


@attack("a server that s2s_access denies is refused")
async def _():
    server = await Server.arrive(from_=DENIED, tls=False, features=False)
    await server.stream_error("policy-violation")


# Sent in the clear, where TLS is required.
CLEAR = [
    ("a stanza", "<message from='x@{me}' to='x@{to}'><body>x</body></message>"),
    ("a key", "<db:result from='{me}' to='{to}'>0</db:result>"),
    ("EXTERNAL", "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"),
    ("bytes behind starttls", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><db:result from='{me}' to='{to}'>0</db:result>"),
]


@attacks(CLEAR, lambda name, _: f"before TLS: {name} leads nowhere")
async def _(name, data):
    server = await Server.arrive(tls=False)
    await server.write(data.format(me=EVIL, to=DOMAIN))
    seen = " ".join(map(show, await server.keep_reading(6)))
    assert "valid" not in re.findall(r"type=\"(\w+)\"", seen), seen
    assert "success" not in seen, seen
    server.abort()


@attacks([("no TLS", DIALBACK), ("nothing at all", "")],
         lambda name, _: f"TLS stripping: a server that offers {name} gets nothing in the clear")
async def _(name, features):
    mine = await online()

    async def talk(writer, text):
        if "<stream:stream" in text:
            writer.write(opening(OTHER, features))
            await writer.drain()

    async with Own(OTHER, talk) as own:
        answer = await mine.iq("get", f"<ping xmlns='{NS['ping']}'/>", to=OTHER, seconds=15)
        equal(answer.get("type"), "error", show(answer))
        assert own.connections > 0
        for word in ("db:result", "ping", "<auth"):
            assert word not in own.text(), own.text()
    await asyncio.sleep(1)


GREETINGS = [
    ("nothing", b""),
    ("garbage", b"\x00\xff HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("an error", b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/"
                 b"streams' version='1.0'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                 b"</stream:error></stream:stream>"),
    ("another's header", opening("someone.else.test", DIALBACK)),
    ("features without end", opening(OTHER, "")[:-18] + b"<x>" * 20000),
]


@attacks(GREETINGS, lambda name, _: f"a server that answers with {name} delays nobody, and its stanzas come back")
async def _(name, greeting):
    mine = await online()

    async def talk(writer, text):
        writer.write(greeting)
        await writer.drain()

    async with Own(OTHER, talk):
        asked = asyncio.ensure_future(mine.iq("get", f"<ping xmlns='{NS['ping']}'/>", to=OTHER, seconds=20))
        await unharmed()
        answer = await asked
        error = answer.find(q("error"))
        equal(answer.get("type"), "error", show(answer))
        assert error.find(q("stanza:remote-server-timeout")) is not None, show(answer)
    # Until it may be tried again.
    await asyncio.sleep(1.1)


@attack("stanzas for a server that says nothing are bounded, and the rest comes back at once", seconds=60)
async def _():
    mine = await online()

    async def talk(writer, text):
        pass

    async with Own(OTHER, talk):
        for number in range(400):
            await mine.message(f"x@{OTHER}", f"n{number}", id_=f"n{number}")
        await mine.expect(lambda e: e.get("type") == "error" and e.find(f"{q('error')}/{q('stanza:resource-constraint')}")
                          is not None, 10)
        back = {e.get("id") for e in await mine.keep_reading(12) if e.get("type") == "error"}
        assert len(back) >= 390, len(back)
    await asyncio.sleep(1.1)


@attack("a server that sends and doesn't read: max_fsm_queue stanzas wait for it, and send_timeout ends it", seconds=60)
async def _():
    mine = await online()
    async with Authority(EVIL, valid):
        server = await Server.arrive()
        assert server.features.find("{urn:xmpp:features:bidi}bidi") is not None, show(server.features)
        await server.write("<bidi xmlns='urn:xmpp:bidi'/>")
        answer = await server.key()
        equal(answer.get("type"), "valid", show(answer))
        # It has both directions now.
        first = unique("first")
        await mine.message(f"x@{EVIL}", first)
        await server.expect(lambda e: e.findtext(q("server:body")) == first, 10)
        # What the kernel holds for one who doesn't read, several times over.
        server.writer.transport.pause_reading()
        for number in range(600):
            await mine.message(f"x@{EVIL}", "x" * 60_000, id_=f"big{number}")
        refused = await mine.expect(
            lambda e: e.get("type") == "error" and e.find(f"{q('error')}/{q('stanza:resource-constraint')}") is not None, 20)
        assert refused.get("id").startswith("big"), show(refused)
        await unharmed()
        # send_timeout: the others come back when the connection is given up, and it is closed.
        await mine.expect(
            lambda e: e.get("type") == "error" and e.find(f"{q('error')}/{q('stanza:remote-server-timeout')}") is not None, 20)
        server.writer.transport.resume_reading()
        await server.end(20)


@attack("a server that proves nothing is cut in time")
async def _():
    server = await Server.arrive()
    await server.stream_error("connection-timeout", seconds=9)


@attack("a server that says nothing is cut in time")
async def _():
    reader, writer = await asyncio.open_connection(HOST, PORT)
    assert await asyncio.wait_for(reader.read(), 9) is not None
    writer.close()


@attack("a server that says it letter by letter is cut in time")
async def _():
    reader, writer = await asyncio.open_connection(HOST, PORT)

    async def dribble():
        for letter in header(EVIL, DOMAIN) * 10:
            writer.write(letter.encode())
            await asyncio.sleep(0.1)

    slow = asyncio.ensure_future(dribble())
    try:
        await asyncio.wait_for(reader.read(), 9)
    except ConnectionError:
        pass
    slow.cancel()
    writer.close()


@attack("a stanza that is too large before anything is proved ends the stream")
async def _():
    server = await Server.arrive()
    await server.write("<message to='x@" + DOMAIN + "'><body>" + "x" * 20000)
    await server.stream_error("policy-violation")


@attack("keys without end are answered without end of patience", seconds=60)
async def _():
    before = memory_kib()
    server = await Server.arrive()
    for number in range(2000):
        await server.write(f"<db:result from='127.0.{number % 250 + 1}.99' to='{DOMAIN}'>{'0' * 64}</db:result>")
    await unharmed()
    server.abort()
    assert memory_kib() - before < 60_000, (before, memory_kib())


@attack("keys and ids of any shape are read")
async def _():
    for attribute in ("", "x" * 4000, "&#x10FFFF;", "a b", "&lt;"):
        server = await Server.arrive()
        await server.write(f"<db:verify from='{EVIL}' to='{DOMAIN}' id='{attribute}'>{attribute}</db:verify>")
        seen = " ".join(map(show, await server.keep_reading(0.5)))
        assert "type=\"valid\"" not in seen, seen
        server.abort()


@attack("a key that we didn't make isn't ours")
async def _():
    server = await Server.arrive()
    await server.write(f"<db:verify from='{EVIL}' to='{DOMAIN}' id='some'>{'0' * 64}</db:verify>")
    answer = await server.expect("db:verify")
    equal(answer.get("type"), "invalid", show(answer))
    server.abort()


@attack("a fault of another server shows in the log, with its reason")
async def _():
    name = suite.unique("reason")
    mine = await online()
    answer = await mine.iq("get", f"<ping xmlns='{NS['ping']}'/>", to="127.0.0.200", seconds=15)
    equal(answer.get("type"), "error", show(answer))
    from hostile import log_text
    lines = [line for line in log_text().splitlines() if "127.0.0.200" in line or "can't be sent" in line]
    assert any("reason=" in line for line in lines), (name, lines[-5:])
    _, listed = await ctl("s2s_connections")
    assert "127.0.0.200" in listed and "failed" in listed, listed


run(at_once=1)
