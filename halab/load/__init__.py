"""Load in a closed loop: as much as so many connections can ask for, and what came of it."""

from halab.load.ab import AB
from halab.load.generator import Generator, Tally
from halab.load.h2load import H2LOAD
from halab.load.load import Load
from halab.load.run import run
from halab.load.throughput import Served, Throughput
from halab.load.weighttp import WEIGHTTP
from halab.load.wrk import WRK

_ALL: tuple[Generator, ...] = (H2LOAD, WEIGHTTP, AB, WRK)
GENERATORS: dict[str, Generator] = {generator.name: generator for generator in _ALL}

__all__ = [
    "AB", "GENERATORS", "H2LOAD", "WEIGHTTP", "WRK",
    "Generator", "Load", "Served", "Tally", "Throughput", "run",
]  # fmt: skip
