# server: mqtt.yml.in
# seconds: 180
"""MQTT: paho-mqtt and mosquitto's clients, by accounts of the host, over TCP, TLS and a UNIX socket."""
import asyncio
import contextlib
import os
import queue
import socket
import ssl
import subprocess
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from suite import CONFIG, DOMAIN, HOST, ctl, equal, run, table, test, unique

PORT = int(os.environ["NJ_PORT_MQTT"])
TLS_PORT = int(os.environ["NJ_PORT_MQTT_TLS"])
SOCKET = os.path.join(os.path.dirname(CONFIG), "mqtt.sock")
PASSWORD = "secret"
QUOTA_EXCEEDED, NOT_AUTHORIZED, TOPIC_FILTER_INVALID = 0x97, 0x87, 0x8F
_made = set()
_making = threading.Lock()


def account(name):
    with _making:
        if name not in _made:
            asyncio.run(ctl("register", name, DOMAIN, PASSWORD))
            _made.add(name)
    return name


def properties(kind, **values):
    made = Properties(kind)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Client:
    """A paho client whose messages and answers are waited for."""

    def __init__(self, user="reader", password=PASSWORD, id_=None, version=paho.MQTTv5, clean=True, expiry=0, will=None):
        self.messages, self.subacks, self.pubacks, self.ends = (queue.Queue() for _ in range(4))
        self.connack = queue.Queue()
        self.id = id_ or unique("client")
        extra = {"clean_session": clean} if version != paho.MQTTv5 else {}
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client_id=self.id, protocol=version, **extra)
        if user:
            self.paho.username_pw_set(user, password)
        if will:
            self.paho.will_set(**will)
        self.connecting = {}
        if version == paho.MQTTv5:
            self.connecting = {"clean_start": clean,
                               "properties": properties(PacketTypes.CONNECT, SessionExpiryInterval=expiry)}
        self.paho.on_connect = lambda _c, _u, flags, reason, props: self.connack.put((flags, reason, props))
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subacks.put([r.value for r in reasons])
        self.paho.on_publish = lambda _c, _u, _mid, reason, _p: self.pubacks.put(reason.value)
        self.paho.on_disconnect = lambda _c, _u, _flags, reason, _p: self.ends.put(reason.value)

    def connect(self, port=PORT):
        if port == TLS_PORT:
            self.paho.tls_set(cert_reqs=ssl.CERT_NONE)
            self.paho.tls_insecure_set(True)
        self.paho.connect(HOST, port, **self.connecting)
        self.paho.loop_start()
        self.flags, self.reason, self.properties = self.connack.get(timeout=10)
        return self

    def subscribe(self, topic, qos=0, options=None):
        self.paho.subscribe(topic, options=options) if options else self.paho.subscribe(topic, qos)
        return self.subacks.get(timeout=10)

    def publish(self, topic, payload, qos=1, retain=False):
        self.paho.publish(topic, payload, qos, retain)
        return self.pubacks.get(timeout=10)

    def bodies(self, count):
        return [self.messages.get(timeout=10).payload.decode() for _ in range(count)]

    def silent(self):
        """Whether nothing waits: a message to itself comes first."""
        topic = f"free/{unique('echo')}"
        self.subscribe(topic)
        self.publish(topic, "echo")
        return self.bodies(1) == ["echo"]

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()

    def vanish(self):
        """The transport is lost without a word."""
        self.paho.socket().shutdown(socket.SHUT_RDWR)
        self.paho.loop_stop()


def threaded(function):
    """paho waits in threads."""
    async def wrapped(*arguments):
        await asyncio.to_thread(account, "reader")
        await asyncio.to_thread(account, "writer")
        await asyncio.to_thread(function, *arguments)
    return wrapped


@table([(version, qos, port) for version in ("mqttv31", "mqttv311", "mqttv5") for qos in (0, 1, 2) for port in (PORT, TLS_PORT)],
       lambda version, qos, port: f"mosquitto's clients: {version}, QoS {qos}, {'TLS' if port == TLS_PORT else 'TCP'}")
