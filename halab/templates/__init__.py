"""What is put on the nodes: configurations, units and pages, from the topology's facts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from halab.errors import UserError

FOLDER = Path(__file__).parent


@cache
def _environment() -> jinja2.Environment:
    # configuration files, not HTML: nothing is escaped, since the models admit only safe names
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, **facts: Any) -> str:
    """The template's text with these facts; a fact that is missing is an error."""
    return _environment().get_template(template).render(**facts)


@cache
def _places() -> jinja2.Environment:
    # an operator's own file: only {{ … }} is ours, "{%" and "{#" may be haproxy.cfg's
    return jinja2.Environment(
        block_start_string="\x01",
        block_end_string="\x02",
        comment_start_string="\x03",
        comment_end_string="\x04",
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


def filled(text: str, file: str, **facts: Any) -> str:
    """An operator's text with these facts in its ``{{ … }}``.

    Raises :class:`UserError` that names ``file`` for one that is not known.
    """
    try:
        return _places().from_string(text).render(**facts)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{file}:{error.lineno}: {{{{ … }}}}: {error.message}") from None
    except jinja2.UndefinedError as error:
        raise UserError(f"{file}: {{{{ … }}}}: {error.message}; known: {_known(facts)}") from None


def _known(facts: dict[str, Any]) -> str:
    return ", ".join(sorted(facts))


def text(name: str) -> str:
    """A file that is put on nodes as it is."""
    return (FOLDER / name).read_text(encoding="utf-8")


def pages() -> dict[str, str]:
    """The web pages by file name; ``@SERVER@`` in them becomes the name of the VM."""
    return {page.name: page.read_text("utf-8") for page in sorted((FOLDER / "pages").iterdir())}
