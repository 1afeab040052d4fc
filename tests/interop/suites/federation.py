# server: none
# seconds: 300
"""Nightjar, Debian's ejabberd and Debian's prosody side by side in a network of their own: accounts of each talk with
accounts of the others, by certificates and by dialback, and go on after any of the three was restarted."""
import asyncio
import hashlib
import os
import re
import shutil
import signal
import time

import world

world.enter()

from clients import Slixmpp, registered_in_band
from raw import error_condition, q, show
from suite import HOME, equal, run, table, test, unique

FOLDER = os.path.join(os.path.dirname(HOME), "world")
NAMES = world.Names()
PEERS = {}
CLIENTS = {}
READY = asyncio.Lock()


class Neighbour(Slixmpp):
    """A client of one of the servers."""
    name = "neighbour"
    port = 5222


async def stage():
    """All servers, started by the first test that asks."""
    async with READY:
        if PEERS:
            return
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(FOLDER)
        authority = world.Authority(FOLDER)
        await NAMES.start()
        for last, kind in enumerate((world.Nightjar, world.Ejabberd, world.Prosody), start=1):
            peer = kind(authority, f"127.0.1.{last}")
            for domain in peer.domains():
                NAMES.serve(domain, peer.address)
            PEERS[peer.kind] = peer
        await asyncio.gather(*(peer.start() for peer in PEERS.values()))


async def client(kind, proof):
    """An available client at a server's domain."""
    await stage()
    if (kind, proof) not in CLIENTS:
        peer = PEERS[kind]
        who = await registered_in_band(peer.address, 5222, getattr(peer, proof))
        CLIENTS[(kind, proof)] = who
    who = CLIENTS[(kind, proof)]
    made = Neighbour(who, host=PEERS[kind].address)
    await made.start()
    # Prosody tells of subscriptions only who has asked for the roster (RFC 6121 §2.1.6).
    await made.iq("get", "<query xmlns='jabber:iq:roster'/>")
    await made.available()
    return made


class Two:
    """One client here, one at a neighbour."""

    def __init__(self, kind, here, there):
        self.ends = (("nightjar", here), (kind, there))

    async def __aenter__(self):
        self.clients = [await client(*end) for end in self.ends]
        return self.clients

    async def __aexit__(self, *_):
        for one in self.clients:
            await one.stop()


async def say(sender, receiver, seconds=20):
    body = unique("body")
    await sender.send(receiver.jid, body)
    got = await receiver.message(body, seconds)
    equal(got.get("from"), sender.jid)


async def ping(asker, to, seconds=20):
    answer = await asker.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=to, seconds=seconds)
    return answer


# Whose certificate the others trust: both of them, neither, one.
PROOFS = [("signed", "signed"), ("own", "own"), ("signed", "own"), ("own", "signed")]
ROWS = [(kind, *proofs) for kind in ("ejabberd", "prosody") for proofs in PROOFS]


@table(ROWS, lambda kind, here, there: f"{here}.nightjar and {there}.{kind} chat", seconds=60)
async def _(kind, here, there):
    async with Two(kind, here, there) as (mine, other):
        await say(mine, other)
        await say(other, mine)
        for answer in (await ping(mine, other.jid), await ping(other, mine.jid)):
            equal(answer.get("type"), "result", show(answer))
        for answer in (await ping(mine, other.jid.split("@")[1].split("/")[0]),
                       await ping(other, mine.jid.split("@")[1].split("/")[0])):
            equal(answer.get("type"), "result", show(answer))


@table([(kind, proof) for kind in ("ejabberd", "prosody") for proof in ("signed", "own")],
       lambda kind, proof: f"{proof}.nightjar and {proof}.{kind} become contacts", seconds=60)
async def _(kind, proof):
    async with Two(kind, proof, proof) as (mine, other):
        for one, two in ((mine, other), (other, mine)):
            here, there = (who.account.jid for who in (one, two))
            await one.write(f"<presence xmlns='jabber:client' type='subscribe' to='{there}'/>")
            await two.presence("subscribe", here)
            await two.write(f"<presence xmlns='jabber:client' type='subscribed' to='{here}'/>")
            await one.presence("subscribed", there)
            await one.presence(None, there)
        await other.write("<presence xmlns='jabber:client'><status>away at the neighbour's</status></presence>")
        await mine.wait(lambda e: e.findtext(q("status")) == "away at the neighbour's")


@table([("ejabberd",), ("prosody",)], lambda kind: f"500 messages each way with {kind} arrive in order", seconds=90)
async def _(kind):
    async with Two(kind, "signed", "signed") as (mine, other):
        async def stream(sender, receiver):
            word = unique("n")
            for number in range(500):
                await sender.send(receiver.jid, f"{word} {number}")
            for number in range(500):
                got = await receiver.wait(lambda e: (e.findtext(q("body")) or "").startswith(word), 30)
                equal(got.findtext(q("body")), f"{word} {number}")
        await asyncio.gather(stream(mine, other), stream(other, mine))


