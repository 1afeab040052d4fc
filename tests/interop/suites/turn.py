# server: turn.yml.in
# seconds: 240
"""Relays: coturn's client, aioice and two browsers send data through a TURN server, as an account and with credentials
that were fetched over XMPP (XEP-0215)."""
import asyncio
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

import aioice
from aioice import stun, turn

from browser import relayed_call
from raw import account, error_condition, online
from relays import uclient
from suite import DOMAIN, HOST, ctl, equal, run, test, until

PORT = int(os.environ["NJ_PORT_STUN"])
TLS_PORT = int(os.environ["NJ_PORT_STUN_TLS"])
DTLS_PORT = int(os.environ["NJ_PORT_STUN_DTLS"])
OTHER_PORT = int(os.environ["NJ_PORT_STUN_OTHER"])
HTTP_PORT = int(os.environ["NJ_PORT_HTTP"])
EXTDISCO = ("urn:xmpp:extdisco:1", "urn:xmpp:extdisco:2")


async def fetched(namespace=EXTDISCO[1], payload=None):
    """The services that a client is told of."""
    client = await online()
    answer = await client.iq("get", payload or f"<services xmlns='{namespace}'/>", to=DOMAIN)
    equal(answer.get("type"), "result")
    return answer[0]


async def credentials():
    """A name and a password for the TURN server, as a client gets them."""
    services = await fetched()
    return next((service.get("username"), service.get("password")) for service in services
                if service.get("type") == "turn" and service.get("restricted") == "true")


WAYS = [
    ("UDP, channels", (), {}),
    ("UDP, send indications", ("-s",), {}),
    ("TCP", ("-t",), {}),
    ("TLS", ("-t", "-S"), {"port": TLS_PORT}),
    # It draws lots between DTLS 1.0, which is refused, and 1.2 for each try.
    ("DTLS", ("-S",), {"port": DTLS_PORT}),
    ("DTLS, send indications", ("-S", "-s"), {"port": DTLS_PORT}),
    ("IPv6", ("-x",), {"host": "::1", "peer": "::1"}),
    ("IPv4 relays for IPv6 clients", (), {"host": "::1"}),
    ("fragments forbidden", ("-D",), {}),
]

for name, options, where in WAYS:
    @test(f"coturn's client as an account: {name}", seconds=60)
    async def _(options=options, where=where):
        who = await account()
        await uclient(who.user, who.password, *options, **where)

    @test(f"coturn's client with fetched credentials: {name}", seconds=60)
    async def _(options=options, where=where):
        await uclient(*await credentials(), *options, **where)


@test("coturn's client: relays to each other", seconds=60)
async def _():
    await uclient(*await credentials(), "-y")


