# server: none
# seconds: 240
"""Two Nightjars, and between them something that passes bytes on and cuts connections in the middle of traffic: what
XEP-0198 between servers promises."""
import asyncio
import collections
import os
import shutil
import socket
import struct

import world

world.enter()

from clients import Slixmpp, registered_in_band
from raw import q
from suite import HOME, equal, run, table, unique

FOLDER = os.path.join(os.path.dirname(HOME), "world")
NAMES = world.Names()
PEERS = {}
READY = asyncio.Lock()
PROXY = "127.0.1.50"


class Neighbour(Slixmpp):
    name = "neighbour"
    port = 5222


class Wire:
    """Passes on what comes from one server for the other. `held` are directions whose bytes stay where they are, as on a
    network that has broken and doesn't say so."""

    def __init__(self, port, address):
        self.port, self.address, self.held, self.connections = port, address, set(), []
        self.made, self.passed = 0, 0

    async def start(self):
        await asyncio.start_server(self._serve, PROXY, self.port)

    async def _serve(self, reader, writer):
        there, back = await asyncio.open_connection(self.address, 5269)
        self.made += 1
        self.connections.append((writer, back))
        await asyncio.gather(self._pass(reader, back, "out"), self._pass(there, writer, "in"), return_exceptions=True)

    async def _pass(self, reader, writer, direction):
        while data := await reader.read(65536):
            self.passed += 1
            if direction in self.held:
                continue
            writer.write(data)
            await writer.drain()
        writer.close()

    async def quiet(self):
        """Waits until nothing passes any more: what was sent is acknowledged."""
        passed = None
        while passed != self.passed:
            passed = self.passed
            await asyncio.sleep(1)

    def cut(self):
        """Ends all connections at once: both ends see a reset."""
        for ends in self.connections:
            for writer in ends:
                raw = writer.get_extra_info("socket")
                if raw is not None and not writer.is_closing():
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        self.connections.clear()
        self.held.clear()


class Left(world.Nightjar):
    kind = "left"
    more = ""


class Right(world.Nightjar):
    kind = "right"
    more = ""


WIRES = {"left": Wire(5301, "127.0.1.1"), "right": Wire(5302, "127.0.1.2")}


async def stage():
    async with READY:
        if PEERS:
            return
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(FOLDER)
        authority = world.Authority(FOLDER)
        await NAMES.start()
        for kind, wire in ((Left, WIRES["left"]), (Right, WIRES["right"])):
            peer = kind(authority, wire.address)
            await wire.start()
            for domain in peer.domains():
                NAMES.add(f"_xmpp-server._tcp.{domain}", "SRV", f"10 5 {wire.port} {domain}.")
                NAMES.add(domain, "A", PROXY)
            PEERS[peer.kind] = peer
        await asyncio.gather(*(peer.start() for peer in PEERS.values()))


async def client(kind, domain):
    peer = PEERS[kind]
    made = Neighbour(await registered_in_band(peer.address, 5222, getattr(peer, domain)), host=peer.address)
    await made.start()
    await made.available()
    return made


async def bodies(receiver, word, last):
    """All bodies with this word, up to the last one and what comes right behind it."""
    came = []
    while not came or came[-1] != last:
        got = await receiver.wait(lambda e: (e.findtext(q("body")) or "").startswith(word), 30)
        came.append(got.findtext(q("body")))
    return came


HALF = 50
# What is held back before the cut, so that nobody hears of it, and whether what comes after it may come twice: what was
# not acknowledged is sent again. Each has a pair of domains of its own, that is, a connection of its own.
CUTS = [("the stanzas", {"out"}, False, "signed", "signed"), ("the acknowledgements", {"in"}, True, "signed", "own"),
        ("both directions", {"out", "in"}, False, "own", "signed"), ("nothing", set(), True, "own", "own")]


@table(CUTS, lambda what, *_: f"a connection is cut while {what} didn't get through: nothing is lost", seconds=60)
async def _(what, held, may_double, here, there):
    await stage()
    mine, theirs = await client("left", here), await client("right", there)
    wire, word = WIRES["right"], unique("cut")
    before, after = ([f"{word} {number}" for number in numbers] for numbers in (range(HALF), range(HALF, 2 * HALF)))
    for body in before:
        await mine.send(theirs.jid, body)
    equal(await bodies(theirs, word, before[-1]), before)
    await wire.quiet()
    made, wire.held = wire.made, set(held)
    for body in after:
        await mine.send(theirs.jid, body)
    # The answer to this comes when the server has taken all of them.
    await mine.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=mine.account.jid.split("@")[1])
    came = await bodies(theirs, word, after[-1]) if held == {"in"} else []
    wire.cut()
    last = f"{word} last"
    await mine.send(theirs.jid, last)
    came += await bodies(theirs, word, last)
    assert wire.made > made, "no new connection was made"
    counts = collections.Counter(came)
    equal([body for body in after if not counts[body]], [], "lost")
    twice = {body for body in counts if counts[body] > 1}
    assert twice <= (set(after) if may_double else set()), f"came twice: {twice}"
    equal(list(dict.fromkeys(came)), [*after, last], "order")
    for one in (mine, theirs):
        await one.stop()


run(at_once=1)
