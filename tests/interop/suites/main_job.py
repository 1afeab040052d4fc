# server: nightjar.yml.in
# seconds: 180
"""The main job, by independent clients: register, log in, become contacts, talk, be away, be cut off, look back."""
import asyncio
import itertools

import aioxmpp
import aiosasl

from clients import ALL, Aioxmpp, Slixmpp, XmppJs, registered_in_band
from raw import account, q, show
from suite import BINARY, DOMAIN, ctl, equal, run, table, test, until

PAIRS = [(Slixmpp, XmppJs), (XmppJs, Aioxmpp), (Aioxmpp, Slixmpp)]


def names(one, other, *rest):
    return f"{one.name} and {other.name}" + "".join(f", {word}" for word in rest)


@test("an account registered in band logs in")
async def _():
    who = await registered_in_band()
    client = XmppJs(who)
    await client.start()
    await client.stop()


@test("an account registered by the command logs in")
async def _():
    client = Slixmpp(await account())
    await client.start()
    await client.stop()
    if BINARY:
        code, _ = await ctl("register", client.account.user, DOMAIN, "x", check=False)
        equal(code, 1, "exit code for an account that exists")


@table([(client, tls) for client in ALL for tls in ("starttls", "direct")], lambda client, tls: f"{client.name} logs in over {tls}")
async def _(client, tls):
    client = client(await account(), tls)
    await client.start()
    # Bind 2 makes of the resource asked for one that begins with it (XEP-0386 §3.2).
    assert client.jid.partition(".")[0] == f"{client.account.jid}/{client.resource}".partition(".")[0], client.jid
    await client.available()
    await client.stop()


@table([(client,) for client in ALL], lambda client: f"{client.name} with a wrong password is refused")
async def _(client):
    who = await account()
    who.password = "wrong"
    client = client(who)
    try:
        await client.start()
    except (AssertionError, aiosasl.AuthenticationFailure, OSError):
        return
    raise AssertionError("logged in with a wrong password")


async def pair(one, other, tls=("starttls", "direct")):
    clients = one(await account(), tls[0]), other(await account(), tls[1])
    for client in clients:
        await client.start()
        if not isinstance(client, Aioxmpp):
            await client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        await client.available()
    return clients


async def stop(*clients):
    for client in clients:
        await client.stop()


@table(PAIRS + [(other, one) for one, other in PAIRS], lambda *row: f"messages both ways: {names(*row)}")
async def _(one, other):
    one, other = await pair(one, other)
    text = "grüße <&>\"' \U0001f980 \u202e end"
    await one.send(other.jid, text)
    equal((await other.message(text)).get("from"), one.jid)
    for number in range(50):
        await other.send(one.account.jid, f"number {number}")
    await one.message("number 49")
    equal(one.bodies(), [f"number {number}" for number in range(49)], "order")
    await stop(one, other)


async def subscribe(one, other):
    """`one` asks, `other` approves: both learn it, and `one` sees `other`."""
    if isinstance(one, Aioxmpp):
        one.client.summon(aioxmpp.RosterClient).subscribe(aioxmpp.JID.fromstr(other.account.jid))
    else:
        await one.write(f"<presence xmlns='jabber:client' type='subscribe' to='{other.account.jid}'/>")
    await other.presence("subscribe", one.account.jid)
    if isinstance(other, Aioxmpp):
        other.client.summon(aioxmpp.RosterClient).approve(aioxmpp.JID.fromstr(one.account.jid))
    else:
        await other.write(f"<presence xmlns='jabber:client' type='subscribed' to='{one.account.jid}'/>")
    await one.presence("subscribed", other.account.jid)
    await one.presence(None, other.jid)


async def roster_state(client, contact):
    """What the client's roster says of a contact."""
    if isinstance(client, Aioxmpp):
        roster = client.client.summon(aioxmpp.RosterClient)
        item = roster.items.get(aioxmpp.JID.fromstr(contact))
        return item.subscription if item else None
    answer = await client.iq("get", "<query xmlns='jabber:iq:roster'/>")
    return next((item.get("subscription") for item in answer.iter(q("roster:item")) if item.get("jid") == contact), None)