@test("coturn's client: TCP relays (RFC 6062)", seconds=60)
async def _():
    loop = asyncio.get_running_loop()

    async def echo(reader, writer):
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user, password = await credentials()
    process = await asyncio.create_subprocess_exec(
        "turnutils_uclient", "-T", "-t", "-u", user, "-w", password, "-e", "127.0.0.1", "-r", str(port), "-n", "10",
        "-m", "2", "-l", "300", "-p", str(PORT), HOST,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out = (await process.communicate())[0].decode(errors="replace")
    server.close()
    assert "Total lost packets 0 " in out, out[-600:]


@test("wrong and expired credentials are refused")
async def _():
    who = await account()
    user, password = await credentials()
    expired = "1000000000" + user[user.index(":"):]
    for name, word in ((who.user, "guess"), ("nobody", "guess"), (user, "guess"), (expired, password)):
        try:
            await endpoint(name, word)
        except stun.TransactionFailed as error:
            equal(error.response.attributes["ERROR-CODE"][0], 401)
        else:
            raise AssertionError(f"{name} got a relay")


class Endpoint(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, address):
        self.received.put_nowait((data, address[:2]))


def lax():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


async def endpoint(user, password, transport="udp", tls=False, lifetime=600):
    """A relay by aioice: what sends through it and what receives."""
    return await turn.create_turn_endpoint(
        Endpoint, server_addr=(HOST, TLS_PORT if tls else PORT), username=user, password=password,
        lifetime=lifetime, ssl=lax() if tls else None, transport=transport)


async def peer():
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(Endpoint, local_addr=("127.0.0.1", 0))


for transport, tls in (("udp", False), ("tcp", False), ("tcp", True)):
    @test(f"aioice: datagrams of all sizes both ways over {'tls' if tls else transport}")
    async def _(transport=transport, tls=tls):
        relay, end = await endpoint(*await credentials(), transport, tls)
        other, far = await peer()
        mine, theirs = other.get_extra_info("sockname"), relay.get_extra_info("sockname")[:2]
        for size in (1, 2, 3, 4, 100, 1199, 1400):
            data = bytes(size % 251 for _ in range(size))
            relay.sendto(data, mine)
            equal(await asyncio.wait_for(far.received.get(), 5), (data, theirs))
            other.sendto(data[::-1], theirs)
            equal(await asyncio.wait_for(end.received.get(), 5), (data[::-1], mine))
        relay.close()
        other.close()

    @test(f"aioice: two agents meet at their relays over {'tls' if tls else transport}")
    async def _(transport=transport, tls=tls):
        user, password = await credentials()
        server = (HOST, TLS_PORT if tls else PORT)
        made = [aioice.Connection(ice_controlling=first, turn_server=server, turn_username=user,
                                  turn_password=password, turn_ssl=lax() if tls else False,
                                  turn_transport=transport) for first in (True, False)]
        for agent in made:
            await agent.gather_candidates()
            agent._protocols = [known for known in agent._protocols if known.local_candidate.type == "relay"]
        for one, two in (made, made[::-1]):
            one.remote_username, one.remote_password = two.local_username, two.local_password
            for candidate in two.local_candidates:
                if candidate.type == "relay":
                    await one.add_remote_candidate(candidate)
            await one.add_remote_candidate(None)
        await asyncio.gather(*(agent.connect() for agent in made))
        for number in range(100):
            await made[0].send(b"%d" % number)
            equal(await asyncio.wait_for(made[1].recv(), 5), b"%d" % number)
            await made[1].send(b"%d" % number)
            equal(await asyncio.wait_for(made[0].recv(), 5), b"%d" % number)
        for agent in made:
            await agent.close()


@test("a peer without permission isn't heard")
async def _():
    relay, end = await endpoint(*await credentials())
    stranger, _ = await peer()
    friend, far = await peer()
    stranger.sendto(b"let me in", relay.get_extra_info("sockname")[:2])
    # Permissions are for addresses, not ports: the stranger sends before there is one.
    relay.sendto(b"hello", friend.get_extra_info("sockname"))
    equal((await asyncio.wait_for(far.received.get(), 5))[0], b"hello")
    friend.sendto(b"hi", relay.get_extra_info("sockname")[:2])
    equal((await asyncio.wait_for(end.received.get(), 5))[0], b"hi")
    relay.close()


@test("a relay that is refreshed lives on")
async def _():
    relay, end = await endpoint(*await credentials(), lifetime=3)
    other, far = await peer()
    await asyncio.sleep(5)
    relay.sendto(b"still", other.get_extra_info("sockname"))
    equal((await asyncio.wait_for(far.received.get(), 5))[0], b"still")
    relay.close()


@test("addresses that are refused as peers: row 68, row 70, row 71")
async def _():
    relay, _ = await endpoint(*await credentials())
    for address in ("0.0.0.0", "127.9.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "224.0.0.1", "100.64.0.1"):
        request = stun.Message(message_method=stun.Method.CREATE_PERMISSION, message_class=stun.Class.REQUEST)
        request.attributes["XOR-PEER-ADDRESS"] = (address, 80)
        inner = relay._inner_protocol if hasattr(relay, "_inner_protocol") else relay._TurnTransport__inner_protocol
        try:
            await inner.request_with_retry(request)
        except stun.TransactionFailed as error:
            equal(error.response.attributes["ERROR-CODE"][0], 403, address)
        else:
            raise AssertionError(f"{address} was permitted")
    relay.close()


async def ask(data, port=PORT, seconds=2, host=HOST):
    """What a datagram is answered with; nothing after some time."""
    loop = asyncio.get_running_loop()
    transport, end = await loop.create_datagram_endpoint(Endpoint, remote_addr=(host, port))
    transport.sendto(data)
    try:
        return (await asyncio.wait_for(end.received.get(), seconds))[0]
    except asyncio.TimeoutError:
        return None
    finally:
        transport.close()


def binding(transaction=b"0123456789ab"):
    return struct.pack("!HHI", 1, 0, 0x2112A442) + transaction


@test("HTTP, TLS and noise on STUN ports: row 74")
async def _():
    for noise in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"", b"\xff" * 1400,
                  binding()[:-1], binding() + b"\x00", b"\x00\x01\xff\xfc" + binding()[4:]):
        equal(await ask(noise, seconds=0.3), None, noise[:20])
        if noise.startswith(binding()):
            # On a stream that is a whole request and the beginning of something else.
            continue
        reader, writer = await asyncio.open_connection(HOST, PORT)
        writer.write(noise)
        writer.write_eof()
        equal(await asyncio.wait_for(reader.read(), 10), b"", noise[:20])
        writer.close()
    answer = await ask(binding())
    assert answer and answer[:2] == b"\x01\x01", "the server answers others"


@test("what isn't DTLS on a DTLS port, and half of what is: row 74, row 77", seconds=60)
async def _():
    for noise in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"", b"\xff" * 1400,
                  b"\x16" * 1400, binding(), dtls_hello()[:-1], dtls_hello() + b"\0", dtls_hello(piece=20)):
        equal(await ask(noise, port=DTLS_PORT, seconds=0.3), None, noise[:20])
    answer = await ask(dtls_hello(), port=DTLS_PORT)
    assert answer and answer[13] == 3 and len(answer) <= len(dtls_hello()), "a cookie, and nothing longer"
    equal((await ask(dtls_hello(cookie=b"c" * 32), port=DTLS_PORT))[13], 3, "a cookie of somebody else's")
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Endpoint, remote_addr=(HOST, DTLS_PORT))
    for number in range(10_000):
        transport.sendto(dtls_hello(struct.pack("!Q", number) * 4))
        if number % 100 == 0:
            await asyncio.sleep(0)
    transport.close()
    await uclient(*await credentials(), "-S", port=DTLS_PORT)


