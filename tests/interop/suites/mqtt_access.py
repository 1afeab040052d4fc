# server: none
# seconds: 240
"""Who gets in by MQTT and what it may do: SCRAM, certificates, hosts, guessers; rules that change; $SYS; bad files."""
import asyncio
import os
import shutil
import signal
import socket
import subprocess

from raw_mqtt import PASSWORD, PORT, TLS_PORT, RawMqtt, asking, auth, connect, property_of, publish, subscribe, text
from sasl import Scram
from server import Server
from suite import BINARY, CONFIG, DOMAIN, HOST, ctl, equal, run, table, test, unique
from suite import PORT as C2S_PORT

FOLDER = os.path.dirname(CONFIG)
AGENT = os.path.join(os.path.dirname(__file__), "..", "lib", "mqttjs_scram.mjs")
ANONYMOUS = f"anon.{DOMAIN}"
NOT_AUTHORIZED, BANNED, BAD_METHOD, DISCONNECT, AUTH = 0x87, 0x8A, 0x8C, 0xE0, 0xF0
METHODS = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def free_port():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


PROXIED = free_port()
CONFIGURATION = """
loglevel: info
hosts: ["{domain}", "{anonymous}"]
certfiles: ["{folder}/server.pem"]
ca_file: "{folder}/clients.pem"
auth_password_format: plain
trusted_proxies: ["127.0.0.0/8"]
host_config:
  "{anonymous}": {{auth_method: anonymous, anonymous_protocol: both}}
acl:
  admin: {{user: admin}}
  loopback: {{ip: ["127.0.0.0/8"]}}
  readers: {{user: {readers}}}
  writers: {{user: {writers}}}
access_rules:
  loopback: {{allow: loopback}}
  readers: {{allow: readers}}
  writers: {{allow: writers}}
listen:
  - {{port: {c2s}, ip: "127.0.0.1", module: {chat}}}
  - {{port: {mqtt}, ip: "127.0.0.1", module: mod_mqtt}}
  - {{port: {proxied}, ip: "127.0.0.1", module: mod_mqtt, use_proxy_protocol: true}}
  - {{port: {tls}, ip: "127.0.0.1", module: mod_mqtt, tls: true, tls_verify: true}}
modules:
  mod_admin_extra: {{}}
  mod_fail2ban: {{c2s_max_auth_failures: 3, access: loopback}}
  mod_mqtt:
    sys_interval: 1
    access_subscribe: {{"ruled/#": readers, "free/#": all, "$SYS/#": all}}
    access_publish: {{"ruled/#": writers, "free/#": all}}
"""


def write_configuration(readers="reader", writers="writer", text_=None):
    # In two words: its options, of which some have the same names as MQTT's, aren't tested here.
    chat = "ejabberd" + "_c2s"
    made = CONFIGURATION.format(chat=chat, domain=DOMAIN, anonymous=ANONYMOUS, folder=FOLDER, readers=readers, writers=writers,
                                c2s=C2S_PORT, mqtt=PORT, tls=TLS_PORT, proxied=PROXIED)
    with open(f"{FOLDER}/access.yml", "w") as file:
        file.write(made if text_ is None else text_)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=FOLDER)


