# server: hostile.yml.in
# seconds: 120
"""Forgery and abuse inside instant messaging: carbons, roster pushes, archive ids, queries, offline storage."""
import asyncio
import uuid

from hostile import attack, attacks
from raw import NS, Raw, account, error_condition, escape, online, q, show
from suite import DOMAIN, equal, run

FORWARDED = ("<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='%s' to='%s' type='chat'>"
             "<body>forged</body></message></forwarded>")


def message_with(id_):
    return lambda e: e.tag == q("message") and e.get("id") == id_


async def mam(client, inner="", form="", to=None, seconds=5):
    """(results, the iq that ends the query)."""
    fields = f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>{form}</x>" if form else ""
    results = []
    id_ = uuid.uuid4().hex[:10]
    address = f" to='{escape(to)}'" if to else ""
    await client.write(f"<iq type='set' id='{id_}'{address}><query xmlns='urn:xmpp:mam:2'>{fields}{inner}</query></iq>")
    while True:
        element = await client.expect(lambda e: True, seconds)
        if element.get("id") == id_ and element.tag == q("iq"):
            return results, element
        if element.find(q("mam:result")) is not None:
            results.append(element.find(q("mam:result")))


@attacks([(direction, kind) for direction in ("sent", "received") for kind in ("chat", "normal", "headline")],
         lambda direction, kind: f"row 56: a forged carbon ({direction}, {kind}) reaches its victim stripped or not at all")
async def _(direction, kind):
    victim, attacker = await online(), await online()
    await victim.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
    inner = FORWARDED % (f"friend@{DOMAIN}", victim.account.jid)
    await attacker.write(f"<message to='{victim.jid}' type='{kind}' id='forged'><body>x</body><{direction} xmlns='urn:xmpp:carbons:2'>{inner}</{direction}></message>")
    await attacker.until_pong()
    for element in await victim.until_pong():
        if element.tag == q("message"):
            # Clients must ignore carbons that are not from their own account (XEP-0280 §11); what
            # a server can promise is that the stanza says who sent it.
            equal(element.get("from"), attacker.jid, "sender")
            equal(element.get("type", "normal"), kind, "type")


@attack("row 56: a carbon wrapper sent to oneself from another's name is never made by the server")
async def _():
    victim, attacker = await online(), await online()
    await attacker.write(f"<message from='{victim.account.jid}' to='{victim.jid}'><sent xmlns='urn:xmpp:carbons:2'>{FORWARDED % ('a@b', 'c@d')}</sent></message>")
    await attacker.stream_error("invalid-from")
    equal([e for e in await victim.until_pong() if e.tag == q("message")], [], "messages")


@attack("row 56: carbons go to one's own sessions only, and a private message makes none")
async def _():
    one = await online(resource="one")
    two = await online(one.account, resource="two")
    stranger = await online()
    for client in (one, two, stranger):
        result = await client.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        equal(result.get("type"), "result")
    await one.message(stranger.jid, "public")
    carbon = await two.expect(lambda e: e.find(q("carbons:sent")) is not None)
    equal(carbon.get("from"), one.account.jid, "sender of the carbon")
    await one.message(stranger.jid, "private", more="<private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>")
    await stranger.body("private")
    equal([e for e in await two.until_pong() if e.tag == q("message")], [], "carbons of a private message")


@attack("row 56: a forged archive result from somebody else says who sent it")
async def _():
    victim, attacker = await online(), await online()
    await attacker.write(f"<message to='{victim.jid}' id='forged'><result xmlns='urn:xmpp:mam:2' id='1' queryid='q'>{FORWARDED % ('a@b', victim.jid)}</result></message>")
    await attacker.until_pong()
    for element in await victim.until_pong():
        if element.find(q("mam:result")) is not None:
            equal(element.get("from"), attacker.jid, "sender")


