# server: none
# seconds: 240
"""Row 92: what a broker at the other end of a bridge says that it shouldn't. The bridge ends that connection and no other;
nothing of it is published here, nobody notices."""
import asyncio
import base64
import hashlib
import os
import signal

from raw_mqtt import PASSWORD, PORT, RawMqtt, connect, packet, publish, subscribe, text
from raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, frame, masked
from server import Server
from suite import CONFIG, DOMAIN, HOST, LOG, ctl, equal, run, test, unique, until
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
CONFIGURATION = f"""
hosts: ["{DOMAIN}"]
auth_password_format: plain
acl: {{{{admin: {{{{user: reader}}}}}}}}
listen:
  - {{{{port: {C2S_PORT}, ip: "127.0.0.1", module: ejabberd_c2s}}}}
  - {{{{port: {PORT}, ip: "127.0.0.1", module: mod_mqtt}}}}
modules:
  mod_mqtt: {{{{}}}}
  mod_mqtt_bridge:
    replication_user: "reader@{DOMAIN}"
    servers:
{{servers}}"""


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
        file.write(CONFIGURATION.format(servers=servers))
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


def accepted(key, changes=()):
    """The head of a right answer; a change to None leaves a field out."""
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept, "Sec-WebSocket-Protocol": "mqtt"}
    fields.update(changes)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()


def status(line, more=""):
    return lambda _key: f"HTTP/1.1 {line}\r\n{more}Content-Length: 5\r\n\r\nhello".encode()


def changed(**changes):
    fields = {name.replace("_", "-"): value for name, value in changes.items()}
    return lambda key: accepted(key, fields)


