# server: none
# seconds: 240
"""A Nightjar as an Erlang node: Debian's own ejabberdctl, erl and epmd administer it."""
import asyncio
import os
import re
import shutil
import signal
import socket
import tempfile

from raw import account, online
from suite import BINARY, CONFIG, DOMAIN, HOME, HOST, PORT, equal, run, test, until

ERL, EPMD, EJABBERDCTL = "/usr/bin/erl", "/usr/bin/epmd", "/usr/sbin/ejabberdctl"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def output(*words, env, code=0, seconds=60):
    """What a program prints; its exit code is as said."""
    process = await asyncio.create_subprocess_exec(
        *words, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, cwd="/")
    out = (await asyncio.wait_for(process.communicate(), seconds))[0].decode(errors="replace")
    if code is not None:
        equal(process.returncode, code, f"{' '.join(words)}: {out}")
    return out


class Node:
    """A Nightjar with a name, and the folder, cookie and epmd port that go with it."""

    def __init__(self, name, epmd=None, **variables):
        self.folder = tempfile.mkdtemp(prefix="nightjar-erlang-")
        # ejabberdctl becomes the user ejabberd, who must get in.
        os.chmod(self.folder, 0o755)
        self.name = f"{name}@localhost"
        self.epmd = epmd or free_port()
        self.env = {**os.environ, "HOME": self.folder, "ERL_EPMD_PORT": str(self.epmd), **variables}

    async def start(self, home, config, *more):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = await asyncio.create_subprocess_exec(
            BINARY, "start", "--home", home, "--config", config, "--sname", self.name, *more, env=self.env,
            stdin=asyncio.subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.home = home
        await until(lambda: self.process.returncode is not None or b"is running" in self.said(), 30, "the node")
        equal(self.process.returncode, None, self.said().decode())
        self.cookie = open(os.path.join(self.folder, ".erlang.cookie")).read().strip()
        self.configure()
        return self

    def said(self):
        with open(os.path.join(self.folder, "log"), "rb") as file:
            return file.read()

    def configure(self, cookie=None):
        """The files that ejabberdctl reads."""
        self.conf = os.path.join(self.folder, "conf")
        os.makedirs(self.conf, exist_ok=True)
        shutil.copy("/etc/ejabberd/inetrc", self.conf)
        with open(os.path.join(self.conf, "ejabberdctl.cfg"), "w") as file:
            file.write(f"ERLANG_NODE={self.name}\nERL_OPTIONS=\"-setcookie {cookie or self.cookie}\"\n")
            if "ERL_DIST_PORT" in self.env:
                file.write(f"ERL_DIST_PORT={self.env['ERL_DIST_PORT']}\n")
        with open(os.path.join(self.conf, "ejabberd.yml"), "w") as file:
            file.write("hosts: [localhost]\n")
        self.spool = os.path.join(self.folder, "spool")
        os.makedirs(self.spool, exist_ok=True)
        for folder in (self.conf, self.spool):
            os.chmod(folder, 0o777)

    async def ctl(self, *words, code=0):
        """ejabberd's own ejabberdctl."""
        return await output(EJABBERDCTL, "--config-dir", self.conf, "--spool", self.spool, "--logs", self.spool, *words,
                            env=self.env, code=code)

    async def ctl_own(self, *words):
        """`nightjar ctl`"""
        return await output(BINARY, "ctl", "--home", self.home, *words, env=self.env)

    async def erl(self, expression, name=None, cookie=None, words=()):
        """What an Erlang expression is, in a node of its own."""
        own = name or f"t{os.urandom(4).hex()}@localhost"
        return (await output(ERL, "-sname", own, "-setcookie", cookie or self.cookie, *words, "-noinput", "-eval",
                             f'io:format("~p", [{expression}]), halt().', env=self.env)).strip()

    async def end(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 20)
        self.log.close()
        await output(EPMD, "-port", str(self.epmd), "-kill", env=self.env, code=None)
        shutil.rmtree(self.folder, ignore_errors=True)


_main = None


async def main():
    """The node most tests ask."""
    global _main
    if _main is None:
        _main = asyncio.ensure_future(Node("njmain").start(HOME, CONFIG))
    return await _main


@test("ejabberdctl: status, ping, started, help", seconds=120)
async def _():
    node = await main()
    out = await node.ctl("status")
    assert f"The node {node.name} is started with status: started" in out, out
    assert "pong" in await node.ctl("ping")
    await node.ctl("started")
    assert "connected_users_number" in await node.ctl("help", "commands")
    assert "register" in await node.ctl("help", "register")


@test("ejabberdctl: register, registered_users, connected_users, stats, unregister", seconds=120)
async def _():
    node = await main()
    assert "successfully registered" in await node.ctl("register", "tmpü", DOMAIN, "wörd")
    assert "already registered" in await node.ctl("register", "tmpü", DOMAIN, "wörd", code=1)
    assert "tmpü" in (await node.ctl("registered_users", DOMAIN)).split()
    one = await online(await account())
    assert one.jid in (await node.ctl("connected_users")).split()
    assert int((await node.ctl("stats", "registeredusers")).strip()) >= 2
    await node.ctl("unregister", "tmpü", DOMAIN)
    assert "tmpü" not in (await node.ctl("registered_users", DOMAIN)).split()


@test("ejabberdctl: wrong words and wrong arguments", seconds=90)
async def _():
    node = await main()
    assert "unknown command" in await node.ctl("registerr", code=1)
    assert "requires" in await node.ctl("register", "a", code=None)


@test("erl: ping, ejabberd_ctl:process, commands, what there isn't", seconds=120)
async def _():
    node = await main()
    equal(await node.erl(f"net_adm:ping('{node.name}')"), "pong")
    said = await node.erl(f"rpc:call('{node.name}', ejabberd_ctl, process, [[\"status\"]])")
    assert said.endswith("0") and "is running" in said, said
    equal(await node.erl(f"rpc:call('{node.name}', erlang, node, [])"), f"'{node.name}'" if "-" in node.name else node.name)
    equal(await node.erl(f"erpc:call('{node.name}', erlang, node, [])"), node.name)
    vhosts = await node.erl(f"rpc:call('{node.name}', ejabberd_admin, registered_vhosts, [])")
    assert DOMAIN in vhosts, vhosts
    for call in ("os, cmd, [\"id\"]", "file, read_file, [\"/etc/passwd\"]", "erlang, halt, []", "foo, bar, [1]"):
        said = await node.erl(f"rpc:call('{node.name}', {call})")
        assert "undef" in said, (call, said)
    equal(await node.erl(f"net_adm:ping('{node.name}')"), "pong")


@test("a wrong cookie is refused, and whoever goes on trying is locked out: row 98", seconds=120)
async def _():
    node = await Node("njlock").start(os.path.join(tempfile.mkdtemp(), "home"), await second_config())
    try:
        for _ in range(8):
            equal(await node.erl(f"net_adm:ping('{node.name}')", cookie="wrong", name="guesser@localhost"), "pang")
        assert b"cookie" in node.said(), node.said()[-800:]
        assert node.cookie.encode() not in node.said()
        node.configure(cookie="wrong")
        assert "nodedown" in await node.ctl("status", code=3)
    finally:
        await node.end()


async def second_config():
    """A node without clients."""
    path = os.path.join(tempfile.mkdtemp(), "ejabberd.yml")
    with open(path, "w") as file:
        file.write("hosts: [localhost]\nlisten: []\nmodules: {}\n")
    return path


@test("epmd knows a second node, and forgets one that went", seconds=90)
async def _():
    node = await main()
    other = await Node("njother", epmd=node.epmd).start(
        os.path.join(tempfile.mkdtemp(), "home"), await second_config())
    names = await output(EPMD, "-port", str(node.epmd), "-names", env=node.env)
    assert "name njmain at port" in names and "name njother at port" in names, names
    other.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(other.process.wait(), 20)
    names = await output(EPMD, "-port", str(node.epmd), "-names", env=node.env)
    assert "njmain" in names and "njother" not in names, names


@test("nightjar ctl --node asks over the distribution", seconds=60)
async def _():
    node = await main()
    empty = tempfile.mkdtemp()
    said = await output(BINARY, "ctl", "--home", empty, "--node", node.name, "status", env=node.env)
    assert "is started with status: started" in said, said
    equal((await output(BINARY, "ctl", "--home", empty, "--node", node.name, "ping", env=node.env)).strip(), "pong")
    said = await output(BINARY, "ctl", "--home", empty, "--node", "none@localhost", "status", env=node.env, code=3)
    assert "nodedown" in said, said


@test("ERL_DIST_PORT: a fixed port and no epmd", seconds=90)
async def _():
    port = free_port()
    node = await Node("njfixed", ERL_DIST_PORT=str(port)).start(
        os.path.join(tempfile.mkdtemp(), "home"), await second_config())
    try:
        assert "started" in await node.ctl("status")
        assert "Cannot connect" in await output(EPMD, "-port", str(node.epmd), "-names", env=node.env, code=None)
    finally:
        await node.end()


@test("TLS between nodes: both show a certificate of the node's authority, also after a restart", seconds=90)
async def _():
    home = os.path.join(tempfile.mkdtemp(), "home")
    node = await Node("njtls", ERL_OPTIONS="-proto_dist inet_tls").start(home, await second_config())
    try:
        ping = f"net_adm:ping('{node.name}')"
        words = ("-proto_dist", "inet_tls", "-ssl_dist_optfile", f"{home}/dist/ssl_dist.conf")
        equal(await node.erl(ping, words=words), "pong")
        said = await node.erl(f"rpc:call('{node.name}', ejabberd_ctl, process, [[\"status\"]])", words=words)
        assert said.endswith("0") and "is running" in said, said
        equal(await node.erl(ping), "pang", "without TLS")
        before = node.said().count(b"is running")
        await node.ctl_own("restart")
        await until(lambda: node.said().count(b"is running") > before, 30, "the node's second start")
        equal(await node.erl(ping, words=words), "pong", "after a restart")
        equal((await node.ctl_own("--node", node.name, "ping")).strip(), "pong", "nightjar ctl --node")
    finally:
        await node.end()


@test("nightjar epmd: Debian's epmd asks it and ends it", seconds=60)
async def _():
    port = free_port()
    env = {**os.environ, "ERL_EPMD_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(BINARY, "epmd", env=env, stdin=asyncio.subprocess.DEVNULL)
    for _ in range(100):
        said = await output(EPMD, "-port", str(port), "-names", env=env, code=None)
        if "up and running" in said:
            break
        await asyncio.sleep(0.05)
    assert "up and running" in said, said
    erl = await output(ERL, "-sname", "guest@localhost", "-noinput", "-eval",
                       'io:format("~p", [erl_epmd:names("localhost")]), halt().', env=env)
    assert '"guest"' in erl, erl
    assert "Killed" in await output(EPMD, "-port", str(port), "-kill", env=env)
    equal(await asyncio.wait_for(process.wait(), 10), 0)


@test("malformed handshakes and epmd requests leave the node unharmed", seconds=60)
async def _():
    node = await main()
    names = await output(EPMD, "-port", str(node.epmd), "-names", env=node.env)
    port = int(re.search(r"njmain at port (\d+)", names)[1])
    noise = (b"", b"\x00", b"\xff\xff" + b"n" * 70000, b"\x00\x05n\x00\x05\x00\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00",
             b"\x00\x15N" + b"\xff" * 20, b"\x00\x01k", b"\x00\x06sx" + b"\x00" * 4)
    for where in (port, node.epmd):
        for data in noise:
            if data == b"\x00\x01k" and where == node.epmd:
                continue
            reader, writer = await asyncio.open_connection(HOST, where)
            writer.write(data)
            try:
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 15)
            except OSError:
                pass
            writer.close()
    # So much noise has locked this address out for a while; the node itself goes on.
    for _ in range(20):
        if await node.erl(f"net_adm:ping('{node.name}')") == "pong":
            return
        await asyncio.sleep(1)
    raise AssertionError(node.said()[-1500:].decode())


@test("ejabberdctl: stop and stopped", seconds=120)
async def _():
    node = await Node("njstop").start(os.path.join(tempfile.mkdtemp(), "home"), await second_config())
    try:
        await node.ctl("stop")
        equal(await asyncio.wait_for(node.process.wait(), 20), 0)
        await node.ctl("stopped")
    finally:
        await node.end()


@test("the end of the first node", seconds=60)
async def _():
    node = await main()
    await node.end()


run(at_once=1)
