"""Three independent clients behind one interface, so that a test can be told once and run with each."""
import asyncio
import datetime
import itertools
import json
import os
import socket
import uuid
from xml.etree import ElementTree

import aioxmpp
import slixmpp

from raw import Account, context, escape, q, show
from suite import DOMAIN, HOST, PORT, TLS_PORT, unique


class Client:
    """What the tests ask of a client. `stanzas` holds what came in, as ElementTree elements."""
    name = ""

    def __init__(self, who, tls="starttls", resource=None, host=HOST):
        self.account, self.tls, self.host, self.resource = who, tls, host, resource or unique(self.name.replace(".", ""))
        self.stanzas = []
        self.taken = 0
        self.resumed = 0
        self.arrived = asyncio.Condition()
        self.jid = None

    @property
    def port(self):
        return TLS_PORT if self.tls == "direct" else PORT

    def came(self, element):
        self.stanzas.append(element)
        asyncio.ensure_future(self._tell())

    async def _tell(self):
        async with self.arrived:
            self.arrived.notify_all()

    async def wait(self, what, seconds=10):
        """The first stanza that came, now or before, for which `what` holds; it is taken out."""
        async def look():
            async with self.arrived:
                while True:
                    for place, element in enumerate(self.stanzas):
                        if what(element):
                            return self.stanzas.pop(place)
                    await self.arrived.wait()
        try:
            return await asyncio.wait_for(look(), seconds)
        except asyncio.TimeoutError:
            seen = [show(e) for e in self.stanzas if e.tag in (q("message"), q("presence"), q("iq"))]
            raise AssertionError(f"{self.name}: it did not come in {seconds} s, only {' '.join(seen)[-1200:]}") from None

    async def message(self, body, seconds=10):
        return await self.wait(lambda e: e.tag == q("message") and e.findtext(q("body")) == body, seconds)

    async def presence(self, type_, sender, seconds=10):
        return await self.wait(lambda e: e.tag == q("presence") and e.get("type") == type_ and (e.get("from") or "").startswith(sender), seconds)

    async def push(self, jid, subscription, seconds=10):
        """A roster push that says this of a contact."""
        def is_it(element):
            item = element.find(f"{q('roster:query')}/{q('roster:item')}")
            return element.get("type") == "set" and item is not None and item.get("jid") == jid and item.get("subscription") == subscription
        return await self.wait(is_it, seconds)

    def bodies(self):
        return [e.findtext(q("body")) for e in self.stanzas if e.tag == q("message") and e.find(q("body")) is not None]

    async def send(self, to, body, type_="chat"):
        id_ = uuid.uuid4().hex[:10]
        await self.write(f"<message xmlns='jabber:client' to='{to}' type='{type_}' id='{id_}'><body>{escape(body)}</body></message>")
        return id_

    async def available(self):
        await self.write("<presence xmlns='jabber:client'/>")
        await self.presence(None, self.jid)

    async def iq(self, type_, payload, to=None, seconds=10):
        id_ = uuid.uuid4().hex[:10]
        address = f" to='{to}'" if to else ""
        await self.write(f"<iq xmlns='jabber:client' type='{type_}' id='{id_}'{address}>{payload}</iq>")
        return await self.wait(lambda e: e.tag == q("iq") and e.get("id") == id_, seconds)

    async def archive_page(self, size, after=None):
        """(bodies of one page, the id to go on with or None at the end), by the client's own IQ."""
        query = unique("query")
        follow = f"<after>{escape(after)}</after>" if after else ""
        answer = await self.iq("set", f"<query xmlns='urn:xmpp:mam:2' queryid='{query}'><set xmlns='http://jabber.org/protocol/rsm'><max>{size}</max>{follow}</set></query>")
        fin = answer.find(q("mam:fin"))
        assert fin is not None, show(answer)
        path = f"{q('forward:forwarded')}/{q('message')}/{q('body')}"
        mine = [e for e in self.stanzas if e.find(q("mam:result")) is not None and e.find(q("mam:result")).get("queryid") == query]
        self.stanzas = [e for e in self.stanzas if e not in mine]
        last = fin.findtext(f"{q('rsm:set')}/{q('rsm:last')}")
        return [e.find(q("mam:result")).findtext(path) for e in mine], None if fin.get("complete") == "true" else last

    async def archive(self, size):
        bodies, after = await self.archive_page(size)
        pages = 1
        while after:
            more, after = await self.archive_page(size, after)
            bodies += more
            pages += 1
        return bodies, pages


