"""Questions: conditions of the fact tables made ready to be asked of one SOP Class, over and over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rules.conditions import Answer
from rules.dictionary import tag_of
from rules.expressions import JOINS, PER_FRAME, SHARED, Expression, affirmable, compiled, leaves, parts, words
from rules.header import Header
from rules.kept import Kept

MOST_TAGS = 1000
"""Tags beyond which nothing is kept of a structure: no sender has so many, and they take memory."""
Read = tuple[int, str]
"""A tag whose value is read, and where: "here", "above", "around" or "frame"; "text", all text of the place."""


class Question:
    """A condition, with what is known of its answer before an instance is looked at.

    `always` is the answer where it is the same for all instances. `needs` are tags of which one must stand in the
    Data Set or Item that is asked for the answer to be anything but NO; None where that cannot be said. `reads` are
    values near the place that bear on the answer: where they are the same in two Items alike, so is the answer, but
    for the first and the last where it is `by_position`.
    """

    __slots__ = (
        "_ask",
        "_folded",
        "_outward",
        "_reads",
        "_reason",
        "_words",
        "always",
        "expression",
        "needs",
        "told",
    )

    def __init__(self, expression: Expression, uid: str, root: bool) -> None:
        self.expression = expression
        self._folded = folded = _folded(expression, uid)
        self.always = _CONSTANTS.get(repr(folded)) or (Answer.UNKNOWN if "undecidable" in folded else None)
        # What the SOP Class settles is left out of messages too, unless it is all there is.
        self.told = expression if self.always is not None else folded
        self.needs = _needs(folded, root)
        # Most conditions are settled by the tags of a place, and never asked.
        self._ask: Callable[[Header], Answer] | None = None
        self._reads: tuple[frozenset[Read], bool] | None = None
        self._words: str | None = None
        self._reason: str | None = None
        self._outward: bool | None = None

    @property
    def outward(self) -> bool:
        """Whether more bears on the answer than the place and the Items in it."""
        if self._outward is None:
            self._outward = self.always is None and _looks_outward(self._folded)
        return self._outward

    def of(self, place: Header, present: frozenset[int]) -> Answer:
        """The answer of a place that holds these tags."""
        if self.always is not None:
            return self.always
        if self.needs is not None and self.needs.isdisjoint(present):
            return Answer.NO
        if self._ask is None:
            self._ask = compiled(self._folded)
        return self._ask(place)

    @property
    def reads(self) -> frozenset[Read]:
        """The values near the place that bear on the answer."""
        return self._bearing()[0]

    @property
    def by_position(self) -> bool:
        """Whether the first and the last of Items alike may answer otherwise."""
        return self._bearing()[1]

    def _bearing(self) -> tuple[frozenset[Read], bool]:
        if self._reads is None:
            self._reads = frozenset(_reads(self._folded)), any("item" in leaf for leaf in leaves(self._folded))
        return self._reads

    def among(self, present: frozenset[int], root: bool) -> Question:
        """The same question for places that hold just these tags; `root` for the Data Set itself.

        What the tags alone settle is left out, so that it often is no question any more. Its words are of no use.
        """
        if self.always is not None:
            return self
        if self.needs is not None and self.needs.isdisjoint(present):
            return question(_NO, "")
        known = _AMONG.get((self, present, root))
        if known is None:
            left = _settled(self._folded, present, root)
            text = repr(left)
            known = _LEFT.get((text, root)) or _LEFT.put((text, root), Question(left, "", root))
            if len(present) <= MOST_TAGS:
                _AMONG.put((self, present, root), known)
        return known

    @property
    def words(self) -> str:
        """A clause that can follow "only where"."""
        if self._words is None:
            self._words = words(self.told)
        return self._words

    @property
    def reason(self) -> str:
        """A clause that can follow "since", where the answer is YES."""
        if self._reason is None:
            self._reason = words(affirmable(self.told))
        return self._reason


_AMONG: Kept[tuple[Question, frozenset[int], bool], Question] = Kept(8192)
_LEFT: Kept[tuple[str, bool], Question] = Kept(8192)
"""What the tags of places leave of conditions: by condition and tags, and by what is left."""
_asked: dict[tuple[str, str, bool], Question] = {}


def question(expression: Expression, uid: str, *, root: bool = False) -> Question:
    """The question that an expression is for instances of a SOP Class; `root` where the Data Set itself is asked."""
    text = repr(expression)
    key = (text, uid if "'sop class'" in text else "", root)
    found = _asked.get(key)
    if found is None:
        found = _asked[key] = Question(expression, uid, root)
    return found


_YES: Mapping[str, Any] = {"all": []}
_NO: Mapping[str, Any] = {"any": []}
_CONSTANTS = {repr(_YES): Answer.YES, repr(_NO): Answer.NO}


def _folded(expression: Expression, uid: str) -> Expression:
    """The expression with what the SOP Class settles left out."""
    if "sop class" in expression:
        return _YES if uid in expression["sop class"] else _NO
    if "not" in expression:
        inner = _folded(expression["not"], uid)
        return _NO if inner == _YES else _YES if inner == _NO else {"not": inner}
    for joint, settles, neutral in (("all", _NO, _YES), ("any", _YES, _NO)):
        if joint in expression:
            inner_all = [_folded(each, uid) for each in expression[joint]]
            if settles in inner_all:
                return settles
            left = [each for each in inner_all if each != neutral]
            return left[0] if len(left) == 1 else {joint: left}
    return expression


def _settled(expression: Expression, present: frozenset[int], root: bool) -> Expression:
    """The expression with what the tags of the place settle left out."""
    if "not" in expression:
        return _folded({"not": _settled(expression["not"], present, root)}, "")
    for joint in ("all", "any"):
        if joint in expression:
            return _folded({joint: [_settled(each, present, root) for each in expression[joint]]}, "")
    operation, subject = parts(expression)
    if operation not in _NO_WHERE_ABSENT and operation != "absent":
        return expression
    at = expression.get("at", "here")
    there = tag_of(subject if isinstance(subject, str) else subject[0]) in present
    if at == "here" or (root and at in _AT_ROOT) or (root and at == "frames" and _FRAMES.isdisjoint(present)):
        # In an instance without functional groups no frame has anything.
        there = there and at != "frames"
        if operation in ("present", "absent"):
            return _YES if there is (operation == "present") else _NO
        return expression if there else _NO
    if there and at in ("above", "frame") and operation in ("present", "absent"):
        return _YES if operation == "present" else _NO
    return expression


_AT_ROOT = ("root", "above", "frame")
"""Where the Data Set looks at itself."""
_FRAMES = frozenset((SHARED, PER_FRAME))


def _needs(expression: Expression, root: bool) -> frozenset[int] | None:
    if "all" in expression:
        found = [need for each in expression["all"] if (need := _needs(each, root)) is not None]
        return min(found, key=len) if found else None
    if "any" in expression:
        each_needs = [_needs(each, root) for each in expression["any"]]
        if None in each_needs:
            return None
        return frozenset(tag for need in each_needs if need is not None for tag in need)
    at = expression.get("at", "here")
    if at == "here" or (root and at in _AT_ROOT):
        for operation, subject in expression.items():
            if operation in _NO_WHERE_ABSENT:
                return frozenset((tag_of(subject if isinstance(subject, str) else subject[0]),))
    return None


_NO_WHERE_ABSENT = frozenset(
    (
        "present",
        "filled",
        "empty",
        "is",
        "compare",
        "points to",
        "points to codes",
        "points to a",
        "private",
        "points to a frame",
        "any item",
        "varies",
        "code",
        "as many",
        "begins",
        "differ",
    )
)
"""What is NO of an Attribute that is not there."""


def _reads(expression: Expression) -> Iterator[Read]:
    if "not" in expression:
        yield from _reads(expression["not"])
        return
    for joint in ("all", "any"):
        for each in expression.get(joint, ()):
            yield from _reads(each)
    if expression.get("characters") == "extended here":
        yield 0, "text"
    if "matched" in expression:
        yield tag_of(expression["matched"][2]), "above"
    at = expression.get("at", "here")
    if at in ("root", "frames"):
        return
    for operation, subject in expression.items():
        if operation in _OF_VALUES:
            yield tag_of(subject if isinstance(subject, str) else subject[0]), at
        if operation in ("differ", "rounded"):
            yield from ((tag_of(each), at) for each in subject[1:])
        if operation == "as many":
            yield tag_of(subject[1]), "above"


def _looks_outward(expression: Expression) -> bool:
    operation, subject = parts(expression)
    if operation in JOINS:
        return any(map(_looks_outward, subject))
    if operation == "not":
        return _looks_outward(subject)
    if operation == "any item" and _looks_outward(subject[1]):
        return True
    return expression.get("at", "here") != "here" or operation not in _INWARD


_INWARD = frozenset(
    (
        "present",
        "absent",
        "held",
        "filled",
        "empty",
        "is",
        "is not",
        "compare",
        "points to",
        "count",
        "private",
        "points to codes",
        "items",
        "any item",
        "varies",
        "code",
        "begins",
        "differ",
        "rounded",
        "points to a",
        "kind",
        "undecidable",
    )
)
"""What is asked of an Attribute, or of the Items in it, and of nothing else."""
_OF_VALUES = frozenset(
    (
        "filled",
        "empty",
        "is",
        "is not",
        "compare",
        "count",
        "points to",
        "points to codes",
        "private",
        "points to a frame",
        "any item",
        "varies",
        "matched",
        "code",
        "as many",
        "begins",
        "differ",
        "points to a",
        "rounded",
        "kind",
    )
)
"""What depends on a value, and not on the structure of the Item alone."""
