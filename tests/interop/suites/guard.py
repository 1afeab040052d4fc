# server: guard.yml.in
# seconds: 180
"""Whoever guesses, floods or isn't wanted: banned addresses, access rules, strangers, budgets of connections."""
import asyncio
import datetime
import os
import re
import resource

from hostile import memory_kib
from proxied import connect, request
from raw import NS, Raw, account, online, q, show
from sasl import b64, plain
from suite import DOMAIN, HOST, PORT, TLS_PORT, ctl, equal, run, test, unique

STRICT = f"strict.{DOMAIN}"
STAFF_PORT = int(os.environ.get("NJ_PORT_S2S", "0"))
HTTP_PORT = int(os.environ.get("NJ_PORT_HTTP", "0"))
API_PORT = int(os.environ.get("NJ_PORT_HTTPS", "0"))
BANNED = re.compile(r"Too many \((\d+)\) failed authentications from this IP address \((\S+)\)\. "
                    r"The address will be unblocked at (\d\d:\d\d:\d\d \d\d\.\d\d\.\d{4}) UTC")


def basic(jid, password):
    return f"Authorization: Basic {b64(f'{jid}:{password}')}"


async def told(client):
    """The sentence of the stream error that a banned address gets, taken apart: failures, address, time."""
    error = await client.expect("stream:error")
    assert error.find(q("error:policy-violation")) is not None, show(error)
    found = BANNED.fullmatch(error.findtext(q("error:text")))
    assert found, show(error)
    await client.end()
    return found.groups()


async def fail(client, user, times):
    for _ in range(times):
        answer = await client.auth(user, "wrong", "PLAIN")
        equal(answer.tag, q("sasl:failure"), show(answer))


@test("mod_fail2ban: the third failure bans, a sentence says until when, unban_ip ends it")
async def _():
    who, ip = await account(), "192.0.2.1"
    client = await connect(ip)
    await fail(client, who.user, 3)
    failures, address, until = await told(client)
    equal((failures, address), ("3", ip))
    left = datetime.datetime.strptime(until, "%H:%M:%S %d.%m.%Y") - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert datetime.timedelta(minutes=9) < left <= datetime.timedelta(minutes=10, seconds=1), left
    again = await connect(ip, open=False)
    await again.open(features=False)
    equal((await told(again))[:2], ("3", ip))
    other = await connect("192.0.2.2")
    await other.login(who)
    equal((await ctl("unban_ip", "192.0.2.0/31"))[1].strip(), "1")
    equal((await ctl("unban_ip", "192.0.2.0/31"))[1].strip(), "0")
    await (await connect(ip)).login(who)


@test("mod_fail2ban: failures of SASL, SASL2 and legacy authentication, and of the API, count together")
async def _():
    who, ip = await account(), "192.0.2.3"
    client = await connect(ip)
    await fail(client, who.user, 1)
    await client.write(f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'>"
                       f"<initial-response>{plain(who.user, 'wrong')}</initial-response></authenticate>")
    equal((await client.read()).tag, q("sasl2:failure"))
    legacy = await connect(ip)
    await legacy.write("<iq type='set' id='1'><query xmlns='jabber:iq:auth'>"
                       f"<username>{who.user}</username><password>wrong</password><resource>x</resource></query></iq>")
    equal((await told(legacy))[0], "3")
    ip = "192.0.2.4"
    for _ in range(2):
        status, answer = await request(API_PORT, f"POST /api/status HTTP/1.1\r\n{basic(who.jid, 'wrong')}", "{}", ip)
        equal(status, 401, answer)
    for password in ("wrong", who.password):
        status, answer = await request(API_PORT, f"POST /api/status HTTP/1.1\r\n{basic(who.jid, password)}", "{}", ip)
        equal(status, 403, answer)
    client = await connect(ip, open=False)
    await client.open(features=False)
    equal((await told(client))[0], "3")


@test("mod_fail2ban: one network of IPv6 is one address")
async def _():
    who = await account()
    for host in (":1", ":ffff:2", "abcd:0:0:3"):
        client = await connect(f"2001:db8:0:1:{host}")
        await client.auth(who.user, "wrong", "PLAIN")
    equal((await told(client))[0], "3")
    await (await connect("2001:db8:0:2::1")).login(who)


@test("mod_fail2ban: success forgets failures, and access spares the office")
async def _():
    who = await account()
    for _ in range(3):
        client = await connect("192.0.2.5")
        await fail(client, who.user, 2)
        await client.login(who)
        client.abort()
    for _ in range(3):
        client = await connect("203.0.113.1")
        await fail(client, who.user, 3)
        client.abort()
    await (await connect("203.0.113.1")).login(who)


