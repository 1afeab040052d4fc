# server: mqtt.yml.in
# seconds: 180
"""MQTT clients that share no code: aiomqtt, gmqtt, mqtt.js and mosquitto's, each by an account of the host."""
import asyncio
import contextlib
import os
import ssl
import sys

import aiomqtt
import gmqtt
from gmqtt.mqtt.constants import MQTTv50, MQTTv311

from suite import CONFIG, DOMAIN, HOST, ctl, equal, run, table, test, unique

PORT = int(os.environ["NJ_PORT_MQTT"])
TLS_PORT = int(os.environ["NJ_PORT_MQTT_TLS"])
PASSWORD = "secret"
VERSIONS = {"3.1": aiomqtt.ProtocolVersion.V31, "3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}
HTTP_PORT = int(os.environ["NJ_PORT_HTTP"])
HTTPS_PORT = int(os.environ["NJ_PORT_HTTPS"])
PORTS = [(PORT, "TCP"), (TLS_PORT, "TLS")]
WEB_PORTS = [(HTTP_PORT, "WebSocket"), (HTTPS_PORT, "WebSocket over TLS")]
AGENT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))), "lib", "mqttjs_agent.mjs")
_accounts = {}


async def account(name):
    """One account of each name, registered once however many ask."""
    if name not in _accounts:
        _accounts[name] = asyncio.ensure_future(ctl("register", name, DOMAIN, PASSWORD))
    await _accounts[name]
    return name


def trusting(port):
    if port not in (TLS_PORT, HTTPS_PORT):
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def aio(version="5", port=PORT, **options):
    """An aiomqtt client (paho-mqtt below), not yet connected."""
    if port in (HTTP_PORT, HTTPS_PORT):
        options.update(transport="websockets", websocket_path="/mqtt")
    return aiomqtt.Client(HOST, port, username=await account("reader"), password=PASSWORD, tls_context=trusting(port),
                          identifier=unique("aio"), protocol=VERSIONS[version], timeout=10, **options)


async def body(client):
    message = await asyncio.wait_for(anext(aiter(client.messages)), 10)
    return message.payload.decode(), message.qos, message.retain


@table([(version, qos, port, name) for version in VERSIONS for qos in (0, 1, 2) for port, name in PORTS + WEB_PORTS],
       lambda version, qos, _, name: f"aiomqtt: MQTT {version}, QoS {qos}, {name}")
async def _(version, qos, port, _name):
    topic = f"free/{unique('a')}"
    async with await aio(version, port) as client, await aio(version, port) as other:
        await client.subscribe(topic, qos)
        await other.publish(topic, "hello", qos)
        equal(await body(client), ("hello", qos, False))


@table([(version,) for version in VERSIONS], lambda version: f"aiomqtt: retained, MQTT {version}")
async def _(version):
    topic = f"free/{unique('r')}"
    async with await aio(version) as client:
        await client.publish(topic, "kept", 1, retain=True)
        await client.subscribe(topic, 1)
        equal(await body(client), ("kept", 1, True))


@table([(version,) for version in VERSIONS], lambda version: f"aiomqtt: a will, MQTT {version}")
async def _(version):
    topic = f"free/{unique('w')}"
    async with await aio(version) as watcher:
        await watcher.subscribe(topic, 1)
        lost = await aio(version, will=aiomqtt.Will(topic, "lost", 1))
        await lost.__aenter__()
        lost._client.socket().shutdown(2)
        equal((await body(watcher))[0], "lost")


@table(PORTS + WEB_PORTS, lambda _, name: f"aiomqtt: a wrong password, {name}")
async def _(port, _name):
    client = await aio(port=port)
    client._client.username_pw_set("reader", "wrong")
    try:
        async with client:
            raise AssertionError("let in")
    except aiomqtt.MqttError:
        pass


@table(WEB_PORTS, lambda _, name: f"aiomqtt: 500 kB both ways, and a will when the socket is lost, {name}")
async def _(port, _name):
    topic, payload = f"free/{unique('b')}", os.urandom(500_000)
    async with await aio(port=port) as watcher:
        await watcher.subscribe(topic, 1)
        lost = await aio(port=port, will=aiomqtt.Will(topic, "lost", 1))
        await lost.__aenter__()
        await lost.publish(topic, payload, 1)
        message = await asyncio.wait_for(anext(aiter(watcher.messages)), 20)
        equal(message.payload, payload)
        lost._client.socket()._socket.shutdown(2)
        equal((await body(watcher))[0], "lost")


async def gm(version=MQTTv50, port=PORT, will=None):
    """A gmqtt client, its messages, and what tells of its subscriptions."""
    client = gmqtt.Client(unique("gm"), clean_session=True, will_message=will)
    messages, subscribed = asyncio.Queue(), asyncio.Queue()
    client.on_message = lambda _c, _topic, payload, qos, props: messages.put_nowait((payload.decode(), qos, props)) or 0
    client.on_subscribe = lambda _c, _mid, qos, _p: subscribed.put_nowait(list(qos))
    client.set_auth_credentials(await account("reader"), PASSWORD)
    await asyncio.wait_for(client.connect(HOST, port, ssl=trusting(port) or False, version=version), 10)
    return client, messages, subscribed


async def leave(client):
    # To Python's ssl it is an error if something was on its way when gmqtt closed.
    with contextlib.suppress(ssl.SSLError):
        await client.disconnect()


@table([(version, qos, port, name) for version in (MQTTv311, MQTTv50) for qos in (0, 1, 2) for port, name in PORTS],
       lambda version, qos, _, name: f"gmqtt: MQTT {'5' if version == MQTTv50 else '3.1.1'}, QoS {qos}, {name}")