def dtls_hello(random=b"r" * 32, cookie=b"", piece=None):
    """A ClientHello of DTLS 1.2, or the first bytes of one."""
    body = b"\xfe\xfd" + random + b"\0" + bytes([len(cookie)]) + cookie + b"\0\2\xc0\x2b\1\0"
    part = body[:piece]
    head = b"\1" + struct.pack("!I", len(body))[1:] + struct.pack("!HI", 1 if cookie else 0, len(part))[:2]
    head += b"\0\0\0" + struct.pack("!I", len(part))[1:]
    return b"\x16\xfe\xff" + bytes(8) + struct.pack("!H", len(head) + len(part)) + head + part


@test("names with quotes, percent signs and line ends are only names: row 67, row 79")
async def _():
    for name in ("' OR 1=1 --", "%s%n%x", "a\r\nb", "\\", '"', "a" * 500):
        try:
            await endpoint(name, "x")
        except stun.TransactionFailed as error:
            equal(error.response.attributes["ERROR-CODE"][0], 401)
        else:
            raise AssertionError(f"{name} got a relay")


@test("forged requests draw no flood of answers: row 75")
async def _():
    loop = asyncio.get_running_loop()
    transport, end = await loop.create_datagram_endpoint(
        Endpoint, remote_addr=(HOST, PORT), local_addr=("127.0.0.77", 0))
    request = struct.pack("!HHI", 3, 8, 0x2112A442) + b"0123456789ab" + bytes([0, 0x19, 0, 4, 17, 0, 0, 0])
    asked = 2000 * len(request)
    for number in range(2000):
        transport.sendto(request)
        if number % 100 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(1)
    answered = 0
    while not end.received.empty():
        answered += len(end.received.get_nowait()[0])
    transport.close()
    assert answered <= asked + 8192, f"{answered} bytes for {asked}"


@test("the service is announced in both versions; one kind, one service's credentials")
async def _():
    for namespace in EXTDISCO:
        services = await fetched(namespace)
        kinds = {(service.get("type"), service.get("transport")) for service in services}
        assert {("stun", "udp"), ("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")} <= kinds, kinds
        only = await fetched(namespace, f"<services xmlns='{namespace}' type='turns'/>")
        equal({service.get("type") for service in only}, {"turns"})
        one = await fetched(namespace, f"<credentials xmlns='{namespace}'><service host='{DOMAIN}' type='turns'/>"
                            "</credentials>")
        equal([service.get("port") for service in one], [str(TLS_PORT)])
        assert one[0].get("username") and one[0].get("password") and one[0].get("expires")
    client = await online()
    refused = await client.iq("set", "<services xmlns='urn:xmpp:extdisco:2'/>", to=DOMAIN)
    equal(refused.get("type"), "error")
    assert error_condition(refused)