@test("a domain that isn't in the DNS comes back at once, again and again")
async def _():
    mine = await client("nightjar", "signed")
    for _ in range(3):
        before = time.monotonic()
        answer = await ping(mine, "nowhere.test")
        equal(error_condition(answer), ("cancel", "remote-server-not-found"))
        assert time.monotonic() - before < 3
    await mine.stop()


@test("a name server that doesn't answer for one domain delays no other", seconds=120)
async def _():
    await stage()
    NAMES.silent.add("silent.test")
    async with Two("prosody", "signed", "signed") as (mine, other):
        waiting = [asyncio.ensure_future(ping(mine, f"d{number}.silent.test", 100)) for number in range(50)]
        await asyncio.sleep(0.1)
        before = time.monotonic()
        await say(mine, other)
        assert time.monotonic() - before < 2
        for answer in await asyncio.gather(*waiting):
            kind, condition = error_condition(answer)
            assert condition in ("remote-server-timeout", "remote-server-not-found"), show(answer)


@test("a server that doesn't listen is a remote-server-timeout or not-found", seconds=60)
async def _():
    await stage()
    NAMES.serve("deaf.test", "127.0.1.99")
    mine = await client("nightjar", "signed")
    answer = await ping(mine, "deaf.test", 30)
    assert error_condition(answer)[1] in ("remote-server-timeout", "remote-server-not-found"), show(answer)
    await mine.stop()


@test("a server that s2s_access denies is not talked to")
async def _():
    await stage()
    NAMES.serve("denied.test", PEERS["prosody"].address)
    mine = await client("nightjar", "signed")
    answer = await ping(mine, "denied.test")
    equal(error_condition(answer)[1], "forbidden")
    assert not any("denied.test" in name for name, _ in NAMES.asked)
    await mine.stop()


@test("connections come from outgoing_s2s_ipv4_address, and a server that says nothing is given up", seconds=60)
async def _():
    await stage()
    came = asyncio.get_running_loop().create_future()
    listener = await asyncio.start_server(lambda _, writer: came.done() or came.set_result(writer), "127.0.1.77", 5269)
    NAMES.serve("mute.test", "127.0.1.77")
    mine = await client("nightjar", "signed")
    answer = asyncio.ensure_future(ping(mine, "mute.test", 40))
    writer = await asyncio.wait_for(came, 10)
    equal(writer.get_extra_info("peername")[0], PEERS["nightjar"].address)
    # negotiation_timeout
    equal(error_condition(await answer)[1], "remote-server-timeout")
    listener.close()
    await mine.stop()


@test("connections over IPv6 come from outgoing_s2s_ipv6_address")
async def _():
    await stage()
    came = asyncio.get_running_loop().create_future()
    listener = await asyncio.start_server(lambda _, writer: came.done() or came.set_result(writer), "::1", 5270)
    NAMES.add("_xmpp-server._tcp.six.test", "SRV", "0 0 5270 six.test.")
    NAMES.add("six.test", "AAAA", "::1")
    mine = await client("nightjar", "signed")
    answer = asyncio.ensure_future(ping(mine, "six.test", 40))
    writer = await asyncio.wait_for(came, 10)
    equal(writer.get_extra_info("peername")[0], "::1")
    writer.close()
    equal(error_condition(await answer)[1], "remote-server-timeout")
    listener.close()
    await mine.stop()


@test("other servers may come over a UNIX socket")
async def _():
    await stage()
    path = PEERS["nightjar"].socket
    equal(os.stat(path).st_mode & 0o777, 0o600, "mode of the socket")
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
                 b"from='signed.prosody.test' to='signed.nightjar.test'>")
    seen = b""
    while b"</stream:features>" not in seen:
        data = await asyncio.wait_for(reader.read(4096), 5)
        assert data, seen
        seen += data
    writer.close()


@test("a stanza beyond max_stanza_size doesn't come in, and the next one does", seconds=60)
async def _():
    async with Two("ejabberd", "signed", "signed") as (mine, other):
        await say(other, mine)
        large = "x" * 150_000
        await other.send(mine.jid, large)
        await again(other, mine)
        assert large not in mine.bodies()


@test("a domain whose target is a dot is not there")
async def _():
    await stage()
    NAMES.add("_xmpp-server._tcp.dot.test", "SRV", "0 0 0 .")
    NAMES.add("dot.test", "A", PEERS["prosody"].address)
    mine = await client("nightjar", "signed")
    equal(error_condition(await ping(mine, "dot.test"))[1], "remote-server-not-found")
    await mine.stop()


@table([(kind, with_) for kind in ("ejabberd", "prosody", "nightjar") for with_ in (signal.SIGTERM, signal.SIGKILL)],
       lambda kind, with_: f"after {with_.name} and a start of {kind} all talk again", seconds=120)
async def _(kind, with_):
    await stage()
    kinds = ("ejabberd", "prosody") if kind == "nightjar" else (kind,)
    for other in kinds:
        async with Two(other, "signed", "signed") as (mine, theirs):
            await say(mine, theirs)
    await PEERS[kind].restart(with_)
    for other in kinds:
        for proof in ("signed", "own"):
            async with Two(other, proof, proof) as (mine, theirs):
                await again(mine, theirs)
                await again(theirs, mine)


