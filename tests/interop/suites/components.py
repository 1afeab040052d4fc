# server: components.yml.in
# seconds: 120
"""External components (XEP-0114): slixmpp's over TCP and over TLS, and components that say what they shouldn't."""
import asyncio
import hashlib
import os

from component import PORT, TLS_PORT, component
from raw import NS, Account, Raw, context, error_condition, online, q, show
from suite import CONFIG, DOMAIN, HOST, ctl, equal, run, table, test, unique

ACCEPT = "jabber:component:accept"
NS["component"] = ACCEPT


class RawComponent(Raw):
    """A component that says exactly what it is told."""

    @classmethod
    async def dial(cls, to, port=PORT):
        """`port`: a number, or the path of a UNIX socket."""
        tls = context() if port == TLS_PORT else None
        dialled = (asyncio.open_connection(HOST, port, ssl=tls) if isinstance(port, int)
                   else asyncio.open_unix_connection(port))
        client = cls(*await dialled)
        client.domain = f"{to}.{DOMAIN}"
        await client.write(f"<stream:stream xmlns='{ACCEPT}' xmlns:stream='{NS['stream']}' to='{client.domain}'>")
        return client

    async def id(self):
        while self.header is None:
            await asyncio.wait_for(self._header(), 5)
        return self.header["id"]

    async def _header(self):
        data = await self.reader.read(65536)
        assert data, "the stream ended before its header"
        self.parser.feed(data)
        for kind, element in self.parser.read_events():
            if kind == "start":
                self.depth += 1
                if self.depth == 1:
                    self.header, self.root = dict(element.attrib), element

    async def prove(self, secret=None):
        proof = hashlib.sha1((await self.id() + (secret or f"secret of {self.domain.split('.')[0]}")).encode()).hexdigest()
        await self.write(f"<handshake>{proof}</handshake>")
        return self

    async def admitted(self):
        await self.expect("component:handshake")
        return self


async def raw_component(name, secret=None, port=PORT):
    return await (await (await RawComponent.dial(name, port)).prove(secret)).admitted()


@table([("plain", PORT), ("tls", TLS_PORT)], lambda name, _: f"slixmpp's component over {name} answers IQs and messages")
async def _(name, port):
    service = await component(name, None if port == PORT else "secret of all", port)
    client = await online()
    equal((await client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"{name}.{DOMAIN}")).get("type"), "result")
    info = await client.iq("get", f"<query xmlns='{NS['disco']}'/>", to=f"{name}.{DOMAIN}")
    assert "of this test" in show(info), show(info)
    body = unique()
    await client.message(f"anybody@{name}.{DOMAIN}/there", body)
    back = await client.body(body)
    equal(back.get("from"), f"anybody@{name}.{DOMAIN}/there")
    await service.stop()


@test("a component's domain is gone with it")
async def _():
    service = await raw_component("other")
    service.abort()
    client = await online()

    async def gone():
        answer = await client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"other.{DOMAIN}")
        return answer.get("type") == "error" and error_condition(answer)[1].startswith("remote-server-")
    for _ in range(100):
        if await gone():
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the domain is still there")


@test("a wrong secret is not-authorized")
async def _():
    service = await RawComponent.dial("plain")
    await service.prove("wrong")
    await service.stream_error("not-authorized")


@test("a domain that nobody may serve is host-unknown, and a host's own a conflict")
async def _():
    await (await RawComponent.dial("nobody")).stream_error("host-unknown")
    service = RawComponent(*await asyncio.open_connection(HOST, PORT))
    await service.write(f"<stream:stream xmlns='{ACCEPT}' xmlns:stream='{NS['stream']}' to='{DOMAIN}'>")
    await service.stream_error("conflict")


@table([(f"x@{DOMAIN}",), ("x@example.net",), (f"plain.{DOMAIN}.example.net",), (f"unrouted.{DOMAIN}",)],
       lambda sender: f"row 65: a component that sends as {sender.replace(DOMAIN, 'HOST')} is cut")
async def _(sender):
    victim = await online()
    service = await raw_component("other")
    await service.write(f"<message from='{sender}' to='{victim.jid}'><body>spoofed</body></message>")
    await service.stream_error("invalid-from")
    assert not [e for e in await victim.until_pong() if e.tag == q("message")]