@test("access of ejabberd_c2s: by account and by address")
async def _():
    who = await account()
    client = await Raw.connect("direct", port=STAFF_PORT)
    answer = await client.auth(who.user, who.password)
    equal(answer.tag, q("sasl:failure"))
    assert "Access denied" in show(answer), show(answer)
    await ctl("register", "admin", DOMAIN, "admin's", check=False)
    client = await Raw.connect("direct", port=STAFF_PORT)
    equal((await client.auth("admin", "admin's")).tag, q("sasl:success"))
    # Whose password is right isn't banned, however often the rule says no.
    for _ in range(4):
        client = await connect("203.0.113.65")
        equal((await client.auth(who.user, who.password)).tag, q("sasl:failure"))
        client.abort()
    equal((await (await connect("203.0.113.80")).auth(who.user, who.password)).tag, q("sasl:success"))


@test("api_permissions: by address")
async def _():
    for ip, wanted in (("203.0.113.1", 200), ("203.0.113.16", 403), ("192.0.2.66", 403)):
        status, answer = await request(API_PORT, "POST /api/connected_users_number HTTP/1.1", "{}", ip)
        equal(status, wanted, f"{ip}: {answer}")
    who = await account()
    user = basic(who.jid, who.password)
    status, answer = await request(API_PORT, f"POST /api/connected_users_number HTTP/1.1\r\n{user}", "{}", "192.0.2.66")
    equal(status, 403, answer)


@test("mod_block_strangers: a stranger's message comes back, a contact's arrives")
async def _():
    name = unique()
    await ctl("register", name, STRICT, "a password")
    strict = await Raw.connect(to=STRICT)
    equal((await strict.auth(name, "a password")).tag, q("sasl:success"))
    await strict.open(STRICT)
    await strict.bind()
    await strict.write("<presence/>")
    await strict.until_pong()
    stranger = await online()
    id_ = await stranger.message(f"{name}@{STRICT}", "buy this")
    error = await stranger.expect(lambda e: e.get("id") == id_)
    assert error.get("type") == "error" and "Messages from strangers are rejected" in show(error), show(error)
    await strict.write(f"<presence to='{stranger.account.jid}' type='subscribe'/>")
    await stranger.expect(lambda e: e.get("type") == "subscribe")
    await stranger.message(f"{name}@{STRICT}", "who are you?")
    await strict.body("who are you?")


@test("unauthenticated_connections_per_address_max: an address has its share until it logs in")
async def _():
    who = await account()
    for ip, same, other in (("192.0.2.10", "192.0.2.10", "192.0.2.11"), ("2001:db8:1::1", "2001:db8:1::2:2", "2001:db8:1:1::1")):
        clients = [await connect(ip) for _ in range(5)]
        refused = await connect(same, open=False)
        error = await refused.expect("stream:error")
        assert error.find(q("error:resource-constraint")) is not None, show(error)
        await (await connect(other)).login(who)
        await clients[0].login(who)
        clients.append(await connect(same))
        clients[1].abort()
        await asyncio.sleep(0.1)
        clients.append(await connect(same))
        for client in clients:
            client.abort()


@test("trusted_proxies connect for many")
async def _():
    clients = [await connect("198.51.100.200") for _ in range(20)]
    for client in clients:
        client.abort()


async def idle(port, count, say=b""):
    """Connections that never log in."""
    made = []
    for _ in range(count):
        _, writer = await asyncio.open_connection(HOST, port, limit=1024)
        writer.write(say)
        made.append(writer)
    return made


@test("row 18: a thousand connections that never log in cost 10 MB at most, on every port", 60)
async def _():
    header = (f"<?xml version='1.0'?><stream:stream to='{DOMAIN}' version='1.0' xmlns='jabber:client' "
              f"xmlns:stream='{NS['stream']}'>").encode()
    writers = await idle(PORT, 5, header) + await idle(TLS_PORT, 5) + await idle(HTTP_PORT, 5)
    # All are held to the end: what one port needs isn't taken from what another gave back.
    for name, port, say in (("c2s, stream opened", PORT, header), ("c2s over TLS, no hello", TLS_PORT, b""),
                            ("HTTP, half a head", HTTP_PORT, b"GET /healthz HTTP/1.1\r\nHost: ")):
        await asyncio.sleep(0.5)
        before = memory_kib()
        writers += await idle(port, 1000, say)
        await asyncio.sleep(1)
        grown = memory_kib() - before
        print(f"   {name}: {grown} KiB for 1000 unauthenticated connections", flush=True)
        assert grown <= 10 * 1024, f"{name}: {grown} KiB"
    for writer in writers:
        writer.transport.abort()


@test("unauthenticated_connections_max: who comes too late is refused, and there is room again", 60)
async def _():
    who = await account()
    resident = await online(who)
    await asyncio.sleep(0.5)
    writers = await idle(PORT, 3300)
    await asyncio.sleep(1)
    client = await Raw.connect("none", open=False)
    error = await client.expect("stream:error")
    assert error.find(q("error:resource-constraint")) is not None, show(error)
    # Nobody who is in is harmed, and the operator gets through.
    await resident.until_pong()
    await ctl("status")
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(1)
    await online(who)


_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
run(at_once=1)