async def again(sender, receiver):
    """A message that arrives once the servers have found each other again; ones sent before may come back."""
    end = time.monotonic() + 40
    while True:
        body = unique("again")
        await sender.send(receiver.jid, body)
        try:
            return await receiver.message(body, 3)
        except AssertionError:
            assert time.monotonic() < end, f"nothing came from {sender.jid} to {receiver.jid}"


@test("one connection carries both directions with prosody (XEP-0288)", seconds=60)
async def _():
    async with Two("prosody", "signed", "signed") as (mine, other):
        await PEERS["nightjar"].ctl("stop_s2s_connections")
        await asyncio.sleep(0.5)
        await again(mine, other)
        await say(other, mine)
        equal((await PEERS["nightjar"].ctl("incoming_s2s_number")).strip(), "0")
        assert int((await PEERS["nightjar"].ctl("outgoing_s2s_number")).strip()) >= 1


@test("a connection that nothing passes is closed after s2s_timeout, and opened anew when it is needed", seconds=60)
async def _():
    async with Two("ejabberd", "signed", "signed") as (mine, other):
        await say(mine, other)
        end = time.monotonic() + 30
        while "signed.ejabberd.test" in await PEERS["nightjar"].ctl("s2s_connections"):
            assert time.monotonic() < end, "the connection stays"
            await asyncio.sleep(0.2)
        await say(mine, other)


def deny(text):
    return text.replace("    server: denied.test", "    server: [denied.test, signed.ejabberd.test]")


def remove(text):
    return text.replace('  - "own.nightjar.test"\n', "")


# What is changed, the pair that it ends, the pair that stays, and what a sender hears then.
RELOADS = [(deny, ("signed", "ejabberd", "signed"), ("signed", "prosody", "signed"), "forbidden"),
           (remove, ("own", "ejabberd", "own"), ("signed", "ejabberd", "signed"), None)]


@table(RELOADS, lambda change, *_: f"a reload that says {change.__name__} ends connections, and leaves others", seconds=60)
async def _(change, ended, kept, heard):
    await stage()
    peer = PEERS["nightjar"]
    config = os.path.join(peer.folder, "ejabberd.yml")
    with open(config) as file:
        before = file.read()
    after = change(before)
    assert after != before

    async def rows(here, kind, there):
        lines = (await peer.ctl("s2s_connections")).splitlines()
        return sum(f"{here}.nightjar.test" in line and f"{there}.{kind}.test" in line for line in lines)
    try:
        async with Two(kept[1], kept[0], kept[2]) as (mine, stays):
            async with Two(ended[1], ended[0], ended[2]) as (gone, other):
                await again(gone, other)
                await again(other, gone)
                await say(mine, stays)
                with open(config, "w") as file:
                    file.write(after)
                assert await rows(*ended) > 0 and await rows(*kept) > 0
                told = await peer.ctl("reload_config")
                # Before s2s_timeout, which would end them as well.
                end = time.monotonic() + 2
                while await rows(*ended):
                    assert time.monotonic() < end, f"the connection stays: {told}"
                    await asyncio.sleep(0.05)
                assert await rows(*kept) > 0, "another connection was ended"
                await say(mine, stays)
                if heard:
                    equal(error_condition(await ping(gone, other.jid))[1], heard)
    finally:
        with open(config, "w") as file:
            file.write(before)
        await peer.ctl("reload_config")


@test("components are told that the server stops", seconds=60)
async def _():
    await stage()
    peer = PEERS["nightjar"]
    reader, writer = await asyncio.open_connection(peer.address, 8888)
    writer.write(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
                 b" to='component.test'>")
    header = (await asyncio.wait_for(reader.readuntil(b">"), 10)).decode()
    if header.startswith("<?xml"):
        header = (await asyncio.wait_for(reader.readuntil(b">"), 10)).decode()
    id_ = re.search(r"""\bid=['"]([^'"]+)""", header)[1]
    proof = hashlib.sha1((id_ + "of a component").encode()).hexdigest()
    writer.write(f"<handshake>{proof}</handshake>".encode())
    assert b"handshake" in await asyncio.wait_for(reader.readuntil(b">"), 10)
    ending = asyncio.ensure_future(peer.end())
    try:
        rest = (await asyncio.wait_for(reader.read(), 10)).decode()
        assert "<system-shutdown" in rest and rest.endswith("</stream:stream>"), rest
    finally:
        writer.close()
        await ending
        await peer.start()


@test("s2s_probe tells each step", seconds=60)
async def _():
    await stage()
    good = await PEERS["nightjar"].ctl("s2s_probe", "signed.prosody.test")
    for word in ("_xmpp-server._tcp.signed.prosody.test", "127.0.1.3", "TLSv1.3", "EXTERNAL"):
        assert word in good, good
    bad = await PEERS["nightjar"].ctl("s2s_probe", "nowhere.test")
    assert "nowhere.test" in bad and ("NXDOMAIN" in bad or "not" in bad.lower()), bad
    own = await PEERS["nightjar"].ctl("s2s_probe", "own.ejabberd.test")
    assert "dialback" in own.lower(), own


run(at_once=1)
