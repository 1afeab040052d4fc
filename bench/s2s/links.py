"""Links between servers under load: ejabberd, Prosody and Nightjar in turn, each alone in a network of its own, with a
neighbour that costs the machine next to nothing. `cargo xtask bench s2s` makes what it needs and runs it.

The neighbour answers for every domain under remote.test: it takes whatever key of dialback it is given, says of each of
its own keys that it is valid, counts messages by their closing tags, and sends messages that were made beforehand."""
import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../tests/interop/lib")]
os.environ.update(NJ_HOST="127.0.0.1", NJ_PORT_C2S="5222", NJ_DOMAIN="local.test")
os.environ.pop("NJ_BIN", None)

import world

world.enter()

import raw
import report

WORKS = ("chat", "idle", "nxdomain", "silent")
PEERS = ("ejabberd", "prosody", "nightjar")
LOCAL, REMOTE, FAR = "local.test", "remote.test", "127.0.1.9"
CLIENTS = 10
BODY = "b" * 100
STREAM = "xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' xmlns:db='jabber:server:dialback'"
TICK = os.sysconf("SC_CLK_TCK")


class Names(asyncio.DatagramProtocol):
    """A name server that answers from bytes alone: addresses under remote.test, nothing under silent.test, and that no
    other name exists."""

    async def start(self):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(world.NAME_SERVER, 53))

    def datagram_received(self, data, address):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].lower())
            at += 1 + data[at]
        kind, question = struct.unpack_from(">H", data, at + 1)[0], data[12:at + 5]
        name = b".".join(labels)
        if name.endswith(b"silent.test"):
            return
        found = b""
        exists = name.endswith(REMOTE.encode())
        if exists and kind == 1:
            found = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 300, 4) + bytes(map(int, FAR.split(".")))
        elif exists and kind == 33 and labels[0] == b"_xmpp-server":
            target = b"".join(bytes([len(label)]) + label for label in labels[2:]) + b"\0"
            found = b"\xc0\x0c" + struct.pack(">HHIHHHH", 33, 1, 300, 6 + len(target), 10, 5, 5269) + target
        flags = 0x8580 if exists else 0x8583
        self.transport.sendto(data[:2] + struct.pack(">HHHHH", flags, 1, bool(found), 0, 0) + question + found, address)


class Neighbour(asyncio.Protocol):
    """One connection that the server under test opened."""
    messages, opened = 0, {}

    def connection_made(self, transport):
        self.transport, self.rest, self.header = transport, b"", False

    def data_received(self, data):
        data = self.rest + data
        if not self.header:
            self.greet(data)
        # Prosody asks about keys over the stream that it sends stanzas on, so they may come at any time.
        if b"<db:" in data:
            self.answer(data)
        Neighbour.messages += data.count(b"</message>")
        tail = data[data.rfind(b"<"):]
        self.rest = b"" if b">" in tail else tail

    def greet(self, data):
        if found := re.search(rb"<stream:stream[^>]*>", data):
            self.header, domain = True, attribute(found[0], "to")
            self.transport.write(f"<?xml version='1.0'?><stream:stream {STREAM} id='{id(self)}' from='{domain}' "
                                 f"to='{LOCAL}' version='1.0'><stream:features>"
                                 "<dialback xmlns='urn:xmpp:features:dialback'/></stream:features>".encode())

    def answer(self, data):
        """Says yes to all keys."""
        for found in re.finditer(rb"<db:(result|verify)\s[^>]*>", data):
            tag = found[0]
            name, id_ = found[1].decode(), attribute(tag, "id")
            extra = f" id='{id_}'" if name == "verify" else ""
            self.transport.write(f"<db:{name} from='{attribute(tag, 'to')}' to='{attribute(tag, 'from')}'{extra} "
                                 "type='valid'/>".encode())
            if name == "result":
                Neighbour.opened[attribute(tag, "to")] = time.monotonic()


def attribute(tag, name):
    found = re.search(rf"\s{name}=['\"]([^'\"]*)".encode(), tag)
    return found[1].decode() if found else None


async def call_in():
    """A stream of remote.test to the server under test, authorised by dialback."""
    reader, writer = await asyncio.open_connection("127.0.0.1", 5269)
    writer.write(f"<?xml version='1.0'?><stream:stream {STREAM} from='{REMOTE}' to='{LOCAL}' version='1.0'>".encode())
    await asyncio.wait_for(reader.readuntil(b"</stream:features>"), 10)
    writer.write(f"<db:result from='{REMOTE}' to='{LOCAL}'>{'a' * 64}</db:result>".encode())
    answer = b""
    while b"<db:result" not in answer or b">" not in answer[answer.index(b"<db:result"):]:
        answer += await asyncio.wait_for(reader.read(65536), 10)
        assert answer and b"stream:error" not in answer, answer
    assert b"valid" in answer and b"invalid" not in answer, answer
    return writer