@attacks([("full",), ("bare",)], lambda to: f"row 57: a roster push of somebody else ({to} address) is never delivered")
async def _(to):
    victim, attacker = await online(), await online()
    await victim.iq("get", "<query xmlns='jabber:iq:roster'/>")
    address = victim.jid if to == "full" else victim.account.jid
    await attacker.write(f"<iq type='set' id='push' to='{address}'><query xmlns='jabber:iq:roster'><item jid='evil@example.org' subscription='both'/></query></iq>")
    answer = await attacker.expect(lambda e: e.get("id") == "push")
    equal(answer.get("type"), "error", show(answer))
    for element in await victim.until_pong():
        assert element.find(q("roster:query")) is None, show(element)
    roster = await victim.iq("get", "<query xmlns='jabber:iq:roster'/>")
    assert "evil@example.org" not in show(roster), show(roster)


@attack("another's roster can be neither read nor written")
async def _():
    victim, attacker = await online(), await online()
    for type_, inner in (("get", ""), ("set", "<item jid='a@b'/>")):
        answer = await attacker.iq(type_, f"<query xmlns='jabber:iq:roster'>{inner}</query>", to=victim.account.jid)
        equal(answer.get("type"), "error", show(answer))


ROSTER = [
    ("no item", "", "bad-request"),
    ("two items", "<item jid='a@b'/><item jid='c@d'/>", "bad-request"),
    ("an item without address", "<item name='x'/>", "bad-request"),
    ("a malformed address", "<item jid='a@b@c'/>", "jid-malformed"),
    ("an empty group", "<item jid='a@b'><group/></item>", "not-acceptable"),
    ("the same group twice", "<item jid='a@b'><group>x</group><group>x</group></item>", "bad-request"),
    ("a name of 10,000 characters", f"<item jid='a@b' name='{'x' * 10000}'/>", None),
    ("removal of nobody", "<item jid='nobody@example.org' subscription='remove'/>", "item-not-found"),
]


@attacks(ROSTER, lambda what, *_: f"roster set with {what} is answered, RFC 6121 §2.3.3")
async def _(what, inner, condition):
    client = await online()
    answer = await client.iq("set", f"<query xmlns='jabber:iq:roster'>{inner}</query>")
    if condition is None:
        assert answer.get("type") in ("result", "error"), show(answer)
        return
    equal(answer.get("type"), "error", show(answer))
    assert error_condition(answer)[1] in (condition, "bad-request", "not-allowed", "jid-malformed"), show(answer)


@attack("a client cannot give itself a subscription")
async def _():
    client, other = await online(), await online()
    await client.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='{other.account.jid}' subscription='both' ask='subscribe'/></query>")
    roster = await client.iq("get", "<query xmlns='jabber:iq:roster'/>")
    # The server may refuse the set or ignore what only it may say (RFC 6121 §2.1.2.2, §2.1.2.5).
    for item in roster.iter(q("roster:item")):
        equal((item.get("subscription"), item.get("ask")), ("none", None), "what the client asked for by itself")
    await other.write("<presence><status>secret</status></presence>")
    await other.until_pong()
    assert not [e for e in await client.until_pong() if "secret" in show(e)]


@attack("a subscription nobody asked for cannot be approved into being")
async def _():
    attacker, victim = await online(), await online()
    await attacker.write(f"<presence type='subscribed' to='{victim.account.jid}'/>")
    await attacker.until_pong()
    await victim.write("<presence><status>secret</status></presence>")
    await victim.until_pong()
    assert not [e for e in await attacker.until_pong() if "secret" in show(e)]


@attack("row 16: a stanza-id that claims to be ours is stripped, all copies, and the true one stays")
async def _():
    sender, receiver = await online(), await online()
    me = receiver.account.jid
    forged = "".join(f"<stanza-id xmlns='urn:xmpp:sid:0' id='forged{n}' by='{by}'/>" for n, by in
                     enumerate([me, me.upper(), receiver.jid, me, sender.account.jid]))
    await sender.message(receiver.jid, "hello", more=forged)
    message = await receiver.body("hello")
    mine = [e.get("id") for e in message.findall(q("sid:stanza-id")) if (e.get("by") or "").lower() == me.lower()]
    equal(len(mine), 1, f"ids by the receiver's account in {show(message)}")
    assert not mine[0].startswith("forged"), show(message)
    results, _ = await mam(receiver)
    assert mine[0] in [result.get("id") for result in results], "the id is not the archive's"
    assert "forged0" not in "".join(map(show, results)), show(results[0])


