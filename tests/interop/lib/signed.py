"""A name server whose answers are signed by DNSSEC: one zone, the root, with one key. Some names lie outside of it, as
those of a domain that nobody has signed do; the signatures of others are wrong."""
import asyncio
import os
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

import world

ROOT = dns.name.root
DAY = 86400


class SignedNames(world.Names):
    """`plain`: domains that are delegated without a key; `forged`: names whose records were changed after they were
    signed; `late`: names and the seconds that answers about them take."""

    def __init__(self):
        super().__init__()
        self.plain, self.forged, self.late = set(), set(), {}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.public = dns.dnssec.make_dnskey(self.key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)

    def anchor(self, folder):
        """The file that who trusts this name server needs."""
        path = os.path.join(folder, "anchors.txt")
        with open(path, "w") as file:
            file.write(f". 3600 IN DNSKEY {self.public.to_text()}\n")
        os.chmod(path, 0o644)
        return path

    def delegate(self, domain):
        """A domain with a zone of its own that nobody has signed."""
        self.plain.add(domain)
        self.add(domain, "NS", "ns.test.")

    def _in(self, name, domains):
        return any(name == domain or name.endswith("." + domain) for domain in domains)

    def _sign(self, section, rrset, name):
        signed = rrset
        if self._in(name, self.forged) and rrset.rdtype != dns.rdatatype.DNSKEY:
            # What is signed is something else than what is sent.
            signed = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", "TXT", '"another record"')
        now = time.time()
        rrsig = dns.dnssec.sign(signed, self.key, ROOT, self.public, inception=now - DAY, expiration=now + DAY)
        if signed is not rrset:
            rrsig = rrsig.replace(type_covered=rrset.rdtype)
        section += [rrset, dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig)]

    def datagram_received(self, data, address):
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, type_ = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, type_))
        if name in self.silent:
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA | dns.flags.AA
        wants_proof = bool(question.ednsflags & dns.flags.DO)
        texts = [self.public.to_text()] if (name, type_) == (".", "DNSKEY") else self.records.get((name, type_))
        if texts:
            rrset = dns.rrset.from_text(asked.name, 60, "IN", type_, *texts)
            if wants_proof and not self._in(name, self.plain):
                self._sign(answer.answer, rrset, name)
            else:
                answer.answer.append(rrset)
        elif wants_proof:
            self._deny(answer, asked.name, name)
        asyncio.get_running_loop().call_later(self.late.get(name, 0), self.transport.sendto, answer.to_wire(), address)

    def _deny(self, answer, name, text):
        """Proves that there are no such records (RFC 9824): every name is there, and has nothing of this kind."""
        if self._in(text, self.plain) and text not in self.plain:
            return
        self._sign(answer.authority, dns.rrset.from_text(ROOT, 60, "IN", "SOA", ". . 1 1 1 1 60"), "")
        next_ = dns.name.Name((b"\x00",) + name.labels)
        types = "NS RRSIG NSEC" if text in self.plain else "RRSIG NSEC"
        self._sign(answer.authority, dns.rrset.from_text(name, 60, "IN", "NSEC", f"{next_.to_text()} {types}"), "")
