"""What is done with an instance: Action, Decision, Verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rules.model import Finding


class Action(StrEnum):
    """The site's answer to a finding, from the mildest to the strongest, which is their order as text too."""

    ACCEPT = "accept"
    FLAG = "flag"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy said of one finding, and which of its lines said so.

    `line` counts the policy's lines from 1; 0 is what holds where no line matches. `action` is after the
    device's mode has capped it, `wanted` before.
    """

    finding: Finding
    action: Action
    wanted: Action
    line: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The strongest action over all findings, with what each of them drew.

    `device` is the `[[device]]` entry that the sender matched, if any; `policy` is the policy's digest.
    """

    action: Action
    decisions: tuple[Decision, ...]
    device: str | None
    policy: str

    @property
    def leading(self) -> Decision | None:
        """The first decision with the verdict's action: the one the sender is told of."""
        for each in self.decisions:
            if each.action == self.action:
                return each
        return None
