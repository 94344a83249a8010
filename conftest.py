"""Names the fixture modules, each after those that it imports, and nothing else."""

pytest_plugins = [
    "fixtures.session",
    "fixtures.evidence",
    "fixtures.lab",
    "fixtures.cluster",
    "fixtures.clients",
    "fixtures.faults",
]
