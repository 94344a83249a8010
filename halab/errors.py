"""What can go wrong, by whose it is: the user's mistake, the node's misbehaviour, the lab's limit.

Every message is one line that says what, where and how to mend it.
"""

from __future__ import annotations

from dataclasses import dataclass

from halab.redaction import redacted


class HalabError(Exception):
    """Anything that this project raises on purpose; its text is one clear line, without a secret.

    Programs on nodes quote their configurations in what they have against them.
    """

    def __init__(self, *said: object) -> None:
        super().__init__(*(redacted(one) if isinstance(one, str) else one for one in said))


class UserError(HalabError):
    """The user's mistake: a file, an option or a configuration that cannot be taken."""


class NodeError(HalabError):
    """The node's misbehaviour: it is away, it refuses, or a command on it fails."""


class LabError(HalabError):
    """The lab's limit: what this machine lacks, and how to get it."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a file: the line (from 1), the dotted path in it, and the message."""

    line: int
    path: str
    message: str


class FileError(UserError):
    """A file of the user's cannot be taken; ``problems`` holds every reason, in its order."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        super().__init__(
            "\n".join(f"{file}:{p.line}: {p.path}: {p.message}" for p in self.problems)
        )


class TopologyError(FileError):
    """topology.yaml cannot be taken."""


class ThresholdsError(FileError):
    """thresholds.yaml cannot be taken."""


class ThesisError(FileError):
    """docs/thesis.yaml cannot be taken."""


class ConfigurationError(UserError):
    """A configuration that the lab cannot take; names the limit that it passes."""


class Unreachable(NodeError):
    """No SSH session with a node could be had in the time given."""


class CommandFailed(NodeError):
    """A command on a node ended with another status than 0."""


class CommandTimeout(NodeError):
    """A command on a node did not end in the time given."""


class NotReached(NodeError):
    """A condition did not come about in the time given; says what was last seen."""


class NotMended(NodeError):
    """What a dead run left could not be mended everywhere; ``mended`` is what was, by node."""

    def __init__(self, said: str, mended: dict[str, list[str]]) -> None:
        super().__init__(said)
        self.mended = mended


class InvalidRun(NodeError):
    """A run of load whose figure does not count; says every reason.

    ``failed`` where requests were answered wrong or not at all, and not where the run was limited
    by something else than what it was to measure.
    """

    def __init__(self, message: str, *, failed: bool = False) -> None:
        self.failed = failed
        super().__init__(message)


class Untold(InvalidRun):
    """A figure that a generator does not tell, of a run that may be right in all else."""


class OutsideLab(LabError):
    """A connection to a lab address was asked for by a process outside that lab's namespace."""


class Held(LabError):
    """The lab is held by another run; says whose, and since when."""


class NotAllowed(LabError):
    """A node that nobody has given us to break."""
