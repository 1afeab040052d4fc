# server: guard.yml.in
# seconds: 180
"""Secrets with names of their own go through every door while everything is logged and things break; then everything
that was written is searched for them, in every form they could have."""
import asyncio
import base64
import glob
import hashlib
import hmac
import os
import sqlite3
import uuid

from proxied import request
from raw import NS, Raw, account, escape, online, q, show
from sasl import b64, plain, unb64
from secrets_of import forms, leaks, scram_secrets
from suite import CONFIG, DOMAIN, HOME, LOG, ctl, equal, run, test, unique

HTTP_PORT = int(os.environ.get("NJ_PORT_HTTP", "0"))
DATABASE = os.path.join(HOME or "", "nightjar.db")
MECHANISMS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}

#: What nobody may ever find: name to value.
secrets = {}
#: What the server and its commands answered, but where the secret was asked for.
answers = []


def secret(name):
    """A password that is found again: with characters that each way of quoting changes."""
    made = f"Kanari-{name.replace(' ', '-')}-&'{uuid.uuid4().hex[:12]}/+"
    secrets[name] = made
    return made


async def person(name):
    return await account(secret(name))


async def command(*words):
    """Runs a command; what it printed is searched, too."""
    code, out = await ctl(*words, check=False)
    answers.append(out)
    return code


async def http(head, body=""):
    status, answer = await request(HTTP_PORT, head, body)
    answers.append(answer)
    return status, answer


def basic(jid, password):
    return f"Authorization: Basic {b64(f'{jid}:{password}')}"


async def ends(client):
    """Reads to the end of a stream that is about to be closed."""
    while (element := await client.read()) is not None:
        answers.append(show(element))
    client.abort()


@test("SASL: the right and a wrong password by every mechanism")
async def _():
    who = await person("SASL password")
    for mechanism in ("PLAIN", *MECHANISMS):
        client = await Raw.connect()
        equal((await client.auth(who.user, who.password, mechanism)).tag, q("sasl:success"))
        client.abort()
        client = await Raw.connect("direct")
        answer = await client.auth(who.user, secret(f"wrong {mechanism}"), mechanism)
        equal(answer.tag, q("sasl:failure"))
        answers.append(show(answer))
        answer = await client.auth(secret(f"password for a name {mechanism}")[:60], "x", mechanism)
        equal(answer.tag, q("sasl:failure"))
        client.abort()
    binding = await Raw.connect("direct")
    answer = await binding.auth(who.user, who.password, "SCRAM-SHA-256-PLUS", binding=binding.server_end_point())
    equal(answer.tag, q("sasl:success"))
    binding.abort()
    # What was derived from the password, as the database has it.
    with sqlite3.connect(DATABASE) as database:
        rows = database.execute("SELECT type, salt, iterationcount FROM users WHERE username = ? AND type > 1", (who.user,)).fetchall()
    equal(len(rows), 3)
    for kind, salt, iterations in rows:
        name = {2: "sha1", 3: "sha256", 4: "sha512"}[kind]
        for what, value in scram_secrets(name, who.password, unb64(salt), iterations).items():
            secrets[f"{what} of {name}"] = value


@test("SASL: broken and aborted exchanges with secrets in them")
async def _():
    for data in (
            f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{escape(secret('not in base64'))}</auth>",
            f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{b64(secret('without nul'))}</auth>",
            f"<auth xmlns='{NS['sasl']}' mechanism='{escape(secret('as a mechanism'))}'>=</auth>",
            f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-1'>{b64(secret('as first message'))}</auth>"
            f"<response xmlns='{NS['sasl']}'>{b64(secret('as a response'))}</response>",
            f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'><initial-response>{plain('romeo', secret('by SASL2'))}"
            f"</initial-response><user-agent id='{escape(secret('as user agent'))}'/></authenticate>",
            f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{b64(secret('cut off'))}"):
        client = await Raw.connect()
        await client.write(data)
        if data.endswith("auth>") or data.endswith("response>") or data.endswith("authenticate>"):
            answers.append(show(await client.read()))
        client.abort()


@test("a password sent before TLS, and stanzas that aren't any")
async def _():
    for data in (
            f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain('romeo', secret('before TLS'))}</auth>",
            f"<message to='{DOMAIN}'><body>{escape(secret('a body before login'))}</body></message>",
            f"<{secret('as a tag')[:8]} {escape(secret('not well formed'))}",
            f"<!DOCTYPE x [<!ENTITY x '{secret('in an entity')}'>]>"):
        client = await Raw.connect("none")
        await client.write(data)
        client.writer.write_eof()
        await ends(client)


