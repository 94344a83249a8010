"""Reports of a passing, a failing and a broken run, and Debian's Chromium to open them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests import sample_run

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
RUNS = {
    "passing": "takes_over or its_share or queues or load",
    "failing": "takes_over or its_share or too_late or hostile or dead_web_server",
    "broken": "takes_over or lab_is_broken or leaves_it_broken or never_run",
    "great": "takes_over or its_share or too_late",
}
GREAT = 400
"""Tests of the greatest run."""

MakeReport = Callable[[str], Path]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> MakeReport:
    """The report of a run, made once by pytest in a process of its own, as any other run's."""
    made: dict[str, Path] = {}

    def make(run: str) -> Path:
        if run not in made:
            made[run] = _run(run, tmp_path_factory.mktemp(run))
        return made[run]

    return make


def _run(run: str, folder: Path) -> Path:
    said = sample_run.run(folder, RUNS[run], samples=GREAT - 2 if run == "great" else 2)
    page = folder / "report.html"
    assert page.exists(), said
    return page


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Debian's browser, without a screen, with nothing of anybody's in it."""
    for program in (CHROMIUM, DRIVER):
        if not Path(program).exists():
            pytest.skip(f"{program} is missing: ./run test installs it (chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options, Service(DRIVER)) as browser:
        yield browser