async def _(version, qos, port, _name):
    topic = f"free/{unique('g')}"
    client, messages, subscribed = await gm(version, port)
    client.subscribe(topic, qos=qos)
    equal(await asyncio.wait_for(subscribed.get(), 10), [qos])
    client.publish(topic, "hello", qos=qos)
    equal((await asyncio.wait_for(messages.get(), 10))[:2], ("hello", qos))
    await leave(client)


@test("gmqtt: properties of a message arrive")
async def _():
    topic = f"free/{unique('g')}"
    client, messages, subscribed = await gm()
    client.subscribe(topic, qos=1)
    await asyncio.wait_for(subscribed.get(), 10)
    client.publish(topic, "hello", qos=1, user_property=[("colour", "blue")], content_type="text/plain", response_topic="free/x")
    _, _, props = await asyncio.wait_for(messages.get(), 10)
    equal((props["user_property"], props["content_type"], props["response_topic"]),
          ([("colour", "blue")], ["text/plain"], ["free/x"]))
    await leave(client)


@test("gmqtt: members of a group share what comes")
async def _():
    topic, group = f"free/{unique('g')}", unique("group")
    members = [await gm() for _ in range(2)]
    for client, _, subscribed in members:
        client.subscribe(f"$share/{group}/{topic}", qos=1)
        equal(await asyncio.wait_for(subscribed.get(), 10), [1])
    sender, _, _ = await gm()
    for number in range(10):
        sender.publish(topic, str(number), qos=1)
    got = []
    for _, messages, _ in members:
        got += [(await asyncio.wait_for(messages.get(), 10))[0] for _ in range(5)]
    equal(sorted(got), [str(number) for number in range(10)])
    for client, _, _ in [*members, (sender, None, None)]:
        await leave(client)


@table([(version, qos, port, name) for version in (3, 4, 5) for qos in (0, 1, 2) for port, name in PORTS + WEB_PORTS],
       lambda version, qos, _, name: f"mqtt.js: level {version}, QoS {qos}, {name}: retained, will, shared, session")
async def _(version, qos, port, name):
    await account("reader")
    scheme = {PORT: "mqtt", TLS_PORT: "mqtts", HTTP_PORT: "ws", HTTPS_PORT: "wss"}[port]
    path = "/mqtt" if port in (HTTP_PORT, HTTPS_PORT) else ""
    process = await asyncio.create_subprocess_exec(
        "node", AGENT, f"{scheme}://{HOST}:{port}{path}", str(version), str(qos), "reader", PASSWORD, f"free/{unique('j')}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 25)
    finally:
        if process.returncode is None:
            process.kill()
    equal((process.returncode, out.decode().splitlines()[-1:]), (0, ["done"]), out.decode())


async def subscriber(topic, version, qos, port, *more, count=1):
    """mosquitto_sub, once it is subscribed."""
    process = await asyncio.create_subprocess_exec(
        "stdbuf", "-oL", "mosquitto_sub", *common(topic, version, qos, port), "-C", str(count), "-W", "15", "-d", *more,
        stdout=asyncio.subprocess.PIPE)
    while b"Subscribed" not in (line := await asyncio.wait_for(process.stdout.readline(), 10)):
        assert line, "mosquitto_sub ended"
    return process


def common(topic, version, qos, port):
    made = ["-h", HOST, "-p", str(port), "-V", version, "-q", str(qos), "-t", topic, "-u", "reader", "-P", PASSWORD]
    if port == TLS_PORT:
        made += ["--cafile", os.path.join(os.path.dirname(CONFIG), "server.pem"), "--insecure"]
    return made


async def command(*words):
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), 15)
    return process.returncode, out.decode()


@table([(version, port, name) for version in ("mqttv31", "mqttv311", "mqttv5") for port, name in PORTS],
       lambda version, _, name: f"mosquitto's clients: retained and forgotten, {version}, {name}")
async def _(version, port, _name):
    await account("reader")
    topic = f"free/{unique('m')}"
    equal(await command("mosquitto_pub", *common(topic, version, 1, port), "-r", "-m", "kept"), (0, ""))
    equal(await command("mosquitto_sub", *common(topic, version, 1, port), "-C", "1", "-W", "10"), (0, "kept\n"))
    equal(await command("mosquitto_pub", *common(topic, version, 1, port), "-r", "-n"), (0, ""))
    # 27: nothing came in that time.
    equal((await command("mosquitto_sub", *common(topic, version, 1, port), "-C", "1", "-W", "1"))[0], 27)


@table([("mqttv31",), ("mqttv311",), ("mqttv5",)], lambda version: f"mosquitto's clients: a will, {version}")
async def _(version):
    await account("reader")
    topic = f"free/{unique('m')}"
    watcher = await subscriber(topic, version, 1, PORT)
    lost = await subscriber(f"free/{unique('m')}", version, 1, PORT, "--will-topic", topic, "--will-payload", "gone", "--will-qos", "1")
    # stdbuf becomes mosquitto_sub: it is that which is killed.
    lost.kill()
    out, _ = await asyncio.wait_for(watcher.communicate(), 10)
    assert b"gone\n" in out, out
    await lost.wait()


@test("mosquitto's clients: a shared subscription")
async def _():
    await account("reader")
    topic, group = f"free/{unique('m')}", unique("group")
    members = [await subscriber(f"$share/{group}/{topic}", "mqttv5", 1, PORT, count=2) for _ in range(2)]
    for number in range(4):
        equal((await command("mosquitto_pub", *common(topic, "mqttv5", 1, PORT), "-m", f"part{number}"))[0], 0)
    outs = [(await asyncio.wait_for(member.communicate(), 10))[0].decode().splitlines() for member in members]
    equal(sorted(line for out in outs for line in out if line.startswith("part")), [f"part{number}" for number in range(4)])


run(3)
