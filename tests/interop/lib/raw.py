"""A client that says exactly what it is told and shows exactly what it hears."""
import asyncio
import hashlib
import ssl
import uuid
from xml.etree import ElementTree

from sasl import Scram, b64, plain, unb64
from suite import BINARY, DOMAIN, HOST, PORT, TLS_PORT, ctl, unique

NS = {
    "client": "jabber:client",
    "stream": "http://etherx.jabber.org/streams",
    "error": "urn:ietf:params:xml:ns:xmpp-streams",
    "stanza": "urn:ietf:params:xml:ns:xmpp-stanzas",
    "tls": "urn:ietf:params:xml:ns:xmpp-tls",
    "sasl": "urn:ietf:params:xml:ns:xmpp-sasl",
    "sasl2": "urn:xmpp:sasl:2",
    "bind": "urn:ietf:params:xml:ns:xmpp-bind",
    "bind2": "urn:xmpp:bind:0",
    "fast": "urn:xmpp:fast:0",
    "binding": "urn:xmpp:sasl-cb:0",
    "sm": "urn:xmpp:sm:3",
    "roster": "jabber:iq:roster",
    "register": "jabber:iq:register",
    "carbons": "urn:xmpp:carbons:2",
    "forward": "urn:xmpp:forward:0",
    "mam": "urn:xmpp:mam:2",
    "rsm": "http://jabber.org/protocol/rsm",
    "data": "jabber:x:data",
    "sid": "urn:xmpp:sid:0",
    "delay": "urn:xmpp:delay",
    "ping": "urn:xmpp:ping",
    "disco": "http://jabber.org/protocol/disco#info",
}


def q(name):
    """`sasl:auth` as ElementTree writes it; without a prefix, a name of jabber:client."""
    prefix, _, local = name.rpartition(":")
    return "{%s}%s" % (NS[prefix or "client"], local)


def escape(text):
    return (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace("'", "&apos;").replace('"', "&quot;"))


def show(element):
    return "nothing" if element is None else ElementTree.tostring(element, encoding="unicode")


def context():
    """TLS that takes any certificate: who the server is, is not what these tests ask."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def stream_header(to=DOMAIN, version="1.0", extra="", content="jabber:client", stream=NS["stream"]):
    address = f" to='{escape(to)}'" if to is not None else ""
    number = f" version='{version}'" if version is not None else ""
    return f"<?xml version='1.0'?><stream:stream{address}{number} xmlns='{content}' xmlns:stream='{stream}'{extra}>"


class Account:
    def __init__(self, user, password, domain=DOMAIN):
        self.user, self.password = user, password
        self.jid = f"{user}@{domain}"


async def account(password=None):
    """A new account, made by the server's command, or in band where there is none."""
    made = Account(unique(), password or f"pw{uuid.uuid4().hex[:8]}")
    if BINARY:
        await ctl("register", made.user, DOMAIN, made.password)
    else:
        client = await Raw.connect()
        result = await client.iq("set", f"<query xmlns='jabber:iq:register'><username>{made.user}</username>"
                                 f"<password>{escape(made.password)}</password></query>", to=DOMAIN)
        assert result.get("type") == "result", show(result)
        client.abort()
    return made


async def online(who=None, resource=None, presence=True, **options):
    """A session bound and, unless told otherwise, available; `.account` is whose."""
    who = who or await account()
    client = await Raw.connect(**options)
    await client.login(who, resource)
    if presence:
        await client.write("<presence/>")
        await client.expect(lambda e: e.tag == q("presence") and e.get("from") == client.jid)
    return client


