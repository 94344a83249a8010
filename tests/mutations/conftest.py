"""The table of mutations: what was broken, and whether a test noticed."""

from __future__ import annotations

from typing import Any

NOTICES = "_notices["
"""Of the suites that judge a broken cluster, and of the project's own tests."""
VERDICTS = {
    "passed": "noticed",
    "failed": "NOT NOTICED",
    "error": "no verdict",
    "skipped": "not run",
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each, and the score of those that ran."""
    rows = {
        report.nodeid.partition(NOTICES)[2].removesuffix("]"): verdict
        for outcome, verdict in VERDICTS.items()
        for report in terminalreporter.getreports(outcome)
        if NOTICES in report.nodeid
    }
    if not rows:
        return
    width = max(map(len, rows))
    terminalreporter.section("mutations", sep="-")
    for name, verdict in sorted(rows.items(), key=lambda row: (row[1], row[0])):
        terminalreporter.write_line(f"{name:{width}}  {verdict}")
    ran = [verdict for verdict in rows.values() if verdict != VERDICTS["skipped"]]
    noticed = ran.count(VERDICTS["passed"])
    share = f", {noticed / len(ran):.0%}" if ran else ""
    terminalreporter.write_line(
        f"noticed {noticed} of {len(ran)} that ran{share}; {len(rows)} in all"
    )
