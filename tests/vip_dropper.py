"""Drops what comes for, and goes from, an address, for known times; run on a director as a script.

``python3 - ADDRESS SECONDS…`` makes an nftables table of its own, drops once for each time, with
a pause after each, takes the table away and prints one JSON line: for each drop
``[before, after, before, after]``, CLOCK_MONOTONIC on both sides of the commit that began it and
of the one that ended it. A drop is made again while either commit took longer than ``WIDEST``.

By libnftables in this process, for a start of nft takes longer than the precision that is asked.
"""

import ctypes
import gc
import json
import sys
import time

WIDEST = 0.001  # seconds
AGAIN = 10  # tries
PAUSE = 0.9  # seconds: more than the requests of a drop stay undecided

TABLE = """
table ip dropper {
  chain coming { type filter hook prerouting priority raw; }
  chain going { type filter hook output priority raw; }
}
"""


class Nftables:
    def __init__(self):
        self.library = ctypes.CDLL("libnftables.so.1")
        self.library.nft_ctx_new.restype = ctypes.c_void_p
        self.library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        self.library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self.context = self.library.nft_ctx_new(0)

    def run(self, commands):
        """One transaction; the times before and after it."""
        before = time.monotonic()
        status = self.library.nft_run_cmd_from_buffer(self.context, commands.encode())
        after = time.monotonic()
        if status != 0:
            raise SystemExit(f"nftables: status {status}")
        return before, after


def drop(nftables, address, seconds):
    # tcp alone, so that the address is still resolved by ARP and answers as before
    began = nftables.run(
        f"add rule ip dropper coming ip daddr {address} tcp dport != 22 drop; "
        f"add rule ip dropper going ip saddr {address} tcp sport != 22 drop"
    )
    time.sleep(seconds)  # noqa: TID251 it is the fault itself
    ended = nftables.run("flush chain ip dropper coming; flush chain ip dropper going")
    time.sleep(PAUSE)  # noqa: TID251 and its end
    return [*began, *ended]


def wide(edges):
    return max(edges[1] - edges[0], edges[3] - edges[2]) > WIDEST


def main():
    address, times = sys.argv[1], [float(word) for word in sys.argv[2:]]
    gc.disable()
    nftables = Nftables()
    nftables.run(TABLE)
    drops = []
    try:
        for seconds in times:
            for _ in range(AGAIN):
                drops.append(drop(nftables, address, seconds))
                if not wide(drops[-1]):
                    break
    finally:
        nftables.run("delete table ip dropper")
    print(json.dumps(drops))


main()