class Raw:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.jid = self.header = self.features = self.account = self.sm_id = None
        self.kept = []
        self.ended = False
        self.restart_parser()

    @classmethod
    async def connect(cls, tls="starttls", to=DOMAIN, open=True, port=None, tls_context=None):
        """tls: starttls, direct, none. `open` opens the stream (and does STARTTLS)."""
        direct = tls == "direct"
        reader, writer = await asyncio.open_connection(
            HOST, port or (TLS_PORT if direct else PORT), limit=1 << 24,
            ssl=(tls_context or context()) if direct else None, server_hostname=DOMAIN if direct else None)
        client = cls(reader, writer)
        if open:
            await client.open(to)
            if tls == "starttls":
                await client.starttls(tls_context)
                await client.open(to)
        return client

    def restart_parser(self):
        self.parser = ElementTree.XMLPullParser(("start", "end"))
        self.depth = 0

    async def write(self, data):
        self.writer.write(data if isinstance(data, bytes) else data.encode())
        await self.writer.drain()

    async def open(self, to=DOMAIN, features=True, **options):
        self.restart_parser()
        self.header = None
        await self.write(stream_header(to, **options))
        if features:
            self.features = await self.expect("stream:features")
        return self.features

    async def starttls(self, tls_context=None):
        await self.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await self.expect("tls:proceed")
        await self.handshake(tls_context)

    async def handshake(self, tls_context=None):
        await self.writer.start_tls(tls_context or context(), server_hostname=DOMAIN)

    # -- what comes in -------------------------------------------------------------------------------------
    async def read(self, seconds=5):
        """The next first-level element; None when the stream or connection ends. Raises TimeoutError."""
        if self.kept:
            return self.kept.pop(0)
        return await asyncio.wait_for(self._next(), seconds)

    async def _next(self):
        while not self.ended:
            for kind, element in self.parser.read_events():
                if kind == "start":
                    self.depth += 1
                    if self.depth == 1:
                        self.header, self.root = dict(element.attrib), element
                else:
                    self.depth -= 1
                    if self.depth == 0:
                        self.ended = True
                        return None
                    if self.depth == 1:
                        self.root.remove(element)
                        return element
            try:
                data = await self.reader.read(65536)
            except (ConnectionError, ssl.SSLError):
                data = b""
            if not data:
                self.ended = True
                break
            self.parser.feed(data)
        return None

    async def expect(self, what, seconds=5):
        """The next element that is `what` (a name for q, or a function); others are dropped."""
        wanted = (lambda e: e.tag == q(what)) if isinstance(what, str) else what
        seen = []
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                element = await self.read(max(0.01, end - asyncio.get_running_loop().time()))
            except asyncio.TimeoutError:
                raise AssertionError(f"no {what} in {seconds} s, only {' '.join(map(show, seen))[:600]}") from None
            assert element is not None, f"the stream ended before {what}, after {' '.join(map(show, seen))[:600]}"
            if wanted(element):
                return element
            seen.append(element)

    async def keep_reading(self, seconds):
        """Everything that comes in that time."""
        seen = []
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                element = await self.read(max(0.01, end - asyncio.get_running_loop().time()))
            except asyncio.TimeoutError:
                return seen
            if element is None:
                return seen
            seen.append(element)

    async def until_pong(self):
        """Everything that came before the answer to a ping sent now: what was asked earlier is settled by then."""
        id_ = uuid.uuid4().hex[:10]
        await self.write(f"<iq type='get' id='{id_}' to='{DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>")
        seen = []
        while True:
            element = await self.read()
            assert element is not None, f"the stream ended after {' '.join(map(show, seen))[:600]}"
            if element.get("id") == id_:
                return seen
            seen.append(element)

    async def stream_error(self, *conditions, seconds=10):
        """Waits for the end of the stream, which must come with one of these conditions."""
        error = None
        end = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                element = await self.read(max(0.01, end - asyncio.get_running_loop().time()))
            except asyncio.TimeoutError:
                raise AssertionError(f"stream still open after {seconds} s (error: {show(error)})") from None
            if element is None:
                break
            if element.tag == q("stream:error"):
                error = element
        assert error is not None, f"the stream ended without an error, wanted {conditions}"
        names = [child.tag for child in error]
        assert any(q(f"error:{name}") in names for name in conditions), f"{show(error)}, wanted {conditions}"
        await self.end(seconds)

    async def end(self, seconds=10):
        """Waits for the end of the connection, throwing away what still comes."""
        async def drain():
            try:
                while await self.reader.read(65536):
                    pass
            except (ConnectionError, ssl.SSLError):
                pass
        try:
            await asyncio.wait_for(drain(), seconds)
        except asyncio.TimeoutError:
            raise AssertionError(f"the connection is still open after {seconds} s") from None
        self.abort()

    # -- logging in ----------------------------------------------------------------------------------------
    def mechanisms(self):
        return [element.text for element in self.features.iter(q("sasl:mechanism"))]

    async def auth(self, user, password, mechanism="SCRAM-SHA-1", binding=None, flag="n", authzid=None):
        """The element that ends the exchange: success or failure."""
        if mechanism == "PLAIN":
            await self.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain(user, password, authzid or '')}</auth>")
            return await self.read()
        scram = Scram(mechanism, user, password, binding, flag, authzid)
        await self.write(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{b64(scram.first())}</auth>")
        answer = await self.read()
        if answer is None or answer.tag != q("sasl:challenge"):
            return answer
        final = scram.final(unb64(answer.text).decode())
        await self.write(f"<response xmlns='{NS['sasl']}'>{b64(final)}</response>")
        answer = await self.read()
        if answer is not None and answer.tag == q("sasl:success"):
            assert scram.verified(unb64(answer.text).decode()), "the server does not know the password"
        return answer

    async def login(self, who, resource=None, **options):
        self.account = who
        answer = await self.auth(who.user, who.password, **options)
        assert answer is not None and answer.tag == q("sasl:success"), f"login: {show(answer)}"
        await self.open()
        return await self.bind(resource)

    async def bind(self, resource=None):
        inner = f"<resource>{escape(resource)}</resource>" if resource else ""
        result = await self.iq("set", f"<bind xmlns='{NS['bind']}'>{inner}</bind>")
        self.jid = result.findtext(f"{q('bind:bind')}/{q('bind:jid')}")
        assert self.jid, show(result)
        return self.jid

    async def iq(self, type_, payload, to=None, seconds=5):
        """The answer, result or error; what else comes meanwhile is kept for the next reads."""
        id_ = uuid.uuid4().hex[:10]
        address = f" to='{escape(to)}'" if to else ""
        await self.write(f"<iq type='{type_}' id='{id_}'{address}>{payload}</iq>")
        kept = []
        try:
            while True:
                element = await self.read(seconds)
                assert element is not None, f"the stream ended before the answer to {payload[:100]}"
                if element.get("id") == id_ and element.get("type") in ("result", "error"):
                    return element
                kept.append(element)
        except asyncio.TimeoutError:
            raise AssertionError(f"no answer to {payload[:100]} in {seconds} s") from None
        finally:
            self.kept[:0] = kept

    async def message(self, to, body, type_="chat", id_=None, more=""):
        id_ = id_ or uuid.uuid4().hex[:10]
        await self.write(f"<message to='{escape(to)}' type='{type_}' id='{id_}'><body>{escape(body)}</body>{more}</message>")
        return id_

    async def body(self, text, seconds=5):
        """The next message with this body."""
        return await self.expect(lambda e: e.tag == q("message") and e.findtext(q("body")) == text, seconds)

    # -- stream management ---------------------------------------------------------------------------------
    async def enable(self, resume=True):
        await self.write(f"<enable xmlns='{NS['sm']}'{' resume=' + repr('true') if resume else ''}/>")
        enabled = await self.expect(lambda e: e.tag in (q("sm:enabled"), q("sm:failed")))
        self.sm_id = enabled.get("id")
        return enabled

    async def resume(self, who, id_, handled):
        """Logs in and resumes instead of binding; the answer is resumed or failed."""
        self.account = who
        answer = await self.auth(who.user, who.password)
        assert answer.tag == q("sasl:success"), show(answer)
        await self.open()
        await self.write(f"<resume xmlns='{NS['sm']}' previd='{escape(id_)}' h='{handled}'/>")
        return await self.expect(lambda e: e.tag in (q("sm:resumed"), q("sm:failed")))

    def server_end_point(self):
        """RFC 5929's hash of the server's certificate, for certificates signed with SHA-256."""
        certificate = self.writer.get_extra_info("ssl_object").getpeercert(True)
        return ("tls-server-end-point", hashlib.sha256(certificate).digest())

    async def close(self):
        await self.write("</stream:stream>")
        await self.end()

    def abort(self):
        """Cuts the connection without a word."""
        self.ended = True
        self.writer.transport.abort()


def error_condition(element):
    """(type, condition) of a stanza error."""
    error = element.find(q("error"))
    assert error is not None, f"no error in {show(element)}"
    prefix = "{%s}" % NS["stanza"]
    names = [child.tag.removeprefix(prefix) for child in error if child.tag.startswith(prefix) and not child.tag.endswith("}text")]
    return error.get("type"), names[0] if names else None