class Slixmpp(Client):
    name = "slixmpp"

    async def start(self):
        self.client = client = slixmpp.ClientXMPP(f"{self.account.jid}/{self.resource}", self.account.password)
        for plugin in ("xep_0030", "xep_0059", "xep_0198", "xep_0199", "xep_0313"):
            client.register_plugin(plugin)
        client.ssl_context = context()
        client.enable_direct_tls = self.tls == "direct"
        client.enable_starttls = self.tls == "starttls"
        client.enable_plaintext = False
        client.add_filter("in", self._in)
        client.add_event_handler("session_resumed", self._resumed)
        # The tests decide about subscriptions.
        client.auto_authorize, client.auto_subscribe = None, False
        failed = asyncio.get_running_loop().create_future()
        for event in ("failed_auth", "failed_all_auth"):
            client.add_event_handler(event, lambda _: failed.done() or failed.set_result(None))
        started = asyncio.ensure_future(client.wait_until("session_start", 15))
        client.connect(self.host, self.port)
        await asyncio.wait([started, failed], return_when=asyncio.FIRST_COMPLETED)
        assert started.done(), "slixmpp: login refused"
        await started
        self.jid = str(client.boundjid)
        if "xep_0198" in client.plugin:
            for _ in range(100):
                if client["xep_0198"].enabled_in:
                    break
                await asyncio.sleep(0.02)

    def _in(self, stanza):
        self.came(ElementTree.fromstring(str(stanza)) if stanza.namespace != "jabber:client" else self._parsed(stanza))
        return stanza

    @staticmethod
    def _parsed(stanza):
        # slixmpp prints without the stream's namespace.
        return ElementTree.fromstring(ElementTree.tostring(stanza.xml))

    def _resumed(self, _):
        self.resumed += 1

    async def write(self, xml):
        element = ElementTree.fromstring(xml)
        kinds = {q("message"): slixmpp.stanza.Message, q("presence"): slixmpp.stanza.Presence, q("iq"): slixmpp.stanza.Iq}
        self.client.send(kinds[element.tag](self.client, xml=element))

    async def cut(self):
        self.client.transport.abort()

    async def reconnect(self):
        before = self.resumed
        self.client.connect(self.host, self.port)
        for _ in range(500):
            if self.resumed > before:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("slixmpp did not resume")

    async def stop(self):
        await self.client.disconnect()

    async def archive(self, size):
        """By slixmpp's own paging."""
        bodies, pages = [], 0
        results = self.client["xep_0313"].retrieve(iterator=True, rsm={"max": size})
        async for page in results:
            pages += 1
            bodies += [str(result["mam_result"]["forwarded"]["stanza"]["body"]) for result in page["mam"]["results"]]
        return bodies, pages


class XmppJs(Client):
    name = "xmpp.js"

    async def start(self, **options):
        self.process = await asyncio.create_subprocess_exec(
            "node", os.path.join(os.path.dirname(__file__), "xmppjs_agent.mjs"), limit=1 << 24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
        self.numbers, self.answers, self.events = itertools.count(1), {}, []
        self.listener = asyncio.ensure_future(self._listen())
        scheme = "xmpps" if self.tls == "direct" else "xmpp"
        self.jid = await self.do("start", options={
            "service": f"{scheme}://{self.host}:{self.port}", "domain": DOMAIN, "username": self.account.user,
            "password": self.account.password, "resource": self.resource, **options})
        for _ in range(100):
            if any("enabled" in event.get("xml", "") for event in self.events):
                break
            await asyncio.sleep(0.02)

    async def do(self, what, **arguments):
        number = next(self.numbers)
        self.answers[number] = asyncio.get_running_loop().create_future()
        self.process.stdin.write((json.dumps({"n": number, "do": what, **arguments}) + "\n").encode())
        await self.process.stdin.drain()
        return await asyncio.wait_for(self.answers[number], 20)

    async def _listen(self):
        while line := await self.process.stdout.readline():
            said = json.loads(line)
            if "n" in said:
                future = self.answers.pop(said["n"])
                if "error" in said:
                    future.set_exception(AssertionError(f"xmpp.js: {said['error']}"))
                else:
                    future.set_result(said["answer"])
                continue
            self.events.append(said)
            if said["event"] == "stanza":
                # xmpp.js prints first-level elements without the stream's namespace.
                self.came(ElementTree.fromstring(f"<s xmlns='jabber:client'>{said['xml']}</s>")[0])
            self.resumed += said["event"] == "resumed"

    async def write(self, xml):
        await self.do("send", xml=xml)

    async def cut(self):
        self.before = self.resumed
        await self.do("cut", delay=1500)

    async def reconnect(self):
        for _ in range(500):
            if self.resumed > self.before:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"xmpp.js did not resume: {self.events[-10:]}")

    async def stop(self):
        await self.do("stop")
        self.process.stdin.close()
        await self.process.wait()


