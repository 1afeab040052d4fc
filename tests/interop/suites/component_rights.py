# server: component_rights.yml.in
# seconds: 120
"""What slixmpp's components may do for a host: act for its accounts (XEP-0356), answer in its place (XEP-0355), and send
one stanza to many (XEP-0033)."""
import asyncio
from xml.etree import ElementTree

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from component import Component
from raw import NS, error_condition, online, q, show
from suite import DOMAIN, equal, run, table, test, unique, until

ACCEPT = "jabber:component:accept"
NS.update(delegation="urn:xmpp:delegation:2", address="http://jabber.org/protocol/address", vcard="vcard-temp")


def condition(stanza):
    """slixmpp looks for a component's errors in the namespace of clients."""
    found = [child for child in stanza.xml.iter() if child.tag.startswith("{urn:ietf:params:xml:ns:xmpp-stanzas}")]
    assert found, stanza
    return found[0].tag.rpartition("}")[2]


class Entity(Component):
    """A component that may be given rights, and answers what is delegated to it."""

    def __init__(self, name):
        super().__init__(name, f"secret of {name}")
        self.rights, self.told, self.presences, self.asked = None, [], [], []
        self.is_silent = False
        # From whom and to whom an answer to a delegated request is.
        self.ends = lambda inner: (inner.get("to"), inner.get("from"))
        for plugin in ("xep_0033", "xep_0356"):
            self.register_plugin(plugin)
        self.del_event_handler("message", self._message)
        self.add_event_handler("message", self.messages.append)
        self.add_event_handler("privileges_advertised", self._privileged)
        self.add_event_handler("message_error", self.messages.append)
        self.register_handler(Callback("presences", MatchXPath(f"{{{ACCEPT}}}presence"), self.presences.append))
        self.register_handler(Callback("advertised", MatchXPath(f"{{{ACCEPT}}}message/{q('delegation:delegation')}"),
                                       lambda message: self.told.append(message.xml)))
        self.register_handler(Callback("delegated", MatchXPath(f"{{{ACCEPT}}}iq/{q('delegation:delegation')}"), self._delegated))

    def _privileged(self, _=None):
        self.rights = self["xep_0356"].granted_privileges[DOMAIN]

    def serves(self, namespace, *features):
        """Says what the host and its accounts are to say of themselves for a namespace (XEP-0355 §7.2)."""
        for infix in ("::", ":bare:"):
            for feature in features:
                self["xep_0030"].add_feature(feature, node=f"{NS['delegation']}{infix}{namespace}")

    def _delegated(self, iq):
        inner = iq.xml.find(f"{q('delegation:delegation')}/{q('forward:forwarded')}/{q('iq')}")
        self.asked.append(inner)
        if self.is_silent:
            return
        sender, receiver = self.ends(inner)
        answer = ElementTree.Element(q("iq"), {"type": "result", "id": inner.get("id"), "from": sender, "to": receiver})
        ElementTree.SubElement(ElementTree.SubElement(answer, inner[0].tag), q("vcard:FN")).text = f"card of {inner.get('to')} by a component"
        reply = iq.reply()
        delegation = ElementTree.SubElement(reply.xml, q("delegation:delegation"))
        ElementTree.SubElement(delegation, q("forward:forwarded")).append(answer)
        reply.send()


class Running:
    """A component of this kind as long as the block lasts; `rights`: wait until it is told of its privileges."""

    def __init__(self, name, rights=False, serves=None):
        self.entity, self.rights = Entity(name), rights
        if serves:
            self.entity.serves(*serves)

    async def __aenter__(self):
        await self.entity.start()
        if self.rights:
            await until(lambda: self.entity.rights, what="the message about privileges")
        return self.entity

    async def __aexit__(self, *_):
        await self.entity.stop()


@test("a component is told its privileges, and one without any isn't")
async def _():
    async with Running("manager", rights=True) as manager, Running("plain") as plain:
        rights = manager.rights
        equal((rights.roster, rights.message, rights.presence), ("both", "outgoing", "roster"))
        equal((rights.iq["jabber:iq:private"], rights.iq["urn:xmpp:ping"]), ("both", "get"))
        client = await online()
        await client.message(f"plain.{DOMAIN}", "after all that was said when it came")
        await until(lambda: plain.messages, what="the message")
        equal([message["body"] for message in plain.messages], ["after all that was said when it came"])


