"""The client's side of SCRAM (RFC 5802), open to tampering."""
import base64
import hashlib
import hmac
import os

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unb64(text):
    return base64.b64decode(text or "")


def plain(user, password, authzid=""):
    return b64(f"{authzid}\0{user}\0{password}")


class Scram:
    """`binding` is (type, data) for a -PLUS mechanism; `flag` overrides the GS2 flag otherwise (n or y)."""

    def __init__(self, mechanism, user, password, binding=None, flag="n", authzid=None):
        self.hash = HASHES[mechanism.removesuffix("-PLUS")]
        self.password = password
        flag = f"p={binding[0]}" if binding else flag
        self.gs2 = f"{flag},{'a=' + authzid if authzid else ''},"
        self.binding = binding[1] if binding else b""
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={name},r={b64(os.urandom(18))}"

    def first(self):
        return self.gs2 + self.bare

    def final(self, challenge, proof=None):
        """The answer to the server's first message; `proof` replaces the right one."""
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = self._mac(salted, b"Client Key")
        stored = hashlib.new(self.hash, client_key).digest()
        without = f"c={b64(self.gs2.encode() + self.binding)},r={fields['r']}"
        message = ",".join((self.bare, challenge, without)).encode()
        self.signature = self._mac(self._mac(salted, b"Server Key"), message)
        right = bytes(a ^ b for a, b in zip(client_key, self._mac(stored, message)))
        return f"{without},p={b64(right if proof is None else proof)}"

    def verified(self, final):
        """Does the server know the password too?"""
        return final.startswith("v=") and hmac.compare_digest(base64.b64decode(final[2:]), self.signature)

    def _mac(self, key, data):
        return hmac.new(key, data, self.hash).digest()
