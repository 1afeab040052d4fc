# server: none
# databases: yes
# seconds: 240
"""What MQTT clients were answered survives kill -9: the server is killed in a loop while paho-mqtt publishes and
subscribes with sessions that outlive connections; row 93: a message with QoS 2 arrives exactly once."""
import asyncio
import collections
import os
import random
import signal
import subprocess
import threading
import time
import urllib.parse

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from server import Server
from suite import DOMAIN, HOME, HOST, PORT, ctl, equal, run, table, unique

MQTT_PORT = int(os.environ["NJ_PORT_MQTT"])
# With each database: how often the server is killed.
KILLS = [("SQLite", 8), ("PostgreSQL", 3), ("MariaDB", 3)]
PASSWORD = "secret"
PACKET_IDENTIFIER_NOT_FOUND = 0x92
# Fewer than the server lets wait, so that nobody is cut for being slow.
WINDOW = 40


def database(kind, name):
    """Options that name a new database of this kind."""
    if kind == "SQLite":
        return "sql_type: sqlite\n"
    url = urllib.parse.urlsplit(os.environ[{"PostgreSQL": "NIGHTJAR_TEST_POSTGRES", "MariaDB": "NIGHTJAR_TEST_MYSQL"}[kind]])
    make = f"create database {name}"
    if kind == "PostgreSQL":
        made = ["psql", url.geturl(), "--quiet", "--command", make]
    else:
        made = ["mariadb", "--no-defaults", f"--host={url.hostname}", f"--port={url.port}", f"--user={url.username}",
                f"--password={url.password}", "--execute", make]
    subprocess.run(made, check=True)
    return f"""
sql_type: {"pgsql" if kind == "PostgreSQL" else "mysql"}
sql_server: {url.hostname}
sql_port: {url.port}
sql_username: {url.username}
sql_password: {url.password}
sql_database: {name}
"""


