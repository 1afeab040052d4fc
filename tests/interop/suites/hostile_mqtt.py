# server: mqtt.yml.in
# seconds: 240
"""MQTT as no client should speak it: each connection ends alone, with the reason that the specification names."""
import asyncio
import contextlib

from hostile import attack, attacks, memory_kib
from raw_mqtt import PORT, TLS_PORT, RawMqtt, account, connect, length, packet, publish, subscribe, text
from suite import HOST, equal, run, unique

MALFORMED, PROTOCOL_ERROR, NOT_AUTHORIZED = 0x81, 0x82, 0x87
KEEP_ALIVE_TIMEOUT, FILTER_INVALID, TOPIC_INVALID = 0x8D, 0x8F, 0x90
RECEIVE_MAXIMUM, ALIAS_INVALID, TOO_LARGE = 0x93, 0x94, 0x95

MALFORMED_PACKETS = [
    ("a length of five bytes", b"\x30\x80\x80\x80\x80\x01", [MALFORMED]),
    ("a length of five bytes, all ones", b"\xC0\xFF\xFF\xFF\xFF\xFF", [MALFORMED]),
    ("packet type 0", b"\0\0", [MALFORMED, PROTOCOL_ERROR]),
    ("flags of PINGREQ", b"\xC1\0", [MALFORMED]),
    ("flags of SUBSCRIBE", subscribe("free/a", first=0x80), [MALFORMED]),
    ("QoS 3", publish("free/a", first=0x36), [MALFORMED]),
    ("DUP with QoS 0", publish("free/a", first=0x38), [MALFORMED, PROTOCOL_ERROR]),
    ("a topic longer than its packet", packet(0x30, b"\xFF\xFFfree"), [MALFORMED]),
    ("an empty PUBLISH", b"\x30\0", [MALFORMED]),
    ("packet identifier 0", publish("free/a", qos=1, id_=0), [MALFORMED, PROTOCOL_ERROR]),
    ("SUBSCRIBE with packet identifier 0", subscribe("free/a", id_=0), [MALFORMED, PROTOCOL_ERROR]),
    ("SUBSCRIBE without filters", subscribe(), [PROTOCOL_ERROR]),
    ("UNSUBSCRIBE without filters", packet(0xA2, b"\0\1\0"), [PROTOCOL_ERROR]),
    ("reserved options of a subscription", subscribe("free/a", options=0xC0), [MALFORMED, PROTOCOL_ERROR]),
    ("QoS 3 of a subscription", subscribe("free/a", options=3), [MALFORMED, PROTOCOL_ERROR]),
    ("retain handling 3", subscribe("free/a", options=0x30), [MALFORMED, PROTOCOL_ERROR]),
    ("No Local of a shared subscription", subscribe("$share/g/free/a", options=4), [PROTOCOL_ERROR]),
    ("a topic that isn't UTF-8", publish(b"free/\xFF\xFE"), [MALFORMED]),
    ("a surrogate in a topic", publish(b"free/\xED\xA0\x80"), [MALFORMED]),
    ("an overlong slash in a topic", publish(b"free\xC0\xAFa"), [MALFORMED]),
    ("U+0000 in a topic", publish(b"free/\0"), [MALFORMED, TOPIC_INVALID]),
    ("no topic and no alias", publish(""), [PROTOCOL_ERROR, TOPIC_INVALID]),
    ("a wildcard in a topic: +", publish("free/+"), [TOPIC_INVALID, MALFORMED, PROTOCOL_ERROR]),
    ("a wildcard in a topic: #", publish("#"), [TOPIC_INVALID, MALFORMED, PROTOCOL_ERROR]),
    ("an unknown property", publish("free/a", properties=b"\x7F\0"), [MALFORMED, PROTOCOL_ERROR]),
    ("a property of another packet", publish("free/a", properties=b"\x21\0\1"), [MALFORMED, PROTOCOL_ERROR]),
    ("a property twice", publish("free/a", properties=b"\1\0\1\0"), [PROTOCOL_ERROR]),
    ("properties longer than their packet", packet(0x30, text("free/a") + b"\x7F"), [MALFORMED]),
    ("topic alias 0", publish("free/a", properties=b"\x23\0\0"), [ALIAS_INVALID]),
    ("a topic alias above the maximum", publish("free/a", properties=b"\x23\0\x08"), [ALIAS_INVALID]),
    ("a topic alias of nothing", publish("", properties=b"\x23\0\x01"), [PROTOCOL_ERROR, ALIAS_INVALID]),
    ("a client that names subscription identifiers", publish("free/a", properties=b"\x0B\1"), [PROTOCOL_ERROR, MALFORMED]),
    ("a second CONNECT", connect("again"), [PROTOCOL_ERROR]),
    ("CONNACK from a client", b"\x20\3\0\0\0", [PROTOCOL_ERROR, MALFORMED]),
    ("SUBACK from a client", b"\x90\4\0\1\0\0", [PROTOCOL_ERROR, MALFORMED]),
    ("PINGRESP from a client", b"\xD0\0", [PROTOCOL_ERROR, MALFORMED]),
    ("AUTH of nobody who began so", b"\xF0\0", [PROTOCOL_ERROR]),
    ("a packet above the maximum", publish("free/a", b"x" * 20001), [TOO_LARGE]),
    ("a packet that only says it is huge", b"\x30\xFF\xFF\xFF\x7F", [TOO_LARGE]),
]