def certificates():
    """Clients' certificates: one names the account as XMPP does, one by its common name, one is nobody's authority's."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    for ca in ("clients", "strangers"):
        openssl("req", "-x509", *curve, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    for name, ca, subject, address in (("address", "clients", "/CN=somebody", f"reader@{DOMAIN}"),
                                       ("common", "clients", "/CN=reader", None),
                                       ("strange", "strangers", "/CN=reader", f"reader@{DOMAIN}")):
        # One without any extension would be of version 1, which TLS libraries of today refuse.
        extra = ["-addext", f"subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:{address}" if address else "basicConstraints=CA:FALSE"]
        openssl("req", *curve, "-subj", subject, *extra, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-days", "30", "-copy_extensions", "copy", "-out", f"{name}.pem")


_serving = None


async def serving():
    """The server, started by the first test that asks."""
    global _serving
    if _serving is None:
        async def start():
            certificates()
            write_configuration()
            server = await Server(f"{FOLDER}/access.yml").start()
            for name in ("reader", "writer", "admin"):
                await ctl("register", name, DOMAIN, PASSWORD)
            return server
        _serving = asyncio.ensure_future(start())
    return await asyncio.shield(_serving)


async def scram(client, method="SCRAM-SHA-256", name="reader", password=PASSWORD, **more):
    """Runs the exchange: the reason, and whether the server proved itself."""
    exchange = Scram(method, name, password, **more)
    await client.write(asking(method, exchange.first(), unique("scram")))
    first, body = await client.read()
    if first != AUTH:
        return body[1], False
    equal(body[0], 0x18)
    challenge = property_of(body[2:], 0x16).decode()
    await client.write(auth(0x18, method, exchange.final(challenge)))
    first, body = await client.read()
    equal(first, 0x20, "CONNACK")
    data = property_of(body[3:], 0x16)
    return body[1], data is not None and exchange.verified(data.decode())


@table([(method, port) for method in METHODS for port in (PORT, TLS_PORT)],
       lambda method, port: f"{method} over {'TLS' if port == TLS_PORT else 'TCP'}")
async def _(method, port):
    await serving()
    client = await RawMqtt.dial(port)
    equal(await scram(client, method), (0, True))
    await client.pong()


@table([(method,) for method in METHODS], lambda method: f"{method}-PLUS: bound to the channel, and to another")
async def _(method):
    await serving()
    for changed, expected in ((b"", (0, True)), (b"x", (NOT_AUTHORIZED, False))):
        client = await RawMqtt.dial(TLS_PORT)
        binding = ("tls-server-end-point", client.end_point() + changed)
        equal(await scram(client, f"{method}-PLUS", binding=binding), expected)


@table([("reader", "wrong", NOT_AUTHORIZED), ("nobody", PASSWORD, NOT_AUTHORIZED), (f"reader@{DOMAIN}", PASSWORD, 0),
        ("reader@elsewhere", PASSWORD, NOT_AUTHORIZED)], lambda name, password, _: f"SCRAM: {name} with {password}")
async def _(name, password, reason):
    await serving()
    client = await RawMqtt.dial()
    equal((await scram(client, name=name, password=password))[0], reason)
    if reason:
        equal(await client.read(), None)


@table([("SCRAM-SHA-256-PLUS",), ("PLAIN",), ("GS2-KRB5",), ("",)], lambda method: f"a method that isn't spoken: {method!r}")
async def _(method):
    await serving()
    client = await RawMqtt.dial()
    await client.write(asking(method, b"n,,n=reader,r=abc"))
    equal((await client.read())[1][1], BAD_METHOD)
    equal(await client.read(), None)


@test("SCRAM again while connected: as the same account, with another password, as another account")
async def _():
    await serving()
    for name, password, expected in (("reader", PASSWORD, (AUTH, 0)), ("reader", "wrong", (DISCONNECT, NOT_AUTHORIZED)),
                                     ("writer", PASSWORD, (DISCONNECT, NOT_AUTHORIZED))):
        client = await RawMqtt.dial()
        equal(await scram(client), (0, True))
        exchange = Scram("SCRAM-SHA-256", name, password)
        await client.write(auth(0x19, "SCRAM-SHA-256", exchange.first()))
        first, body = await client.read()
        equal((first, body[0]), (AUTH, 0x18))
        await client.write(auth(0x18, "SCRAM-SHA-256", exchange.final(property_of(body[2:], 0x16).decode())))
        first, body = await client.read()
        equal((first, body[0]), expected, f"{name} {password}")


@test("SCRAM: who stops in the midst of it is cut in time", 60)
async def _():
    await serving()
    client = await RawMqtt.dial()
    await client.write(asking("SCRAM-SHA-256", Scram("SCRAM-SHA-256", "reader", PASSWORD).first()))
    equal((await client.read())[0], AUTH)
    first, body = await client.read(50)
    equal((first, body[1]), (0x20, 0xA0))


@table([(PASSWORD, "done"), ("wrong", str(NOT_AUTHORIZED))], lambda password, _: f"mqtt.js by SCRAM, with {password}")
async def _(password, last):
    await serving()
    process = await asyncio.create_subprocess_exec("node", AGENT, f"mqtt://{HOST}:{PORT}", "reader", password,
                                                   stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), 25)
    equal(out.decode().split()[-1:], [last], out.decode())


@test("mod_fail2ban: wrong passwords and wrong proofs count together")
async def _():
    await serving()
    for reason in (NOT_AUTHORIZED, NOT_AUTHORIZED, BANNED):
        client = await RawMqtt.dial(PROXIED, address="192.0.2.7")
        if reason == BANNED:
            await client.write(connect("guess", "reader", password="wrong"))
            # The third failure is told as what it is; whoever comes after it isn't asked.
            assert (await client.read())[1][1] in (NOT_AUTHORIZED, BANNED)
        else:
            equal((await scram(client, password="wrong"))[0], reason)
    for address, expected in (("192.0.2.7", BANNED), ("192.0.2.8", 0)):
        client = await RawMqtt.dial(PROXIED, address=address)
        equal((await scram(client))[0], expected, address)


async def connack(port, data, **more):
    client = await RawMqtt.dial(port, **more)
    await client.write(data)
    return (await client.read())[1][1]


@test("the host is that of the address, of SNI, or the first one; where it allows that, nobody's name is needed")
async def _():
    await serving()
    nobody = b"\x10\x11\0\4MQTT\5\2\0\x3C\0\0\4nobo"
    for server_name, data, expected in ((ANONYMOUS, nobody, 0), (DOMAIN, nobody, NOT_AUTHORIZED), (None, nobody, NOT_AUTHORIZED),
                                        (DOMAIN, connect("c", "reader"), 0), (None, connect("c", "reader"), 0),
                                        (ANONYMOUS, connect("c", f"reader@{DOMAIN}"), 0),
                                        (DOMAIN, connect("c", "reader@elsewhere"), NOT_AUTHORIZED)):
        equal(await connack(TLS_PORT, data, server_name=server_name), expected, f"{server_name} {data}")


@table([("address", "reader", 0), ("address", f"reader@{DOMAIN}", 0), ("address", None, 0), ("common", "reader", 0),
        ("common", "writer", NOT_AUTHORIZED), ("strange", "reader", NOT_AUTHORIZED)],
       lambda name, user, _: f"tls_verify: the certificate `{name}` for {user}")
async def _(name, user, expected):
    await serving()
    command = ["mosquitto_pub", "-h", HOST, "-p", str(TLS_PORT), "-V", "mqttv5", "-t", "free/x", "-m", "x", "-q", "1", "--insecure",
               "--cafile", f"{FOLDER}/server.pem", "--cert", f"{FOLDER}/{name}.pem", "--key", f"{FOLDER}/{name}.key"]
    process = await asyncio.create_subprocess_exec(*command, *(["-u", user] if user else []),
                                                   stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    equal(await asyncio.wait_for(process.wait(), 10), expected)


async def subscribed(user, *filters):
    client = await RawMqtt.online(user=user)
    await client.write(subscribe(*filters))
    first, body = await client.read()
    equal(first, 0x90)
    return client, list(body[3:])


def body_of(packet_):
    """Topic and payload of a PUBLISH with QoS 0."""
    first, body = packet_
    equal(first & 0xF0, 0x30, "PUBLISH")
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode(), body[end + 1:].decode()


@test("$SYS: mosquitto_sub gets the figures as mosquitto has them, administrators alone")
async def _():
    await serving()
    command = ["stdbuf", "-oL", "mosquitto_sub", "-h", HOST, "-p", str(PORT), "-u", "admin", "-P", PASSWORD, "-t", "$SYS/#", "-F", "%r|%t|%p"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    seen, updates = {}, {}
    try:
        async with asyncio.timeout(15):
            while "$SYS/broker/uptime" not in updates or len(seen) < 50:
                retain, topic, value = (await process.stdout.readline()).decode().strip().split("|")
                (seen if retain == "1" else updates)[topic] = value
    finally:
        process.kill()
        await process.wait()
    for topic in ("uptime", "clients/connected", "clients/total", "messages/received", "messages/sent", "bytes/received",
                  "bytes/sent", "subscriptions/count", "retained messages/count", "store/messages/count",
                  "publish/messages/dropped", "load/messages/sent/15min"):
        assert float(seen[f"$SYS/broker/{topic}"].split()[0]) >= 0, topic
    assert seen["$SYS/broker/version"].startswith("nightjar version ")
    equal((await subscribed("reader", "$SYS/#", "$SYS/broker/uptime"))[1], [NOT_AUTHORIZED] * 2)


@table([("$SYS/broker/uptime",), ("$SYS/x",), ("$CONTROL/dynamic-security/v1",), ("$share/g/free/a",), ("$x",)],
       lambda topic: f"row 84: nobody publishes to {topic}")
async def _(topic):
    await serving()
    client = await RawMqtt.online(user="admin")
    await client.write(publish(topic, qos=1))
    first, body = await client.read()
    equal((first, body[2]), (0x40, NOT_AUTHORIZED))
    await client.pong()


@test("row 85, row 86: rules that change act on what there is; files that can't be right change nothing", 90)
async def _():
    await serving()
    reader, granted = await subscribed("reader", "ruled/#", "free/rules")
    equal(granted, [0, 0])
    writer = await RawMqtt.online(user="writer")

    async def writes(topic, body, retain=False):
        await writer.write(publish(topic, body, qos=1, first=0x33 if retain else 0x32))
        first, answer = await writer.read()
        equal(first, 0x40)
        return answer[2] if len(answer) > 2 else 0

    async def gets(*expected):
        """What the reader gets until something that it always may have."""
        await writes("free/rules", b"end")
        got = []
        while (one := body_of(await reader.read())) != ("free/rules", "end"):
            got.append(one)
        equal(got, list(expected))

    async def kept():
        client, _ = await subscribed("reader", "ruled/#", "free/end")
        await client.write(publish("free/end", b"end"))
        got = []
        while (one := body_of(await client.read()))[0] != "free/end":
            got.append(one[1])
        return got

    equal(await writes("ruled/a", b"1", retain=True), 0)
    await gets(("ruled/a", "1"))
    equal(await kept(), ["1"])
    # Nobody may read it any more.
    write_configuration(readers="nobody")
    await ctl("reload_config")
    await writes("ruled/a", b"2", retain=True)
    await gets()
    # Who has written it may not write any more.
    write_configuration(writers="nobody")
    await ctl("reload_config")
    equal(await writes("ruled/a", b"3", retain=True), NOT_AUTHORIZED)
    equal(await kept(), [])
    # Files that are empty, cut off or wrong, and none: what holds, holds.
    with open(f"{FOLDER}/access.yml") as file:
        good = file.read()
    # A rule that isn't there is one that allows nobody.
    unknown = good.replace('"ruled/#": writers', '"ruled/#": no_such_rule')
    wrong = good.replace('"ruled/#": writers', '"ruled/#/x": writers')
    for bad in ("", "hosts: [", good[:len(good) // 2], wrong, unknown, None):
        if bad is None:
            os.unlink(f"{FOLDER}/access.yml")
        else:
            write_configuration(text_=bad)
        code, said = await ctl("reload_config", check=False)
        assert (code != 0) == (bad != unknown), (bad, said)
        equal(await writes("ruled/a", b"4"), NOT_AUTHORIZED, f"after {bad!r}")
        equal(await kept(), [])
    # All is as it was once it is allowed again, the subscription too.
    write_configuration()
    await ctl("reload_config")
    equal(await kept(), ["2"])
    await writes("ruled/a", b"5")
    await gets(("ruled/a", "5"))
    await ctl("ban_account", "writer", DOMAIN, "why")
    equal(await kept(), [])
    await ctl("unban_account", "writer", DOMAIN)
    equal(await kept(), ["2"])
    # And nobody starts with such a file.
    for bad in ("", good[:len(good) // 2]):
        write_configuration(text_=bad)
        process = await asyncio.create_subprocess_exec(
            BINARY, "start", "--home", f"{FOLDER}/other", "--config", f"{FOLDER}/access.yml",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        assert await asyncio.wait_for(process.wait(), 20) != 0, bad
    shutil.rmtree(f"{FOLDER}/other", ignore_errors=True)
    write_configuration()


async def ended():
    if _serving is not None:
        await (await _serving).end(signal.SIGTERM)


run(1, ended)
