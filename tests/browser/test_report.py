"""The report in Chromium: what is seen of a passing, a failing and a broken run, and by whom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.conftest import GREAT, MakeReport
from tests.sample_suite import HOSTILE

RUNS = ("passing", "failing", "broken")
MOST_BYTES = 5e6
MOST_SECONDS = 2.0


class Page:
    """A report that is open in the browser."""

    def __init__(self, browser: webdriver.Chrome, report: MakeReport) -> None:
        self.browser = browser
        self._report = report

    def open(self, run: str) -> Page:
        """Open the report of this run, as from a mail."""
        self.browser.get(self._report(run).as_uri())
        return self

    def all(self, selector: str) -> list[WebElement]:
        """Every element that the selector finds."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector: str) -> list[str]:
        """The text of those that can be seen."""
        return [e.text for e in self.all(selector) if e.is_displayed()]

    def ask(self, script: str) -> Any:
        """What a script gives."""
        return self.browser.execute_script(f"return {script}")  # type: ignore[no-untyped-call]

    def tell(self, command: str, **values: object) -> Any:
        """A command of the DevTools protocol."""
        return self.browser.execute_cdp_cmd(command, values)  # type: ignore[no-untyped-call]

    def console(self) -> list[str]:
        """What was said on the console since it was last asked."""
        said = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in said]

    def row(self, name: str) -> WebElement:
        """The cell that opens the row of a test."""
        rows = (r for r in self.all(".collapsible") if name in r.text)
        return next(rows).find_element(By.CSS_SELECTOR, ".col-result")


@pytest.fixture
def page(chromium: webdriver.Chrome, report: MakeReport) -> Iterator[Page]:
    """A browser that emulates nothing, before and after."""
    page = Page(chromium, report)
    page.console()
    yield page
    page.tell("Emulation.clearDeviceMetricsOverride")
    page.tell("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("passing", "is accepted: 4 tests hold; 1 was skipped."),
        ("failing", "is rejected: test_takeover_is_too_late, test_hostile_words"),
        ("broken", "test_lab_is_broken ended in an error; the run ended before its end"),
    ],
)
def test_verdict_is_read_first(page: Page, run: str, words: str) -> None:
    """The sentence is on the first screen, with what changed below it."""
    (verdict,) = page.open(run).all(".verdict")
    assert words in verdict.text
    assert verdict.location["y"] + verdict.size["height"] < 300
    assert "no earlier run of these tests in this lab" in page.shown(".changes")[0]


def test_what_failed_is_told_on_top_by_its_cause(page: Page) -> None:
    """Two tests that one dead web server failed are one line of work; each leads to its row."""
    page.open("failing")
    (dead, unknown) = page.all(".failures > li")
    cause = "web2 refuses connections: Apache is dead, its machine lives (L4CON)"
    assert dead.text.splitlines()[0] == cause
    assert len(dead.find_elements(By.CSS_SELECTOR, "li")) == 2
    assert unknown.text.splitlines()[0] == "No known cause shows"
    assert "outage 4.200 s, budget 3.659 s" in unknown.text
    links = dead.find_elements(By.CSS_SELECTOR, "a")
    links[1].click()
    assert page.ask("document.querySelector(':target').textContent").endswith("first[backup]")


def test_rows_say_why(page: Page) -> None:
    """What was skipped says what is missing, what failed by how much, before a row is opened."""
    skipped = page.open("passing").row("test_needs_queues").find_element(By.XPATH, "..")
    assert "the NIC has one queue" in skipped.text
    assert "::setup" not in skipped.text
    late = page.open("failing").row("too_late").find_element(By.XPATH, "..")
    (over,) = late.find_elements(By.CSS_SELECTOR, ".over")
    assert over.text == "outage 4.200 s, budget 3.659 s"


@pytest.mark.parametrize("run", RUNS)
def test_console_is_silent_and_nothing_is_fetched(page: Page, run: str) -> None:
    """One file, which needs no network and runs without a word."""
    page.open(run)
    assert page.ask("performance.getEntriesByType('resource').length") == 0
    assert page.console() == []