@threaded
def mosquitto(version, qos, port):
    topic = f"free/{unique('m')}"
    common = ["-h", HOST, "-p", str(port), "-V", version, "-q", str(qos), "-t", topic, "-P", PASSWORD]
    if port == TLS_PORT:
        common += ["--cafile", os.path.join(os.path.dirname(CONFIG), "server.pem"), "--insecure"]
    subscriber = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", *common, "-u", f"reader@{DOMAIN}", "-C", "1", "-W", "10", "-d"],
                                  stdout=subprocess.PIPE, text=True)
    lines = []
    for line in subscriber.stdout:
        lines.append(line)
        if "Subscribed" in line:
            subprocess.run(["mosquitto_pub", *common, "-u", "reader", "-m", "over the wire"], check=True, timeout=10)
    assert "over the wire\n" in lines, lines


@table([("reader", "wrong", 0x87), ("nobody", PASSWORD, 0x87), ("reader@elsewhere", PASSWORD, 0x87), (None, None, 0x87)],
       lambda user, password, _: f"not let in: {user} with {password}")
@threaded
def refused(user, password, reason):
    equal(Client(user, password).connect().reason.value, reason)


@test("over a UNIX socket")
@threaded
def unix_socket():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(SOCKET)
        client.sendall(b"\x10\x20\x00\x04MQTT\x04\xc2\x00\x3c\x00\x04unix\x00\x06reader\x00\x06secret")
        equal(client.recv(4), b"\x20\x02\x00\x00")


@test("retained messages: kept, replaced, forgotten, match_retained_limit")
@threaded
def retained():
    client, base = Client().connect(), f"free/{unique('r')}"
    for number in range(8):
        client.publish(f"{base}/{number}", f"{number}", retain=True)
    client.publish(f"{base}/0", "again", retain=True)
    client.publish(f"{base}/1", "", retain=True)
    client.subscribe(f"{base}/0", 1)
    message = client.messages.get(timeout=10)
    equal((message.payload, message.retain), (b"again", True))
    client.subscribe(f"{base}/1", 1)
    assert client.silent()
    client.subscribe(f"{base}/+", 1)
    equal(len(client.bodies(5)), 5)
    assert client.silent()


@test("options of subscriptions: no local, retain as published, retain handling, identifiers")
@threaded
def subscription_options():
    client, other, topic = Client().connect(), Client().connect(), f"free/{unique('o')}"
    client.publish(topic, "old", retain=True)
    client.subscribe(topic, options=SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True, retainHandling=2))
    client.publish(topic, "own")
    other.publish(topic, "other", retain=True)
    message = client.messages.get(timeout=10)
    equal((message.payload, message.retain), (b"other", True))


@test("shared subscriptions: each message goes to one of the group")
@threaded
def shared():
    topic, group = f"free/{unique('s')}", unique("group")
    members = [Client().connect() for _ in range(2)]
    for member in members:
        equal(member.subscribe(f"$share/{group}/{topic}", 1), [1])
    sender = Client().connect()
    for number in range(10):
        sender.publish(topic, str(number))
    got = [member.bodies(5) for member in members]
    equal(sorted(sum(got, [])), [str(number) for number in range(10)])


@test("a session waits for its client: what was queued comes, and it is taken over")
@threaded
def session():
    topic, id_ = f"free/{unique('q')}", unique("stays")
    first = Client(id_=id_, expiry=600).connect()
    equal(first.properties.SessionExpiryInterval, 60)
    first.subscribe(topic, 2)
    first.vanish()
    sender = Client().connect()
    for number in range(3):
        sender.publish(topic, str(number), 2)
    second = Client(id_=id_, clean=False, expiry=60).connect()
    assert second.flags.session_present
    equal(second.bodies(3), ["0", "1", "2"])
    third = Client(id_=id_, clean=False, expiry=60).connect()
    assert third.flags.session_present
    equal(second.ends.get(timeout=10), 0x8E)
    third.leave()
    assert not Client(id_=id_, clean=True).connect().flags.session_present