@test("registration in band, its refusals, and a change of password")
async def _():
    taken = await person("somebody's password")
    query = "<query xmlns='jabber:iq:register'><username>{}</username><password>{}</password></query>"
    client = await Raw.connect()
    for user in (taken.user, "bad name", unique()):
        answer = await client.iq("set", query.format(user, escape(secret(f"registered as {user[:4]}"))), to=DOMAIN)
        answers.append(show(answer))
    client.abort()
    one = await online(taken)
    answer = await one.iq("set", query.format(taken.user, escape(secret("changed password"))), to=DOMAIN)
    equal(answer.get("type"), "result")
    await one.iq("set", query.format("somebody-else", escape(secret("changed for another"))), to=DOMAIN)
    one.abort()


@test("legacy authentication")
async def _():
    who = await person("legacy password")
    for password in (secret("wrong legacy password"), who.password):
        client = await Raw.connect()
        await client.write("<iq type='set' id='1'><query xmlns='jabber:iq:auth'>"
                           f"<username>{who.user}</username><password>{escape(password)}</password><resource>x</resource></query></iq>")
        answers.append(show(await client.read()))
        client.abort()


@test("tokens of FAST, right and wrong")
async def _():
    who, id_ = await person("password for a token"), uuid.uuid4()
    agent = f"<user-agent id='{id_}'><software>tests</software></user-agent>"
    client = await Raw.connect("direct")
    await client.write(f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'><initial-response>{plain(who.user, who.password)}"
                       f"</initial-response>{agent}<request-token xmlns='{NS['fast']}' mechanism='HT-SHA-256-NONE'/></authenticate>")
    success = await client.expect("sasl2:success")
    token = success.find(q("fast:token")).get("token")
    secrets["FAST token"] = token
    client.abort()
    for used, wanted in ((token, "success"), (secret("wrong FAST token"), "failure")):
        proof = hmac.new(used.encode(), b"Initiator", hashlib.sha256).digest()
        if used == token:
            secrets["FAST proof"] = proof
        client = await Raw.connect("direct")
        await client.write(f"<authenticate xmlns='{NS['sasl2']}' mechanism='HT-SHA-256-NONE'>"
                           f"<initial-response>{b64(who.user.encode() + bytes(1) + proof)}</initial-response>{agent}"
                           f"<fast xmlns='{NS['fast']}' count='1'/></authenticate>")
        equal((await client.read()).tag, q(f"sasl2:{wanted}"))
        client.abort()


@test("commands: register, change_password, check_password, --auth; wrong words and failures")
async def _():
    user = unique()
    equal(await command("register", user, DOMAIN, secret("by ctl")), 0)
    equal(await command("register", user, DOMAIN, secret("by ctl again")), 1)
    await command("register", "b@d/name", DOMAIN, secret("by ctl for a bad name"))
    await command("register", user, "nowhere.example", secret("by ctl for a bad host"))
    await command("change_password", user, DOMAIN, new := secret("changed by ctl"))
    await command("check_password", user, DOMAIN, new)
    await command("check_password", user, DOMAIN, secret("checked by ctl"))
    await command("check_password_hash", user, DOMAIN, hashlib.sha256(secret("hashed").encode()).hexdigest(), "sha256")
    await command("--auth", user, DOMAIN, new, "status")
    await command("--auth", user, DOMAIN, secret("wrong by --auth"), "status")
    await command("ban_account", user, DOMAIN, "a reason")


