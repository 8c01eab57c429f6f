"""Answers to conditions; and the conditions that Python states better than a table, by name.

The tables of Modules write theirs as expressions, see `rules.expressions`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rules.header import Header
from rules.model import Example
from rules.transfer_syntax import JPEG_BASELINE, transfer_syntax


class Answer(Enum):
    """What an instance says to a condition."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the Standard: its name in the tables, its words, and how a place is asked.

    `yes` and `no` are Data Sets that answer so, with a Transfer Syntax UID where that counts; None where none can.
    """

    name: str
    words: str
    ask: Callable[[Header], Answer]
    yes: Example | None
    no: Example | None

    @property
    def decidable(self) -> bool:
        """Whether some instance answers YES and some other NO."""
        return self.yes is not None and self.no is not None


def named(name: str) -> Condition:
    """The condition that a fact table names. KeyError for a name no one has defined."""
    return CONDITIONS[name]


def yes_if(holds: bool) -> Answer:
    """YES or NO."""
    return Answer.YES if holds else Answer.NO


CONDITIONS: dict[str, Condition] = {}


def condition(
    name: str, *, yes: Example | None = None, no: Example | None = None
) -> Callable[[Callable[[Header], Answer]], Condition]:
    """Define a condition; its docstring is a clause that can follow "though" in a message."""

    def define(ask: Callable[[Header], Answer]) -> Condition:
        words = inspect.cleandoc(ask.__doc__ or "").rstrip(".")
        CONDITIONS[name] = Condition(name, words, ask, yes, no)
        return CONDITIONS[name]

    return define


@condition("lossy-compressed", yes={"TransferSyntaxUID": JPEG_BASELINE}, no={"LossyImageCompression": "00"})
def lossy_compressed(place: Header) -> Answer:
    """this instance has been compressed with loss."""
    syntax = transfer_syntax(place.root.transfer_syntax_uid)
    if syntax is not None and syntax.lossy:
        return Answer.YES
    # 01 can be inherited from source images that gave neither ratio nor method, PS3.3 C.7.6.1.1.5.
    return Answer.NO if place.text("LossyImageCompression") == "00" else Answer.UNKNOWN


# Image Type


@condition(
    "multi-energy-ct-acquisition", yes={"MultienergyCTAcquisition": "YES"}, no={"MultienergyCTAcquisition": "NO"}
)
def multi_energy_ct_acquisition(place: Header) -> Answer:
    """Multi-energy CT Acquisition is YES."""
    return yes_if(place.root.text("MultienergyCTAcquisition") == "YES")


@condition("image-type-derived", yes={"ImageType": ["DERIVED", "PRIMARY"]}, no={"ImageType": ["ORIGINAL", "PRIMARY"]})
def image_type_derived(place: Header) -> Answer:
    """Image Type value 1 is DERIVED."""
    return yes_if(place.root.text("ImageType") == "DERIVED")