def configuration(kind):
    name = unique("mqtt_durability").replace("-", "_")
    path = os.path.join(os.path.dirname(HOME), f"{name}.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""
hosts: ["{DOMAIN}"]
loglevel: info
default_db: sql
{database(kind, name)}
auth_password_format: scram
listen:
  - {{port: {PORT}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true}}
  - {{port: {MQTT_PORT}, ip: "127.0.0.1", module: mod_mqtt, backlog: 100}}
modules:
  mod_mqtt: {{session_expiry: 1 hour}}
""")
    return path


# Whether the server takes connections.
is_up = threading.Event()


async def started(config):
    server = await Server(config).start()
    is_up.set()
    return server


async def killed(server):
    is_up.clear()
    await server.end(signal.SIGKILL)


class Client:
    """A paho client with a session that stays; it comes back by itself whenever the server does."""

    def __init__(self, user, id_, topics=()):
        self.arrived, self.present, self.refusals = collections.Counter(), [], []
        self.is_subscribed = threading.Event()
        # Those with an answer are named by paho's thread, which holds a lock of paho's meanwhile.
        self.waiting, self.done, self.answered = {}, collections.deque(), set()
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client_id=id_, protocol=paho.MQTTv5)
        self.paho.username_pw_set(user, PASSWORD)
        # paho forgets that the server has a message with QoS 2, and publishes it again, if it connects in vain meanwhile.
        reconnect = self.paho.reconnect
        self.paho.reconnect = lambda: is_up.wait() and reconnect()
        self.paho.reconnect_delay_set(1, 1)
        self.paho.max_inflight_messages_set(20)
        self.topics = topics
        self.paho.on_connect = self.connected
        self.paho.on_message = self.message
        self.paho.on_publish = self.published
        self.paho.on_subscribe = lambda *_: self.is_subscribed.set()
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = 3600
        self.paho.connect_async(HOST, MQTT_PORT, clean_start=False, properties=expiry)
        self.paho.loop_start()

    def connected(self, client, _data, flags, reason, _properties):
        assert not reason.is_failure, reason
        self.present.append(flags.session_present)
        # Once: after that the session has it.
        if self.topics and not self.is_subscribed.is_set():
            client.subscribe([(topic, 2) for topic in self.topics])

    def message(self, _client, _data, message):
        self.arrived[message.payload.decode()] += 1

    def publish(self, topic, payload, qos, retain=False):
        self.waiting[self.paho.publish(topic, payload, qos, retain).mid] = payload

    def published(self, _client, _data, mid, reason, _properties):
        # The server may have forgotten a packet identifier, and been killed before it said so.
        if reason.is_failure and reason.value != PACKET_IDENTIFIER_NOT_FOUND:
            self.refusals.append((mid, reason))
        self.done.append(mid)

    def unanswered(self):
        while self.done:
            self.answered.add(self.waiting.pop(self.done.popleft()))
        return len(self.waiting)

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()
        assert not self.refusals, self.refusals


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} after {seconds} s"
        time.sleep(0.01)


def publish_on(publisher, stop, sent):
    """Messages with QoS 1 and 2 in turn, so many on the way at a time."""
    while not stop.is_set():
        if publisher.unanswered() < WINDOW:
            qos = 1 + len(sent) % 2
            payload = f"{qos} {len(sent)}"
            sent.append(payload)
            publisher.publish(f"t/{qos}", payload, qos)
        else:
            time.sleep(0.001)


@table(KILLS, lambda kind, _: f"{kind}: messages to a client that comes and goes arrive, those with QoS 2 once", 120)
async def _(kind, kills):
    # A fixed seed: the moments of the kills are the same in each run.
    moments = random.Random(11)
    config = configuration(kind)
    server = await started(config)
    try:
        user = unique("durable")
        await ctl("register", user, DOMAIN, PASSWORD)
        subscriber = Client(user, "subscriber", ["t/+"])
        await asyncio.to_thread(subscriber.is_subscribed.wait, 10)
        publisher, stop, sent = Client(user, "publisher"), threading.Event(), []
        writing = asyncio.create_task(asyncio.to_thread(publish_on, publisher, stop, sent))
        for _ in range(kills):
            await asyncio.sleep(1.2 + moments.random())
            await killed(server)
            server = await started(config)
        stop.set()
        await writing
        await asyncio.to_thread(until, lambda: not publisher.unanswered(), 30, "messages without an answer")
        await asyncio.to_thread(until, lambda: len(subscriber.arrived) == len(sent), 30, "messages that did not arrive")
        # Whatever would come twice is on its way before the last.
        publisher.publish("t/2", "2 last", 2)
        await asyncio.to_thread(until, lambda: subscriber.arrived["2 last"], 10, "no last message")
        assert len(sent) > kills * WINDOW, f"only {len(sent)} messages were sent"
        twice = [payload for payload, count in subscriber.arrived.items() if payload.startswith("2") and count > 1]
        equal(twice, [], "with QoS 2, and more than once")
        equal(set(sent) - publisher.answered, set(), "sent and not answered")
        equal(subscriber.present[1:], [True] * kills, "sessions that were there")
        again = sum(count - 1 for count in subscriber.arrived.values())
        print(f"{len(sent)} messages over {kills} kills, {again} with QoS 1 came again")
        for client in (subscriber, publisher):
            await asyncio.to_thread(client.leave)
    finally:
        await server.end(signal.SIGTERM)


@table(KILLS, lambda kind, _: f"{kind}: what is retained, subscribed to and waits is there after kill -9", 60)
async def _(kind, _kills):
    config = configuration(kind)
    server = await started(config)
    try:
        user = unique("durable")
        await ctl("register", user, DOMAIN, PASSWORD)
        away, filter_ = unique("away"), unique("w")
        client = Client(user, away, [f"{filter_}/#"])
        await asyncio.to_thread(client.is_subscribed.wait, 10)
        await asyncio.to_thread(client.leave)
        publisher = Client(user, unique("publisher"))
        await asyncio.to_thread(until, lambda: publisher.present, 10, "no connection")
        for number in range(30):
            publisher.publish(f"{filter_}/{number % 3}", f"{number}", number % 3)
        publisher.publish(f"{filter_}/r", "retained", 1, retain=True)
        await asyncio.to_thread(until, lambda: not publisher.unanswered(), 10, "messages without an answer")
        await asyncio.to_thread(publisher.leave)
        await killed(server)
        server = await started(config)
        client = Client(user, away)
        wanted = {f"{number}" for number in range(30) if number % 3} | {"retained"}
        await asyncio.to_thread(until, lambda: len(client.arrived) == len(wanted), 10, "messages that did not arrive")
        equal(set(client.arrived), wanted)
        equal(client.present, [True])
        late = Client(user, unique("late"), [f"{filter_}/r"])
        await asyncio.to_thread(until, lambda: late.arrived["retained"] == 1, 10, "nothing retained")
        for one in (client, late):
            await asyncio.to_thread(one.leave)
    finally:
        await server.end(signal.SIGTERM)


run(at_once=1)