INJECTIONS = ["'", "''", "' OR 1=1 --", "\\", "\\'", "%", "_", "1; DROP TABLE archive", "\u2019", "\U0001f980", "0x41", "-1", "99999999999999999999", ""]


@attacks([(place,) for place in ("after", "before", "max", "index", "with", "start", "id", "ids", "unknown field", "fulltext")],
         lambda place: f"row 30: SQL in the archive query's {place} is only text")
async def _(place):
    client, other = await online(), await online()
    await other.message(client.account.jid, "kept")
    await client.body("kept")
    for text in INJECTIONS:
        text = escape(text)
        if place in ("after", "before", "max", "index"):
            inner, form = f"<set xmlns='http://jabber.org/protocol/rsm'><{place}>{text}</{place}></set>", ""
        else:
            name = {"with": "with", "start": "start", "id": "before-id", "ids": "ids", "unknown field": text or "x", "fulltext": "{urn:xmpp:fulltext:0}fulltext"}[place]
            inner, form = "", f"<field var='{name}'><value>{text}</value></field>"
        results, end = await mam(client, inner, form)
        assert end.get("type") in ("result", "error"), show(end)
        if end.get("type") == "error":
            assert error_condition(end)[1] not in ("internal-server-error", "resource-constraint"), f"{place}={text!r}: {show(end)}"
        assert len(results) <= 1, f"{place}={text!r} gave {len(results)} results"
    results, _ = await mam(client)
    equal(len(results), 1, "what is left in the archive")


@attack("another's archive can be neither read nor its preferences changed")
async def _():
    victim, attacker = await online(), await online()
    await attacker.message(victim.account.jid, "x")
    await victim.body("x")
    results, end = await mam(attacker, to=victim.account.jid)
    equal((len(results), end.get("type")), (0, "error"), show(end))
    for type_, inner in (("get", "<prefs xmlns='urn:xmpp:mam:2'/>"), ("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'/>")):
        equal((await attacker.iq(type_, inner, to=victim.account.jid)).get("type"), "error")


@attack("a page of an archive is bounded whatever is asked")
async def _():
    client, other = await online(), await online()
    for number in range(300):
        await other.message(client.account.jid, str(number))
    await client.body("299")
    results, end = await mam(client, "<set xmlns='http://jabber.org/protocol/rsm'><max>1000000</max></set>", seconds=15)
    assert len(results) <= 250, f"{len(results)} in one page"
    results, end = await mam(client, "<set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set>")
    equal((len(results), end.get("type")), (0, "result"))
    equal(end.findtext(f".//{q('rsm:count')}"), "300", "count")


@attack("a malformed archive query is bad-request")
async def _():
    client = await online()
    for form in ("<field var='start'><value>yesterday</value></field>", "<field var='with'><value>a@b@c</value></field>"):
        _, end = await mam(client, form=form)
        equal(end.get("type"), "error", show(end))
        assert error_condition(end)[1] in ("bad-request", "jid-malformed", "feature-not-implemented"), show(end)
    for prefs in ("<prefs xmlns='urn:xmpp:mam:2' default='perhaps'/>", "<prefs xmlns='urn:xmpp:mam:2'/>",
                  "<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>a@b@c</jid></always></prefs>"):
        equal((await client.iq("set", prefs)).get("type"), "error", prefs)


@attack("offline storage: past the limit messages bounce, those stored are delivered in order")
async def _():
    receiver = await account()
    sender = await online()
    for number in range(8):
        await sender.message(receiver.jid, str(number), id_=f"m{number}")
    errors = [e for e in await sender.until_pong() if e.get("type") == "error"]
    equal(sorted(e.get("id") for e in errors), ["m5", "m6", "m7"], "bounced")
    assert all(error_condition(e)[1] in ("resource-constraint", "service-unavailable") for e in errors), show(errors[0])
    client = await Raw.connect()
    await client.login(receiver)
    await client.write("<presence/>")
    seen = []
    while seen[-1:] != ["4"]:
        seen.append((await client.expect("message")).findtext(q("body")))
    equal(seen, ["0", "1", "2", "3", "4"], "delivered")
    equal([e for e in await client.until_pong() if e.tag == q("message")], [], "messages behind the last")


