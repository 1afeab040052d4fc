# server: none
# seconds: 120
"""What MQTT clients are told when their connection ends without their doing: the account is kicked, mod_mqtt goes, the node
stops. Over TCP, TLS and WebSocket alike: DISCONNECT (MQTT 5), a close frame, and the end."""
import asyncio
import os
import signal

import aiomqtt

from raw_mqtt import PASSWORD, TLS_PORT, RawMqtt, connect, publish, subscribe, text
from raw_mqtt import PORT as MQTT_PORT
from raw_websocket import BINARY, CLOSE, PING, PORT as WEB_PORT, TLS_PORT as WEB_TLS_PORT, RawWebSocket, frame
from server import Server
from suite import CONFIG, DOMAIN, HOST, PORT, ctl, equal, run, test, unique

FILE = os.path.join(os.path.dirname(CONFIG), "farewell.yml")
WITH_MQTT = "  mod_mqtt: {}\n"
SHUTTING_DOWN, ADMINISTRATIVE = 0x8B, 0x98


def configure(modules):
    folder = os.path.dirname(CONFIG)
    with open(FILE, "w") as file:
        file.write(f"""
hosts: ["{DOMAIN}"]
certfiles: ["{folder}/server.pem"]
auth_password_format: plain
listen:
  - {{port: {PORT}, ip: "127.0.0.1", module: ejabberd_c2s}}
  - {{port: {MQTT_PORT}, ip: "127.0.0.1", module: mod_mqtt}}
  - {{port: {TLS_PORT}, ip: "127.0.0.1", module: mod_mqtt, tls: true}}
  - {{port: {WEB_PORT}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{/mqtt: mod_mqtt}}}}
  - {{port: {WEB_TLS_PORT}, ip: "127.0.0.1", module: ejabberd_http, tls: true, request_handlers: {{/mqtt: mod_mqtt}}}}
modules:
  mod_ping: {{}}
{modules}""")


class Plain:
    """A client over TCP or TLS."""

    @classmethod
    async def online(cls, user, level, port, **options):
        self = cls()
        self.raw, self.level, self.name = await RawMqtt.dial(port), level, f"MQTT {level} on {port}"
        await self.raw.write(connect(unique("c"), user, level=level, **options))
        equal((await self.raw.read())[0], 0x20, self.name)
        return self

    async def told(self, reason, _code):
        # All that stands before the end.
        got = []
        while (packet := await self.raw.read()) is not None:
            got.append((packet[0], packet[1][:1]))
        equal(got, [(0xE0, bytes([reason]))] if self.level == 5 else [], self.name)
        self.raw.abort()


class Web:
    """A client over WebSocket."""

    @classmethod
    async def online(cls, user, level, port):
        self = cls()
        self.raw, self.level = await RawWebSocket.upgraded("/mqtt", port), level
        self.name = f"MQTT {level} over WebSocket on {port}"
        await self.raw.write(frame(BINARY, connect(unique("c"), user, level=level)))
        equal((await self.raw.frame())[1][0], 0x20, self.name)
        return self

    async def told(self, reason, code):
        got = []
        while (one := await self.raw.frame()) is not None:
            if one[0] != PING:
                got.append((one[0], one[1]))
        first, payload = got.pop()
        equal((first, payload[:2]), (CLOSE, code.to_bytes(2, "big")), self.name)
        equal([(first, body[0], body[2]) for first, body in got], [(BINARY, 0xE0, reason)] if self.level == 5 else [], self.name)
        self.raw.abort()


async def everyone(user="reader"):
    return [await kind.online(user, level, port) for level in (5, 4)
            for kind, port in ((Plain, None), (Plain, TLS_PORT), (Web, WEB_PORT), (Web, WEB_TLS_PORT))]


async def all_told(clients, reason, code):
    await asyncio.gather(*(client.told(reason, code) for client in clients))


class Running:
    async def __aenter__(self):
        configure(WITH_MQTT)
        self.server = await Server(FILE).start()
        for name in ("reader", "writer"):
            await ctl("register", name, DOMAIN, PASSWORD, check=False)
        return self.server

    async def __aexit__(self, *_):
        await self.server.end(signal.SIGTERM)


@test("a kicked account's clients are told, others stay", 40)
async def _():
    async with Running():
        clients, other = await everyone(), await RawMqtt.online(user="writer")
        await ctl("kick_user", "reader", DOMAIN)
        await all_told(clients, ADMINISTRATIVE, 1000)
        await other.pong()


@test("mod_mqtt removed at a reload", 40)
async def _():
    async with Running():
        clients = await everyone()
        configure("")
        await ctl("reload_config")
        await all_told(clients, SHUTTING_DOWN, 1001)


@test("SIGTERM, and a client that doesn't read holds nothing up", 40)
async def _():
    async with Running() as server:
        clients = await everyone()
        # Until the kernel takes no more.
        deaf, writer, topic = await RawMqtt.online(user="reader"), await RawMqtt.online(user="writer"), unique("free/deaf")
        await deaf.write(subscribe(topic))
        equal((await deaf.read())[0], 0x90)
        deaf.reader._transport.pause_reading()
        for _ in range(200):
            await writer.write(publish(topic, bytes(100_000)))
        await writer.pong()
        server.process.send_signal(signal.SIGTERM)
        await all_told(clients, SHUTTING_DOWN, 1001)
        equal(await asyncio.wait_for(server.process.wait(), 15), 0, "exit code")
        deaf.abort()


@test("stop, by a command", 40)
async def _():
    async with Running() as server:
        clients = await everyone()
        await ctl("stop")
        await all_told(clients, SHUTTING_DOWN, 1001)
        equal(await asyncio.wait_for(server.process.wait(), 15), 0, "exit code")


@test("a will is published when the node stops, and kept", 40)
async def _():
    topic = unique("free/will")
    async with Running() as server:
        # Flags: user name, password, will, will retained.
        client = await Plain.online("reader", 5, None, flags=0xE6, will=b"\0" + text(topic) + text("gone"))
        server.process.send_signal(signal.SIGTERM)
        await client.told(SHUTTING_DOWN, 1001)
        await asyncio.wait_for(server.process.wait(), 15)
    async with Running():
        later = await RawMqtt.online(user="writer")
        await later.write(subscribe(topic))
        equal((await later.read())[0], 0x90)
        equal((await later.read())[1], text(topic) + b"\0gone")


@test("aiomqtt is told why, over TCP and WebSocket", 40)
async def _():
    async with Running() as server:
        clients, told = [], asyncio.Queue()
        for options in ({"port": MQTT_PORT}, {"port": WEB_PORT, "transport": "websockets", "websocket_path": "/mqtt"}):
            client = aiomqtt.Client(HOST, username="reader", password=PASSWORD, identifier=unique("aio"), timeout=10,
                                    protocol=aiomqtt.ProtocolVersion.V5, **options)
            await client.__aenter__()
            loop, before = asyncio.get_running_loop(), client._client.on_disconnect

            def gone(*arguments, before=before):
                loop.call_soon_threadsafe(told.put_nowait, str(arguments[3]))
                before(*arguments)
            client._client.on_disconnect = gone
            clients.append(client)
        server.process.send_signal(signal.SIGTERM)
        for _ in clients:
            equal(await asyncio.wait_for(told.get(), 10), "Server shutting down")


run(1)
