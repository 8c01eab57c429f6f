"""Finds, for a condition, an instance that answers YES and one that answers NO: "decidable" is shown, not declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

from rules.conditions import Answer
from rules.dictionary import tag_of, vr_of
from rules.encode import header_of
from rules.expressions import Expression, answers, as_numbers, compiled, leaves, parts
from rules.header import Header
from rules.model import Example
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE

JPIP_REFERENCED = "1.2.840.10008.1.2.4.94"
CT = "1.2.840.10008.5.1.4.1.1.2"
_EACH_KIND = (
    CT,
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.77.1.6",
    "1.2.840.10008.5.1.4.1.1.9.1.1",
    "1.2.840.10008.5.1.4.38.1",
)
"""A CT Image, an enhanced one, a slide, an ECG and a Hanging Protocol: of each kind one that is and one that is not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A Data Set in a Transfer Syntax, and the place in it that is asked: (Sequence, Item number), or None for root."""

    data_set: Example
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN
    item: tuple[str, int] | None = None

    def place(self) -> Header:
        """The place as the reader sees it."""
        # With a date in front the reader cannot take a lone empty element for another byte order.
        root = header_of({"InstanceCreationDate": "20200101", **self.data_set}, self.transfer_syntax_uid)
        return root if self.item is None else root.item_at(*self.item)


def examples(expression: Expression) -> tuple[Trial | None, Trial | None]:
    """A trial that answers YES and one that answers NO; None where no instance can."""
    ask = compiled(expression)
    wanted = answers(expression) - {Answer.UNKNOWN}
    found: dict[Answer, Trial] = {}
    for trial in islice(_trials(expression), _MOST_TRIALS):
        answer = ask(trial.place())
        if answer in wanted:
            found.setdefault(answer, trial)
            if wanted <= found.keys():
                break
    return found.get(Answer.YES), found.get(Answer.NO)


_MOST_TRIALS = 20_000
_ABSENT = object()


def _trials(expression: Expression) -> Iterator[Trial]:
    """Every way that the Attributes named may be: absent, empty, with each value named, with another."""
    asked = list(leaves(expression))
    choices: dict[tuple[str, str], list[object]] = {}
    for leaf in asked:
        operation, subject = parts(leaf)
        if operation in ("sop class", "transfer syntax", "refers to", "characters", "item", "undecidable"):
            continue
        keyword = subject if isinstance(subject, str) else subject[0]
        at = leaf.get("at", "here")
        states = choices.setdefault((keyword, at if at in ("root", "frames") else "here"), [_ABSENT])
        states += [each for each in _states(keyword, leaf, asked) if each not in states]
        if operation == "matched":
            referring = choices.setdefault((subject[2], "here"), [_ABSENT])
            referring.append(_typed("1", vr_of(tag_of(subject[2])) or ""))
        if operation == "differ":
            choices[(subject[1], "here")] = [*_states(subject[1], leaf, asked)]
        if operation == "rounded":
            choices |= {(each, "here"): [1] for each in subject[1:]}
        if operation == "as many":
            choices[(subject[1], "here")] = [1]
    if any("points to a frame" in leaf for leaf in asked):
        choices[("FrameContentSequence", "frames")] = [[{"FrameAcquisitionNumber": 1}]]
    if any("refers to" in leaf for leaf in asked):
        choices[("ReferencedInstanceSequence", "root")] = [_ABSENT, *_REFERENCES]
        choices[("StudyInstanceUID", "root")] = [_STUDY]
    if any("characters" in leaf for leaf in asked):
        choices[("PatientComments", "here")] = [b"e ", b"\xe9 "]
    if any("sop class" in leaf for leaf in asked):
        uids = [uid for leaf in asked for uid in leaf.get("sop class", ())]
        choices[("SOPClassUID", "root")] = ["1.2.3", *uids]
    places = [None, *_places(leaf["item"] for leaf in asked if "item" in leaf)]
    syntaxes = _EACH_SYNTAX if any("transfer syntax" in leaf for leaf in asked) else (EXPLICIT_VR_LITTLE_ENDIAN,)
    wheres = list(product(syntaxes, places))
    for chosen, (syntax, place) in ((each, where) for each in _each_way(list(choices.values())) for where in wheres):
        put: dict[str, dict[str, object]] = {"here": {}, "root": {}, "frames": {}}
        for (keyword, at), state in zip(choices, chosen, strict=True):
            if state is not _ABSENT:
                put[at][keyword] = state
        root, here = put["root"], put["here"]
        if put["frames"]:
            root = {**root, "SharedFunctionalGroupsSequence": [put["frames"]]}
        if place is None:
            yield Trial({**here, **root}, syntax)
        elif place[0] not in root:
            keyword, before, behind = place
            items = [*[{}] * before, here, *[{}] * behind]
            yield Trial({**root, keyword: items}, syntax, (keyword, before + 1))


def _places(asked: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
    """Sequences with how many Items stand before and behind the place that is asked."""
    for keyword, number in asked:
        yield from ((keyword, 0, 0), (keyword, 0, 1)) if number < 0 else ((keyword, max(number - 1, 0), 0),)
        yield (keyword, max(number, 1), 0)


def _each_way(choices: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """One state of each Attribute; first those where few Attributes have another than their first, then all."""
    first = [states[0] for states in choices]
    for few in range(3):
        for chosen in combinations(range(len(choices)), few):
            for states in product(*(choices[each][1:] for each in chosen)):
                way = list(first)
                for each, state in zip(chosen, states, strict=True):
                    way[each] = state
                yield way
    yield from product(*choices)


_STUDY = "1.2.5"
_REFERENCES = [
    [{"ReferencedSOPClassUID": sop_class, "ReferencedSOPInstanceUID": "1.2.3", "StudyInstanceUID": study}]
    for sop_class, study in ((CT, _STUDY), (CT, "1.2.6"), ("2.16.840.1.113883.1.7.2", _STUDY))
]
_EACH_SYNTAX = (EXPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE, JPIP_REFERENCED)


def _states(keyword: str, leaf: Expression, asked: Sequence[Expression]) -> Iterator[object]:
    """What the leaf tells apart, for one Attribute."""
    operation, subject = parts(leaf)
    vr = vr_of(tag_of(keyword)) or ""
    if operation in ("is", "is not"):
        width = max(1, *_value_numbers(keyword, asked))
        terms = [*dict.fromkeys(str(each) for each in subject[2])][:3]
        for term in (*terms, _other(vr)):
            values = [_other(vr)] * width
            values[max(subject[1], 1) - 1] = _typed(term, vr) if isinstance(term, str) else term
            yield values
            for second in _other_terms(keyword, subject[1], asked):
                yield [*values[: second[0] - 1], _typed(second[1], vr), *values[second[0] :]]
    elif operation == "compare":
        for each in (subject[2], subject[2] + 1, subject[2] - 1):
            if each >= 0 or not vr.startswith("U"):
                yield str(each) if vr in ("IS", "DS") else each
    elif operation == "points to":
        yield from ([tag_of(subject[1])], [tag_of("PatientID")])
    elif operation == "private":
        yield from (tag_of("(0009,1001)"), tag_of("PatientID"))
    elif operation == "points to a frame":
        yield from (tag_of("FrameAcquisitionNumber"), tag_of("SOPClassUID"))
    elif operation == "count":
        yield from ([_other(vr)] * each for each in (subject[2], subject[2] + 1))
    elif operation == "items":
        yield from ([{}] * each for each in (subject[2], subject[2] + 1))
    elif operation == "code":
        for code, scheme in (subject[1][0], ("OTHER", subject[1][0][1])):
            yield [{"CodeValue": code, "CodingSchemeDesignator": scheme}]
    elif operation == "points to codes":
        yield from ([tag_of("ViewCodeSequence")], [tag_of("PatientID")])
    elif operation == "varies":
        one, other = (_typed(each, vr_of(tag_of(subject[1])) or "") for each in ("1", "2"))
        yield from ([{subject[1]: one}, {subject[1]: each}] for each in (one, other))
    elif operation == "matched":
        yield from _matching(subject[1], subject[3] if len(subject) > 3 else None)
    elif operation == "as many":
        if vr.startswith("O"):
            yield from (b"\0" * width for width in (2, 4, 8, 16))
        else:
            yield from ([{}] if vr == "SQ" else [_typed("1", vr)], [{}] * 2 if vr == "SQ" else [_typed("1", vr)] * 2)
    elif operation == "begins":
        yield from (_typed(f"{subject[1][0]}1", vr), _other(vr))
    elif operation == "kind":
        yield from _EACH_KIND
    elif operation == "rounded":
        yield from ("0.9", "1.0")
    elif operation == "differ":
        yield from (_typed("1", vr), _typed("2", vr))
    elif operation == "points to a":
        yield from (tag_of("ProcedureCodeSequence"), tag_of("PatientID"))
    elif operation == "any item":
        yes, no = examples(subject[1])
        yield from ([each.data_set] for each in (yes, no) if each is not None)
    else:
        yield [{}] if vr == "SQ" else _typed("1", vr)
        yield [] if vr == "SQ" else None


def _matching(there: str, asked: Expression | None) -> Iterator[object]:
    vr = vr_of(tag_of(there)) or ""
    for trial in (None,) if asked is None else examples(asked):
        yield [{there: _typed("1", vr), **(trial.data_set if trial is not None else {})}]
    yield [{there: _typed("2", vr)}]


def _value_numbers(keyword: str, asked: Sequence[Expression]) -> Iterator[int]:
    for leaf in asked:
        operation, subject = parts(leaf)
        if operation in ("is", "is not") and subject[0] == keyword:
            yield subject[1]


def _other_terms(keyword: str, number: int, asked: Sequence[Expression]) -> Iterator[tuple[int, str]]:
    """Terms that other leaves ask of other values of the same Attribute."""
    for leaf in asked:
        operation, subject = parts(leaf)
        if operation in ("is", "is not") and subject[0] == keyword and subject[1] not in (0, number):
            yield subject[1], str(subject[2][0])


def _typed(term: str, vr: str) -> object:
    """A value that the VR takes, as near to the term as it can be."""
    if vr in _WHOLE:
        return int(float(term)) if as_numbers([term]) else 1
    if vr in ("FL", "FD"):
        return float(term) if as_numbers([term]) else 1.0
    if vr == "AT":
        return tag_of("PatientID")
    if vr.startswith("O") or vr == "UN":
        return b"\0\0"
    return term


def _other(vr: str) -> object:
    """A value that no condition names."""
    return "1.2.3" if vr == "UI" else _typed("97" if vr in ("IS", "DS") or vr in _WHOLE else "OTHER", vr)


_WHOLE = ("US", "SS", "UL", "SL", "UV", "SV", "US or SS", "US or OW", "US or SS or OW")