@test("a component with the privilege reads and changes a roster, and the account's client sees it")
async def _():
    client = await online()
    await client.iq("set", f"<query xmlns='{NS['roster']}'><item jid='friend@example.net' name='Friend'/></query>")
    await client.iq("get", f"<query xmlns='{NS['roster']}'/>")
    async with Running("manager", rights=True) as manager:
        rights = manager["xep_0356"]
        roster = await rights.get_roster(client.account.jid, timeout=5)
        equal({str(jid): item["name"] for jid, item in roster["roster"]["items"].items()}, {"friend@example.net": "Friend"})
        await rights.set_roster(client.account.jid, {"other@example.net": {"name": "By a component", "subscription": "to"}})
        push = await client.expect(lambda e: e.find(f"{q('roster:query')}/{q('roster:item')}[@jid='other@example.net']") is not None)
        equal(push.get("from") or client.account.jid, client.account.jid)
        equal(push[0][0].get("name"), "By a component")


# What a component may do with rosters, and what it then can't.
@table([("reader", "set", "other@example.net"), ("plain", "get", None)],
       lambda name, kind, _: f"{name}'s roster {kind} without the privilege changes and tells nothing")
async def _(name, kind, item):
    client = await online()
    await client.iq("get", f"<query xmlns='{NS['roster']}'/>")
    async with Running(name) as entity:
        iq = entity.make_iq(itype=kind, ifrom=entity.boundjid.bare, ito=client.account.jid)
        iq.enable("roster")
        if item:
            iq["roster"]["items"] = {item: {"name": "x", "subscription": "to"}}
        try:
            answer = await iq.send(timeout=5)
            raise AssertionError(f"an answer: {answer}")
        except IqError as error:
            assert condition(error.iq) in ("forbidden", "service-unavailable"), error
    roster = await client.iq("get", f"<query xmlns='{NS['roster']}'/>")
    equal(len(roster[0]), 0, "items")


def of_client(kind, **fields):
    """A stanza as clients send it, which XEP-0356 wants inside its elements."""
    stanza = kind()
    for name, value in fields.items():
        stanza[name] = value
    return stanza


@test("a component with the privilege sends messages in an account's name")
async def _():
    sender, receiver = await online(), await online()
    async with Running("manager", rights=True) as manager:
        message = of_client(slixmpp.Message, **{"from": sender.account.jid, "to": receiver.account.jid,
                                                "type": "chat", "body": "in your name"})
        manager["xep_0356"].send_privileged_message(message)
        got = await receiver.body("in your name")
        equal(got.get("from"), sender.account.jid)


# In whose name, by whom.
@table([("manager", "somebody@example.net"), ("manager", f"nobody@other.{DOMAIN}"), ("plain", None)],
       lambda name, sender: f"{name} can't send a message in the name of {sender or 'an account'}")
async def _(name, sender):
    victim, receiver = await online(), await online()
    async with Running(name, rights=name == "manager") as entity:
        inner = of_client(slixmpp.Message, **{"from": sender or victim.account.jid, "to": receiver.account.jid, "body": "spoofed"})
        outer = entity.make_message(mto=DOMAIN, mfrom=entity.boundjid.bare)
        outer["id"] = unique()
        outer["privilege"]["forwarded"].append(inner)
        outer.send()
        await until(lambda: [m for m in entity.messages if m["type"] == "error"], what="an error")
        equal(condition(entity.messages[-1]), "forbidden")
        assert not [e for e in await receiver.until_pong() if e.tag == q("message")]