@test("with check_from off a component may send as anybody")
async def _():
    client = await online()
    service = await raw_component("free", "secret of all", TLS_PORT)
    await service.write(f"<message from='somebody@example.net/x' to='{client.jid}' type='chat'><body>as another</body></message>")
    equal((await client.body("as another")).get("from"), "somebody@example.net/x")
    service.abort()


@table([("from",), ("to",)], lambda missing: f"a stanza without '{missing}' is improper-addressing")
async def _(missing):
    service = await raw_component("other")
    attributes = {"from": f"other.{DOMAIN}", "to": DOMAIN}
    del attributes[missing]
    written = " ".join(f"{name}='{value}'" for name, value in attributes.items())
    await service.write(f"<message {written}/>")
    await service.stream_error("improper-addressing")


@test("row 23: DTDs, comments and instructions end a component's stream")
async def _():
    for xml in ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "<!-- x -->", "<?x y?>"):
        service = await raw_component("other")
        await service.write(xml)
        await service.stream_error("restricted-xml")


@test("whom the access rule denies does not reach components")
async def _():
    await ctl("register", "spammer", DOMAIN, "pw")
    spammer = await online(Account("spammer", "pw"))
    service = await component("plain")
    answer = await spammer.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"plain.{DOMAIN}")
    equal(error_condition(answer)[1], "not-allowed")
    await service.stop()


@test("over a UNIX socket, with global_routes: one component gets all domains of its listener")
async def _():
    path = os.path.join(os.path.dirname(CONFIG), "components.sock")
    equal(os.stat(path).st_mode & 0o777, 0o600, "mode of the socket")
    service = await raw_component("first", None, path)
    client = await online()
    for name in ("first", "second"):
        await client.message(f"{name}.{DOMAIN}", f"for {name}")
        got = await service.expect("component:message")
        equal(got.get("to"), f"{name}.{DOMAIN}")
        await service.write(f"<message from='{name}.{DOMAIN}' to='{client.jid}'><body>from {name}</body></message>")
        await client.body(f"from {name}")
    service.abort()


@test("a stanza beyond max_stanza_size ends a component's stream")
async def _():
    service = await raw_component("free", "secret of all", TLS_PORT)
    await service.write(f"<message from='free.{DOMAIN}' to='x@{DOMAIN}'><body>{'x' * 20_000}</body></message>")
    await service.stream_error("policy-violation")


@test("two components share a domain by the bare address of who sends; a third is refused")
async def _():
    services = [await raw_component("shared") for _ in range(2)]
    third = await RawComponent.dial("shared")
    await third.prove()
    await third.stream_error("conflict")
    seen = [{}, {}]
    for _ in range(12):
        client = await online()
        for resource in range(3):
            await client.message(f"shared.{DOMAIN}/{resource}", client.account.user)
        bodies = []
        pending = [asyncio.ensure_future(service.read(5)) for service in services]
        while len(bodies) < 3:
            done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            assert done, "a message came to neither"
            for place, task in enumerate(pending):
                if task in done:
                    bodies.append(place)
                    equal(task.result().findtext(q("component:body")), client.account.user)
                    pending[place] = asyncio.ensure_future(services[place].read(5))
        for task in pending:
            task.cancel()
        equal(len(set(bodies)), 1, "components that one account's messages came to")
        seen[bodies[0]][client.account.user] = True
        client.abort()
    assert all(seen), "one component got all"
    for service in services:
        service.abort()


@test("a component that reads nothing is cut, and its senders are told")
async def _():
    service = await raw_component("slow")
    client = await online()
    big = "x" * 60_000
    refused = 0
    for number in range(400):
        await client.message(f"slow.{DOMAIN}", big, id_=f"m{number}")
    for element in await client.until_pong():
        if element.get("type") == "error":
            refused += 1
            assert error_condition(element)[1] in ("resource-constraint", "remote-server-not-found"), show(element)
    assert refused > 0
    # send_timeout: it is not waited for any longer.
    for _ in range(200):
        answer = await client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=f"slow.{DOMAIN}", seconds=20)
        if error_condition(answer)[1].startswith("remote-server-"):
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the component is still there")
    service.abort()


run(at_once=1)