@test("turn_allocations, turn_end_allocation, turn_statistics")
async def _():
    who = await account()
    relay, _ = await endpoint(who.user, who.password)
    relayed = "127.0.0.1:%d" % relay.get_extra_info("sockname")[1]
    row = next(line.split("\t") for line in (await ctl("turn_allocations"))[1].splitlines() if relayed in line)
    equal(row[1], who.user)
    await ctl("turn_end_allocation", row[0])
    assert relayed not in (await ctl("turn_allocations"))[1]
    equal((await ctl("turn_end_allocation", row[0], check=False))[0], 1)
    counters = dict(line.split("\t") for line in (await ctl("turn_statistics"))[1].splitlines())
    assert int(counters["allocations"]) > 0 and int(counters["relay_ports"]) >= 4000, counters


async def figures():
    """What /metrics tells: values by name and labels."""
    reader, writer = await asyncio.open_connection(HOST, HTTP_PORT)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("nightjar_")]
    return {name: float(value) for name, value in lines}


def figure(found, name, **labels):
    """The sum of the figures of a name that have these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(value for key, value in found.items()
               if key.split("{")[0] == "nightjar_" + name and all(label in key for label in wanted))


@test("figures of relays at /metrics")
async def _():
    here = {"listener": f"{HOST}:{PORT}", "transport": "udp"}
    before = await figures()
    relay, end = await endpoint(*await credentials())
    other, far = await peer()
    relay.sendto(bytes(1000), other.get_extra_info("sockname"))
    await asyncio.wait_for(far.received.get(), 5)
    other.sendto(bytes(300), relay.get_extra_info("sockname")[:2])
    await asyncio.wait_for(end.received.get(), 5)
    try:
        await endpoint("nobody", "guess")
    except stun.TransactionFailed:
        pass
    during = await figures()
    for name, more, labels in (
            ("turn_allocations_made_total", 1, {}),
            ("turn_allocations", 1, {}),
            ("turn_relay_ports_used", 1, {}),
            ("turn_relay_ports", 0, {}),
            ("turn_authentication_failures_total", 1, {}),
            ("turn_bytes_relayed_total", 1000, {"direction": "to_peers"}),
            ("turn_bytes_relayed_total", 300, {"direction": "to_clients"}),
            ("turn_packets_relayed_total", 1, {"direction": "to_clients"}),
            ("turn_refusals_total", 0, {"reason": "private"})):
        equal(figure(during, name, **here, **labels) - figure(before, name, **here, **labels), more, name)
    equal(figure(during, "turn_relay_ports", **here), 1000)
    assert 0 < figure(during, "turn_relay_ports_used_ratio", **here) < 0.1
    relay.close()


@test("a closed port of a peer is told to the client, and costs nobody a packet (RFC 8656 §11.5)")
async def _():
    loop = asyncio.get_running_loop()
    transport, end = await loop.create_datagram_endpoint(Endpoint, remote_addr=(HOST, PORT))
    user, password = await credentials()
    state = {}

    async def ask_for(method, attributes):
        for _ in range(2):
            request = stun.Message(message_method=method, message_class=stun.Class.REQUEST)
            request.attributes.update(attributes)
            if state:
                request.attributes.update(USERNAME=user, REALM=state["realm"], NONCE=state["nonce"])
                request.add_message_integrity(turn.make_integrity_key(user, state["realm"], password))
            transport.sendto(bytes(request))
            answer = stun.parse_message((await asyncio.wait_for(end.received.get(), 5))[0])
            if answer.message_class == stun.Class.RESPONSE:
                return answer
            state.update(realm=answer.attributes["REALM"], nonce=answer.attributes["NONCE"])
        raise AssertionError(answer)

    def send(data, to):
        message = stun.Message(message_method=stun.Method.SEND, message_class=stun.Class.INDICATION)
        message.attributes["XOR-PEER-ADDRESS"] = to
        message.attributes["DATA"] = data
        transport.sendto(bytes(message))

    other, far = await peer()
    gone, _ = await peer()
    closed = gone.get_extra_info("sockname")
    gone.close()
    await asyncio.sleep(0)
    made = await ask_for(stun.Method.ALLOCATE, {"LIFETIME": 600, "REQUESTED-TRANSPORT": 17 << 24})
    await ask_for(stun.Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": closed})
    for number in range(20):
        send(b"lost", closed)
        send(b"%d" % number, other.get_extra_info("sockname"))
        equal((await asyncio.wait_for(far.received.get(), 5))[0], b"%d" % number)
        other.sendto(b"back %d" % number, ("127.0.0.1", made.attributes["XOR-RELAYED-ADDRESS"][1]))
        packets = [(await asyncio.wait_for(end.received.get(), 5))[0] for _ in range(2)]
        # ICMP: nothing, seven bits of type 3 and nine of code 3, nothing.
        assert sum(struct.pack("!HHHHI", 0x8004, 8, 0, 3 << 9 | 3, 0) in packet for packet in packets) == 1, packets
        assert sum(b"back %d" % number in packet for packet in packets) == 1, packets
    transport.close()


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


async def allocate_by_name(user, password, is_hidden, hashed=None):
    """What a request for a relay is answered with, and how often it was asked for the name as it is. Written by hand: no
    client of today hides names (RFC 8489 §9.2.5)."""
    loop = asyncio.get_running_loop()
    transport, end = await loop.create_datagram_endpoint(Endpoint, remote_addr=(HOST, PORT))
    asked_openly = 0

    async def ask_for(method, body, given):
        nonlocal asked_openly
        key = None
        if given:
            nonce, realm = given[0x0015], given[0x0014].decode()
            offered = base64.b64decode(nonce[9:13])[0] & 0x40
            asked_openly += not offered
            name = (0x001e, hashlib.sha256(f"{hashed or user}:{realm}".encode()).digest()) \
                if is_hidden and offered else (0x0006, user.encode())
            body += attribute(*name) + attribute(0x0014, realm.encode()) + attribute(0x0015, nonce)
            body += attribute(0x8002, given[0x8002]) + attribute(0x001d, bytes([0, 2, 0, 0]))
            key = hashlib.sha256(f"{user}:{realm}:{password}".encode()).digest()
        head = struct.pack("!HHI", method, len(body) + (36 if key else 0), 0x2112A442) + os.urandom(12)
        if key:
            body += attribute(0x001c, hmac.digest(key, head + body, "sha256"))
        transport.sendto(head + body)
        answer = (await asyncio.wait_for(end.received.get(), 5))[0]
        found, at = {}, 20
        while at < len(answer):
            kind, length = struct.unpack_from("!HH", answer, at)
            found[kind] = answer[at + 4:at + 4 + length]
            at += 4 + (length + 3) // 4 * 4
        return found, found[0x0009][2] * 100 + found[0x0009][3] if 0x0009 in found else 0

    udp = attribute(0x0019, bytes([17, 0, 0, 0]))
    given, code = await ask_for(3, udp, None)
    for _ in range(3):
        known = given
        given, code = await ask_for(3, udp, known)
        if code != 438:
            break
    times = asked_openly
    if code == 0:
        equal((await ask_for(4, attribute(0x000d, bytes(4)), known))[1], 0, "the relay is given back")
    transport.close()
    return code, times


@test("relays of both address families in one allocation carry data (RFC 8656 §7.2)")
async def _():
    # Written by hand: coturn's client has a draft's number for the attribute.
    loop = asyncio.get_running_loop()
    transport, end = await loop.create_datagram_endpoint(Endpoint, remote_addr=("::1", PORT))
    user, password = await credentials()
    both = attribute(0x0019, bytes([17, 0, 0, 0])) + attribute(0x8000, bytes([2, 0, 0, 0]))

    async def ask_for(method, fill, given=None):
        key, transaction = None, os.urandom(12)
        body = fill(transaction)
        if given:
            realm, nonce = given[0x0014][0], given[0x0015][0]
            body += attribute(0x0006, user.encode()) + attribute(0x0014, realm) + attribute(0x0015, nonce)
            key = hashlib.md5(b"%b:%b:%b" % (user.encode(), realm, password.encode())).digest()
        head = struct.pack("!HHI", method, len(body) + (24 if key else 0), 0x2112A442) + transaction
        if key:
            body += attribute(0x0008, hmac.digest(key, head + body, "sha1"))
        transport.sendto(head + body)
        answer = (await asyncio.wait_for(end.received.get(), 5))[0]
        found, at = {}, 20
        while at < len(answer):
            kind, length = struct.unpack_from("!HH", answer, at)
            found.setdefault(kind, []).append(answer[at + 4:at + 4 + length])
            at += 4 + (length + 3) // 4 * 4
        return found, transaction

    given, _ = await ask_for(3, lambda _: both)
    made, transaction = await ask_for(3, lambda _: both, given)
    relays = sorted(stun.unpack_xor_address(value, transaction) for value in made[0x0016])
    equal([ip for ip, _ in relays], ["127.0.0.1", "::1"])
    for number, relay in enumerate(relays):
        other, far = await loop.create_datagram_endpoint(Endpoint, local_addr=(relay[0], 0))
        address = other.get_extra_info("sockname")[:2]
        channel = 0x4000 + number
        bound, _ = await ask_for(9, lambda transaction: attribute(0x000c, struct.pack("!HH", channel, 0)) + attribute(
            0x0012, stun.pack_xor_address(address, transaction)), given)
        equal(0x0009 in bound, False)
        transport.sendto(struct.pack("!HH", channel, 4) + b"ping")
        equal(await asyncio.wait_for(far.received.get(), 5), (b"ping", relay))
        other.sendto(b"pong", relay)
        equal((await asyncio.wait_for(end.received.get(), 5))[0], struct.pack("!HH", channel, 4) + b"pong")
        other.close()
    equal(0x0009 in (await ask_for(4, lambda _: attribute(0x000d, bytes(4)), given))[0], False, "it is given back")
    transport.close()


@test("names are hidden: those that were fetched, and those of accounts that are online (RFC 8489 §14.4)", seconds=60)
async def _():
    user, password = await credentials()
    equal(await allocate_by_name(user, password, True), (0, 0), "a name that was fetched")
    equal(await allocate_by_name(user, password, False), (0, 0), "as it is")
    equal(await allocate_by_name(user, "guess", True), (401, 1), "a wrong password")
    equal(await allocate_by_name(user, password, True, hashed="nobody"), (0, 1), "a hash of nobody known")
    who = await account()
    equal(await allocate_by_name(who.user, who.password, True), (0, 1), "an account that isn't online")
    who = (await online()).account
    for _ in range(60):
        # The list of who is online is up to ten seconds old; until then the name as it is will do.
        answer = await allocate_by_name(who.user, who.password, True)
        if answer == (0, 0):
            break
        equal(answer, (0, 1))
        await asyncio.sleep(0.5)
    equal(answer, (0, 0), "an account that is online")


@test("what a NAT does is found out by coturn's client (RFC 5780)", seconds=60)
async def _():
    process = await asyncio.create_subprocess_exec(
        "turnutils_natdiscovery", "-m", "-f", "-p", str(PORT), HOST,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out = (await process.communicate())[0].decode(errors="replace")
    assert "Endpoint Independent Filtering" in out, out[-900:]
    assert "Endpoint Independent Mapping" in out, out[-900:]
    for host, port in ((HOST, PORT), (HOST, OTHER_PORT), ("127.0.0.2", PORT), ("127.0.0.2", OTHER_PORT)):
        answer = stun.parse_message(await ask(binding(), port=port, host=host))
        other = ("127.0.0.2" if host == HOST else HOST, OTHER_PORT if port == PORT else PORT)
        equal(answer.attributes["OTHER-ADDRESS"], other)


@test("reading the configuration anew keeps relays")
async def _():
    relay, end = await endpoint(*await credentials())
    other, far = await peer()
    relay.sendto(b"before", other.get_extra_info("sockname"))
    equal((await asyncio.wait_for(far.received.get(), 5))[0], b"before")
    path = os.environ["NJ_CONFIG"]
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace("turn_max_permissions: 10", "turn_max_permissions: 11"))
    await ctl("reload_config")
    relay.sendto(b"after", other.get_extra_info("sockname"))
    equal((await asyncio.wait_for(far.received.get(), 5))[0], b"after")
    other.sendto(b"back", relay.get_extra_info("sockname")[:2])
    equal((await asyncio.wait_for(end.received.get(), 5))[0], b"back")
    relay.close()


@test("a data channel between two browsers that may use relays only", seconds=90)
async def _():
    user, password = await credentials()
    equal(await relayed_call(f"turn:{HOST}:{PORT}?transport=udp", user, password), "pong of ping")


run(at_once=3)
