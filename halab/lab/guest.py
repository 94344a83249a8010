"""What a QEMU guest boots, here or under libvirt: a kernel, an initrd and the disk of all guests.

A guest has two virtio disks. The first is shared by all and only read: the light image with
the modules of the kernel. The second is its own, an ext4 with the folders ``upper`` and
``work``, see :func:`own_disk`; what is in ``upper`` lies over the first. ``guest-init`` in the
initrd puts them together, names the guest by its ``/etc/hostname``, and sets up its eth0.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from halab.errors import LabError
from halab.lab import image, initrd
from halab.lab.image import Progress
from halab.lab.switch import Route

# Words after the first line spare the guest work that costs seconds under emulation: mitigations,
# self-tests and hardening of a kernel that serves no stranger. lpj: on a busy host each CPU's
# calibration of its delay loop fails, five times over; the value makes udelay() exact for a TSC of
# 4 GHz, and too long, which does no harm, for a slower one.
KERNEL_LINE = (
    "console=ttyS0 quiet panic=-1 net.ifnames=0 systemd.show_status=0 lpj=16000000 "
    "tsc=reliable clocksource=tsc no_timer_check nokaslr mitigations=off init_on_alloc=0 "
    "hardened_usercopy=off randomize_kstack_offset=off rodata=off lsm=capability audit=0 "
    "cryptomgr.notests nowatchdog numa_balancing=disable transparent_hugepage=never "
    "rcupdate.rcu_expedited=1 8250.nr_uarts=1"
)

SHARED_DISK = 800  # MiB


@dataclass(frozen=True)
class Boot:
    """The folder of a guest's kernel, initrd and shared disk."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel, as QEMU's ``-kernel`` and libvirt's ``<kernel>`` take it."""
        return self.folder / "kernel"

    @property
    def initrd(self) -> Path:
        """The initrd."""
        return self.folder / "initrd"

    @property
    def disk(self) -> Path:
        """The first disk: raw, and opened read-only by any number of guests."""
        return self.folder / "disk"


def kernel_line(
    address: str, init: str = "", routes: Iterable[Route] = (), *, bonded: bool = False
) -> str:
    """The kernel's command line for a guest with that ``address/prefix`` on its eth0, and routes.

    ``init`` is the path of what the initrd hands over to; systemd if it is left out. A ``bonded``
    guest's eth0 is made of its two NICs.
    """
    # the bond first: it is what has the address
    words = [*(["halab.bonded"] if bonded else []), f"halab.address={address}"]
    words += [f"halab.route={route.network},{route.via}" for route in routes]
    return " ".join([KERNEL_LINE, *words, *([f"init={init}"] if init else [])])


def ensure(progress: Progress) -> Boot:
    """What guests boot, built first if it is not there (seconds; with both images, minutes)."""
    light, hypervisor = image.ensure(progress), image.ensure(progress, image.HYPERVISOR)
    boot = Boot(image.cache() / f"guest-{_key(light, hypervisor)}")
    if boot.folder.is_dir():
        return boot
    progress("making the guests' kernel, initrd and disk")
    (modules,) = (hypervisor / "usr/lib/modules").iterdir()
    with image.building(boot.folder, 2 * SHARED_DISK) as folder:
        made, tree = Boot(folder), folder / "tree"
        folder.mkdir()
        shutil.copyfile(hypervisor / f"boot/vmlinuz-{modules.name}", made.kernel)
        made.initrd.write_bytes(initrd.build(hypervisor, modules.name))
        # hard links: only the disk takes time and room
        _run("cp", "-al", str(light), str(tree))
        _run("cp", "-al", str(modules.parent), str(tree / "usr/lib"))
        _filesystem(made.disk, tree, SHARED_DISK, "-O", "^has_journal")
        shutil.rmtree(tree)
    return boot


def own_disk(disk: Path, files: Iterable[tuple[str, str, int]], size: int = 256) -> None:
    """Make a guest's second disk, of ``size`` MiB and sparse, that lays these files over the first.

    A file is its path in the guest, its content and its mode.
    """
    tree = disk.with_name(disk.name + ".tree")
    (tree / "upper").mkdir(parents=True, mode=0o755)
    (tree / "work").mkdir()
    for name, content, mode in files:
        file = tree / "upper" / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(content)
        file.chmod(mode)
    _filesystem(disk, tree, size)
    shutil.rmtree(tree)


def _filesystem(disk: Path, tree: Path, size: int, *options: str) -> None:
    _run("mkfs.ext4", "-q", "-F", *options, "-d", str(tree), str(disk), f"{size}M")


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except FileNotFoundError:
        raise LabError(f"{command[0]} is missing: apt-get install e2fsprogs, or ./run") from None
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def _key(*images: Path) -> str:
    """Twelve hex digits that change with anything that goes into the folder."""
    digest = hashlib.sha256(repr([image.name for image in images]).encode())
    for source in (Path(__file__), Path(initrd.__file__), initrd.INIT):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
