"""Whom we speak with is known by his host key, or we do not speak with him."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import paramiko
import pytest

from halab.errors import LabError, Unreachable
from halab.lab.keys import KeyPair
from halab.lab.remote import _known_hosts, _private_key
from halab.node import Node
from halab.transport import Access


@dataclass(frozen=True)
class Server:
    """An SSH server on this machine that lets nobody in: hosts are told apart before that."""

    port: int
    key: KeyPair


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It answers one caller after the other."""
    key = KeyPair.generate()
    file = tmp_path / "host-key"
    file.write_text(key.private)
    shown = paramiko.Ed25519Key.from_private_key_file(str(file))
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(10)

        def answer() -> None:
            caller, _ = listening.accept()
            with closing(paramiko.Transport(caller)) as transport:
                transport.add_server_key(shown)
                transport.start_server(event=threading.Event(), server=paramiko.ServerInterface())
                transport.join(10)

        answering = threading.Thread(target=answer)
        answering.start()
        yield Server(listening.getsockname()[1], key)
        answering.join(10)


@pytest.fixture
def believing(server: Server, tmp_path: Path) -> Callable[[str], Node]:
    """The server, as one sees it whose known_hosts has this as its key."""

    def seen(key: str) -> Node:
        own, known = tmp_path / "key", tmp_path / "known_hosts"
        own.write_text(KeyPair.generate().private)
        known.write_text(f"[127.0.0.1]:{server.port} {key}\n" if key else "")
        access = Access("root", own, known, server.port)
        return Node("lb1", IPv4Address("127.0.0.1"), access)

    return seen


def test_unknown_node_is_refused(
    server: Server, believing: Callable[[str], Node], tmp_path: Path
) -> None:
    """With the key that it shows, and where to compare it."""
    node = believing("")
    with pytest.raises(Unreachable) as told:
        node.run("true")
    public = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "host-key"))
    assert str(told.value) == (
        f"lb1 (127.0.0.1:{server.port}) shows a host key that {tmp_path}/known_hosts has not, "
        f"ssh-ed25519 {public.fingerprint}: compare it at the node's console (ssh-keygen -lf "
        "/etc/ssh/ssh_host_*_key.pub), then add it by ssh-keyscan"
    )
    assert not node.backend.connected


def test_node_with_another_key_is_refused(
    server: Server, believing: Callable[[str], Node], tmp_path: Path
) -> None:
    """What to do depends on what has happened to it."""
    node = believing(KeyPair.generate().public)
    with pytest.raises(Unreachable) as told:
        node.run("true")
    assert "shows another host key than" in str(told.value)
    known = f"ssh-keygen -R [127.0.0.1]:{server.port} -f {tmp_path}/known_hosts"
    assert known in str(told.value)
    assert str(told.value).endswith("else somebody is in between")
    assert not node.backend.connected


def test_known_node_is_spoken_with(server: Server, believing: Callable[[str], Node]) -> None:
    """So far that it says itself that it takes no key of ours."""
    with pytest.raises(Unreachable, match="Bad authentication type"):
        believing(server.key.public).run("true")


@pytest.mark.parametrize(
    "text",
    [
        b"lb1 ssh-ed25519 AAA\n",
        b"lb1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabc\n",
        b"\xff\xfe\n",
    ],
    ids=["cut", "cut within the key", "no text"],
)
def test_spoilt_known_hosts_is_told_before_anybody_is_asked(tmp_path: Path, text: bytes) -> None:
    """By its path, in one line, and with what makes one."""
    (tmp_path / "known_hosts").write_bytes(text)
    with pytest.raises(LabError) as told:
        _known_hosts(tmp_path / "known_hosts")
    assert str(told.value).startswith(f"labs.remote.known_hosts: {tmp_path}/known_hosts cannot be")
    assert "ssh-keyscan" in str(told.value)
    assert "\n" not in str(told.value)


def test_spoilt_private_key_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    """By its path, and with nothing of what is in it; one that is sound is taken."""
    key = tmp_path / "key"
    sound = KeyPair.generate().private
    key.write_text(sound)
    assert _private_key(key) == key
    locked = tmp_path / "locked"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked], check=True
    )
    half = "\n".join(sound.splitlines()[:3])
    for spoilt in (b"", b"\x30\x82\xff", b"hello\n", half.encode(), locked.read_bytes()):
        key.write_bytes(spoilt)
        with pytest.raises(LabError) as told:
            _private_key(key)
        assert str(told.value) == (
            f"labs.remote.key: {key} is no private key that can be used without a passphrase: "
            "make one by ssh-keygen -t ed25519, see docs/remote-lab.md"
        )