@test("max_queue bounds what waits for a client that is away")
@threaded
def queue_bounded():
    topic, id_ = f"free/{unique('b')}", unique("away")
    away = Client(id_=id_, expiry=60).connect()
    away.subscribe(topic, 1)
    away.vanish()
    sender = Client().connect()
    for number in range(30):
        sender.publish(topic, str(number))
    back = Client(id_=id_, clean=False).connect()
    equal(back.bodies(20), [str(number) for number in range(20)])
    assert back.silent()


@test("wills: published when the client is lost, not when it takes leave, and after their delay")
@threaded
def wills():
    topic = f"free/{unique('w')}"
    watcher = Client().connect()
    watcher.subscribe(topic, 1)
    Client(will={"topic": topic, "payload": "left", "qos": 1}).connect().leave()
    Client(will={"topic": topic, "payload": "lost", "qos": 1}).connect().vanish()
    equal(watcher.bodies(1), ["lost"])
    delayed = properties(PacketTypes.WILLMESSAGE, WillDelayInterval=1)
    Client(expiry=60, will={"topic": topic, "payload": "late", "qos": 1, "properties": delayed}).connect().vanish()
    equal(watcher.bodies(1), ["late"])


@test("access_publish and access_subscribe: %u, %c, rules, and wildcards that lie beyond")
@threaded
def access():
    reader, writer = Client("reader").connect(), Client("writer").connect()
    equal(writer.subscribe("guarded/+", 1), [1])
    equal(writer.publish("guarded/x", "fine"), 0)
    equal(reader.publish("guarded/x", "not"), NOT_AUTHORIZED)
    equal(reader.publish(f"mine/reader/{reader.id}", "mine"), 0x10)
    equal(reader.publish("mine/reader/somebody", "not"), NOT_AUTHORIZED)
    equal(reader.publish("mine/writer/somebody", "not"), NOT_AUTHORIZED)
    for filter_ in ("#", "+/x", "guarded/+", "mine/+/#", "mine/writer/#", "$share/group/guarded/+"):
        equal(reader.subscribe(filter_), [NOT_AUTHORIZED])
    equal(reader.subscribe("mine/reader/#"), [0])
    equal(writer.bodies(1), ["fine"])


@test("max_topic_depth, max_topic_aliases, max_payload_size")
@threaded
def limits():
    client = Client().connect()
    equal(client.properties.TopicAliasMaximum, 7)
    equal(client.properties.MaximumPacketSize, 20000)
    equal(client.subscribe("free/2/3/4/5/6"), [0])
    equal(client.subscribe("free/2/3/4/5/6/7"), [TOPIC_FILTER_INVALID])
    equal(client.publish("free/2/3/4/5/6/7", "deep"), 0x90)
    client.paho.publish("free/large", b"x" * 20000, 1)
    equal(client.ends.get(timeout=10), 0x95)


@test("a client that reads nothing is cut: max_fsm_queue, send_timeout", 60)
@threaded
def slow():
    topic = f"free/{unique('slow')}"
    slow = socket.create_connection((HOST, PORT))
    slow.sendall(b"\x10\x20\x00\x04MQTT\x04\xc2\x00\x3c\x00\x04slow\x00\x06reader\x00\x06secret")
    equal(slow.recv(4), b"\x20\x02\x00\x00")
    name = topic.encode()
    slow.sendall(bytes([0x82, 5 + len(name), 0, 1, 0, len(name)]) + name + b"\x00")
    equal(slow.recv(5), b"\x90\x03\x00\x01\x00")
    sender = Client().connect()
    for _ in range(600):
        sender.publish(topic, b"x" * 19000, 1)
    equal(sender.silent(), True)
    # Twice send_timeout.
    time.sleep(4)
    slow.settimeout(10)
    with contextlib.suppress(ConnectionResetError):
        while slow.recv(65536):
            pass


run()