@table(PAIRS, lambda *row: f"subscription both ways, presence, and its end: {names(*row)}")
async def _(one, other):
    one_class, other_class = one, other
    one, other = one(await account()), other(await account(), "direct")
    for client in (one, other):
        if isinstance(client, Aioxmpp):
            # The service must be there before the stream is, to receive the roster.
            original = client.start
            await original()
            client.client.summon(aioxmpp.RosterClient)
            await client.client.send(aioxmpp.IQ(type_=aioxmpp.IQType.GET, payload=aioxmpp.roster.xso.Query()))
        else:
            await client.start()
            await client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        await client.available()
    await subscribe(one, other)
    await subscribe(other, one)
    for client, contact in ((one, other), (other, one)):
        for _ in range(100):
            state = await roster_state(client, contact.account.jid)
            if state == "both":
                break
            await asyncio.sleep(0.05)
        equal(state, "both", f"{client.name}'s roster")
    await other.stop()
    gone = await one.presence("unavailable", other.jid)
    equal(gone.get("from"), other.jid)
    await one.stop()


@table([(sender, receiver) for sender, receiver in itertools.permutations((Slixmpp, XmppJs), 2)] + [(Slixmpp, Aioxmpp)],
       lambda *row: f"messages for somebody who is away are there on return: {names(*row)}")
async def _(sender, receiver):
    who = await account()
    first = receiver(who)
    await first.start()
    await first.available()
    await first.stop()
    sender = sender(await account())
    await sender.start()
    for number in range(5):
        await sender.send(who.jid, f"while away {number}")
    await sender.send(sender.jid, "settled")
    await sender.message("settled")
    back = receiver(who)
    await back.start()
    await back.available()
    await back.message("while away 4")
    equal(back.bodies(), [f"while away {number}" for number in range(4)], "order")
    delay = back.stanzas[[e.tag for e in back.stanzas].index(q("message"))].find(q("delay:delay"))
    assert delay is not None and delay.get("stamp"), "no delay on a stored message"
    await stop(sender, back)


@table([(client, sender) for client, sender in ((Slixmpp, XmppJs), (XmppJs, Slixmpp), (Aioxmpp, Slixmpp))],
       lambda *row: f"a cut connection is resumed with nothing lost either way: {names(*row)}", 40)
async def _(client, sender):
    client, sender = await pair(client, sender)
    for number in range(10):
        await sender.send(client.jid, f"before {number}")
    await client.message("before 9")
    await client.cut()
    for number in range(20):
        await sender.send(client.jid, f"during {number}")
    await client.reconnect()
    equal(client.resumed, 1, "resumptions")
    await client.message("during 19")
    equal(client.bodies(), [f"before {number}" for number in range(9)] + [f"during {number}" for number in range(19)], "what came, in order, once")
    await client.send(sender.jid, "still me")
    equal((await sender.message("still me")).get("from"), client.jid)
    await stop(client, sender)


@table([(Slixmpp, XmppJs), (XmppJs, Slixmpp)], lambda *row: f"both read their archive back, page by page: {names(*row)}", 40)
async def _(one, other):
    one, other = await pair(one, other)
    said = []
    for number in range(25):
        sender, receiver = (one, other) if number % 3 else (other, one)
        said.append(f"line {number}")
        await sender.send(receiver.account.jid, said[-1])
        await receiver.message(said[-1])
    for client in (one, other):
        bodies, pages = await client.archive(10)
        equal(bodies, said, f"{client.name}'s archive")
        equal(pages, 3, f"{client.name}'s pages")
    await stop(one, other)


@test("xmpp.js logs in by SASL2 with Bind 2 where it is offered")
async def _():
    client = XmppJs(await account(), "direct")
    await client.start()
    features = [event["xml"] for event in client.events if "features" in event.get("xml", "")]
    if BINARY:
        assert any("urn:xmpp:sasl:2" in xml for xml in features), features
        assert any("<success xmlns=\"urn:xmpp:sasl:2\"" in event.get("xml", "") for event in client.events), client.events
    await client.stop()


run(at_once=3)