def test_passed_rows_open_and_close(page: Page) -> None:
    """The timeline is there once the row is opened, with its words for who cannot see it."""
    page.open("passing")
    assert page.shown("#results-table figure svg") == []
    page.row("test_backup_takes_over[0]").click()
    (drawing,) = [e for e in page.all("#results-table figure svg") if e.is_displayed()]
    assert drawing.size["width"] > 500
    assert "fault: powered off" in drawing.text
    assert "budget: outage 3.659 s" in drawing.text
    assert "3.659 s" in page.shown(".figures")[0]
    page.row("test_backup_takes_over[0]").click()
    assert page.shown("#results-table figure svg") == []


def test_failure_is_open_and_says_what_was_expected_and_seen(page: Page) -> None:
    """Nobody has to look for what broke."""
    (seen, *_) = [t for t in page.open("failing").shown(".failure") if "Master_Down" in t]
    assert "Expected" in seen
    assert "Clients wait for Master_Down_Interval, and no longer." in seen
    assert "outage: at most 3.659 s" in seen
    assert "outage: measured 4.200 s" in seen


def test_nights_show_their_change_on_top(page: Page) -> None:
    """By how much and since when, and the nights themselves, before any row is opened."""
    page.open("passing")
    (said,) = [text for text in page.shown(".changes") if "figure 29" in text]
    assert said.startswith("figure 29, rps-008c: worse since the night of 2026-02-03: 23,0")
    assert said.endswith("%)")
    (drawing,) = page.all(".prefix figure svg")
    assert drawing.is_displayed()
    assert "worse since the night of 2026-02-03" in drawing.text
    assert len(drawing.find_elements(By.CSS_SELECTOR, "circle")) == 40


def test_load_shows_its_latency_and_what_ran_on_which_cpu(page: Page) -> None:
    """As the thesis's schemes of CPUs do, with what each did."""
    page.open("passing")
    page.row("test_load_is_served").click()
    drawings = [e for e in page.all("#results-table figure svg") if e.is_displayed()]
    latency, scheme, _ = (drawing.text for drawing in drawings)
    assert "p50 4.0 ms, p90 10.0 ms, p99 20.0 ms" in latency
    assert "RPS 008c: CPUs of lb1 under this load" in scheme
    for letter in ("H1", "H4", "X", "I", "(H1)", "70%"):
        assert letter in scheme.splitlines()


def test_filters_hide_and_show(page: Page) -> None:
    """By outcome; outcomes that no test had are not offered."""
    page.open("failing")
    names = page.shown(".col-testId")
    assert len(names) == 7
    offered = {
        e.get_attribute("data-test-result") for e in page.all("input.filter") if e.is_displayed()
    }
    assert offered == {"failed", "passed"}
    page.all("input.filter[data-test-result=passed]")[0].click()
    assert len(page.shown(".col-testId")) == 4
    page.all("input.filter[data-test-result=passed]")[0].click()
    assert len(page.shown(".col-testId")) == 7


def test_planted_script_is_text(page: Page) -> None:
    """In a test's id, claim, output, figures, notes, charts and failure: shown, and not run."""
    page.open("failing")
    page.all("#show_all_details")[0].click()
    assert page.ask("window.planted") is None
    assert page.ask("document.querySelectorAll('#results-table script, img[onerror]').length") == 0
    text = page.all("#results-table")[0].text
    assert text.count("<script>window.planted = 1</script>") >= 6
    assert "<script>window.planted = 3</script>" in text
    assert any(HOSTILE.partition("<img")[0] in failure for failure in page.shown(".failure"))


def test_broken_run_says_what_it_did_not_judge(page: Page) -> None:
    """An error is no failure of the cluster's, and the reason is on the page."""
    page.open("broken")
    assert "the embedded lab needs root" in page.shown(".failure")[0]
    assert not [name for name in page.shown(".col-testId") if "never_run" in name]


@pytest.mark.parametrize("run", RUNS)
def test_every_picture_has_words(page: Page, run: str) -> None:
    """A role, a name and a language for who listens to the page."""
    page.open(run)
    page.all("#show_all_details")[0].click()
    bare = "[...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') !== 'img' "
    bare += "|| !s.querySelector('title')?.textContent.trim()).length"
    assert page.ask(bare) == 0
    assert page.ask("document.documentElement.lang") == "en"
    unnamed = "[...document.querySelectorAll('input')].filter(i => !i.ariaLabel).length"
    assert page.ask(unnamed) == 0