@attacks(MALFORMED_PACKETS, lambda name, *_: f"row {89 if name.endswith('from a client') else 95}: {name}")
async def _(name, data, reasons):
    client = await RawMqtt.online()
    await client.write(data)
    await client.ends(*reasons)


BEFORE = [
    ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512)),
    ("a QUIC packet", b"\xC3\0\0\0\1\x08" + bytes(1200)),
    ("an XMPP stream", b"<?xml version='1.0'?><stream:stream>"),
    ("zeros", bytes(4096)),
    ("PUBLISH", publish("free/a")),
    ("PINGREQ", b"\xC0\0"),
    ("a protocol nobody knows", packet(0x10, text("MQTX") + b"\5\xC2\0\x3C\0" + text("x"))),
    ("a level nobody knows", packet(0x10, text("MQTT") + b"\x09\xC2\0\x3C\0" + text("x"))),
    ("the reserved flag of CONNECT", packet(0x10, text("MQTT") + b"\5\x03\0\x3C\0" + text("x"))),
    ("a will of QoS 3", packet(0x10, text("MQTT") + b"\5\x1E\0\x3C\0" + text("x"))),
    ("a CONNECT that says it has 256 MiB", b"\x10\xFF\xFF\xFF\x7F\0\4MQTT"),
]


@attacks([(*row, port) for row in BEFORE for port in (PORT, TLS_PORT)],
         lambda name, _, port: f"row 81: before CONNECT, {'TLS' if port == TLS_PORT else 'TCP'}: {name}")
async def _(name, data, port):
    client = await RawMqtt.dial(port)
    await client.write(data)
    # Whatever is said, it is no success.
    while (got := await client.read()) is not None:
        assert got[0] != 0x20 or got[1][1] != 0, got


@attack("noise instead of TLS")
async def _():
    reader, writer = await asyncio.open_connection(HOST, TLS_PORT)
    writer.write(connect("plain"))
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(10):
            await reader.read()
    writer.transport.abort()


@attack("row 18: memory before CONNECT is accepted is bounded", 60)
async def _():
    before = memory_kib()
    clients = [await RawMqtt.dial() for _ in range(200)]
    # Each says it has 250 KiB to send, and never sends the last byte.
    part = b"\x10" + length(250 * 1024) + text("MQTT") + b"\5\xC2\0\x3C\0" + text("x" * 100)
    for client in clients:
        with contextlib.suppress(ConnectionError):
            await client.write(part + bytes(1000))
    # Less than a fifth of what was announced.
    grown = memory_kib() - before
    for client in clients:
        client.abort()
    assert grown < 10_000, f"{grown} KiB for 200 unfinished packets"


