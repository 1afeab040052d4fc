# server: mqtt.yml.in
# seconds: 240
"""WebSocket as no client should speak it, with MQTT inside: each connection ends alone, with the code that RFC 6455 names."""
import asyncio
import contextlib

from hostile import attack, attacks, memory_kib
from raw_mqtt import account, connect, packet, publish, subscribe, text
from raw_websocket import (BINARY, CLOSE, PING, PONG, PORT, TEXT, TLS_PORT, RawWebSocket, frame, masked, request)
from suite import equal, run, table, unique

PATH = "/mqtt"
PINGREQ, PINGRESP = b"\xC0\0", b"\xD0\0"


class Client(RawWebSocket):
    """An MQTT client, one packet in each message."""

    @classmethod
    async def online(cls, port=PORT):
        client = await cls.upgraded(PATH, port)
        await client.write(frame(BINARY, connect(unique("ws"), await account())))
        first, body = await client.message()
        equal((first, body[0], body[3]), (BINARY, 0x20, 0), "CONNACK")
        return client

    async def message(self, seconds=10):
        """The next frame that is no ping, which is answered."""
        while (got := await self.frame(seconds)) is not None and got[0] == PING:
            await self.write(frame(PONG, got[1]))
        assert got is not None, "ended"
        return got

    async def pong(self):
        """MQTT's: all before it was understood."""
        await self.write(frame(BINARY, PINGREQ))
        equal(await self.message(), (BINARY, PINGRESP))