def test_rows_open_by_keyboard(page: Page) -> None:
    """Tab reaches each of them, Enter opens and closes it, and the focus stays."""
    page.open("passing")
    for _ in range(60):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        if "col-result" in (page.browser.switch_to.active_element.get_attribute("class") or ""):
            break
    for expanded in ("true", "false"):
        page.browser.switch_to.active_element.send_keys(Keys.ENTER)
        focused = page.browser.switch_to.active_element
        assert focused.get_attribute("aria-expanded") == expanded


@pytest.mark.parametrize("run", RUNS)
def test_phone_needs_no_scrolling_aside(page: Page, run: str) -> None:
    """390 pixels are enough for text; a drawing scrolls by itself."""
    page.tell(
        "Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2,
        mobile=True,
    )  # fmt: skip
    page.open(run)
    page.all("#show_all_details")[0].click()
    assert page.ask("innerWidth") == 390
    assert page.ask("document.scrollingElement.scrollWidth") <= 390
    beyond = "e => e.getBoundingClientRect().right > 390"
    texts = "document.querySelectorAll('.verdict, .failures a, .changes li, .facts dd, .suites')"
    assert page.ask(f"[...{texts}].filter({beyond}).length") == 0
    drawn = (
        "[...document.querySelectorAll('.figures td')].map(cell => getComputedStyle(cell).display)"
    )
    assert {*page.ask(drawn)} <= {"table-cell"}, "figures stay beside their budgets"
    assert int(page.ask("parseInt(getComputedStyle(document.body).fontSize)")) >= 13


CONTRAST = """(() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number)
    const light = colour => {
        const [r, g, b] = parts(colour).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = e => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor
            if (parts(colour)[3] !== 0) return colour
        }
        return 'rgb(255, 255, 255)'
    }
    const poor = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement
        const said = walker.currentNode.textContent.trim()
        if (!said || !e.checkVisibility() || e.closest('svg')) continue
        const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x)
        const ratio = (a + 0.05) / (b + 0.05)
        if (ratio < 4.5) poor.push(`${ratio.toFixed(1)}: ${e.className} ${said.slice(0, 40)}`)
    }
    return poor
})()"""
"""Text that is hard to read: WCAG 2.2, 1.4.3, asks for a ratio of 4.5."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", RUNS)
def test_text_can_be_read_by_day_and_by_night(page: Page, run: str, scheme: str) -> None:
    """All of it, with every row open; a dark page is dark."""
    scheme_of = [{"name": "prefers-color-scheme", "value": scheme}]
    page.tell("Emulation.setEmulatedMedia", media="", features=scheme_of)
    page.open(run)
    page.all("#show_all_details")[0].click()
    assert page.ask(CONTRAST) == []
    ground = page.ask("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]


def test_print_leaves_out_what_is_to_be_clicked(page: Page) -> None:
    """On paper there is the verdict, and no button."""
    page.tell("Emulation.setEmulatedMedia", media="print", features=[])
    page.open("failing")
    assert page.shown(".controls") == []
    assert page.shown(".verdict")
    assert page.shown(".failure")


def cpu_seconds(root: int) -> float:
    """What a process and all that it started have had of CPUs, those that still run."""
    parents, had = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(stat.parent.name)
        parents[pid], had[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    family = {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(had.get(pid, 0) for pid in family) / os.sysconf("SC_CLK_TCK")


def test_great_report_is_small_and_opens_at_once(page: Page, report: MakeReport) -> None:
    """400 tests, all but two with a failover's drawing: 5 MB, and 2 s of a CPU for all of Chromium.

    Counted in its CPU time, since this machine may have others to serve meanwhile.
    """
    size = report("great").stat().st_size
    browser = page.browser.service.process.pid
    page.browser.get("about:blank")
    before = cpu_seconds(browser)
    page.open("great")
    took = cpu_seconds(browser) - before
    assert len(page.all(".collapsible")) == GREAT
    assert size <= MOST_BYTES
    assert took <= MOST_SECONDS
