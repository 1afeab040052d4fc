"""Servers side by side in a network of their own: addresses, names, an authority for certificates, and the peers."""
import asyncio
import datetime
import ipaddress
import os
import signal
import subprocess
import sys
import tempfile

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from suite import BINARY

NAME_SERVER = "127.0.0.53"
INSIDE = "NJ_INSIDE_WORLD"


def enter():
    """Goes on in a network namespace of this program alone, where it is root and loopback is all there is. The file
    with the name servers is another one there."""
    if INSIDE not in os.environ:
        own = ["--user", "--map-root-user"] if os.getuid() else []
        os.environ[INSIDE] = "1"
        # In a namespace of processes, no server outlives the suite.
        os.execvp("unshare", ["unshare", *own, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                              sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resolv = tempfile.NamedTemporaryFile("w", prefix="nightjar-resolv-", delete=False)
    resolv.write(f"nameserver {NAME_SERVER}\n")
    resolv.close()
    os.chmod(resolv.name, 0o644)
    # A symbolic link would lead to a folder that others may replace.
    subprocess.run(["mount", "--bind", resolv.name, os.path.realpath("/etc/resolv.conf")], check=True)


class Names(asyncio.DatagramProtocol):
    """A name server. `records` maps (name, type) to texts; `silent` names get no answer at all."""

    def __init__(self):
        self.records, self.silent, self.asked = {}, set(), []

    async def start(self):
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(NAME_SERVER, 53))
        return self

    def add(self, name, type_, *texts):
        self.records[(name, type_)] = list(texts)

    def serve(self, domain, address, port=5269, service="_xmpp-server._tcp"):
        """What a server's domain needs to be found."""
        self.add(f"{service}.{domain}", "SRV", f"10 5 {port} {domain}.")
        self.add(domain, "A", address)

    def datagram_received(self, data, address):
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, type_ = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, type_))
        if any(name == silent or name.endswith("." + silent) for silent in self.silent):
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA | dns.flags.AA
        texts = self.records.get((name, type_))
        if texts:
            answer.answer.append(dns.rrset.from_text(asked.name, 5, "IN", type_, *texts))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), address)


class Authority:
    """Makes certificates; `.path` is the file that who trusts it needs."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of this test")])
        certificate = self._build(self.name, self.key, self.name, self.key, None, ca=True)
        self.path = os.path.join(folder, "authority.pem")
        with open(self.path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, key, issuer, issuer_key, names, ca=False, days=30):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=60))
                   .not_valid_after(now + datetime.timedelta(days=days))
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def certify(self, file, *domains, own=False, days=30):
        """A key and a certificate for domains in one file; `own`: signed by its own key only."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, domains[0])])
        names = [x509.IPAddress(ipaddress.ip_address(d)) if d[0].isdigit() else x509.DNSName(d) for d in domains]
        issuer = (subject, key) if own else (self.name, self.key)
        certificate = self._build(subject, key, *issuer, names, days=days)
        path = os.path.join(self.folder, file)
        with open(path, "wb") as out:
            out.write(certificate.public_bytes(serialization.Encoding.PEM))
            out.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption()))
        return path


class Peer:
    """A server at an address of its own, with ports 5222 and 5269. It has two domains: `signed` shows a certificate
    that the others trust, `own` one that nobody does, so that only dialback can prove it."""
    kind = ""

    def __init__(self, authority, address):
        self.authority, self.address = authority, address
        self.folder = os.path.join(authority.folder, self.kind)
        os.makedirs(self.folder, exist_ok=True)
        self.signed, self.own = f"signed.{self.kind}.test", f"own.{self.kind}.test"
        self.certificates = [authority.certify(f"{self.kind}-signed.pem", self.signed),
                             authority.certify(f"{self.kind}-own.pem", self.own, own=True)]
        self.log = os.path.join(self.folder, "out.log")
        self.process = None

    def domains(self):
        return (self.signed, self.own)

    async def start(self):
        command, env = self.prepare()
        log = open(self.log, "ab")
        self.process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **env}, cwd=self.folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        for _ in range(600):
            assert self.process.returncode is None, f"{self.kind} ended: see {self.log}"
            try:
                for port in (5222, 5269):
                    _, writer = await asyncio.open_connection(self.address, port)
                    writer.close()
                return self
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.kind} did not start: see {self.log}")

    async def end(self, with_=signal.SIGTERM):
        if self.process and self.process.returncode is None:
            self.process.send_signal(with_)
            try:
                await asyncio.wait_for(self.process.wait(), 20)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def restart(self, with_=signal.SIGTERM):
        await self.end(with_)
        await self.start()