@test("a component with the privilege asks in an account's name, in the granted namespaces alone")
async def _():
    client, other = await online(), await online()
    async with Running("manager", rights=True) as manager:
        manager.register_plugin("xep_0199")

        def request(kind, to, xml):
            iq = of_client(slixmpp.Iq, **{"from": client.account.jid, "to": to, "type": kind})
            iq.append(ElementTree.fromstring(xml))
            return iq
        stored = "<query xmlns='jabber:iq:private'><x xmlns='urn:example:private'>kept by a component</x></query>"
        await manager["xep_0356"].send_privileged_iq(request("set", client.account.jid, stored))
        kept = await client.iq("get", "<query xmlns='jabber:iq:private'><x xmlns='urn:example:private'/></query>")
        assert "kept by a component" in show(kept), show(kept)
        asked = asyncio.ensure_future(manager["xep_0356"].send_privileged_iq(
            request("get", other.jid, "<ping xmlns='urn:xmpp:ping'/>")))
        ping = await other.expect(lambda e: e.find(q("ping:ping")) is not None)
        equal(ping.get("from"), client.account.jid)
        await other.write(f"<iq type='result' id='{ping.get('id')}' to='{ping.get('from')}'/>")
        equal((await asked)["type"], "result")
        try:
            await manager["xep_0356"].send_privileged_iq(request("get", client.account.jid, "<query xmlns='jabber:iq:last'/>"))
            raise AssertionError("a request in another namespace passed")
        except IqError as error:
            equal(condition(error.iq), "forbidden")
        assert not [e for e in await client.until_pong() if e.tag == q("iq")]


@test("components with the privilege see the presence of accounts, and of contacts if it is theirs to see")
async def _():
    async with Running("manager", rights=True) as manager, Running("reader", rights=True) as reader:
        client, contact = await online(), await online(presence=False)
        for one, two, kind in ((client, contact, "subscribe"), (contact, client, "subscribed")):
            await one.write(f"<presence type='{kind}' to='{two.account.jid}'/>")
        await client.expect(lambda e: e.get("type") == "subscribed")
        await contact.write("<presence><show>xa</show></presence>")

        def seen(entity, to):
            return [p for p in entity.presences if str(p["from"]) == contact.jid and p["type"] == "xa" and str(p["to"]) == to]
        for entity in (manager, reader):
            await until(lambda: seen(entity, entity.boundjid.bare), what="the account's own presence")
            assert any(str(p["from"]) == client.jid for p in entity.presences)
        # One copy as the account's own, one as that of a contact of somebody who sees it.
        await until(lambda: len(seen(manager, f"manager.{DOMAIN}")) == 2, what="the presence of a contact")
        equal(len(seen(reader, f"reader.{DOMAIN}")), 1)
        contact.abort()
        await until(lambda: [p for p in reader.presences if str(p["from"]) == contact.jid and p["type"] == "unavailable"])


async def card(client, to):
    answer = await client.iq("get", "<vCard xmlns='vcard-temp'/>", to=to, seconds=10)
    return answer.findtext(f"{q('vcard:vCard')}/{q('vcard:FN')}") or ""


@test("a delegated namespace is answered by the component as long as it is there", seconds=60)
async def _():
    client = await online()
    async with Running("cards", serves=("vcard-temp", "vcard-temp", "urn:example:cards")) as cards:
        await until(lambda: any(f"namespace='vcard-temp'" in ElementTree.tostring(t, encoding="unicode").replace('"', "'")
                                for t in cards.told), what="the message about the delegation")
        for to in (DOMAIN, client.account.jid):
            equal(await card(client, to), f"card of {to} by a component")
            equal(cards.asked[-1].get("from"), client.jid)
            info = await client.iq("get", f"<query xmlns='{NS['disco']}'/>", to=to)
            assert "urn:example:cards" in show(info), show(info)
        # The component itself is answered by the host, or it would be asked what it asks.
        iq = cards.make_iq_get(ifrom=cards.boundjid.bare, ito=DOMAIN)
        iq.append(ElementTree.fromstring("<vCard xmlns='vcard-temp'/>"))
        assert "by a component" not in str(await iq.send(timeout=5))
    for _ in range(100):
        if (own := await card(client, DOMAIN)) == "Nightjar":
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(f"the host doesn't answer itself: {own}")
    info = await client.iq("get", f"<query xmlns='{NS['disco']}'/>", to=DOMAIN)
    assert "urn:example:cards" not in show(info), show(info)


