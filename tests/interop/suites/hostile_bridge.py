# server: none
# seconds: 120
"""Row 92: what a broker at the other end of a bridge says that it shouldn't. The bridge ends that connection and no other;
nothing of it is published here, nobody notices."""
import asyncio
import os
import signal

from raw_mqtt import PASSWORD, PORT, RawMqtt, connect, packet, publish, subscribe, text
from server import Server
from suite import CONFIG, DOMAIN, HOST, ctl, equal, run, test, unique
from suite import PORT as C2S_PORT

FOLDER = os.path.dirname(CONFIG)
CONNACK = b"\x20\x03\0\0\0"
SUBACK = b"\x90\x04\0\1\0\0"
# What follows CONNACK and SUBACK: none of it is a message on `there/a`, the one topic that is subscribed.
CRAFTED = {
    "an empty topic": publish(""),
    "a wildcard as a topic": publish("there/#"),
    "a topic that was never subscribed": publish("other/x"),
    "a local topic": publish("free/in"),
    "a topic of the server": publish("$SYS/broker/uptime"),
    "U+0000 in a topic": publish("there/\0"),
    "a topic that isn't UTF-8": publish(b"there/\xFF"),
    "an alias that wasn't agreed on": publish("there/a", properties=b"\x23\0\1"),
    "an alias of nothing": publish("", properties=b"\x23\0\1"),
    "QoS 2 with packet identifier 0": publish("there/a", qos=2, id_=0),
    "QoS 3": publish("there/a", first=0x36),
    "a property of another packet": publish("there/a", properties=b"\x21\0\1"),
    "a topic longer than its packet": packet(0x30, b"\xFF\xFFthere"),
    "a length of five bytes": b"\x30\x80\x80\x80\x80\x01",
    "a packet that only says it is huge": b"\x30\xFF\xFF\xFF\x7F",
    "a second CONNACK": CONNACK,
    "a CONNECT": connect("x", "y"),
    "a SUBSCRIBE": subscribe("free/#"),
    "answers to nothing": b"\x40\2\0\7\x50\2\0\7\x62\2\0\7\x70\2\0\7" * 100,
    "SUBACK of nothing": b"\x90\4\0\x63\0\0",
    "AUTH of nobody who began so": b"\xF0\0",
    "packet type 0": b"\0\0",
    "bytes of a stranger": b"HTTP/1.1 200 OK\r\n\r\n",
}
BEFORE = {
    "a message before CONNACK": publish("there/a"),
    "CONNACK with a session that nobody has": b"\x20\x03\1\0\0" + publish("there/a", qos=1)[:3],
    "CONNACK cut off": b"\x20\x03\0",
    "SUBACK that refuses, then a message": CONNACK + b"\x90\x04\0\1\0\x87" + publish("other/x"),
    "SUBACK with too many answers": CONNACK + b"\x90\x08\0\1\0\0\0\0\0\0",
}


class Broker:
    """The other end: it answers as a broker would, then says one thing."""

    def __init__(self, name, crafted, greets):
        self.name, self.crafted, self.greets = name, crafted, greets
        self.said = asyncio.Event()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, HOST, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        client = RawMqtt(reader, writer)
        got = await client.read()
        assert got and got[0] == 0x10, (self.name, got)
        if self.greets:
            writer.write(CONNACK)
            got = await client.read()
            assert got and got[0] == 0x82, (self.name, got)
            writer.write(b"\x90\x04" + got[1][:2] + b"\0\0")
        writer.write(self.crafted)
        # A bridge that was told a lie goes; one that wasn't stays, until this goes.
        self.said.set()
        try:
            async with asyncio.timeout(3):
                while await client.read(3):
                    pass
        except (asyncio.TimeoutError, ConnectionError):
            pass
        writer.close()


@test("row 92: crafted packets over a bridge", 90)
async def _():
    brokers = [await Broker(name, crafted, True).start() for name, crafted in CRAFTED.items()]
    brokers += [await Broker(name, crafted, False).start() for name, crafted in BEFORE.items()]
    honest = await Broker("an honest one", publish("there/a", b"honest"), True).start()
    servers = "".join(f'      "mqtt5://{HOST}:{one.port}": {{subscribe: {{"there/a": "free/in"}}}}\n' for one in [*brokers, honest])
    path = f"{FOLDER}/bridge.yml"
    with open(path, "w") as file:
        file.write(f"""
hosts: ["{DOMAIN}"]
auth_password_format: plain
acl: {{admin: {{user: reader}}}}
listen:
  - {{port: {C2S_PORT}, ip: "127.0.0.1", module: ejabberd_c2s}}
  - {{port: {PORT}, ip: "127.0.0.1", module: mod_mqtt}}
modules:
  mod_mqtt: {{}}
  mod_mqtt_bridge:
    replication_user: "reader@{DOMAIN}"
    servers:
{servers}""")
    server = await Server(path).start()
    try:
        await ctl("register", "reader", DOMAIN, PASSWORD)
        witness = await RawMqtt.online(user="reader")
        await witness.write(subscribe("#"))
        equal((await witness.read())[0], 0x90)
        async with asyncio.timeout(60):
            for one in [*brokers, honest]:
                await one.said.wait()
        # The last word: whatever else had come would have come before it.
        topic, seen = unique("free/end"), []
        await witness.write(publish(topic))
        while not seen or seen[-1] != topic:
            first, body = await witness.read()
            equal(first & 0xF0, 0x30)
            seen.append(body[2:2 + int.from_bytes(body[:2], "big")].decode())
        assert set(seen) <= {"free/in", topic}, set(seen)
        await witness.pong()
        # Only the honest one's message is kept for later subscribers.
        later = await RawMqtt.online(user="reader")
        await later.write(subscribe("free/in", "there/#", "other/#"))
        equal((await later.read())[0], 0x90)
        _, body = await later.read()
        assert body.endswith(text("free/in") + b"\0honest"), body
        await later.pong()
        assert server.process.returncode is None
    finally:
        await server.end(signal.SIGTERM)


run(1)
