"""Names the fixture modules, each after those that it imports, and nothing else."""

pytest_plugins = [
    "fixtures.session",
    "fixtures.secrecy",
    "fixtures.evidence",
    "fixtures.waits",
    "fixtures.remote",
    "fixtures.lab",
    "fixtures.report",
    "fixtures.verdict",
    "fixtures.candidate",
    "fixtures.cluster",
    "fixtures.budgets",
    "fixtures.clients",
    "fixtures.lan",
    "fixtures.stories",
    "fixtures.faults",
    "fixtures.round_trip",
    "fixtures.performance",
    "fixtures.own_floor",
    "fixtures.nights",
]
