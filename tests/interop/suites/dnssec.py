# server: none
# seconds: 200
"""Certificates that a domain's DNS vouches for (RFC 7712): a zone that is signed for this test, whose key the server is
told to trust (`dnssec_trust_anchors`), and domains of a second Nightjar that show what their TLSA records ask for, or
something else."""
import asyncio
import hashlib
import os
import shutil

import world

world.enter()

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from signed import SignedNames
from suite import HOME, equal, run, table

FOLDER = os.path.join(os.path.dirname(HOME), "world")
NAMES = SignedNames()
SERVERS = {}
READY = asyncio.Lock()

# The domain, whether an authority vouches for its certificate, what its TLSA record is of, how its records are signed,
# and what comes of it: the proof that is believed, or what is said against it.
AUTHORITY, OWN = True, False
# Seconds: long for who could do without the answer, within the time of one question.
LATE = 2
ROWS = [
    ("valid", OWN, "its key", "signed", "it proves the domain (DANE)"),
    ("whole", OWN, "its certificate", "signed", "it proves the domain (DANE)"),
    ("both", AUTHORITY, "its key", "signed", "it proves the domain (DANE)"),
    ("wrong", AUTHORITY, "another key", "signed", "TLSA records ask for"),
    ("none", AUTHORITY, None, "signed", "it proves the domain (PKIX)"),
    ("alone", OWN, None, "signed", "self-signed"),
    ("plain", AUTHORITY, "another key", "unsigned", "it proves the domain (PKIX)"),
    ("hoped", OWN, "its key", "unsigned", "self-signed"),
    ("bare", AUTHORITY, "another key", "unsigned TLSA", "it proves the domain (PKIX)"),
    ("barest", OWN, "its key", "unsigned TLSA", "self-signed"),
    ("forged", AUTHORITY, "its key", "forged TLSA", "no valid DNSSEC signature"),
    ("hijacked", AUTHORITY, "its key", "forged SRV", "no valid DNSSEC signature"),
    ("stolen", OWN, "its key", "forged TLSA", "no valid DNSSEC signature"),
    ("late", AUTHORITY, "another key", "late TLSA", "TLSA records ask for"),
    ("mute", AUTHORITY, "another key", "silent TLSA", "the name servers don't say which certificate"),
]


class Asker(world.Nightjar):
    """The server that looks for the others. It believes certificates only."""
    kind = "asker"
    more = ""
    anchor = None

    def domains(self):
        return (self.signed,)

    def configured(self, text):
        return text.replace("  mod_s2s_dialback: {}\n", "") + f'dnssec_trust_anchors: "{self.anchor}"\n'


class Answerer(world.Nightjar):
    """The server of all the other domains."""
    kind = "answerer"

    def __init__(self, authority, address):
        super().__init__(authority, address)
        self.certificates = [authority.certify(f"{name}.pem", f"{name}.test", own=not vouched)
                             for name, vouched, *_ in ROWS]

    def domains(self):
        return tuple(f"{name}.test" for name, *_ in ROWS)


def tlsa(of, path):
    """A record of usage 3 (DANE-EE)."""
    with open(path, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    if of == "its certificate":
        return "3 0 2 " + hashlib.sha512(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    key = certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "3 1 1 " + hashlib.sha256(key if of == "its key" else key + b"!").hexdigest()


async def stage():
    async with READY:
        if SERVERS:
            return
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(FOLDER)
        authority = world.Authority(FOLDER)
        await NAMES.start()
        asker, answerer = Asker(authority, "127.0.1.1"), Answerer(authority, "127.0.1.2")
        asker.anchor = NAMES.anchor(FOLDER)
        NAMES.serve(asker.signed, asker.address)
        for (name, _, of, how, _), path in zip(ROWS, answerer.certificates):
            domain = f"{name}.test"
            NAMES.serve(domain, answerer.address)
            if of:
                NAMES.add(f"_5269._tcp.{domain}", "TLSA", tlsa(of, path))
            if how.startswith("unsigned"):
                NAMES.delegate(f"_5269._tcp.{domain}" if how.endswith("TLSA") else domain)
            if how.startswith("forged"):
                NAMES.forged.add(f"{'_5269' if how.endswith('TLSA') else '_xmpp-server'}._tcp.{domain}")
            if how.startswith("silent"):
                NAMES.silent.add(f"_5269._tcp.{domain}")
            if how.startswith("late"):
                NAMES.late[f"_5269._tcp.{domain}"] = LATE
        await asyncio.gather(asker.start(), answerer.start())
        SERVERS.update(asker=asker, answerer=answerer)


@table(ROWS, lambda name, vouched, of, how, expected: f"{name}: {expected}", seconds=60)
async def _(name, vouched, of, how, expected):
    await stage()
    # The first question counts: whoever delays the answers to it must not choose which proof is believed.
    told = await SERVERS["asker"].ctl("s2s_probe", f"{name}.test")
    assert expected in told, told
    # Where nobody has signed which server it is, its records say nothing (RFC 7712 §3).
    equal((f"_5269._tcp.{name}.test", "TLSA") in NAMES.asked, how not in ("forged SRV", "unsigned"), how)


run(at_once=1)
