# server: none
# seconds: 150
"""Holders of OAuth tokens log in by X-OAUTH2 and OAUTHBEARER: slixmpp and by hand over TLS, SASL2, MQTT, and whom it refuses."""
import asyncio
import http.client
import json
import os
import signal
import urllib.parse

from raw import NS, Raw, account, q, show
from raw_mqtt import PORT as MQTT_PORT, TLS_PORT as MQTT_TLS_PORT, RawMqtt, asking, auth, property_of
from sasl import b64, unb64
from server import Server
from suite import CONFIG, DOMAIN, HOST, PORT, TLS_PORT, ctl, equal, run, table, test, unique

FOLDER = os.path.dirname(CONFIG)
HTTP_PORT = int(os.environ["NJ_PORT_HTTP"])
CLOSED = f"closed.{DOMAIN}"
NOT_AUTHORIZED, BANNED, BAD_METHOD, DISCONNECT, AUTH = 0x87, 0x8A, 0x8C, 0xE0, 0xF0
CONFIGURATION = """
loglevel: debug
hosts: ["{domain}", "{closed}", "without.{domain}"]
certfiles: ["{folder}/server.pem"]
auth_password_format: scram
registration_timeout: infinity
oauth_access: all
oauth_client_id_check: allow
host_config:
  "{closed}": {{oauth_access: none}}
  "without.{domain}": {{disable_sasl_mechanisms: [X-OAUTH2]}}
acl:
  loopback: {{ip: "127.0.0.0/8"}}
listen:
  - {{port: {c2s}, ip: "127.0.0.1", module: {chat}}}
  - {{port: {c2s_tls}, ip: "127.0.0.1", module: {chat}, tls: true}}
  - {{port: {mqtt}, ip: "127.0.0.1", module: mod_mqtt}}
  - {{port: {mqtt_tls}, ip: "127.0.0.1", module: mod_mqtt, tls: true}}
  - {{port: {http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{/oauth: ejabberd_oauth}}}}
modules:
  mod_admin_extra: {{}}
  mod_mqtt: {{}}
  mod_ping: {{}}
"""

_serving = None


async def serving():
    """The server, started by the first test that asks."""
    global _serving
    if _serving is None:
        async def start():
            # In two words: its options aren't tested here.
            made = CONFIGURATION.format(domain=DOMAIN, closed=CLOSED, folder=FOLDER, chat="ejabberd" + "_c2s", c2s=PORT,
                                        c2s_tls=TLS_PORT, mqtt=MQTT_PORT, mqtt_tls=MQTT_TLS_PORT, http=HTTP_PORT)
            with open(f"{FOLDER}/oauth.yml", "w") as file:
                file.write(made)
            return await Server(f"{FOLDER}/oauth.yml").start()
        _serving = asyncio.ensure_future(start())
    return await asyncio.shield(_serving)


async def issued(who, scopes="sasl_auth", seconds=3600):
    """A token by ejabberd's command."""
    return (await ctl("oauth_issue_token", who.jid, str(seconds), scopes))[1].split()[0]


