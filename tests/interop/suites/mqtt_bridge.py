# server: none
# seconds: 300
"""mod_mqtt_bridge: Debian's mosquitto as the other broker, with passwords,
TLS, client certificates and WebSocket, restarted and away; Nightjar as the other one; and servers that are no brokers."""
import asyncio
import os
import signal
import socket
import subprocess

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from server import Server
from suite import CONFIG, DOMAIN, HOST, LOG, PORT, ctl, equal, run, test

FOLDER = os.path.join(os.path.dirname(CONFIG), "bridge")
BROKER, WEB = int(os.environ["NJ_PORT_MQTT"]), int(os.environ["NJ_PORT_HTTP"])
PASSWORD = "secret"
os.makedirs(FOLDER, exist_ok=True)


def free_port():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


PORTS = {name: free_port() for name in ("plain", "tls", "late", "garbage", "silent", "endless", "untrusted",
                                      "web", "webtls", "web_there", "webtls_there")}


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=FOLDER)


def certificates():
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    for ca in ("ca", "other"):
        openssl("req", "-x509", *curve, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    for name, ca in (("broker", "ca"), ("client", "ca"), ("untrusted", "other")):
        openssl("req", *curve, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", "30", "-copy_extensions", "copy", "-out", f"{name}.pem")
    with open(f"{FOLDER}/both.pem", "w") as both:
        for part in ("client.pem", "client.key"):
            with open(f"{FOLDER}/{part}") as file:
                both.write(file.read())


class Mosquitto:
    def __init__(self, name, *lines):
        self.name = name
        with open(f"{FOLDER}/{name}.conf", "w") as file:
            file.write("\n".join([f"listener {PORTS[name]} {HOST}", *lines, ""]))

    def start(self):
        log = open(f"{FOLDER}/{self.name}.log", "ab")
        self.process = subprocess.Popen(["mosquitto", "-v", "-c", f"{FOLDER}/{self.name}.conf"], stdout=log, stderr=log)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class Client:
    """A paho client whose messages are waited for; without an account it is one of mosquitto's."""

    def __init__(self, port, user=None, tls=False):
        self.loop, self.messages, self.subscribed = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Queue()
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        put = lambda queue, item: self.loop.call_soon_threadsafe(queue.put_nowait, item)
        self.paho.on_message = lambda _c, _u, m: put(self.messages, (m.topic, m.payload.decode(), m.qos))
        self.paho.on_subscribe = lambda *_: put(self.subscribed, None)
        if user:
            self.paho.username_pw_set(user, PASSWORD)
        if tls:
            self.paho.tls_set(f"{FOLDER}/ca.pem", f"{FOLDER}/client.pem", f"{FOLDER}/client.key")
        self.paho.connect(HOST, port)
        self.paho.loop_start()

    async def subscribe(self, *topics):
        for topic in topics:
            self.paho.subscribe(topic, 1)
            await asyncio.wait_for(self.subscribed.get(), 10)
        return self

    def publish(self, topic, body, retain=False):
        self.paho.publish(topic, body, 1, retain)

    async def get(self):
        return (await asyncio.wait_for(self.messages.get(), 15))[:2]

    def end(self):
        self.paho.disconnect()
        self.paho.loop_stop()


async def until(condition, what):
    """Waits for something that a server will have done some time later."""
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


CONFIGURATION = """
loglevel: info
hosts: ["{domain}"]
ca_file: "{folder}/ca.pem"
auth_password_format: plain
acl: {{bridge: {{user: bridge}}, people: {{user: [reader, writer]}}}}
access_rules: {{ours: {{allow: people}}, mine: [{{allow: bridge}}, {{allow: people}}]}}
listen:
  - {{port: {c2s}, ip: "127.0.0.1", module: ejabberd_c2s}}
  - {{port: {mqtt}, ip: "127.0.0.1", module: mod_mqtt}}
  - {{port: {http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{/mqtt: mod_mqtt}}}}
modules:
  mod_mqtt:
    access_publish: {{"closed/#": ours, "in/#": mine, "out/#": ours, "both": mine, "late/#": ours, "tls/#": mine, "loop/#": ours}}
  mod_mqtt_bridge:
    replication_user: "bridge@{domain}"
    servers:
      "mqtt://127.0.0.1:{plain}":
        authentication: {{username: visitor, password: secret}}
        publish: {{"out/a": "there/a", both: both}}
        subscribe: {{"there/b": "in/b", both: both, "there/closed": "closed/x"}}
      "mqtt5s://127.0.0.1:{tls}":
        authentication: {{certfile: "{folder}/both.pem"}}
        publish: {{"tls/out": "tls/in", "tls/both": "tls/both"}}
        subscribe: {{"tls/back": "tls/here", "tls/both": "tls/both"}}
      "ws://127.0.0.1:{web}/mqtt":
        authentication: {{username: visitor, password: secret}}
        publish: {{"out/a": "web/a"}}
        subscribe: {{"web/back": "in/web"}}
      "wss5://127.0.0.1:{webtls}/mqtt?x=y":
        authentication: {{certfile: "{folder}/both.pem"}}
        publish: {{"out/a": "webtls/a"}}
        subscribe: {{"webtls/back": "in/webtls"}}
      "ws5://127.0.0.1:{http}/mqtt":
        authentication: {{username: writer, password: secret}}
        publish: {{"out/loop": "loop/there"}}
        subscribe: {{"loop/there": "in/loop"}}
      "ws5://127.0.0.1:{http}/nothing": {{publish: {{"out/a": leaked}}}}
      "mqtt5://127.0.0.1:{late}":
        publish: {{"late/a": "late/a"}}
      "mqtt5s://127.0.0.1:{untrusted}":
        authentication: {{username: visitor, password: secret}}
        publish: {{"out/a": "leaked"}}
      "mqtt://127.0.0.1:{garbage}": {{publish: {{"out/a": a}}}}
      "mqtt5://127.0.0.1:{silent}": {{publish: {{"out/a": a}}}}
      "mqtt://127.0.0.1:{endless}": {{publish: {{"out/a": a}}, subscribe: {{a: "in/b"}}}}
"""


def brokers():
    # In two words: it isn't the option of ours that has the same name.
    authorities = "ca" + "file"
    tls = [f"{authorities} {FOLDER}/ca.pem", f"certfile {FOLDER}/broker.pem", f"keyfile {FOLDER}/broker.key",
           "require_certificate true", "use_identity_as_username true"]
    # Version 2.0.11 starts no WebSocket listener alone; the other one is for what looks on.
    there = lambda name: ["protocol websockets", f"listener {PORTS[name]} {HOST}"]
    key = [line for line in tls if not line.startswith("use_")]
    untrusted = ["allow_anonymous true", f"certfile {FOLDER}/untrusted.pem", f"keyfile {FOLDER}/untrusted.key"]
    with open(f"{FOLDER}/passwords", "w") as file:
        file.write("")
    os.chmod(f"{FOLDER}/passwords", 0o600)
    subprocess.run(["mosquitto_passwd", "-b", f"{FOLDER}/passwords", "visitor", PASSWORD], check=True, capture_output=True)
    return {"plain": Mosquitto("plain", f"password_file {FOLDER}/passwords", "allow_anonymous false", "user root"),
            "tls": Mosquitto("tls", *tls, "user root"), "late": Mosquitto("late", "allow_anonymous true", "user root"),
            "untrusted": Mosquitto("untrusted", *untrusted, "user root"),
            "web": Mosquitto("web", *there("web_there"), f"password_file {FOLDER}/passwords", "allow_anonymous false", "user root"),
            "webtls": Mosquitto("webtls", *key, *there("webtls_there"), "allow_anonymous true", "user root")}


seen = {"garbage": 0, "silent": 0, "endless": 0}
held = []


async def garbage(_reader, writer):
    seen["garbage"] += 1
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 1000)
    writer.close()


async def silent(_reader, writer):
    seen["silent"] += 1
    held.append(writer)


async def endless(_reader, writer):
    seen["endless"] += 1
    try:
        # CONNACK, then a packet of 256 MiB.
        writer.write(b"\x20\x02\x00\x00\x30\xff\xff\xff\x7f\x00\x01a")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
    except OSError:
        pass


@test("everything", 260)
async def everything():
    certificates()
    others = brokers()
    for name in ("plain", "tls", "untrusted", "web", "webtls"):
        others[name].start()
    hostile = [await asyncio.start_server(function, HOST, PORTS[function.__name__]) for function in (garbage, silent, endless)]
    config = f"{FOLDER}/nightjar.yml"
    with open(config, "w") as file:
        file.write(CONFIGURATION.format(domain=DOMAIN, folder=FOLDER, c2s=PORT, mqtt=BROKER, http=WEB, **PORTS))
    server = await Server(config).start()
    try:
        for name in ("reader", "writer", "bridge"):
            await ctl("register", name, DOMAIN, PASSWORD)
        await exchange(others)
        await over_websocket(others)
    finally:
        await server.end(signal.SIGTERM)
        for other in others.values():
            if hasattr(other, "process") and other.process.poll() is None:
                other.stop()
        for one in hostile:
            one.close()


async def crossing(sender, topic, receiver, wanted):
    """Publishes until it arrives: the bridge may not be connected yet. Then it is quiet again."""
    for attempt in range(60):
        sender.publish(topic, f"probe {attempt}")
        try:
            got = await asyncio.wait_for(receiver.messages.get(), 0.5)
            equal(got[0], wanted)
            break
        except asyncio.TimeoutError:
            continue
    else:
        raise AssertionError(f"nothing crossed to {wanted}")
    # Messages of one publisher keep their order.
    sender.publish(topic, "last")
    while (await receiver.get())[1] != "last":
        pass


async def here_gets(client, topic):
    while (got := await client.get())[0] != topic:
        pass
    return got[1]


async def exchange(others):
    here = await Client(BROKER, "reader").subscribe("in/#", "both", "closed/#", "tls/#")
    writer = Client(BROKER, "writer")
    there = Client(PORTS["plain"], "visitor")
    await there.subscribe("#")
    # Out and in, each under the other's name.
    await crossing(writer, "out/a", there, "there/a")
    there.publish("there/b", "back")
    equal(await there.get(), ("there/b", "back"))
    equal(await here.get(), ("in/b", "back"))
    # What the replication user may not publish isn't there; what follows is.
    there.publish("there/closed", "secret")
    there.publish("there/b", "after")
    equal(await here.get(), ("in/b", "after"))
    equal([await there.get(), await there.get()], [("there/closed", "secret"), ("there/b", "after")])
    # No loop: each side sees it once.
    writer.publish("both", "one")
    equal((await here.get(), await there.get()), (("both", "one"), ("both", "one")))
    there.publish("both", "two")
    equal((await here.get(), await there.get()), (("both", "two"), ("both", "two")))
    there.publish("there/b", "end")
    equal((await here.get(), await there.get()), (("in/b", "end"), ("there/b", "end")))
    # A later subscriber gets the local copy.
    later = await Client(BROKER, "reader").subscribe("in/b")
    equal(await later.get(), ("in/b", "end"))
    later.end()
    # TLS with a client certificate, MQTT 5.
    secure = await Client(PORTS["tls"], tls=True).subscribe("tls/#")
    await crossing(writer, "tls/out", secure, "tls/in")
    while here.messages.qsize():
        equal((await here.get())[0], "tls/out")
    writer.publish("tls/both", "one")
    equal(await secure.get(), ("tls/both", "one"))
    secure.publish("tls/back", "back")
    while (got := await here.get())[0] in ("tls/out",):
        pass
    equal([got, await here.get()], [("tls/both", "one"), ("tls/here", "back")])
    secure.end()
    # A broker that comes later gets what waits, and no more than the queue holds.
    for number in range(1200):
        writer.publish("late/a", str(number), retain=True)
    writer.publish("in/b", "done")
    equal(await here_gets(here, "in/b"), "done")
    others["late"].start()
    await until(lambda: not connectable_fails(PORTS["late"]), "mosquitto")
    late = await Client(PORTS["late"]).subscribe("late/a")
    while (await late.get())[1] != "999":
        pass
    await crossing(writer, "late/a", late, "late/a")
    late.end()
    # Restarts.
    there.end()
    others["plain"].stop()
    others["plain"].start()
    await until(lambda: not connectable_fails(PORTS["plain"]), "mosquitto")
    there = await Client(PORTS["plain"], "visitor").subscribe("#")
    await crossing(writer, "out/a", there, "there/a")
    there.end()
    # Nobody who isn't a broker holds anything up, and all were tried more than once but the silent one.
    await until(lambda: seen["garbage"] > 1 and seen["endless"] > 1 and seen["silent"] > 0, f"{seen}")
    with open(f"{FOLDER}/untrusted.log") as log:
        assert " as auto-" not in log.read() and "leaked" not in log.read()
    here.end()
    writer.end()


async def over_websocket(others):
    here, writer = await Client(BROKER, "reader").subscribe("in/#"), Client(BROKER, "writer")
    for name, user in (("web", "visitor"), ("webtls", None)):
        there = await Client(PORTS[f"{name}_there"], user).subscribe("#")
        await crossing(writer, "out/a", there, f"{name}/a")
        # Both ways, in frames of every form of length.
        for size in (1, 200, 70_000, 500_000):
            body = "x" * size
            writer.publish("out/a", body)
            equal(await there.get(), (f"{name}/a", body))
            there.publish(f"{name}/back", body)
            equal(await here_gets(here, f"in/{name}"), body)
            equal(await there.get(), (f"{name}/back", body))
        there.end()
        others[name].stop()
        others[name].start()
        await until(lambda: not connectable_fails(PORTS[f"{name}_there"]), "mosquitto")
        there = await Client(PORTS[f"{name}_there"], user).subscribe("#")
        await crossing(writer, "out/a", there, f"{name}/a")
        there.end()
    # Nightjar is the other broker as well. What it gets is kept back from the bridge that it came from (MQTT 5).
    looks = await Client(BROKER, "reader").subscribe("loop/#")
    await crossing(writer, "out/loop", looks, "loop/there")
    writer.publish("loop/there", "another's")
    equal(await here_gets(here, "in/loop"), "another's")
    with open(LOG) as log:
        said = [line for line in log if "/nothing" in line and "isn't connected" in line]
    # The bridge may have been there before the listener.
    answered = [line for line in said if "Connection refused" not in line]
    assert len(answered) > 1 and all("HTTP status 404" in line for line in answered), said
    for client in (here, writer, looks):
        client.end()


def connectable_fails(port):
    with socket.socket() as trial:
        return trial.connect_ex((HOST, port)) != 0


run()
