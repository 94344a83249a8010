"""The images that machines of a built lab boot: Debian with the cluster's real programs.

Each is built once by mmdebstrap, then kept in a cache folder under a key made of all that
went into it, so that a change of package or setting builds a new one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from halab.errors import LabError

SUITE = "bookworm"

MACHINE = (
    # a machine
    "systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2", "iputils-ping", "kmod",
    "procps", "python3", "nftables", "tcpdump", "socat", "util-linux-extra",
    # a director
    "haproxy", "keepalived",
    # a server, and the web VMs on it
    "systemd-container", "apache2", "libapache2-mod-php", "nginx", "php8.2-fpm",
    # a client
    "curl", "apache2-utils", "nghttp2-client", "wrk",
    # whoever is compared with a hypervisor's guest, and the guest
    "sysbench", "stress-ng", "mbw", "fio", "bonnie++", "make", "tcc", "libc6-dev",
)  # fmt: skip

VIRTUALIZATION = (
    "qemu-system-x86", "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients",
    # what a guest is made of, see halab.lab.guest
    "linux-image-cloud-amd64", "busybox-static",
)  # fmt: skip


@dataclass(frozen=True)
class Flavour:
    """What an image is for: the first part of its folder's name, its packages, its MiB on disk."""

    name: str
    packages: tuple[str, ...]
    size: int


# Every machine boots this one.
LIGHT = Flavour("image", MACHINE, 2048)
# Has QEMU and libvirt too, and what their guests boot; only labs with such guests need it.
HYPERVISOR = Flavour("hypervisor", MACHINE + VIRTUALIZATION, 3072)

# Has Tomcat too, and Debian's Java, of 190 MB; only labs with such web VMs need it.
JAVA = Flavour("java", (*MACHINE, "tomcat10"), 3072)

# Units that a lab's machine has no use for; each costs start-up time on 11 machines at once, and
# under emulation a tenth of a second and more.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "dev-hugepages.mount",
    "dev-mqueue.mount", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "getty.target", "kmod-static-nodes.service", "machines.target",
    "modprobe@.service", "phpsessionclean.timer", "proc-sys-fs-binfmt_misc.automount",
    "remote-fs.target", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-binfmt.service",
    "systemd-journal-flush.service", "systemd-logind.service", "systemd-modules-load.service",
    "systemd-pstore.service", "systemd-random-seed.service", "systemd-remount-fs.service",
    "systemd-sysusers.service", "systemd-tmpfiles-clean.timer",
    "systemd-tmpfiles-setup-dev.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-user-sessions.service",
)  # fmt: skip

# Started by the suite when a node has its configuration, not by the machine's start.
ON_DEMAND = (
    "apache2.service", "haproxy.service", "keepalived.service", "nginx.service",
    "php8.2-fpm.service", "tomcat10.service",
)  # fmt: skip

# Laid over the Debian tree as they are.
FILES = Path(__file__).with_name("rootfs")

APACHE_MODULES = ("headers",)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Overlay:
    """What is laid over the Debian tree: each file's path, its mode and its content."""

    files: tuple[tuple[Path, int, bytes], ...]

    @classmethod
    def read(cls, folder: Path = FILES) -> Overlay:
        """As the folder is now; while an image is built, a checkout may become another one."""
        files = (file for file in sorted(folder.rglob("*")) if file.is_file())
        return cls(tuple((f.relative_to(folder), f.stat().st_mode, f.read_bytes()) for f in files))

    def lay_over(self, root: Path) -> None:
        """Write all of it below the folder."""
        for name, mode, content in self.files:
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)  # a link in the tree may lead out of it
            file.write_bytes(content)
            file.chmod(stat.S_IMODE(mode))


