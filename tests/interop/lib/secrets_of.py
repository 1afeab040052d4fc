"""Every form in which a secret could be written, and a look for all of them."""
import base64
import hashlib
import hmac
import json
import urllib.parse


def forms(secret):
    """The secret itself, encoded, quoted and hashed: name and bytes of each."""
    secret = secret if isinstance(secret, bytes) else secret.encode()
    made = {"itself": secret, "reversed hex": secret[::-1].hex().encode()}
    # Inside a longer text that is encoded, the secret begins at one of three places of a group.
    for at in range(3):
        encoded = base64.b64encode(b"\0" * at + secret)
        whole = encoded.rstrip(b"=")
        made[f"base64 at {at}"] = whole[(0, 2, 3)[at]:-1]
    made["base64url"] = base64.urlsafe_b64encode(secret).rstrip(b"=")[:-1]
    made["hex"], made["HEX"] = secret.hex().encode(), secret.hex().upper().encode()
    made["bytes in Rust"] = ", ".join(map(str, secret)).encode()
    made["escaped bytes in Rust"] = "".join(f"\\x{byte:02x}" for byte in secret).encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return made
    made["in a URL"] = urllib.parse.quote(text, safe="").encode()
    made["in XML"] = text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;").encode()
    made["in JSON"] = json.dumps(text)[1:-1].encode()
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, secret).digest()
        made[f"{name} in hex"], made[f"{name} in base64"] = digest.hex().encode(), base64.b64encode(digest)
    return made


def scram_secrets(name, password, salt, iterations):
    """What SCRAM derives from a password and whoever has it can use (RFC 5802 §3, §9)."""
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    client = hmac.new(salted, b"Client Key", name).digest()
    return {"salted password": salted, "client key": client, "stored key": hashlib.new(name, client).digest(),
            "server key": hmac.new(salted, b"Server Key", name).digest()}


def leaks(secrets, text):
    """Which of the secrets (name to value) a text (bytes) has, and in what form."""
    found = []
    for name, secret in secrets.items():
        for form, value in forms(secret).items():
            at = text.find(value) if len(value) >= 6 else -1
            if at >= 0:
                start = text.rfind(b"\n", 0, at) + 1
                found.append(f"{name}, {form}: {text[start:at + len(value)][-300:]!r}")
    return found
