# server: none
# seconds: 120
"""What operators say about TLS in OpenSSL's words, and how much one stanza may cost: listeners of one server, each with
options of its own, and what a client of each port is given."""
import asyncio
import json
import os
import shutil
import ssl

import world

world.enter()

from raw import NS, Raw, q, show
from suite import BINARY, HOME, equal, run, table, test

FOLDER = os.path.join(os.path.dirname(HOME), "world")
NAMES = world.Names()
STAGE = {}
READY = asyncio.Lock()
NS["server"] = "jabber:server"
ADDRESS = "127.0.1.1"

# Port, listener, its options, and what is spoken there: versions, and suites of TLS 1.2.
AES_256 = ["ECDHE-ECDSA-AES256-GCM-SHA384"]
ALL = [*AES_256, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"]
LISTENERS = [
    (5301, "ejabberd_c2s", "protocol_options: [no_sslv3, no_tlsv1_2]", ["TLSv1.3"], []),
    (5302, "ejabberd_c2s", "ciphers: 'HIGH:!aNULL:!AES128:!CHACHA20'", ["TLSv1.3", "TLSv1.2"], AES_256),
    # What the host says: c2s_ciphers, c2s_protocol_options.
    (5303, "ejabberd_c2s", "access: all", ["TLSv1.3", "TLSv1.2"], ALL[:2]),
    # What the host says: s2s_protocol_options, s2s_ciphers.
    (5304, "ejabberd_s2s_in", "access: all", ["TLSv1.2"], AES_256),
    (5305, "ejabberd_s2s_in", "protocol_options: [no_tlsv1_3]\n    ciphers: ECDHE+AES", ["TLSv1.2"], ALL[:2]),
    (5306, "ejabberd_service", "protocol_options: no_tlsv1_3\n    ciphers: ECDHE-ECDSA-AES256-GCM-SHA384\n    password: p",
     ["TLSv1.2"], AES_256),
    (5307, "ejabberd_http", "protocol_options: [no_tlsv1_2]", ["TLSv1.3"], []),
    (5308, "ejabberd_http", "ciphers: 'DEFAULT:!AES256'", ["TLSv1.3", "TLSv1.2"], ALL[1:]),
]
# Taken, said to be without effect, and without effect.
IDLE = [("ejabberd_c2s", "dhfile: {pem}"), ("ejabberd_c2s", "tls_compression: true"), ("ejabberd_c2s", "zlib: true"),
        ("ejabberd_s2s_in", "dhfile: {pem}"), ("ejabberd_s2s_in", "tls_compression: true"),
        ("ejabberd_service", "dhfile: {pem}"), ("ejabberd_service", "tls_compression: true"),
        ("ejabberd_http", "dhfile: {pem}"), ("ejabberd_http", "tls_compression: true")]
TOPLEVEL = ["s2s_dhfile: {pem}", "s2s_tls_compression: true", "s2s_zlib: true", "c2s_dhfile: {pem}",
            "c2s_tls_compression: true"]


class Server(world.Nightjar):
    def domains(self):
        return (self.signed,)

    def configured(self, text):
        listeners = "".join(
            f"  -\n    port: {port}\n    ip: \"{ADDRESS}\"\n    module: {module}\n    tls: true\n    {options}\n"
            for port, module, options, *_ in LISTENERS if options != "access: all")
        listeners += "".join(
            f"  -\n    port: {port}\n    ip: \"{ADDRESS}\"\n    module: {module}\n    tls: true\n"
            for port, module, options, *_ in LISTENERS if options == "access: all")
        listeners += (f"  -\n    port: 5310\n    ip: \"{ADDRESS}\"\n    module: ejabberd_c2s\n    max_stanza_elements: 40\n"
                      "    pre_auth_max_stanza_elements: 5\n    starttls_required: true\n"
                      f"  -\n    port: 5311\n    ip: \"{ADDRESS}\"\n    module: ejabberd_s2s_in\n"
                      "    max_stanza_elements: 40\n    pre_auth_max_stanza_elements: 5\n")
        # Its own clients connect to 5222 with what is left.
        options = ("c2s_ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES256-GCM-SHA384]\n"
                   "c2s_protocol_options: [no_sslv3, cipher_server_preference]\n"
                   "s2s_protocol_options: [no_tlsv1_3]\ns2s_ciphers: ECDHE-ECDSA-AES256-GCM-SHA384\n")
        return options + text.replace("listen:\n", "listen:\n" + listeners, 1)


async def stage():
    async with READY:
        if STAGE:
            return STAGE["server"]
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(FOLDER)
        authority = world.Authority(FOLDER)
        await NAMES.start()
        STAGE["server"] = await Server(authority, ADDRESS).start()
        return STAGE["server"]


async def spoken(port, version, ciphers=None):
    """The version and suite agreed on, or nothing."""
    asked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asked.check_hostname, asked.verify_mode = False, ssl.CERT_NONE
    asked.minimum_version = asked.maximum_version = version
    if ciphers:
        asked.set_ciphers(ciphers)
    try:
        _, writer = await asyncio.open_connection(ADDRESS, port, ssl=asked, server_hostname="signed.nightjar.test")
    except (ssl.SSLError, ConnectionError):
        return None
    agreed = writer.get_extra_info("ssl_object")
    said = agreed.version(), agreed.cipher()[0]
    writer.transport.abort()
    return said


@table(LISTENERS, lambda port, module, options, *_: f"{module} with {' '.join(options.split())} ({port})")
async def _(port, module, options, versions, suites):
    await stage()
    for version, name in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2")):
        said = await spoken(port, version)
        equal(said and said[0], name if name in versions else None, f"{name}: {said}")
    for suite in ALL:
        said = await spoken(port, ssl.TLSVersion.TLSv1_2, suite)
        equal(said, ("TLSv1.2", suite) if suite in suites else None)


@test("cipher_server_preference: the server's order of c2s_ciphers counts, else the client's does")
async def _():
    await stage()
    wishes = ":".join(ALL[:2])
    equal(await spoken(5303, ssl.TLSVersion.TLSv1_2, wishes), ("TLSv1.2", ALL[1]))
    equal(await spoken(5305, ssl.TLSVersion.TLSv1_2, wishes), ("TLSv1.2", ALL[0]))


async def checked(text):
    """What `nightjar check` says: its exit code, and what it found."""
    path = os.path.join(FOLDER, "checked.yml")
    with open(path, "w") as file:
        file.write(text)
    process = await asyncio.create_subprocess_exec(BINARY, "check", "--json", "--config", path,
                                                   stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found = json.loads(out)
    found = found if isinstance(found, list) else found.get("diagnostics", found)
    return process.returncode, found


@table([(f"    module: {module}\n    {line}", line) for module, line in IDLE] + [(None, line) for line in TOPLEVEL],
       lambda listener, line: f"{(listener or 'the top level').split()[-3 if listener else 0]} {line} has no effect, and that is said")
async def _(listener, line):
    server = await stage()
    line = line.format(pem=server.authority.path)
    name = line.split(":")[0]
    text = "hosts: [a.test]\n" + (f"listen:\n  -\n    port: 5555\n{listener}\n".format(pem=server.authority.path)
                                  if listener else line + "\n")
    _, found = await checked(text)
    told = [one for one in found if f"`{name}` has no effect" in one["message"]]
    assert len(told) == 1 and told[0]["severity"] == "warning" and told[0]["line"], found


@test("a setting that leaves nothing is refused with its place")
async def _():
    await stage()
    code, found = await checked("hosts: [a.test]\ns2s_ciphers: RC4-SHA\ns2s_protocol_options: [no_tlsv1_3]\n")
    errors = [(one["line"], one["column"], one["path"]) for one in found if one["severity"] == "error"]
    equal((code, errors), (1, [(2, 14, "s2s_ciphers")]), found)


def nested(count, ns):
    """A message of so many elements."""
    return f"<message xmlns='{ns}' to='a@signed.nightjar.test'>{'<a/>' * (count - 1)}</message>"


@table([(5310, "jabber:client"), (5311, "jabber:server")], lambda port, ns: f"{ns}: more elements than are allowed end the stream")
async def _(port, ns):
    server = await stage()

    async def fresh():
        made = Raw(*await asyncio.open_connection(ADDRESS, port))
        await made.write(f"<stream:stream xmlns='{ns}' xmlns:stream='{NS['stream']}' version='1.0' to='{server.signed}'>")
        await made.expect("stream:features")
        return made
    # What comes before authentication is not allowed anyway; its number of elements counts first.
    for count, why in ((5, "Use of STARTTLS required"), (6, None)):
        made = await fresh()
        await made.write(nested(count, ns))
        error = await made.expect("stream:error")
        assert error.find(q("error:policy-violation")) is not None, show(error)
        equal(error.findtext(q("error:text")), why, count)


@test("an authenticated client may send more elements, up to max_stanza_elements")
async def _():
    server = await stage()
    from clients import Slixmpp, registered_in_band

    class Here(Slixmpp):
        name, port = "here", 5310
    made = Here(await registered_in_band(ADDRESS, 5222, server.signed), host=ADDRESS)
    await made.start()
    await made.available()
    jid, child = made.jid, "<a xmlns='urn:x'/>"
    await made.write(f"<message xmlns='jabber:client' to='{jid}'>{child * 38}<body>forty</body></message>")
    await made.message("forty", 10)
    ended = asyncio.get_running_loop().create_future()
    made.client.add_event_handler("stream_error", lambda error: ended.done() or ended.set_result(error["condition"]))
    await made.write(f"<message xmlns='jabber:client' to='{jid}'>{child * 39}<body>more</body></message>")
    equal(await asyncio.wait_for(ended, 10), "policy-violation")


run(at_once=1)