def _yaml(peer, more, listen="", options=""):
    hosts = "\n".join(f'  - "{domain}"' for domain in peer.domains())
    certificates = "\n".join(f'  - "{path}"' for path in peer.certificates)
    return f"""loglevel: {'debug' if os.environ.get('NJ_DEBUG') else 'info'}
hosts:
{hosts}
certfiles:
{certificates}
ca_file: "{peer.authority.path}"
s2s_cafile: "{peer.authority.path}"
auth_password_format: plain
registration_timeout: infinity
s2s_use_starttls: required
s2s_timeout: 5
s2s_max_retry_delay: 1
s2s_dns_timeout: 2
s2s_dns_retries: 1
negotiation_timeout: 8
outgoing_s2s_families: [ipv4, ipv6]
outgoing_s2s_ipv4_address: "{peer.address}"
acl:
  denied:
    server: denied.test
access_rules:
  federates:
    - deny: denied
    - allow
s2s_access: federates
{options}listen:
  -
    port: 5222
    ip: "{peer.address}"
    module: ejabberd_c2s
    starttls: true
  -
    port: 5269
    ip: "{peer.address}"
    module: ejabberd_s2s_in
{listen}modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_register:
    ip_access: all
    access: all
  mod_s2s_dialback: {{}}
{more}"""


class Nightjar(Peer):
    kind = "nightjar"
    more = "  mod_s2s_bidi: {}\n"

    def configured(self, text):
        """The configuration as a suite wants it."""
        return text

    @property
    def socket(self):
        return os.path.join(self.folder, "s2s.sock")

    def prepare(self):
        config = os.path.join(self.folder, "ejabberd.yml")
        with open(config, "w") as file:
            file.write(self.configured(_yaml(self, self.more, f"""    cafile: "{self.authority.path}"
    max_stanza_size: 100000
    send_timeout: 15
    supervisor: true
  -
    port: "unix:{self.socket}"
    module: ejabberd_s2s_in
    unix_socket:
      mode: "0600"
  -
    port: 8888
    ip: "{self.address}"
    module: ejabberd_service
    password: "of a component"
""", 'outgoing_s2s_ipv6_address: "::1"\ns2s_queue_type: ram\n')))
        return ([BINARY, "start", "--home", os.path.join(self.folder, "home"), "--config", config],
                {"NIGHTJAR_ALLOW_ROOT": "1"})

    async def ctl(self, *words):
        process = await asyncio.create_subprocess_exec(
            BINARY, "ctl", "--home", os.path.join(self.folder, "home"), *words, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        return (await process.communicate())[0].decode()


class Ejabberd(Peer):
    kind = "ejabberd"

    def prepare(self):
        config = os.path.join(self.folder, "ejabberd.yml")
        with open(config, "w") as file:
            file.write(_yaml(self, ""))
        libraries = next(entry.path for entry in os.scandir("/usr/lib") if entry.is_dir()
                         and any(name.startswith("ejabberd-") for name in os.listdir(entry.path)))
        spool = os.path.join(self.folder, "spool")
        return (["erl", "+K", "true", "+Bd", "-noinput", "-mnesia", "dir", f'"{spool}"', "-ejabberd", "quiet", "true",
                 "-s", "ejabberd"],
                {"ERL_LIBS": libraries, "EJABBERD_CONFIG_PATH": config, "HOME": self.folder,
                 "EJABBERD_LOG_PATH": os.path.join(self.folder, "ejabberd.log"),
                 "ERL_CRASH_DUMP": os.path.join(self.folder, "crash.dump")})


class Prosody(Peer):
    kind = "prosody"

    def prepare(self):
        hosts = "\n".join(
            f'VirtualHost "{domain}"\n  ssl = {{ certificate = "{path}"; key = "{path}"; cafile = "{self.authority.path}" }}'
            for domain, path in zip(self.domains(), self.certificates))
        config = os.path.join(self.folder, "prosody.cfg.lua")
        level = "debug" if os.environ.get("NJ_DEBUG") else "info"
        with open(config, "w") as file:
            file.write(f"""run_as_root = true
daemonize = false
pidfile = "{self.folder}/pid"
data_path = "{self.folder}/data"
log = {{ {level} = "{self.folder}/prosody.log" }}
interfaces = {{ "{self.address}" }}
c2s_ports = {{ 5222 }}
s2s_ports = {{ 5269 }}
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = false
authentication = "internal_plain"
allow_registration = true
registration_throttle_max = 1000
ssl = {{ cafile = "{self.authority.path}" }}
modules_enabled = {{ "roster", "saslauth", "tls", "dialback", "disco", "ping", "register_ibr", "s2s_bidi" }}
{hosts}
""")
        return ["prosody", "--config", config, "-F"], {}