@test("the API: Basic, JSON of every shape, tokens")
async def _():
    who = await person("API password")
    call = "POST /api/{} HTTP/1.1\r\nContent-Type: application/json\r\n"
    equal((await http(call.format("status") + basic(who.jid, who.password), "{}"))[0], 200)
    equal((await http(call.format("status") + basic(who.jid, secret("wrong API password")), "{}"))[0], 401)
    status, _ = await http(call.format("status") + f"Authorization: Basic {secret('not Basic')}", "{}")
    equal(status, 401)
    user = unique()
    for body in (
            '{"user": "%s", "host": "%s", "password": "%s"}' % (user, DOMAIN, secret("JSON password")),
            '{"user": "%s", "host": "%s", "password": "%s"}' % (user, DOMAIN, secret("JSON password again")),
            '{"user": "%s", "host": "%s", "password": ["%s"]}' % (user, DOMAIN, secret("in a list")),
            '{"user": "%s", "host": "%s", "password": {"x": "%s"}}' % (user, DOMAIN, secret("in an object")),
            '{"user": "%s", "host": "nowhere", "password": "%s"}' % (user, secret("for no host")),
            '{"user": "%s", "host": "%s", "passwort": "%s"}' % (user, DOMAIN, secret("misspelt")),
            '{"user": "%s", "host": "%s", "password": "%s"' % (user, DOMAIN, secret("cut JSON")),
            '["%s"]' % secret("no object"), secret("no JSON")):
        await http(call.format("register"), body)
    await http(call.format("change_password"), '{"user": "%s", "host": "%s", "newpass": "%s"}' % (user, DOMAIN, secret("new by API")))
    for name in ("in an address", "in a path", "in a query"):
        secrets[name] = f"Kanari-{uuid.uuid4().hex}"
    await http(f"GET /api/check_password?user={user}&host={DOMAIN}&password={secrets['in an address']} HTTP/1.1")
    await http(f"GET /upload/{secrets['in a path']}/file.jpg?token={secrets['in a query']} HTTP/1.1")
    form = "grant_type=password&username={}&password={}&scope=ejabberd:user&ttl=3600&client_id=x&client_secret=" + secret("client secret")
    head = "POST /oauth/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded"
    secrets["wrong at oauth"] = f"Kanari-{uuid.uuid4().hex}"
    await http(head, form.format(who.jid, secrets["wrong at oauth"]))
    quoted = who.password.replace("&", "%26").replace("+", "%2B")
    status, answer = await request(HTTP_PORT, head, form.format(who.jid, quoted))
    equal(status, 200, answer)
    token = answer.split('"access_token":"')[1].split('"')[0]
    secrets["OAuth token"] = token
    equal((await http(call.format("status") + f"Authorization: Bearer {token}", "{}"))[0], 200)
    equal((await http(call.format("status") + f"Authorization: Bearer {secret('wrong bearer')}", "{}"))[0], 401)
    for mechanism, message in (("OAUTHBEARER", "n,a=%s,\x01auth=Bearer %s\x01\x01"), ("X-OAUTH2", "\0%s\0%s")):
        # One that opens the API alone, one that nobody knows, and one that isn't even written as tokens are.
        secrets[f"unknown at {mechanism}"] = f"Kanari-{uuid.uuid4().hex}"
        for given in (token, secrets[f"unknown at {mechanism}"], secret(f"malformed at {mechanism}")):
            client = await Raw.connect()
            await client.write(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{b64(message % (who.user, given))}</auth>")
            assert (await client.read()).tag in (q("sasl:challenge"), q("sasl:failure"))
            client.abort()
    await http(call.format("status") + f"Cookie: session={secret('a cookie')}", "{}")


@test("what people say: bodies, private data, and what comes back")
async def _():
    one, two = await online(), await online()
    await one.message(two.jid, secret("a message's body"))
    await two.expect("message")
    away = await account()
    await one.message(away.jid, secret("a body kept for later"))
    await one.message(f"nobody@{DOMAIN}", secret("a body that comes back"))
    await one.iq("set", f"<query xmlns='jabber:iq:private'><x xmlns='urn:x'>{escape(secret('private data'))}</x></query>")
    await one.iq("set", f"<vCard xmlns='vcard-temp'><NOTE>{escape(secret('in a vcard'))}</NOTE></vCard>")
    await one.iq("set", f"<nonsense xmlns='urn:x'>{escape(secret('in nonsense'))}</nonsense>", to=DOMAIN)
    await one.write(f"<message to='@@@'><body>{escape(secret('to a bad address'))}</body></message>")
    await one.until_pong()
    await one.write(f"<message to='{two.jid}'><body>{escape(secret('not well formed'))}</wrong></message>")
    await one.stream_error("not-well-formed", "bad-format", "invalid-xml")
    await two.write(f"<stream:error><undefined-condition xmlns='{NS['error']}'/>"
                    f"<text xmlns='{NS['error']}'>{escape(secret('in an error'))}</text></stream:error></stream:stream>")
    await two.end()


@test("while the database can't be written, and while it lacks a table", 90)
async def _():
    who = await person("password while it is broken")
    database = sqlite3.connect(DATABASE, timeout=5, isolation_level=None)

    async def everything():
        for mechanism in ("PLAIN", "SCRAM-SHA-256"):
            client = await Raw.connect()
            answers.append(show(await client.auth(who.user, who.password, mechanism)))
            client.abort()
        # Nobody has looked these up before.
        client = await Raw.connect()
        answers.append(show(await client.auth(unique(), secret("for a new name"), "PLAIN")))
        client.abort()
        for words in (("register", unique(), DOMAIN, secret("registered in vain")),
                      ("change_password", who.user, DOMAIN, secret("changed in vain")),
                      ("check_password", who.user, DOMAIN, secret("checked in vain")),
                      ("--auth", unique(), DOMAIN, secret("--auth in vain"), "status")):
            await command(*words)
        await http(f"POST /api/register HTTP/1.1\r\n{basic(who.jid, secret('Basic in vain'))}",
                   '{"user": "%s", "host": "%s", "password": "%s"}' % (unique(), DOMAIN, secret("JSON in vain")))

    database.execute("ALTER TABLE users RENAME TO users_elsewhere")
    try:
        await everything()
    finally:
        database.execute("ALTER TABLE users_elsewhere RENAME TO users")
    database.execute("BEGIN IMMEDIATE")
    try:
        await asyncio.wait_for(everything(), 60)
    finally:
        database.execute("ROLLBACK")
        database.close()
    await online()


@test("the search finds what is there")
async def _():
    planted = {"planted": "Kanari-planted-&'0123456789/+"}
    for form, value in forms(planted["planted"]).items():
        assert leaks(planted, b"before " + value + b" after"), form
    encoded = base64.b64encode(b"\0romeo\0" + planted["planted"].encode())
    assert leaks(planted, encoded), "inside SASL PLAIN"
    assert not leaks(planted, b"Kanari")


def written():
    """Everything the server wrote but its database: name and bytes."""
    places = [LOG, *glob.glob(os.path.join(HOME, "logs", "*")), *glob.glob(os.path.join(HOME, "*.log"))]
    return {place: open(place, "rb").read() for place in places}


@test("no secret is in anything that was written or answered", 60)
async def _():
    with open(os.path.join(os.path.dirname(CONFIG), "server.pem")) as file:
        key = file.read().split("-----BEGIN PRIVATE KEY-----")[1].split("-----END")[0]
    secrets["private key of TLS"] = base64.b64decode(key)
    secrets.update({f"line {number} of the private key": line for number, line in enumerate(key.split()) if len(line) > 20})
    with open(os.path.join(HOME, "secret"), "rb") as file:
        secrets["the node's secret"] = file.read()
    for cookie in glob.glob(os.path.join(HOME, ".erlang.cookie")):
        with open(cookie) as file:
            secrets["the cookie"] = file.read().strip()
    texts = written()
    everything = b"".join(texts.values())
    # The doors were really gone through, and everything was logged.
    for line in (b"authentication failed", b"legacy authentication failed", b"command called", b"[debug]", b"a password could not be checked"):
        assert line in everything, f"nothing in the log says {line.decode()}"
    found = [f"{os.path.basename(place)}: {leak}" for place, text in texts.items() for leak in leaks(secrets, text)]
    found += [f"answer: {leak}" for leak in leaks(secrets, "\n".join(answers).encode())]
    print(f"   {len(secrets)} secrets, {len(everything)} bytes of log, {len(answers)} answers", flush=True)
    assert not found, "\n   ".join(["secrets were written:", *found])


@test("no password is in the database, whose rows are keys derived from it")
async def _():
    passwords = {name: value for name, value in secrets.items() if "password" in name or "by ctl" in name}
    for place in glob.glob(DATABASE + "*"):
        with open(place, "rb") as file:
            found = leaks(passwords, file.read())
        assert not found, found


run(at_once=1)
