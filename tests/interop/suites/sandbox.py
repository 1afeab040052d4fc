# server: none
# seconds: 120
"""What a node gives up at start: root's rights, files, system calls. And what it tells systemd."""
import asyncio
import os
import shutil
import socket
import stat
import tempfile

from suite import BINARY, equal, run, test, until

AS_ROOT = os.geteuid() == 0
# There on every Debian, and nobody's file is any of the node's.
STRANGER = "nobody:nogroup"
CONFIGURATION = """\
hosts: [localhost]
listen:
  - {module: ejabberd_c2s, port: PORT, ip: "127.0.0.1", starttls_required: true}
modules:
  mod_roster: {}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Node:
    """A node with a folder, configuration and port of its own."""

    def __init__(self, configuration=CONFIGURATION):
        self.folder = tempfile.mkdtemp(prefix="nightjar-sandbox-")
        os.chmod(self.folder, 0o755)
        self.home = f"{self.folder}/home"
        self.config = f"{self.folder}/conf/ejabberd.yml"
        os.mkdir(f"{self.folder}/conf")
        self.port = free_port()
        self.write(configuration)
        self.process = None

    def write(self, configuration):
        with open(self.config, "w") as file:
            file.write(configuration.replace("PORT", str(self.port)).replace("DIR", self.folder))

    async def launch(self, *arguments, allow_root=True, shell=None, **more):
        environment = {name: value for name, value in os.environ.items() if name != "NIGHTJAR_ALLOW_ROOT"}
        if allow_root:
            environment["NIGHTJAR_ALLOW_ROOT"] = "1"
        environment.update(more.pop("environment", {}))
        words = [BINARY, "start", "--home", self.home, "--config", self.config, *arguments]
        if shell:
            words = ["bash", "-c", shell, *words]
        self.log = open(f"{self.folder}/log", "a+")
        self.process = await asyncio.create_subprocess_exec(
            *words, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=self.log, stderr=self.log, **more)

    async def start(self, *arguments, **more):
        await self.launch(*arguments, **more)
        await self.serves()

    async def refuses(self, *arguments, **more):
        """The node ends at once; what it said."""
        await self.launch(*arguments, **more)
        code = await asyncio.wait_for(self.process.wait(), 20)
        equal(code, 1, f"the exit code; {self.said()}")
        return self.said()

    async def serves(self):
        for _ in range(400):
            assert self.process.returncode is None, f"the node ended: {self.said()}"
            if await self.greeting():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the node serves nobody: {self.said()}")

    async def greeting(self):
        """What a client is told first; nothing if nobody listens."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"<stream:stream xmlns='jabber:client' to='localhost' version='1.0'"
                         b" xmlns:stream='http://etherx.jabber.org/streams'>")
            text = await asyncio.wait_for(reader.readuntil(b"</stream:features>"), 5)
            writer.close()
            return text.decode()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            return ""

    async def ctl(self, *words):
        process = await asyncio.create_subprocess_exec(
            BINARY, "ctl", "--home", self.home, *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    async def restart(self):
        """Restarts; the process stays the same."""
        before = self.said().count("started version=")
        code, out = await self.ctl("restart")
        equal(code, 0, out)
        await until(lambda: self.said().count("started version=") > before, 20, "the restart")
        await self.serves()

    def status(self, field):
        """What all threads have in /proc/PID/status, as a set."""
        found = set()
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{thread}/status") as file:
                found.update(line.split(":")[1].strip() for line in file if line.startswith(field + ":"))
        return found

    def said(self):
        with open(f"{self.folder}/log") as file:
            return file.read()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        if self.process and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except asyncio.TimeoutError:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@test("a node is limited: privileges, system calls, core dumps")
async def _():
    async with Node() as node:
        await node.start()
        equal(node.status("NoNewPrivs"), {"1"}, "no_new_privs of all threads")
        equal(node.status("Seccomp"), {"2"}, "seccomp of all threads")
        with open(f"/proc/{node.process.pid}/limits") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        equal(core.split()[4:6], ["0", "0"], "core dumps")
        assert "sandbox: files are limited" in node.said() or "sandbox: files aren't limited" in node.said()


@test("files outside are out of reach, and the node serves and says why")
async def _():
    async with Node() as node:
        await node.start()
        if "files aren't limited" in node.said():
            return
        outside = f"{node.folder}/outside"
        os.mkdir(outside)
        with open(f"{outside}/shadow.yml", "w") as file:
            file.write("language: de\n")
        code, out = await node.ctl("dump_config", f"{outside}/dump.yml")
        assert code != 0 and "--writable" in out and os.listdir(outside) == ["shadow.yml"], out
        equal((await node.ctl("dump_config", f"{node.home}/dump.yml"))[0], 0)

        node.write(CONFIGURATION + "include_config_file: [\"DIR/outside/shadow.yml\"]\n")
        for command in ("reload_config", "restart"):
            code, out = await node.ctl(command)
            assert code != 0 and "shadow.yml" in out, f"{command}: {out}"
        node.write(CONFIGURATION + "certfiles: [\"DIR/outside/*.pem\"]\n")
        shutil.copy(f"{node.home}/self-signed.pem", f"{outside}/new.pem")
        code, out = await node.ctl("restart")
        assert code != 0 and "outside" in out, out
        assert "starttls" in await node.greeting()
        node.write(CONFIGURATION)
        equal((await node.ctl("reload_config"))[0], 0)


@test("reload and restart work in the sandbox, which grows no thicker", 60)
async def _():
    async with Node() as node:
        await node.start()
        pid, filters = node.process.pid, node.status("Seccomp_filters")
        equal((await node.ctl("register", "alice", "localhost", "pw"))[0], 0)
        second = free_port()
        listener = f"  - {{module: ejabberd_c2s, port: {second}, ip: \"127.0.0.1\"}}\nmodules:"
        node.write(CONFIGURATION.replace("modules:", listener))
        equal((await node.ctl("reload_config"))[0], 0)
        socket.create_connection(("127.0.0.1", second), 5).close()
        for _ in range(3):
            await node.restart()
        equal(node.process.pid, pid)
        equal(node.status("Seccomp_filters"), filters)
        equal(node.status("NoNewPrivs"), {"1"})
        equal(node.status("Name") & {"exe"}, set(), "the name")
        equal((await node.ctl("registered_users", "localhost"))[1].split(), ["alice"])


@test("--no-sandbox limits nothing, and a variable can't pretend that it is there")
async def _():
    async with Node() as node:
        await node.start("--no-sandbox")
        equal(node.status("Seccomp"), {"0"})
        assert "--no-sandbox" in node.said()
    async with Node() as node:
        await node.start(environment={"NIGHTJAR_SANDBOXED": "1"})
        equal(node.status("Seccomp"), {"2"})


@test("--writable opens a folder to commands")
async def _():
    async with Node() as node:
        backup = f"{node.folder}/backup"
        os.mkdir(backup)
        await node.start("--writable", backup)
        equal((await node.ctl("dump_config", f"{backup}/dump.yml"))[0], 0)
        equal(stat.S_IMODE(os.stat(f"{backup}/dump.yml").st_mode), 0o600)


@test("files open to others are closed; what isn't ours to change stops the start")
async def _():
    async with Node() as node:
        os.chmod(node.config, 0o644)
        os.mkdir(node.home, 0o755)
        with open(f"{node.home}/secret", "wb") as file:
            file.write(os.urandom(32))
        os.chmod(f"{node.home}/secret", 0o644)
        elsewhere = f"{node.folder}/elsewhere"
        with open(elsewhere, "w") as file:
            file.write("")
        os.chmod(elsewhere, 0o644)
        os.link(elsewhere, f"{node.home}/planted")
        said = await node.refuses()
        assert f"run: chmod go= {node.home}/planted" in said, said
        equal(stat.S_IMODE(os.stat(elsewhere).st_mode), 0o644)
        await node.start("--allow-exposed-files")
        for path, mode in ((node.config, 0o600), (node.home, 0o700), (f"{node.home}/secret", 0o600)):
            equal(stat.S_IMODE(os.stat(path).st_mode), mode, path)


@test("root is refused with a configuration, and told what to do")
async def _():
    async with Node() as node:
        if AS_ROOT:
            said = await node.refuses(allow_root=False)
            assert "--user NAME" in said and "--allow-root" in said, said
            assert not os.path.exists(node.home)
        else:
            await node.start(allow_root=False)
            said = await node.refuses("--user", STRANGER, "--home", f"{node.folder}/other")
            assert "only root can become" in said, said


@test("--user: no thread keeps root's rights, and low ports survive a restart", 60)
async def _():
    async with Node() as node:
        if not AS_ROOT:
            assert "only root can become" in await node.refuses("--user", STRANGER)
            return
        low = next(port for port in range(600, 1024) if is_free(port))
        more = f"  - {{module: ejabberd_c2s, port: {low}, ip: \"127.0.0.1\"}}\nmodules:"
        node.write(CONFIGURATION.replace("modules:", more))
        os.chmod(node.config, 0o600)
        said = await node.refuses("--user", STRANGER, allow_root=False)
        assert "can't be read by this user; run: chgrp" in said, said
        shutil.chown(node.config, group="nogroup")
        os.chmod(node.config, 0o640)
        await node.start("--user", STRANGER, allow_root=False)
        equal(node.status("Uid"), {"65534\t65534\t65534\t65534"})
        equal(node.status("Gid"), {"65534\t65534\t65534\t65534"})
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            equal(node.status(kind), {"0" * 16}, kind)
        for name in os.listdir(node.home):
            equal(os.stat(f"{node.home}/{name}").st_uid, 65534, name)
        await node.restart()
        socket.create_connection(("127.0.0.1", low), 5).close()
        with open(node.config) as file:
            before = file.read()
        other = next(port for port in range(low + 1, 1024) if is_free(port))
        with open(node.config, "w") as file:
            file.write(before.replace(str(low), str(other)))
        code, out = await node.ctl("reload_config")
        assert code != 0 and "AmbientCapabilities" in out, out


def is_free(port):
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


@test("systemd is told: ready, alive, reloading, stopping", 60)
async def _():
    async with Node() as node:
        path = f"{node.folder}/notify"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.setblocking(False)
        heard = []

        async def listen():
            loop = asyncio.get_running_loop()
            while True:
                heard.extend((await loop.sock_recv(listener, 4096)).decode().splitlines())

        task = asyncio.create_task(listen())
        await node.start(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        await until(lambda: heard.count("WATCHDOG=1") > 2, what="the watchdog's ping")
        assert heard.index("READY=1") < heard.index("WATCHDOG=1"), heard
        equal(heard.count("READY=1"), 1)
        equal((await node.ctl("reload_config"))[0], 0)
        await until(lambda: heard.count("READY=1") == 2, what="the end of the reload")
        assert "RELOADING=1" in heard and any(line.startswith("MONOTONIC_USEC=") for line in heard), heard
        await node.restart()
        await until(lambda: heard.count("READY=1") == 3, what="the end of the restart")
        node.process.terminate()
        await until(lambda: "STOPPING=1" in heard, what="the stop")
        await node.process.wait()
        task.cancel()


@test("sockets of systemd are used, also after a restart", 60)
async def _():
    async with Node() as node:
        with socket.socket() as given:
            given.bind(("127.0.0.1", node.port))
            given.listen(16)
            # A client that comes before the node does is served by it.
            early = socket.create_connection(("127.0.0.1", node.port), 5)
            number = given.fileno()
            os.set_inheritable(number, True)
            shell = f'exec 3<&{number}; LISTEN_PID=$$ exec "$0" "$@"'
            await node.start(shell=shell, pass_fds=[number],
                             environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "c2s"})
        early.close()
        await node.restart()
        assert "starttls" in await node.greeting()
        node.port = free_port()
        node.write(CONFIGURATION)
        await node.restart()
        assert "nothing in the configuration listens there" in node.said()


run()