@test("whoever waits for a component's answer is told at once when the component is gone")
async def _():
    client = await online()
    async with Running("cards", serves=("vcard-temp", "vcard-temp")) as cards:
        await until(lambda: cards.told, what="the message about the delegation")
        cards.is_silent = True
        id_ = unique()
        await client.write(f"<iq type='get' id='{id_}' to='{DOMAIN}'><vCard xmlns='vcard-temp'/></iq>")
        await until(lambda: cards.asked, what="the request")
    answer = await client.expect(lambda e: e.get("id") == id_)
    equal(error_condition(answer)[1], "internal-server-error")


@test("only requests with the attributes of 'filtering' are delegated")
async def _():
    client = await online()
    async with Running("cards", serves=("urn:example:stored", "urn:example:stored")) as cards:
        await until(lambda: any("urn:example:stored" in ElementTree.tostring(t, encoding="unicode") for t in cards.told))
        assert any("<" in t and "attribute" in t and "node" in t for t in
                   (ElementTree.tostring(t, encoding="unicode") for t in cards.told)), "the attribute isn't told"
        equal((await client.iq("get", "<x xmlns='urn:example:stored' node='n'/>", to=DOMAIN)).get("type"), "result")
        refused = await client.iq("get", "<x xmlns='urn:example:stored'/>", to=DOMAIN)
        equal(error_condition(refused)[1], "service-unavailable")
        equal(len(cards.asked), 1)


@test("a component that answers a delegated request to somebody else, or as somebody else, is not believed")
async def _():
    client, victim = await online(), await online()
    async with Running("cards", serves=("vcard-temp", "vcard-temp")) as cards:
        await until(lambda: cards.told, what="the message about the delegation")
        for ends in (lambda inner: (inner.get("to"), victim.jid), lambda inner: (victim.account.jid, inner.get("from"))):
            cards.ends = ends
            refused = await client.iq("get", "<vCard xmlns='vcard-temp'/>", to=client.account.jid, seconds=10)
            equal(error_condition(refused)[1], "internal-server-error")
        assert not [e for e in await victim.until_pong() if e.tag == q("iq")]


@test("a message by multicast comes to all it is addressed to, and shows none of the hidden ones")
async def _():
    sender = await online()
    to, cc, hidden = await online(), await online(), [await online() for _ in range(10)]
    async with Running("plain") as entity:
        message = entity.make_message(mto=f"multicast.{DOMAIN}", mfrom=sender.jid, mbody="to many")
        addresses = message["addresses"]
        addresses["to"] = [{"jid": to.account.jid, "desc": "first"}]
        addresses["cc"] = [{"jid": cc.account.jid}, {"jid": entity.boundjid.bare}]
        addresses["bcc"] = [{"jid": one.account.jid} for one in hidden]
        xml = ElementTree.tostring(addresses.xml, encoding="unicode")
        await sender.message(f"multicast.{DOMAIN}", "to many", more=xml)
        open_ = {to.account.jid, cc.account.jid, entity.boundjid.bare}
        for one in (to, cc, *hidden):
            got = await one.body("to many")
            equal(got.get("from"), sender.jid)
            shown = {a.get("jid") for a in got.iter(q("address:address"))}
            equal(shown - {one.account.jid}, open_ - {one.account.jid})
        await until(lambda: entity.messages, what="the component's copy")
        equal({str(a["jid"]) for a in entity.messages[0]["addresses"]["addresses"]}, open_)
        assert all(a["delivered"] for a in entity.messages[0]["addresses"]["addresses"])


@test("a component sends by multicast, and beyond the limit it is told so")
async def _():
    receivers = [await online() for _ in range(5)]
    async with Running("plain") as entity:
        def send(count):
            message = entity.make_message(mto=f"multicast.{DOMAIN}", mfrom=entity.boundjid.bare, mbody="from a component")
            jids = [receivers[n].account.jid if n < 5 else f"n{n}@{DOMAIN}" for n in range(count)]
            message["addresses"]["bcc"] = [{"jid": jid} for jid in jids]
            message["id"] = unique()
            message.send()
        send(5)
        for one in receivers:
            await one.body("from a component")
        send(41)
        await until(lambda: [m for m in entity.messages if m["type"] == "error"], what="an error")
        equal(condition(entity.messages[-1]), "not-acceptable")
        for one in receivers:
            assert not [e for e in await one.until_pong() if e.tag == q("message")]


run(at_once=1)
