# server: none
# seconds: 240
"""What a client was told is stored survives kill -9: the server is killed in a loop while clients write, and what
was acknowledged is looked for in the archive and in offline storage afterwards."""
import asyncio
import random
import signal
import uuid

from raw import Raw, account, escape, online, q, show
from server import Server
from suite import equal, run, test

KILLS = 8
WRITERS = 4


async def write_until_killed(who, to, acknowledged):
    """Sends numbered messages to two addresses and notes which the server acknowledged (XEP-0198)."""
    waiting, handled = [], 0
    try:
        client = await Raw.connect()
        await client.login(who)
        await client.enable()
        while True:
            for _ in range(5):
                for address in to:
                    text = uuid.uuid4().hex
                    waiting.append((address, text))
                    await client.message(address, text)
            await client.write("<r xmlns='urn:xmpp:sm:3'/>")
            answer = await client.expect("sm:a", 10)
            count = int(answer.get("h"))
            acknowledged += waiting[:count - handled]
            waiting, handled = waiting[count - handled:], count
    except (AssertionError, OSError, asyncio.TimeoutError):
        # The kill: what is still waiting was promised to nobody.
        return


async def archived(client):
    """Every body of the account's archive."""
    bodies, after = set(), None
    while True:
        id_ = uuid.uuid4().hex[:8]
        follow = f"<after>{escape(after)}</after>" if after else ""
        await client.write(f"<iq type='set' id='{id_}'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>200</max>{follow}</set></query></iq>")
        while True:
            element = await client.expect(lambda e: True, 20)
            if element.get("id") == id_:
                break
            bodies.add(element.findtext(f".//{q('body')}"))
        fin = element.find(q("mam:fin"))
        assert fin is not None, show(element)
        if fin.get("complete") == "true":
            return bodies
        after = fin.findtext(f"{q('rsm:set')}/{q('rsm:last')}")


@test("what was acknowledged is in the archive and in offline storage after kill -9", 220)
async def _():
    # A fixed seed: the moments of the kills are the same in each run.
    moments = random.Random(7)
    server = await Server().start()
    try:
        writers = [await account() for _ in range(WRITERS)]
        away, present = await account(), await account()
        acknowledged = []
        for _ in range(KILLS):
            tasks = [asyncio.ensure_future(write_until_killed(who, [away.jid, present.jid], acknowledged)) for who in writers]
            await asyncio.sleep(0.4 + moments.random())
            await server.end(signal.SIGKILL)
            await asyncio.gather(*tasks)
            server = await Server().start()
        assert len(acknowledged) > KILLS * WRITERS, f"only {len(acknowledged)} messages were acknowledged"
        print(f"{len(acknowledged)} acknowledged over {KILLS} kills")
        for who in (away, present):
            wanted = {text for address, text in acknowledged if address == who.jid}
            client = await Raw.connect()
            await client.login(who)
            lost = wanted - await archived(client)
            equal(len(lost), 0, f"acknowledged and not in {who.jid}'s archive")
            await client.write("<presence/>")
            offline = set()
            while wanted - offline:
                try:
                    element = await client.read(10)
                except asyncio.TimeoutError:
                    break
                if element.tag == q("message"):
                    offline.add(element.findtext(q("body")))
            equal(len(wanted - offline), 0, f"acknowledged and not delivered to {who.jid} on return")
    finally:
        await server.end(signal.SIGTERM)


@test("accounts, rosters and cards written before kill -9 are there after it", 60)
async def _():
    server = await Server().start()
    try:
        who = await account()
        client = await online(who)
        answers = [await client.iq("set", payload) for payload in (
            "<query xmlns='jabber:iq:roster'><item jid='friend@example.org' name='Friend'/></query>",
            "<vCard xmlns='vcard-temp'><FN>Name</FN></vCard>",
            "<query xmlns='jabber:iq:private'><x xmlns='urn:x'>kept</x></query>",
            "<block xmlns='urn:xmpp:blocking'><item jid='nuisance@example.org'/></block>")]
        equal([answer.get("type") for answer in answers], ["result"] * 4)
        await server.end(signal.SIGKILL)
        server = await Server().start()
        client = await online(who)
        equal([e.get("name") for e in (await client.iq("get", "<query xmlns='jabber:iq:roster'/>")).iter(q("roster:item"))], ["Friend"])
        equal((await client.iq("get", "<vCard xmlns='vcard-temp'/>")).findtext(".//{vcard-temp}FN"), "Name")
        equal((await client.iq("get", "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>")).findtext(".//{urn:x}x"), "kept")
        blocked = await client.iq("get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        equal([e.get("jid") for e in blocked.iter("{urn:xmpp:blocking}item")], ["nuisance@example.org"])
    finally:
        await server.end(signal.SIGTERM)


@test("SIGTERM ends the server in good order: sessions are told, the exit code is 0", 60)
async def _():
    server = await Server().start()
    client = await online()
    server.process.send_signal(signal.SIGTERM)
    await client.stream_error("system-shutdown", "reset")
    equal(await asyncio.wait_for(server.process.wait(), 20), 0, "exit code")


run(at_once=1)