class Server:
    """The server under test."""

    def __init__(self, kind):
        self.kind, self.folder = kind, os.path.join(OPTIONS.home, "s2s", kind)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        authority = world.Authority(self.folder)
        self.certificate = authority.certify("server.pem", LOCAL)

    def command(self):
        def written(template):
            path = os.path.join(self.folder, template.removesuffix(".in"))
            with open(os.path.join(HERE, template)) as source, open(path, "w") as out:
                out.write(source.read().replace("{home}", self.folder).replace("{certificate}", self.certificate))
            return path
        if self.kind == "prosody":
            return ["prosody", "--config", written("prosody.cfg.lua.in"), "-F"], {}
        config = written("ejabberd.yml.in")
        if self.kind == "nightjar":
            return [OPTIONS.nightjar, "start", "--home", f"{self.folder}/state", "--config", config], {"NIGHTJAR_ALLOW_ROOT": "1"}
        libraries = next(entry.path for entry in os.scandir("/usr/lib") if entry.is_dir()
                         and any(name.startswith("ejabberd-") for name in os.listdir(entry.path)))
        switches = "+K true +P 250000 +sbwt none +sbwtdcpu none +sbwtdio none +Bd -noinput".split()
        return (["erl", *switches, "-mnesia", "dir", f'"{self.folder}/spool"', "-ejabberd", "quiet", "true", "-s", "ejabberd"],
                {"ERL_LIBS": libraries, "EJABBERD_CONFIG_PATH": config, "HOME": self.folder,
                 "EJABBERD_LOG_PATH": f"{self.folder}/ejabberd.log", "ERL_CRASH_DUMP": f"{self.folder}/crash.dump"})

    async def start(self):
        command, env = self.command()
        with open(f"{self.folder}/out.log", "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, **env}, cwd=self.folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            assert self.process.returncode is None, f"{self.kind} ended: see {self.folder}/out.log"
            try:
                for port in (5222, 5269):
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                return
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.kind} did not start")

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), 15)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()

    def tree(self):
        """The last fields of `stat` for the process and its children, by process."""
        stats = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    stats[int(pid)] = file.read().rpartition(")")[2].split()
            except OSError:
                pass
        found = [self.process.pid]
        for pid in found:
            found += [child for child, stat in stats.items() if int(stat[1]) == pid]
        return {pid: stats[pid] for pid in found}

    def cpu(self):
        """Seconds."""
        return sum(sum(map(int, stat[11:15])) for stat in self.tree().values()) / TICK

    def memory(self):
        """Resident MiB."""
        return sum(int(stat[21]) for stat in self.tree().values()) * os.sysconf("SC_PAGESIZE") / 1048576


async def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        await asyncio.sleep(0.001)


def message(to, sender=None):
    by = f" from='{sender}'" if sender else ""
    return f"<message{by} to='{to}' type='chat' id='m1'><body>{BODY}</body></message>".encode()


class Inbox:
    """Counts what the local clients get."""

    def __init__(self, clients):
        self.count = 0
        self.tasks = [asyncio.ensure_future(self.read(client.reader)) for client in clients]

    async def read(self, reader):
        rest = b""
        while data := await reader.read(1 << 18):
            data = rest + data
            self.count += data.count(b"</message>")
            rest = b"" if data.endswith(b"</message>") else data[-9:]