@attack("row 18: one byte at a time is cut in time", 60)
async def _():
    client = await RawMqtt.dial()

    async def drip():
        with contextlib.suppress(ConnectionError):
            for byte in connect("slow", "nobody", password="x" * 200):
                await client.write(bytes([byte]))
                await asyncio.sleep(1)
    dripping = asyncio.ensure_future(drip())
    try:
        await client.ends(seconds=45)
    finally:
        dripping.cancel()


@attack("row 88: a keep-alive that isn't kept ends the connection")
async def _():
    client = await RawMqtt.online(keep_alive=1)
    await client.ends(KEEP_ALIVE_TIMEOUT)


@attack("row 88: a keep-alive of 0 is given an end by the server")
async def _():
    client = await RawMqtt.dial()
    await client.write(connect(unique("c"), await account(), keep_alive=0))
    _, body = await client.read()
    equal(body[1], 0, "CONNACK")
    # Server Keep Alive (0x13) is among the properties.
    at, wanted = 3, None
    sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
    while at < len(body):
        kind = body[at]
        size = sizes.get(kind) or 2 + int.from_bytes(body[at + 1:at + 3], "big")
        if kind == 0x13:
            wanted = int.from_bytes(body[at + 1:at + 3], "big")
        at += 1 + size
    assert wanted, body


WIDE = [("#/a", FILTER_INVALID), ("a#", FILTER_INVALID), ("a/#/b", FILTER_INVALID), ("a+/b", FILTER_INVALID),
        ("a/+b", FILTER_INVALID), ("", FILTER_INVALID), ("$share/g", FILTER_INVALID), ("$share//free/a", FILTER_INVALID),
        ("$share/g/", FILTER_INVALID), ("$share/+/free/a", FILTER_INVALID), ("$share/#/free/a", FILTER_INVALID),
        ("free/" * 60000 + "x", None), ("/" * 200, FILTER_INVALID),
        ("#", NOT_AUTHORIZED), ("+/a", NOT_AUTHORIZED), ("$SYS/#", NOT_AUTHORIZED), ("$share/g/#", NOT_AUTHORIZED),
        ("$share/g/$share/g/free/a", NOT_AUTHORIZED)]


@attacks([row for row in WIDE if row[1]], lambda filter_, _: f"a filter too wide or none: {filter_[:30]!r}")
async def _(filter_, reason):
    client = await RawMqtt.online()
    await client.write(subscribe(filter_))
    got = await client.read()
    assert got, "ended"
    if got[0] == 0xE0:
        assert got[1][0] in (MALFORMED, PROTOCOL_ERROR, FILTER_INVALID), got
        return
    equal((got[0], got[1][-1]), (0x90, reason))
    await client.pong()


@attack("thousands of subscriptions of one client, and their end", 60)
async def _():
    before = memory_kib()
    client = await RawMqtt.online()
    for start in range(0, 20_000, 200):
        await client.write(subscribe(*(f"free/{start}/{number}/+" for number in range(200))))
        first, body = await client.read()
        equal(first, 0x90)
        # All taken, or a quota that is said.
        assert set(body[3:]) <= {0, 0x97}, set(body[3:])
    grown = memory_kib() - before
    assert grown < 60_000, f"{grown} KiB for 20,000 subscriptions"
    await client.pong()
    client.abort()


@attack("thousands of groups that share one topic", 60)
async def _():
    client = await RawMqtt.online()
    for start in range(0, 4000, 200):
        await client.write(subscribe(*(f"$share/g{start + number}/free/shared" for number in range(200))))
        equal((await client.read())[0], 0x90)
    await client.write(publish("free/shared"))
    await client.pong()
    client.abort()


@attack("row 91: more QoS 2 messages without PUBREL than Receive Maximum", 60)
async def _():
    client = await RawMqtt.online()
    flood = b"".join(publish("free/a", qos=2, id_=id_) for id_ in range(1, 65536))

    async def pour():
        with contextlib.suppress(ConnectionError):
            await client.write(flood)
    pouring = asyncio.ensure_future(pour())
    await client.ends(RECEIVE_MAXIMUM)
    await pouring