@attack("offline storage: what must not be stored is not, and a forged delay does not pass for the server's")
async def _():
    receiver = await account()
    sender = await online()
    await sender.message(receiver.jid, "headline", "headline")
    await sender.message(receiver.jid, "no store", more="<no-store xmlns='urn:xmpp:hints'/>")
    await sender.write(f"<message to='{receiver.jid}' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>")
    await sender.message(receiver.jid, "kept", more=f"<delay xmlns='urn:xmpp:delay' from='{DOMAIN}' stamp='2001-01-01T00:00:00Z'/>")
    await sender.until_pong()
    client = await Raw.connect()
    await client.login(receiver)
    await client.write("<presence/>")
    seen = [await client.expect("message")]
    seen += [e for e in await client.until_pong() if e.tag == q("message")]
    equal([e.findtext(q("body")) for e in seen], ["kept"], "delivered")
    stamps = [e.get("stamp") for e in seen[0].findall(q("delay:delay")) if e.get("from") in (DOMAIN, None)]
    assert [stamp for stamp in stamps if not stamp.startswith("2001")], show(seen[0])


@attack("row 29: capabilities with a wrong hash poison nobody's cache")
async def _():
    one, other = await online(), await online()
    await one.write("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:x' ver='AAAAAAAAAAAAAAAAAAAAAAAAAAA='/></presence>")
    try:
        request = await one.expect(lambda e: e.tag == q("iq") and e.get("type") == "get", 1)
        await one.write(f"<iq type='result' id='{request.get('id')}' to='{request.get('from')}'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:x#AAAAAAAAAAAAAAAAAAAAAAAAAAA='><identity category='a&lt;b' type='c'/><feature var='urn:xmpp:poison+notify'/></query></iq>")
    except AssertionError:
        pass
    await one.until_pong()
    await other.until_pong()


@attack("in-band registration: broken, doubled, overlong and foreign names are refused")
async def _():
    taken = await account()
    for user, password in (("", "x"), ("a b", "x"), ("a@b", "x"), ("x" * 2000, "x"), (taken.user, "another"), ("a/b", "x"), ("newname", "")):
        client = await Raw.connect()
        answer = await client.iq("set", f"<query xmlns='jabber:iq:register'><username>{escape(user)}</username><password>{escape(password)}</password></query>", to=DOMAIN)
        equal(answer.get("type"), "error", f"{user[:20]!r}: {show(answer)}")
        client.abort()
    client = await Raw.connect()
    equal((await client.auth(taken.user, taken.password)).tag, q("sasl:success"), "the old password")


@attack("one account cannot change another's password or remove it")
async def _():
    victim, attacker = await account(), await online()
    change = f"<username>{victim.user}</username><password>mine</password>"
    for to, inner in ((DOMAIN, change), (victim.jid, change), (victim.jid, f"<remove/><username>{victim.user}</username>")):
        await attacker.iq("set", f"<query xmlns='jabber:iq:register'>{inner}</query>", to=to)
    client = await Raw.connect()
    equal((await client.auth(victim.user, victim.password)).tag, q("sasl:success"), "the victim's login")


@attack("a blocked contact learns nothing and gets nothing through")
async def _():
    one, nuisance = await online(), await online()
    equal((await one.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{nuisance.account.jid}'/></block>")).get("type"), "result")
    await nuisance.message(one.jid, "by full address")
    await nuisance.message(one.account.jid, "by bare address")
    await nuisance.write(f"<presence to='{one.jid}'/><presence type='subscribe' to='{one.account.jid}'/>")
    answer = await nuisance.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=one.jid)
    equal(answer.get("type"), "error")
    for element in await one.until_pong():
        assert nuisance.account.jid not in (element.get("from") or ""), show(element)


run()