async def load(server, window, send, received):
    """Keeps `window` messages of each client on the way; what one costs in µs of CPU, and how many passed a second."""
    sent, before = 0, received()
    for measured in (False, True):
        started, cpu, start = time.monotonic(), server.cpu(), received()
        while time.monotonic() - started < (OPTIONS.seconds if measured else 1.5):
            send(window)
            sent += window * CLIENTS
            await until(lambda: received() - before >= sent - window * CLIENTS // 2)
        spent, count, took = server.cpu() - cpu, received() - start, time.monotonic() - started
    await until(lambda: received() - before >= sent)
    return {"cpu_us": round(spent / count * 1e6, 2), "per_second": round(count / took)}


async def chat(server, clients, results):
    inbox = Inbox(clients)
    inward = await call_in()

    def outwards(window):
        for number, client in enumerate(clients):
            client.writer.write(message(f"far{number}@{REMOTE}") * window)

    def inwards(window):
        inward.write(b"".join(message(client.jid, f"far@{REMOTE}/r") for client in clients) * window)

    for window in (1, 16):
        results[f"out {window}"] = await load(server, window, outwards, lambda: Neighbour.messages)
        results[f"in {window}"] = await load(server, window, inwards, lambda: inbox.count)


async def idle(server, client, count):
    """Resident KiB that a link to one more domain takes."""
    client.writer.write(message(f"far@d0.{REMOTE}"))
    await until(lambda: f"d0.{REMOTE}" in Neighbour.opened)
    await asyncio.sleep(3)
    before, cpu = server.memory(), server.cpu()
    for number in range(1, count + 1):
        client.writer.write(message(f"far@d{number}.{REMOTE}"))
        if number % 20 == 0:
            await asyncio.sleep(0.02)
    try:
        await until(lambda: sum(name.startswith("d") for name in Neighbour.opened) > count, 60)
    except AssertionError:
        pass
    cpu = server.cpu() - cpu
    least = float("inf")
    for _ in range(8):
        await asyncio.sleep(1)
        least = min(least, server.memory())
    made = sum(name.startswith("d") for name in Neighbour.opened) - 1
    return {"links": made, "kib_per_link": round((least - before) * 1024 / max(made, 1), 1),
            "cpu_ms_per_link": round(cpu * 1000 / max(made, 1), 2)}


async def failing(server, client, zone, count):
    """What messages to so many domains that can't be found cost, and how long others wait meanwhile."""
    loop_before, cpu = server.memory(), server.cpu()
    most, delays, new_links = 0, [], []
    async def write():
        for number in range(count):
            client.writer.write(message(f"far@x{number}.{zone}.test"))
            if number % 100 == 0:
                await client.writer.drain()
                await asyncio.sleep(0)
    writing = asyncio.ensure_future(write())
    end, number = time.monotonic() + 15, 0
    late = 0
    while time.monotonic() < end:
        number += 1
        # By the sender's own connection it would wait behind the 10,000, so another client's is used.
        for to, list_ in ((REMOTE, delays), (f"{zone}{number}.{REMOTE}", new_links)):
            sent, had = time.monotonic(), Neighbour.messages
            server.second.writer.write(message(f"far@{to}"))
            try:
                await until(lambda: Neighbour.messages > had, 20)
            except AssertionError:
                late += 1
            list_.append((time.monotonic() - sent) * 1000)
        most = max(most, server.memory())
        await asyncio.sleep(0.1)
    await writing
    return {"growth_mib": round(most - loop_before, 1), "cpu_s": round(server.cpu() - cpu, 2), "unanswered": late,
            "known_ms": median_most(delays), "new_ms": median_most(new_links)}


def median_most(values):
    return {"median": round(sorted(values)[len(values) // 2], 1), "most": round(max(values), 1), "count": len(values)}


async def measure(kind):
    server, results = Server(kind), {}
    Neighbour.opened.clear()
    await server.start()
    try:
        clients = [await raw.online(tls="none") for _ in range(CLIENTS)]
        server.second = clients[1]
        works = {"chat": lambda: chat(server, clients, results),
                 "idle": lambda: keep("idle", idle(server, clients[0], 500)),
                 "nxdomain": lambda: keep("nxdomain", failing(server, clients[0], "nx", 10_000)),
                 "silent": lambda: keep("silent", failing(server, clients[0], "silent", 10_000))}

        async def keep(name, work):
            results[name] = await work

        for name, work in works.items():
            if name in OPTIONS.only:
                try:
                    await work()
                except Exception as error:
                    results.setdefault("failed", {})[name] = repr(error)[:300]
                print(f"  {kind}, {name}: {json.dumps(results)}", file=sys.stderr, flush=True)
    finally:
        await server.stop()
    return results


async def main():
    await Names().start()
    await asyncio.get_running_loop().create_server(Neighbour, FAR, 5269, backlog=1024)
    rounds, load = [], report.load_average()
    for number in range(1, OPTIONS.rounds + 1):
        print(f"round {number} of {OPTIONS.rounds}", file=sys.stderr, flush=True)
        results = {}
        for kind in OPTIONS.peers:
            try:
                results[kind] = await measure(kind)
            except Exception as error:
                results[kind] = {"failed": {"start": repr(error)[:300]}}
        rounds.append(results)
    path = os.path.join(OPTIONS.home, "s2s", "report.json")
    with open(path, "w") as file:
        json.dump(rounds, file, indent=1)
    print(report.table(OPTIONS.peers, rounds))
    print(f"\nLoad average {load} before and {report.load_average()} after. Every figure of every round: {path}")


def words(choices):
    """A list with commas of which each word is one of the choices."""
    def parse(text):
        chosen = text.split(",")
        if unknown := set(chosen) - set(choices):
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: it is one of {', '.join(choices)}")
        return chosen
    return parse


def options():
    parser = argparse.ArgumentParser(prog="cargo xtask bench s2s", description="Compares links between servers.")
    parser.add_argument("--peers", type=words(PEERS), default=PEERS, help="servers to measure: " + ",".join(PEERS))
    parser.add_argument("--only", type=words(WORKS), default=WORKS, help="work to measure: " + ",".join(WORKS))
    parser.add_argument("--rounds", type=int, default=1, help="times everything is measured; the median counts")
    parser.add_argument("--seconds", type=float, default=5, help="seconds measured per load of messages")
    parser.add_argument("--home", type=os.path.abspath, default="target/bench", help="folder for homes and the report")
    parser.add_argument("--nightjar", type=os.path.abspath, default="target/release/nightjar", help="a release build")
    return parser.parse_args()


OPTIONS = options()
asyncio.run(main())