@attack("row 91: a QoS 2 message sent again isn't delivered again")
async def _():
    client, topic = await RawMqtt.online(), f"free/{unique('t')}"
    await client.write(subscribe(topic))
    equal((await client.read())[0], 0x90)
    await client.write(publish(topic, b"once", 2) + publish(topic, b"once", 2, first=0x3C) * 5)
    # Messages come in their order, but not in that of answers.
    await client.write(publish(topic, b"the last"))
    seen, is_last = [], False
    while not is_last or seen.count(0x50) < 6:
        first, body = await client.read()
        if body.endswith(b"the last"):
            is_last = True
        else:
            seen.append(first & 0xF0)
    equal((seen.count(0x30), seen.count(0x50)), (1, 6))


@attack("row 92: shared and other subscriptions, ended together and twice, in all orders")
async def _():
    topic = f"free/{unique('u')}"
    client, shared = await RawMqtt.online(), f"$share/g/{topic}"
    for filters in ((shared, topic), (topic, shared), (shared, shared, topic, topic, "$share/h/" + topic), (topic,), (shared,)):
        await client.write(subscribe(*filters))
        equal((await client.read())[1][3:], bytes(len(filters)))
        await client.write(packet(0xA2, b"\0\1\0" + b"".join(text(f) for f in filters + filters)))
        first, body = await client.read()
        # Success the first time; then none existed.
        seen, expected = set(), b""
        for name in filters + filters:
            expected += b"\x11" if name in seen else b"\0"
            seen.add(name)
        equal((first, body[3:]), (0xB0, expected), f"{filters}")
        await client.write(publish(topic))
        await client.pong()


@attacks([(0x40, "PUBACK"), (0x50, "PUBREC"), (0x62, "PUBREL"), (0x70, "PUBCOMP")], lambda _, name: f"{name} of nothing")
async def _(first, name):
    client = await RawMqtt.online()
    await client.write(packet(first, b"\x12\x34") * 1000)
    await client.write(b"\xC0\0")
    while (got := await client.read()) is not None and got[0] != 0xD0:
        # Answers, if there are any, say that the identifier isn't known.
        assert got[0] in (0x62, 0x70, 0xE0) and got[1][-1] in (0x92, PROTOCOL_ERROR), got


@attack("properties beyond measure: 60,000 bytes of them in PUBLISH")
async def _():
    client = await RawMqtt.online()
    await client.write(publish("free/a", properties=b"\x26\0\0\0\0" * 12_000))
    await client.ends(TOO_LARGE)


@attack("properties beyond measure: a CONNECT with 40,000 of them")
async def _():
    client = await RawMqtt.dial()
    await client.write(connect("x", "nobody", properties=b"\x26\0\0\0\0" * 40_000))
    got = await client.read()
    assert got is None or got[1][1] >= 0x80, got


@attack("a will larger than what may be published")
async def _():
    client = await RawMqtt.dial()
    await client.write(connect("x", "nobody", flags=0xC6, will=b"\0" + text("free/w") + text(b"x" * 60_000)))
    got = await client.read()
    assert got is None or got[1][1] >= 0x80, got


@attack("a will in a topic that is closed to its client isn't published")
async def _():
    watcher = await RawMqtt.online()
    client = await RawMqtt.dial()
    topic = f"free/{unique('w')}"
    await watcher.write(subscribe(topic))
    equal((await watcher.read())[0], 0x90)
    for target in ("guarded/x", topic):
        client = await RawMqtt.online(flags=0xC6, will=b"\0" + text(target) + text("gone"))
        client.abort()
    first, body = await watcher.read()
    equal((first & 0xF0, body[2:2 + len(topic)]), (0x30, topic.encode()))


@attack("a client that takes over its own session in a loop")
async def _():
    user = await account()
    for _ in range(100):
        client = await RawMqtt.dial()
        await client.write(connect("same", user))
        equal((await client.read())[1][1], 0)
    await client.pong()


@attack("a flood that its own sender never reads", 60)
async def _():
    client, topic = await RawMqtt.online(), f"free/{unique('f')}"
    before = memory_kib()
    await client.write(subscribe(topic))
    with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
        async with asyncio.timeout(15):
            for _ in range(2000):
                await client.write(publish(topic, b"x" * 19000))
    grown = memory_kib() - before
    client.abort()
    assert grown < 60_000, f"{grown} KiB"


run(1)