class Aioxmpp(Client):
    name = "aioxmpp"

    async def start(self):
        def provider(jid, attempt):
            async def password():
                return self.account.password if attempt == 0 else None
            return password()

        security = aioxmpp.make_security_layer(provider, no_verify=True)
        connector = aioxmpp.connector.XMPPOverTLSConnector() if self.tls == "direct" else aioxmpp.connector.STARTTLSConnector()
        jid = aioxmpp.JID.fromstr(f"{self.account.jid}/{self.resource}")
        self.client = client = aioxmpp.Client(jid, security, override_peer=[(self.host, self.port, connector)], max_initial_attempts=1)
        client.backoff_start = datetime.timedelta(milliseconds=50)
        client.stream.service_inbound_message_filter.register(self._in, 1)
        client.stream.service_inbound_presence_filter.register(self._in, 1)
        client.on_stream_resumed.connect(self._resumed)
        established = asyncio.get_running_loop().create_future()
        client.on_stream_established.connect(lambda: established.done() or established.set_result(None))
        client.on_failure.connect(lambda error: established.done() or established.set_exception(error))
        client.start()
        await asyncio.wait_for(established, 15)
        self.jid = str(client.local_jid)

    def _in(self, stanza):
        self.came(ElementTree.fromstring(aioxmpp.xml.serialize_single_xso(stanza)))
        return stanza

    def _resumed(self):
        self.resumed += 1

    async def write(self, xml):
        raise NotImplementedError

    async def send(self, to, body, type_="chat"):
        message = aioxmpp.Message(type_=aioxmpp.MessageType(type_), to=aioxmpp.JID.fromstr(to))
        message.body[None] = body
        await self.client.send(message)

    async def available(self):
        await self.client.send(aioxmpp.Presence(type_=aioxmpp.PresenceType.AVAILABLE))
        await self.presence(None, self.jid)

    async def cut(self):
        self.before = self.resumed
        # An abort of its own looks to aioxmpp like an orderly end; a dead socket does not.
        self.client.stream._xmlstream.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def reconnect(self):
        for _ in range(500):
            if self.resumed > self.before:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("aioxmpp did not resume")

    async def stop(self):
        self.client.stop()


ALL = [Slixmpp, XmppJs, Aioxmpp]


async def registered_in_band(host=HOST, port=PORT, domain=DOMAIN):
    """An account made by slixmpp's in-band registration (XEP-0077)."""
    who = Account(unique("inband"), "secret" + uuid.uuid4().hex[:6], domain)
    client = slixmpp.ClientXMPP(who.jid, who.password)
    for plugin in ("xep_0030", "xep_0004", "xep_0066", "xep_0077"):
        client.register_plugin(plugin)
    client["xep_0077"].force_registration = True
    client.ssl_context = context()
    client.enable_direct_tls = False
    done = asyncio.get_running_loop().create_future()

    async def register(_):
        request = client.Iq()
        request["type"] = "set"
        request["register"]["username"], request["register"]["password"] = who.user, who.password
        try:
            await request.send()
        except slixmpp.exceptions.XMPPError as error:
            done.set_exception(AssertionError(f"registration: {error}"))

    client.add_event_handler("register", register)
    client.add_event_handler("session_start", lambda _: done.done() or done.set_result(None))
    client.connect(host, port)
    await asyncio.wait_for(done, 15)
    await client.disconnect()
    return who
