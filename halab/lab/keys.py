"""SSH keys made for one lab and gone with it."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halab.redaction import remember


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 pair: ``private`` in OpenSSH's PEM, ``public`` as ``ssh-ed25519 AAAA…``."""

    private: str
    public: str

    def __post_init__(self) -> None:
        for line in self.private.splitlines()[1:-1]:  # not its first and last, which all have
            remember(line)

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"

    @classmethod
    def generate(cls) -> KeyPair:
        """A new pair from the system's random source."""
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return cls(private.decode(), public.decode())
