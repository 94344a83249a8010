"""The pages that web VMs serve, and what is wrong with an answer."""

from __future__ import annotations

import math
from collections.abc import Iterator

from halab.topology import VirtualMachine
from halab.webserver import Answer

OK = 200
PAGES = ("index.html", "index.php", "pi.php?n=1000")
"""The pages of annexes A.9, A.10 and A.11."""
SERVLET = "PiServlet?n=1000"
"""What does the same as the last of them in Java, annex A.12."""

ROUNDOFF = 2.0**-53
"""Half the distance from 1 to the next number of a double: the most that one rounding is off by."""
SHOWN = 0.5e-12
"""pi.php shows twelve decimals."""


def pi(n: int) -> tuple[float, float]:
    """What the midpoint rule gives for pi over ``n`` intervals, and how far off pi.php may be.

    Of f(x) = 4/(1 + x²) from 0 to 1 with h = 1/n the rule is off by -h²/24 (f'(1) - f'(0)) = h²/12,
    the next term, of h⁴, is 0, and what follows less than 0.002 h⁶ for n of 10 and more (Euler
    and Maclaurin's formula at midpoints; Davis and Rabinowitz, Methods of Numerical Integration,
    section 2.9).
    Adding up n positive numbers in doubles may be off by a share of (n - 1) u (Higham, Accuracy
    and Stability of Numerical Algorithms, section 4.2).
    """
    return math.pi + 1 / (12 * n * n), n * ROUNDOFF * math.pi + 0.002 / n**6 + SHOWN


def wrong(
    answer: Answer, page: str, vm: VirtualMachine, *, names_itself: bool = True
) -> Iterator[str]:
    """What is wrong with a VM's answer to a request for such a page, or :data:`SERVLET`'s.

    ``names_itself`` is as its web server has it: see :class:`halab.webserver.WebServer`.
    """
    if answer.status != OK:
        yield f"status {answer.status}"
        return
    if answer.served_by != (vm.name if names_itself else ""):
        yield f"it says that {answer.served_by or 'nobody'} served it"
    if f"erved by {vm.name}" not in answer.page:
        yield f"the page does not name {vm.name}"
    if "<?" in answer.page:
        yield "its PHP was sent, and not run"
    if not page.startswith("index.html") and f" at {vm.address}." not in answer.page:
        yield f"the page does not have the address {vm.address}"
    if "?n=" in page:
        n = int(page.rpartition("=")[2])
        value, within = pi(n)
        if answer.pi is None or abs(answer.pi - value) > within:
            yield f"pi over {n} intervals is {answer.pi}, not {value:.12f}"