def key(flavour: Flavour, overlay: Overlay) -> str:
    """Twelve hex digits that change with anything that goes into the image."""
    digest = hashlib.sha256(repr(flavour).encode() + Path(__file__).read_bytes())
    for name, mode, content in overlay.files:
        digest.update(f"{name} {mode}".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def cache() -> Path:
    """The folder of images: ``$HALAB_CACHE``, else /var/cache/halab."""
    return Path(os.environ.get("HALAB_CACHE", "/var/cache/halab"))


def ensure(progress: Progress, flavour: Flavour = LIGHT) -> Path:
    """The image's folder, built first if it is not there (one to two minutes).

    Raises :class:`LabError` when a tool, the disk or the network does not allow it; nothing
    half-built is left behind.
    """
    overlay = Overlay.read()
    image = cache() / f"{flavour.name}-{key(flavour, overlay)}"
    if image.is_dir():
        return image
    if shutil.which("mmdebstrap") is None:
        raise LabError("mmdebstrap is missing: apt-get install mmdebstrap, or ./run")
    with building(image, flavour.size) as unfinished:
        _bootstrap(unfinished, flavour, progress)
        _finish(unfinished, overlay)
    return image


@contextmanager
def building(product: Path, size: int) -> Iterator[Path]:
    """A folder to build in, which becomes ``product`` when the building succeeds, and else goes.

    ``size`` is the MiB that its disk must have free; raises :class:`LabError` if it has not.
    """
    product.parent.mkdir(parents=True, exist_ok=True)
    _forget_unfinished(product.parent)
    free = shutil.disk_usage(product.parent).free >> 20
    if free < size:
        raise LabError(
            f"{product.parent} has {free} MiB free and {product.name} needs {size}: "
            "free some, or point HALAB_CACHE at another disk"
        )
    unfinished = product.with_name(f"{product.name}.unfinished-{os.getpid()}")
    try:
        yield unfinished
        try:
            unfinished.rename(product)
        except OSError as error:
            # another run has finished the same one meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _forget_unfinished(folder: Path) -> None:
    """Remove what builders that were killed have left."""
    for unfinished in folder.glob("*.unfinished-*"):
        if not Path("/proc", unfinished.name.rpartition("-")[2]).exists():
            shutil.rmtree(unfinished, ignore_errors=True)


# mmdebstrap mounts /proc, /sys and this machine's devices in the tree that it builds. In namespaces
# of its own they, and whatever it has started, go with it, and it goes with the run.
WITH_THE_RUN = (
    "setpriv", "--pdeathsig=KILL",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip


def _bootstrap(target: Path, flavour: Flavour, progress: Progress) -> None:
    command = [
        *WITH_THE_RUN, "mmdebstrap", "--variant=minbase", f"--include={','.join(flavour.packages)}",
        "--format=directory", SUITE, str(target),
    ]  # fmt: skip
    steps = ("update", "downloading", "extracting", "essential", "remaining", "cleaning")
    said: list[str] = []
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # Debian's kernel makes no initrd of its own: a guest's is ours
        env={**os.environ, "INITRD": "No"},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line.rstrip())
            if line.startswith("I: "):
                step = next((i for i, word in enumerate(steps, 1) if word in line), None)
                if step:
                    done = f"{flavour.name} [{step}/{len(steps)}]"
                    progress(f"{done} {line[3:].strip().rstrip('.')}")
    if process.returncode != 0:
        reason = next((s for s in reversed(said) if s.startswith("E: ")), said[-1] if said else "?")
        raise LabError(f"the {flavour.name} could not be built: mmdebstrap says: {reason}")


def _finish(root: Path, overlay: Overlay) -> None:
    """Turn a plain Debian tree into a lab machine's."""
    units = root / "etc/systemd/system"
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for wants in units.glob("*.wants"):
        for unit in (*MASKED, *ON_DEMAND):
            (wants / unit).unlink(missing_ok=True)
    # nothing is left for generators to find, and each daemon-reload runs them all
    generators = root / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    for generator in (root / "usr/lib/systemd/system-generators").iterdir():
        (generators / generator.name).symlink_to("/dev/null")
    overlay.lay_over(root)
    modules = root / "etc/apache2/mods-enabled"
    for module in APACHE_MODULES:
        (modules / f"{module}.load").symlink_to(f"../mods-available/{module}.load")
    for hostkey in root.glob("etc/ssh/ssh_host_*"):
        hostkey.unlink()
    (root / "etc/machine-id").write_text("")
    # bash under sshd reads root's .bashrc; a lab machine's root has a plain shell
    for dotfile in ("root/.bashrc", "root/.profile"):
        (root / dotfile).unlink(missing_ok=True)


def main() -> int:
    """``python -m halab.lab.image``: build the image if it is not there."""
    try:
        ensure(lambda step: print(f"      {step}", flush=True))
    except LabError as error:
        print(f"halab: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