FRAMES = [
    *((f"opcode {opcode}", frame(0x80 | opcode, b"x"), 1002) for opcode in (*range(3, 8), *range(11, 16))),
    *((f"reserved bit {bit:#x}", frame(BINARY | bit, PINGREQ), 1002) for bit in (0x40, 0x20, 0x10, 0x70)),
    ("a reserved bit of a ping", frame(PING | 0x40), 1002),
    ("an unmasked message", frame(BINARY, PINGREQ, mask=b""), 1002),
    ("an unmasked ping", frame(PING, mask=b""), 1002),
    ("an unmasked close frame", frame(CLOSE, b"\x03\xe8", mask=b""), 1002),
    ("a length of 2^63", frame(BINARY, length=1 << 63), 1002),
    ("a length of 2^64 - 1", frame(BINARY, length=(1 << 64) - 1), 1002),
    ("16 bits for a length of 125", frame(BINARY, bytes(125), form=16), 1002),
    ("64 bits for a length of 65535", frame(BINARY, bytes(65535), form=64), 1002),
    ("64 bits for a length of 0", frame(BINARY, form=64), 1002),
    ("a ping in fragments", frame(0x09, b"x"), 1002),
    ("a close frame in fragments", frame(0x08, b"\x03\xe8"), 1002),
    ("a ping of 126 bytes", frame(PING, bytes(126)), 1002),
    ("a ping of 2^32 bytes", frame(PING, length=1 << 32), 1002),
    ("the continuation of nothing", frame(0x80, PINGREQ), 1002),
    ("a message inside a message", frame(0x02, PINGREQ) + frame(BINARY, PINGREQ), 1002),
    ("a text", frame(TEXT, "hello".encode()), 1003),
    ("a text of which only the header came", frame(TEXT, length=1 << 40), 1003),
    ("an MQTT packet as text", frame(TEXT, PINGREQ), 1003),
    ("half a close code", frame(CLOSE, b"\x03"), 1002),
    *((f"close code {code}", frame(CLOSE, code.to_bytes(2, "big")), 1002)
      for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
    ("a close reason that isn't UTF-8", frame(CLOSE, b"\x03\xe8\xff"), 1007),
    ("HTTP", b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\n\r\n", 1002),
    ("MQTT without frames", connect("x", "nobody"), 1002),
    ("zeros", bytes(1000), 1002),
]


@attacks([(*row, port) for row in FRAMES for port in (PORT, TLS_PORT)],
         lambda name, _, code, port: f"row 39: {name}{' over TLS' if port == TLS_PORT else ''}: {code}")
async def _(_name, data, code, port):
    client = await Client.online(port)
    # Whatever follows is passed over.
    await client.write(data + frame(BINARY, PINGREQ))
    await client.closes(code)


@attacks([row for row in FRAMES if row[2] != 1007], lambda name, _, code: f"row 39: before CONNECT, with the request: {name}: {code}")
async def _(_name, data, code):
    client = await Client.upgraded(PATH, more=data)
    await client.closes(code)


REQUESTS = [
    ("no key", {"Sec-WebSocket-Key": None}, 400),
    ("a short key", {"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
    ("a key that isn't Base64", {"Sec-WebSocket-Key": "!" * 24}, 400),
    ("two keys", {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, 400),
    ("no version", {"Sec-WebSocket-Version": None}, 426),
    ("version 8", {"Sec-WebSocket-Version": "8"}, 426),
    ("no Upgrade", {"Upgrade": None}, 426),
    ("another protocol", {"Upgrade": "h2c"}, 426),
    ("Connection: close", {"Connection": "close"}, 400),
    ("another subprotocol", {"Sec-WebSocket-Protocol": "xmpp"}, 400),
    ("a body", {"Content-Length": "5"}, 400),
    ("a page of another site", {"Origin": "https://evil.example"}, 403),
    ("a page of a site whose name begins alike", {"Origin": "https://localhost.evil.example"}, 403),
    ("a page of nowhere", {"Origin": "null"}, 403),
]


@attacks(REQUESTS, lambda name, _, status: f"an upgrade with {name}: {status}, and no frame is understood")
async def _(_name, changes, status):
    client = await RawWebSocket.dial()
    await client.write(request(PATH, changes) + frame(BINARY, connect("x", "nobody")))
    got, fields = await client.answer()
    equal(got, status)
    if status == 426:
        equal((fields["upgrade"], fields["sec-websocket-version"]), ("websocket", "13"))
    rest = await asyncio.wait_for(client.reader.read(), 15)
    assert b" 101 " not in rest, rest
    if changes.get("Upgrade", True):
        equal(len(rest), int(fields["content-length"]), f"what follows the answer's head: {rest}")


@table([("GET", "HTTP/1.0"), ("POST", "HTTP/1.1"), ("HEAD", "HTTP/1.1")], lambda method, version: f"an upgrade by {method} and {version}")
async def _(method, version):
    client = await RawWebSocket.dial()
    await client.write(request(PATH, method=method, version=version))
    equal((await client.answer())[0], 400)


@table([("the host that is asked", "http://localhost:8080"), ("below the virtual host", "https://chat.localhost")],
       lambda name, _: f"websocket_origin: a page of {name} may connect")
async def _(_name, origin):
    client = await RawWebSocket.dial()
    await client.write(request(PATH, {"Origin": origin}))
    equal((await client.answer())[0], 101)


@attack("packets may be cut anywhere and share messages")
async def _():
    client, topic = await Client.online(), f"free/{unique('t')}"
    packets = subscribe(topic) + publish(topic, b"one") + publish(topic, b"two") + PINGREQ
    # A message for each byte; then one message in fragments, a ping between them.
    await client.write(b"".join(frame(BINARY, packets[at:at + 1]) for at in range(len(packets))))
    cut = len(packets) // 2
    await client.write(frame(0x02, packets[:cut]) + frame(PING, b"between") + frame(0x80, packets[cut:]))
    got, pinged = b"", False
    while got.count(PINGRESP) < 2:
        first, payload = await client.message()
        pinged |= (first, payload) == (PONG, b"between")
        got += payload if first == BINARY else b""
    equal((got.count(b"one"), got.count(b"two"), pinged), (2, 2, True))


@attack("what one wake brings for a client is one message")
async def _():
    client, topic = await Client.online(), f"free/{unique('t')}"
    await client.write(frame(BINARY, subscribe(topic) + b"".join(publish(topic) for _ in range(50))))
    got = []
    while b"".join(got).count(topic.encode()) < 50:
        first, body = await client.message()
        equal(first, BINARY)
        got.append(body)
    assert len(got) < 10, f"{len(got)} messages"


@attack("a DISCONNECT is answered with code 1000")
async def _():
    client = await Client.online()
    await client.write(frame(BINARY, b"\xE0\0"))
    await client.closes(1000)


@attacks([(b"",), (b"\x03\xe8bye",), (b"\x03\xe9",), (b"\x0f\xa0",)], lambda payload: f"a close frame {payload!r} is answered alike, and the will is published")
async def _(payload):
    watcher, topic = await Client.online(), f"free/{unique('w')}"
    await watcher.write(frame(BINARY, subscribe(topic)))
    equal((await watcher.message())[1][0], 0x90)
    client = await Client.upgraded(PATH)
    will = connect(unique("ws"), await account(), flags=0xC6, will=b"\0" + text(topic) + text("gone"))
    await client.write(frame(BINARY, will))
    equal((await client.message())[1][0], 0x20)
    await client.write(frame(CLOSE, payload))
    equal(await client.frame(), (CLOSE, payload[:2]))
    equal(await client.frame(), None)
    assert (await watcher.message())[1].endswith(b"gone")


@attack("an oversize CONNECT: 1009")
async def _():
    client = await Client.upgraded(PATH)
    await client.write(frame(0x02, b"\x10\xFF\xFF\xFF\x7F" + text("MQTT")))
    await client.closes(1009)


@attack("a packet that can't be: MQTT says why, and 1008")
async def _():
    client = await Client.online()
    await client.write(frame(BINARY, packet(0x30, b"\xFF\xFFfree")))
    first, body = await client.message()
    equal((first, body[0], body[2]), (BINARY, 0xE0, 0x81))
    await client.closes(1008)


@attack("memory for messages that are only announced is bounded", 60)
async def _():
    before = memory_kib()
    clients = [await Client.upgraded(PATH) for _ in range(200)]
    for client in clients:
        await client.write(frame(0x02, b"\x10\xFF\xFF\x0F" + text("MQTT"), length=(1 << 63) - 1))
        await client.write(frame(BINARY)[:3])
    grown = memory_kib() - before
    for client in clients:
        client.abort()
    assert grown < 10_000, f"{grown} KiB for 200 announced messages"


@attack("a flood of pings that are never read", 60)
async def _():
    client, before = await Client.online(), memory_kib()
    with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
        async with asyncio.timeout(15):
            for _ in range(4000):
                await client.write(frame(PING, bytes(125)) * 100)
    grown = memory_kib() - before
    client.abort()
    assert grown < 20_000, f"{grown} KiB"


@attack("empty fragments without end")
async def _():
    client = await Client.online()
    await client.write(frame(0x02, PINGREQ[:1]) + frame(0x00) * 50_000 + frame(0x80, PINGREQ[1:]))
    equal(await client.message(), (BINARY, PINGRESP))


@attack("row 18: a frame's header one byte at a time is cut in time", 60)
async def _():
    client = await Client.upgraded(PATH)

    async def drip():
        with contextlib.suppress(ConnectionError):
            for byte in frame(BINARY, connect("slow", "nobody", password="x" * 200)):
                await client.write(bytes([byte]))
                await asyncio.sleep(1)
    dripping = asyncio.ensure_future(drip())
    try:
        await client.closes(1008, seconds=45)
    finally:
        dripping.cancel()


@attack("websocket_ping_interval, websocket_timeout: a client that never answers is given up", 40)
async def _():
    client = await Client.online()
    pings = 0
    while (got := await client.frame(20)) is not None and got[0] == PING:
        pings += 1
    equal((pings, got[0], got[1][:2]), (2, CLOSE, (1001).to_bytes(2, "big")))
    equal(await client.frame(), None)


@attack("websocket_timeout: a client that answers pings stays", 40)
async def _():
    client = await Client.online()
    for _ in range(4):
        equal(await client.frame(20), (PING, b""))
        await client.write(frame(PONG))
    await client.pong()


@attack("another mask in each frame, and masks of zeros")
async def _():
    client = await Client.online()
    for mask in (bytes(4), b"\xff\xff\xff\xff", b"\0\1\2\3"):
        equal(masked(masked(PINGREQ, mask), mask), PINGREQ)
        await client.write(frame(BINARY, PINGREQ, mask=mask))
        equal(await client.message(), (BINARY, PINGRESP))


run(3)