ACCEPT, PROTOCOL = "another Sec-WebSocket-Accept", "doesn't have the subprotocol"
# What answers the request for a WebSocket, and what the log then says.
ANSWERS = {
    "HTTP 200": (status("200 OK"), "HTTP status 200"),
    "HTTP 401": (status("401 Unauthorized", "WWW-Authenticate: Basic\r\n"), "HTTP status 401"),
    "HTTP 404": (status("404 Not Found"), "HTTP status 404"),
    "a redirection": (status("302 Found", "Location: ws://127.0.0.1:{decoy}/\r\n"), "HTTP status 302"),
    "a wrong accept": (changed(Sec_WebSocket_Accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ACCEPT),
    "no accept": (changed(Sec_WebSocket_Accept=None), ACCEPT),
    "no upgrade": (changed(Upgrade=None), "upgrades to no WebSocket"),
    "another upgrade": (changed(Upgrade="h2c"), "upgrades to no WebSocket"),
    "an extension": (changed(Sec_WebSocket_Extensions="permessage-deflate"), "an extension that wasn't asked for"),
    "another subprotocol": (changed(Sec_WebSocket_Protocol="xmpp"), PROTOCOL),
    "no subprotocol": (changed(Sec_WebSocket_Protocol=None), PROTOCOL),
    "an oversize head": (changed(X="x" * 17_000), "16 KiB"),
    "a head without end": (lambda key: accepted(key)[:-2] + b"X: y\r\n" * 100_000, "16 KiB or 100 fields"),
    "a line without end": (lambda _key: b"H" * 1_000_000, "no HTTP"),
    "MQTT without HTTP": (lambda _key: CONNACK + b"\r\n", "no HTTP"),
    "half an answer": (lambda key: accepted(key)[:-2], "before it was a WebSocket"),
    "nothing": (lambda _key: b"", "before it was a WebSocket"),
}
GREETING = frame(BINARY, CONNACK, mask=b"")
HALF = publish("there/a", b"cut off")[:-3]
# What follows the right answer, and what the log then says.
FRAMES = {
    "a masked frame": (frame(BINARY, CONNACK), "a server's frame that is masked"),
    "a masked ping": (GREETING + frame(PING), "a server's frame that is masked"),
    "a reserved opcode": (frame(0x83, CONNACK, mask=b""), "a reserved opcode"),
    "a reserved bit": (frame(BINARY | 0x40, CONNACK, mask=b""), "a reserved bit"),
    "text": (frame(TEXT, b"hello", mask=b""), "text is not spoken here"),
    "a continuation of nothing": (frame(0x80, CONNACK, mask=b""), "the continuation of no message"),
    "a length of 2^63": (frame(BINARY, length=1 << 63, mask=b""), "a length of 64 bits"),
    "a ping of 126 bytes": (frame(PING, bytes(126), mask=b""), "a control frame of more than 125 bytes"),
    "HTTP again": (b"HTTP/1.1 200 OK\r\n\r\n", "WebSocket wrongly"),
    "a close frame in mid-packet": (GREETING + frame(BINARY, HALF, mask=b"") + frame(CLOSE, b"\x03\xe9", mask=b""),
                                    "it closed the WebSocket with code 1001"),
    "a close frame without a code": (GREETING + frame(CLOSE, mask=b""), "it closed the WebSocket"),
    "a bad close code": (frame(CLOSE, b"\x03\xed", mask=b""), "a close code that no frame may hold"),
    "the end in mid-frame": (GREETING + frame(BINARY, HALF, mask=b"")[:-3], "it closed the connection"),
    "a message before CONNACK": (frame(BINARY, publish("there/a"), mask=b""), ""),
    "a packet that only says it is huge, in an endless frame": (
        frame(BINARY, CONNACK + b"\x30\xFF\xFF\xFF\x7F", length=(1 << 63) - 1, mask=b""), ""),
}


class WebBroker:
    """The other end, which is to speak WebSocket: it answers what is asked as told, then says one thing."""

    def __init__(self, name, answer, crafted=b"", drips=False):
        self.name, self.answer, self.crafted, self.drips = name, answer, crafted, drips
        self.times, self.masks, self.heard, self.failed = 0, [], [], None

    async def start(self):
        self.server = await asyncio.start_server(self.serve, HOST, 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        except Exception as error:
            self.failed = error
        writer.close()

    async def talk(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:-2])
        self.times += 1
        equal((head[0], fields["Host"], fields["Sec-WebSocket-Protocol"], "Origin" in fields),
              ("GET /a/b?c HTTP/1.1", f"{HOST}:{self.port}", "mqtt", False), self.name)
        writer.write(self.answer(fields["Sec-WebSocket-Key"]) + (self.crafted if isinstance(self.crafted, bytes) else b""))
        if self.drips:
            async with asyncio.timeout(60):
                while True:
                    writer.write(b"X")
                    await writer.drain()
                    await asyncio.sleep(1)
        if callable(self.crafted):
            await self.crafted(self, reader, writer)
        elif self.crafted:
            # The bridge has asked to be let in; it is told a lie, says why it goes, and goes.
            async with asyncio.timeout(10):
                if self.name == "the end in mid-frame":
                    writer.write_eof()
                while True:
                    self.heard.append(await self.frame(reader))

    async def frame(self, reader):
        """(first byte, payload) of a client's frame."""
        first, length = await reader.readexactly(2)
        assert length & 0x80, f"{self.name}: a client masks everything"
        length &= 0x7F
        if length > 125:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
        mask = await reader.readexactly(4)
        self.masks.append(mask)
        return first, masked(await reader.readexactly(length), mask)


async def honest(self, reader, writer):
    """An odd way of speaking, but a right one: packets cut anywhere, pings between."""
    first, body = await self.frame(reader)
    equal((first, body[0]), (BINARY, 0x10))
    writer.write(GREETING)
    first, body = await self.frame(reader)
    equal((first, body[0]), (BINARY, 0x82))
    packets = b"\x90\x04" + body[2:4] + b"\0\0" + publish("there/a", b"honest")
    for at in range(len(packets) - 1):
        writer.write(frame(0x02 if at == 0 else 0x00, packets[at:at + 1], mask=b"") + frame(PING, bytes([at]), mask=b""))
    writer.write(frame(0x80, packets[-1:], mask=b""))
    for at in range(len(packets) - 1):
        equal(await self.frame(reader), (PONG, bytes([at])))
    self.heard.append("all")
    await reader.read()


def why(port):
    """What the log says of the bridge to a port."""
    with open(LOG, errors="replace") as log:
        return [line for line in log if f":{port}/a/b?c" in line and "isn't connected" in line]


@test("row 92: hostile WebSocket at the other end of a bridge", 110)
async def _():
    decoy = await WebBroker("the end of a redirection", accepted).start()
    redirect = lambda key: ANSWERS["a redirection"][0](key).replace(b"{decoy}", str(decoy.port).encode())
    brokers = {name: (WebBroker(name, redirect if name == "a redirection" else answer), words)
               for name, (answer, words) in ANSWERS.items()}
    brokers |= {name: (WebBroker(name, accepted, crafted), words) for name, (crafted, words) in FRAMES.items()}
    slow = WebBroker("an answer by the byte", lambda _key: b"HTTP/1.1 101 Switching Protocols\r\n", drips=True)
    brokers[slow.name] = slow, "it doesn't answer"
    good = await WebBroker("an honest one", accepted, honest).start()
    for broker, _ in brokers.values():
        await broker.start()
    servers = "".join(f'      "ws5://{HOST}:{one.port}/a/b?c": {{subscribe: {{"there/a": "free/in"}}}}\n'
                      for one in [*(broker for broker, _ in brokers.values()), good])
    path = f"{FOLDER}/bridge_web.yml"
    with open(path, "w") as file:
        file.write(CONFIGURATION.format(servers=servers))
    server = await Server(path).start()
    try:
        await ctl("register", "reader", DOMAIN, PASSWORD, check=False)
        witness = await RawMqtt.online(user="reader")
        await witness.write(subscribe("#"))
        equal((await witness.read())[0], 0x90)
        # Each is tried again, and the log has said why it wasn't connected.
        for name, (broker, words) in brokers.items():
            least = 1 if broker is slow else 2
            await until(lambda: broker.times >= least and len(why(broker.port)) >= least, 45, f"{name}: {why(broker.port)}")
            assert all(words in line for line in why(broker.port)), (name, why(broker.port))
        await until(lambda: good.heard, 20, "the honest broker")
        for broker in [good, decoy, *(broker for broker, _ in brokers.values())]:
            assert broker.failed is None, (broker.name, broker.failed)
        equal((decoy.times, why(good.port)), (0, []))
        # No mask twice, and faults are named.
        masks = [mask for broker in [good, *(broker for broker, _ in brokers.values())] for mask in broker.masks]
        assert len(masks) > 50 and len(set(masks)) > len(masks) - 3, masks
        for name, code in (("a masked frame", 1002), ("text", 1003), ("a close frame in mid-packet", 1001)):
            assert (CLOSE, code.to_bytes(2, "big")) in [(first, body[:2]) for first, body in brokers[name][0].heard], name
        topic, seen = unique("free/end"), []
        await witness.write(publish(topic))
        while not seen or seen[-1] != topic:
            _, body = await witness.read()
            seen.append(body[2:2 + int.from_bytes(body[:2], "big")].decode())
        equal(sorted(seen), sorted(["free/in", topic]))
    finally:
        await server.end(signal.SIGTERM)


run(1)