async def bought(who, scopes="sasl_auth"):
    """A token for the account's password."""
    def ask():
        connection = http.client.HTTPConnection(HOST, HTTP_PORT, timeout=20)
        form = {"grant_type": "password", "username": who.jid, "password": who.password, "scope": scopes, "client_id": "tests"}
        connection.request("POST", "/oauth/token", urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    status, answer = await asyncio.to_thread(ask)
    equal(status, 200, answer)
    return answer["access_token"]


def message(mechanism, user, token):
    if mechanism == "X-OAUTH2":
        return f"\0{user}\0{token}"
    return f"n,{f'a={user}@{DOMAIN}' if user else ''},\x01host={DOMAIN}\x01auth=Bearer {token}\x01\x01"


async def login(mechanism, user, token, tls="starttls", profile="sasl"):
    """The stream, the element that ends the exchange, and the status that OAUTHBEARER tells before it fails."""
    client, status = await Raw.connect(tls), None
    first = b64(message(mechanism, user, token))
    if profile == "sasl":
        await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{first}</auth>")
    else:
        await client.write(f"<authenticate xmlns='{NS['sasl2']}' mechanism='{mechanism}'><initial-response>{first}</initial-response></authenticate>")
    answer = await client.read()
    if answer.tag == q(f"{profile}:challenge"):
        told = json.loads(unb64(answer.text))
        equal(told["scope"], "sasl_auth")
        status = told["status"]
        await client.write(f"<response xmlns='{NS[profile]}'>{b64(chr(1))}</response>")
        answer = await client.read()
    return client, answer, status


BOTH = ("X-OAUTH2", "OAUTHBEARER")


@table([(mechanism, get, tls) for mechanism in BOTH for get in (issued, bought) for tls in ("starttls", "direct")],
       lambda mechanism, get, tls: f"{mechanism} over {tls} by a token that was {get.__name__}")
async def _(mechanism, get, tls):
    await serving()
    who = await account()
    client, answer, _ = await login(mechanism, who.user, await get(who), tls)
    equal(answer.tag, q("sasl:success"), show(answer))
    await client.open()
    assert (await client.bind()).startswith(who.jid)
    await client.until_pong()


@table([(mechanism,) for mechanism in BOTH], lambda mechanism: f"{mechanism} by SASL2")
async def _(mechanism):
    await serving()
    who = await account()
    _, answer, _ = await login(mechanism, who.user, await issued(who), "direct", "sasl2")
    equal(answer.tag, q("sasl2:success"), show(answer))
    equal(answer.findtext(q("sasl2:authorization-identifier")).partition("/")[0], who.jid)
    _, answer, status = await login(mechanism, who.user, "nonsense", "direct", "sasl2")
    equal(answer.tag, q("sasl2:failure"), show(answer))
    equal(status, "invalid_token" if mechanism == "OAUTHBEARER" else None)


@test("OAUTHBEARER without a name: the token says whose it is")
async def _():
    await serving()
    who = await account()
    client, answer, _ = await login("OAUTHBEARER", "", await issued(who))
    equal(answer.tag, q("sasl:success"), show(answer))
    await client.open()
    assert (await client.bind()).startswith(who.jid)


@table([(mechanism, what) for mechanism in BOTH for what in ("unknown", "expired", "revoked", "another's", "narrow", "orphaned")],
       lambda mechanism, what: f"{mechanism}: a token that is {what} is refused")
async def _(mechanism, what):
    await serving()
    who, other = await account(), await account()
    if what == "unknown":
        token = "x" * 43
    elif what == "narrow":
        token = await issued(who, "ejabberd:user,status")
    else:
        token = await issued(other if what == "another's" else who, seconds=1 if what == "expired" else 3600)
    if what == "expired":
        # Its second ends by the clock alone: ask until the table's owner says that it is over.
        async with asyncio.timeout(10):
            while (await login(mechanism, who.user, token))[1].tag == q("sasl:success"):
                pass
    if what == "revoked":
        equal((await login(mechanism, who.user, token))[1].tag, q("sasl:success"))
        await ctl("oauth_revoke_token", token)
    if what == "orphaned":
        await ctl("unregister", who.user, DOMAIN)
        await ctl("register", who.user, DOMAIN, "somebody else's")
    _, answer, status = await login(mechanism, who.user, token)
    equal(answer.tag, q("sasl:failure"), show(answer))
    assert answer.find(q("sasl:not-authorized")) is not None, show(answer)
    told = "insufficient_scope" if what == "narrow" else "invalid_token"
    equal(status, told if mechanism == "OAUTHBEARER" else None)


@table([(mechanism,) for mechanism in BOTH], lambda mechanism: f"{mechanism}: a banned account is refused, whatever its token")
async def _(mechanism):
    await serving()
    who = await account()
    token = await issued(who)
    await ctl("ban_account", who.user, DOMAIN, "enough")
    _, answer, _ = await login(mechanism, who.user, token)
    assert answer.find(q("sasl:account-disabled")) is not None, show(answer)


@test("tokens are offered over TLS only, and where the host has them")
async def _():
    await serving()
    plain = await Raw.connect("none")
    for mechanism in BOTH:
        assert mechanism not in plain.mechanisms(), plain.mechanisms()
    await plain.write(f"<auth xmlns='{NS['sasl']}' mechanism='X-OAUTH2'>{b64(message('X-OAUTH2', 'a', 'b'))}</auth>")
    equal((await plain.read()).tag, q("sasl:failure"))
    for domain, offered in ((DOMAIN, set(BOTH)), (CLOSED, set()), (f"without.{DOMAIN}", {"OAUTHBEARER"})):
        client = await Raw.connect("direct", to=domain)
        equal(set(client.mechanisms()) & set(BOTH), offered, domain)
        equal({e.text for e in client.features.iter(q("sasl2:mechanism"))} & set(BOTH), offered, domain)


@test("slixmpp by X-OAUTH2")
async def _():
    import ssl

    import slixmpp
    await serving()
    who = await account()
    token = await issued(who)
    client = slixmpp.ClientXMPP(who.jid, None, sasl_mech="X-OAUTH2")
    client.credentials = {"username": who.user, "access_token": token}
    client.ssl_context.check_hostname = False
    client.ssl_context.verify_mode = ssl.CERT_NONE
    started, failed = client.wait_until("session_start", 20), client.wait_until("failed_auth", 20)
    client.connect(HOST, PORT)
    done, waiting = await asyncio.wait([asyncio.ensure_future(started), asyncio.ensure_future(failed)],
                                       return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    assert any(client.boundjid.resource for _ in done) and client.authenticated, "slixmpp wasn't let in"
    equal(client.boundjid.bare, who.jid)
    await client.disconnect()


async def mqtt_login(port, method, data, user_name):
    """The client, and the reason in the last answer."""
    client = await RawMqtt.dial(port)
    await client.write(asking(method, data, unique("token"), user_name))
    first, body = await client.read()
    if first == AUTH:
        json.loads(property_of(body[2:], 0x16))
        await client.write(auth(0x18, method, "\x01"))
        first, body = await client.read()
    equal(first, 0x20, "CONNACK")
    return client, body[1]


def mqtt_data(method, user, token):
    """As ejabberd takes it: with X-OAUTH2 the token alone, and the user name beside it."""
    return (token, user) if method == "X-OAUTH2" else (message(method, user, token), None)


@table([(method, port) for method in BOTH for port in (MQTT_PORT, MQTT_TLS_PORT)],
       lambda method, port: f"MQTT: {method} over {'TLS' if port == MQTT_TLS_PORT else 'TCP'}, again while connected, and wrong tokens")
async def _(method, port):
    await serving()
    who, other = await account(), await account()
    tokens = [await issued(who), await bought(who)]
    for wrong in (await issued(other), await issued(who, "ejabberd:user"), "nonsense"):
        _, reason = await mqtt_login(port, method, *mqtt_data(method, who.user, wrong))
        equal(reason, NOT_AUTHORIZED)
    client, reason = await mqtt_login(port, method, *mqtt_data(method, who.user, tokens[0]))
    equal(reason, 0)
    await ctl("oauth_revoke_token", tokens[0])
    # It is asked for where one comes in, as in ejabberd: who is in stays.
    await client.pong()
    await client.write(auth(0x19, method, mqtt_data(method, who.user, tokens[1])[0]))
    first, body = await client.read()
    equal((first, body[0] if body else 0), (AUTH, 0))
    if method == "X-OAUTH2":
        await client.write(auth(0x19, method, tokens[0]))
        await client.ends(NOT_AUTHORIZED)
    await ctl("ban_account", who.user, DOMAIN, "enough")
    _, reason = await mqtt_login(port, method, *mqtt_data(method, who.user, tokens[1]))
    equal(reason, BANNED)


@test("MQTT: a token isn't a password, and a host without tokens doesn't speak of them")
async def _():
    from raw_mqtt import connect
    await serving()
    who = await account()
    token = await issued(who)
    client = await RawMqtt.dial(MQTT_PORT)
    await client.write(connect(unique("c"), who.user, password=token))
    equal((await client.read())[1][1], NOT_AUTHORIZED)
    _, reason = await mqtt_login(MQTT_PORT, "X-OAUTH2", token, f"{who.user}@{CLOSED}")
    equal(reason, BAD_METHOD)


async def ended():
    if _serving is not None:
        await (await _serving).end(signal.SIGTERM)


run(4, ended)
