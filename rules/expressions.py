"""Conditions as the fact tables write them: JSON of a few words, asked of a place in an instance.

An expression is a mapping with one of these members, and "at" where it names an Attribute:

    {"present": K}, {"absent": K}          the Attribute is there or not, with or without a value
    {"held": K}                            it is there, or in an Item at any depth below
    {"filled": K}, {"empty": K}            it is there and has a value, or has none
    {"is": [K, n, [V, ...]]}               value n is one of these; n is 0 for any value
    {"is not": [K, n, [V, ...]]}           it has a value n and that is another; where it is absent, UNKNOWN
    {"compare": [K, ">", 1]}               the first value as a number; absent is NO
    {"count": [K, ">", 1]}                 how many values it has; absent is none
    {"points to": [K, K2]}                 one of its values is the tag of K2
    {"private": K}                         one of its values is a private tag
    {"points to codes": K}                 one of its values is the tag of a Code Sequence, as the names of those end
    {"points to a frame": K}               its value is the tag of an Attribute within a functional group; absent is NO
    {"items": [K, ">", 1]}                 how many Items the Sequence has; absent is none
    {"any item": [K, E]}                   one of its Items answers YES
    {"varies": [K, K2]}                    its Items do not all hold the same K2, those without it left aside
    {"matched": [K, K2, K3]}               one of its Items has as K2 the value of K3, here or above; UNKNOWN without
    {"matched": [K, K2, K3, E]}            the Item that K3 so refers to answers YES; UNKNOWN where there is none
    {"code": [K, [[V, S], ...]]}           one of its Items holds one of these codes: Code Value, scheme; absent is NO
    {"as many": [K, K2]}                   it has as many values, or Items, as K2 says here or above; absent is NO
    {"as many": [K, K2, n]}                it has n times as many
    {"begins": [K, [V, ...]]}              its first value begins with one of these; absent is NO
    {"differ": [K, K2]}                    it and K2 are numbers of different size, by more than a hundredth
    {"rounded": [K, K2, K3]}               as a number it is not exactly K2 divided by K3; UNKNOWN where one is absent
    {"points to a": [K, "SQ"]}             its value is the tag of an Attribute with this VR; absent is NO
    {"kind": [K, "multi-frame"]}           its value is the UID of a SOP Class of this kind, see `rules.kinds`
    {"item": [K, 1]}                       the place is within this Item of K, or of a Sequence whose keyword ends so;
                                           [K, 0] is any Item, [K, -1] the last
    {"sop class": [UID, ...]}              the instance is of one of these SOP Classes
    {"transfer syntax": "lossy"}           or "encapsulated", "referenced": what the Transfer Syntax does to the pixels
    {"refers to": "instances"}             or another of `rules.mentioned`: what is referred to anywhere in the instance
    {"characters": "extended"}             some text has characters beyond the default repertoire; "extended here", text
                                           of the place, UNKNOWN where it is text of Items below alone
    {"all": [E, ...]}, {"any": [E, ...]}, {"not": E}
    {"undecidable": words}                 the instance cannot show it

"at" says where an Attribute is looked up: "here" (left out), in the Data Set or Item that is asked; "root";
"above", here or in the nearest Item around it that has it; "around", the same without "here"; "frame", above and then
in the functional groups of the same frame; "frames", in the functional groups of any frame. UNKNOWN follows Kleene's
logic.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rules.charset import ESCAPE
from rules.conditions import Answer, yes_if
from rules.dictionary import keyword_of, tag_of, vr_of
from rules.encoding import SHORT
from rules.header import Header, read_header
from rules.kinds import KINDS, is_kind
from rules.mentioned import has_extended_characters, refers_to
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from rules.wording import listed

Expression = Mapping[str, Any]
Ask = Callable[[Header], Answer]

_EMPTY = read_header(b"", EXPLICIT_VR_LITTLE_ENDIAN)
"""A place that has nothing, for an Attribute that no frame has."""
PER_FRAME = 0x52009230
SHARED = 0x52009229


def compiled(expression: Expression) -> Ask:
    """The question as a function of the place. ValueError where the expression is none, KeyError for a keyword."""
    operation, subject = parts(expression)
    if operation in JOINS:
        return _joined(operation, [compiled(each) for each in subject])
    if operation == "not":
        asked = compiled(subject)
        return lambda place: _OPPOSITE[asked(place)]
    if operation == "undecidable":
        return lambda place: Answer.UNKNOWN
    if operation == "sop class":
        return _sop_class(frozenset(subject))
    if operation == "transfer syntax":
        return _SYNTAXES[subject]
    if operation == "refers to":
        return lambda place: refers_to(place.root, subject)
    if operation == "characters":
        return _EXTENDED[subject]
    if operation == "item":
        return _last(subject[0]) if subject[1] < 0 else _within(subject[0], subject[1])
    if operation == "matched":
        return _matched(expression.get("at", "here"), *subject)
    keyword, leaf = _leaf(operation, subject)
    return _located(expression.get("at", "here"), tag_of(keyword), leaf, operation in _STRUCTURAL)


def decidable(expression: Expression) -> bool:
    """Whether instances can answer both YES and NO."""
    return {Answer.YES, Answer.NO} <= answers(expression)


def answers(expression: Expression) -> frozenset[Answer]:
    """YES and NO, as far as any instance can give them: UNKNOWN alone where none can."""
    operation, subject = parts(expression)
    if operation == "undecidable":
        return frozenset((Answer.UNKNOWN,))
    if operation == "not":
        return frozenset(_OPPOSITE[each] for each in answers(subject))
    if operation in JOINS:
        each_can = [answers(each) for each in subject]
        settled, left = (Answer.NO, Answer.YES) if operation == "all" else (Answer.YES, Answer.NO)
        can = [settled] if any(settled in each for each in each_can) else []
        can += [left] if all(left in each for each in each_can) else []
        return frozenset(can or [Answer.UNKNOWN])
    return frozenset((Answer.YES, Answer.NO))


def parts(expression: Expression) -> tuple[str, Any]:
    """The operation and its subject. ValueError where the expression is none."""
    found = [each for each in expression if each != "at"]
    if len(found) != 1 or found[0] not in _OPERATIONS:
        raise ValueError(f"not an expression: {dict(expression)}")
    return found[0], expression[found[0]]


def leaves(expression: Expression) -> Iterator[Expression]:
    """The questions that an expression joins, without those asked of Items below."""
    operation, subject = parts(expression)
    if operation in JOINS:
        for each in subject:
            yield from leaves(each)
    elif operation == "not":
        yield from leaves(subject)
    else:
        yield expression


# In words


def words(expression: Expression) -> str:
    """A clause for a message: "ImageType value 1 is ORIGINAL or MIXED and PixelSpacing is absent"."""
    operation, subject = parts(expression)
    if operation in JOINS:
        joint = " and " if operation == "all" else " or "
        return joint.join(_bracketed(each, operation) for each in subject)
    if operation == "not":
        return f"it is not so that {words(subject)}"
    return _LEAF_WORDS[operation](subject) + _AT_WORDS.get(expression.get("at", ""), "")


def affirmable(expression: Expression) -> Expression:
    """The expression without the alternatives that no instance can affirm: what a YES can be owed to."""
    operation, subject = parts(expression)
    if operation not in JOINS:
        return expression
    left = [affirmable(each) for each in subject if operation == "all" or Answer.YES in answers(each)]
    return left[0] if len(left) == 1 else {operation: left} if left else expression


def _bracketed(expression: Expression, within: str) -> str:
    joins = parts(expression)[0] in JOINS and parts(expression)[0] != within
    return f"({words(expression)})" if joins else words(expression)


def _value_words(subject: Sequence[Any], verb: str) -> str:
    keyword, number, values = subject
    return f"{keyword}{f' value {number}' if number else ''} {verb} {listed([str(each) for each in values])}"


def _item_words(keyword: str, number: int) -> str:
    if number > 0:
        return f"this is Item {number} of {keyword}"
    return f"this is the last Item of {keyword}" if number else f"this is in {keyword}"


def _as_many_words(keyword: str, how_many: str, times: int = 1) -> str:
    return f"{keyword} has {f'{times} times ' if times > 1 else ''}as many values as {how_many} says"


def _matched_words(sequence: str, there: str, here: str, asked: Expression | None = None) -> str:
    if asked is None:
        return f"an Item of {sequence} has the {there} that {here} is"
    return f"the Item of {sequence} that {here} refers to says that {words(asked)}"


_AT_WORDS = {"root": " in the Data Set", "frames": " in any frame"}
_LEAF_WORDS: dict[str, Callable[[Any], str]] = {
    "present": lambda keyword: f"{keyword} is present",
    "absent": lambda keyword: f"{keyword} is absent",
    "held": lambda keyword: f"{keyword} is present at some depth",
    "filled": lambda keyword: f"{keyword} has a value",
    "empty": lambda keyword: f"{keyword} is empty",
    "is": lambda subject: _value_words(subject, "is"),
    "is not": lambda subject: _value_words(subject, "is not"),
    "compare": lambda subject: f"{subject[0]} {subject[1]} {subject[2]}",
    "points to": lambda subject: f"{subject[0]} points to {subject[1]}",
    "count": lambda subject: f"{subject[0]} has values {subject[1]} {subject[2]}",
    "private": lambda keyword: f"{keyword} is a private tag",
    "points to codes": lambda keyword: f"{keyword} points to a Code Sequence",
    "points to a frame": lambda keyword: f"{keyword} points into the functional groups",
    "items": lambda subject: f"{subject[0]} has Items {subject[1]} {subject[2]}",
    "any item": lambda subject: f"an Item of {subject[0]} says that {words(subject[1])}",
    "varies": lambda subject: f"{subject[1]} is not the same in all Items of {subject[0]}",
    "matched": lambda subject: _matched_words(*subject),
    "code": lambda subject: f"{subject[0]} holds {listed([code for code, _ in subject[1]])}",
    "as many": lambda subject: _as_many_words(*subject),
    "begins": lambda subject: f"{subject[0]} begins with {listed(subject[1])}",
    "differ": lambda subject: f"{subject[0]} is not {subject[1]}",
    "rounded": lambda subject: f"{subject[0]} is not exactly {subject[1]} / {subject[2]}",
    "points to a": lambda subject: f"{subject[0]} points to a {subject[1]}",
    "kind": lambda subject: f"{subject[0]} is that of {KINDS[subject[1]]}",
    "refers to": lambda what: f"it refers to {what}",
    "characters": lambda which: f"text{which.removeprefix('extended')} has extended characters",
    "item": lambda subject: _item_words(*subject),
    "sop class": lambda uids: f"the SOP Class is {listed(uids)}",
    "transfer syntax": lambda kind: f"the Transfer Syntax is {kind}",
    "undecidable": lambda reason: f"it so happens ({reason})",
}


# What is asked of one Data Set or Item

_Leaf = Callable[[Header, int], Answer]


def _leaf(operation: str, subject: Any) -> tuple[str, _Leaf]:
    if operation in _PRESENCE:
        return subject, _PRESENCE[operation]
    keyword = subject[0]
    if operation in ("is", "is not"):
        wanted_values = frozenset(str(each) for each in subject[2])
        return keyword, _remembering(_value_leaf(subject[1], wanted_values, operation == "is"))
    if operation == "compare":
        return keyword, _remembering(_number_leaf(_COMPARISONS[subject[1]], subject[2]))
    if operation == "items":
        compare = _COMPARISONS[subject[1]]
        return keyword, lambda place, tag: yes_if(compare(place.count(tag) or 0, subject[2]))
    if operation == "points to":
        wanted = tag_of(subject[1])
        return keyword, lambda place, tag: yes_if(wanted in place.values(tag))
    if operation == "any item":
        join = _joined_answers("any")
        asked = compiled(subject[1])
        return keyword, lambda place, tag: join(asked(item) for item in place.items(tag))
    if operation == "varies":
        return keyword, _varying_leaf(tag_of(subject[1]))
    if operation == "count":
        count = _COMPARISONS[subject[1]]
        return keyword, lambda place, tag: yes_if(count(len(place.texts(tag)), subject[2]))
    if operation == "code":
        return keyword, _code_leaf(frozenset((code, scheme) for code, scheme in subject[1]))
    if operation == "as many":
        how_many = tag_of(subject[1])
        times = subject[2] if len(subject) > 2 else 1
        return keyword, lambda place, tag: _as_many(place, tag, how_many, times)
    if operation == "begins":
        beginnings = tuple(subject[1])
        return keyword, lambda place, tag: yes_if((place.text(tag) or "").startswith(beginnings))
    if operation == "differ":
        other = tag_of(subject[1])
        return keyword, lambda place, tag: _differ(place.number(tag), place.number(other))
    if operation == "rounded":
        numerator, denominator = tag_of(subject[1]), tag_of(subject[2])
        return keyword, lambda place, tag: _rounded(place, tag, numerator, denominator)
    if operation == "points to a":
        return keyword, lambda place, tag: _points_to_a(place, tag, subject[1])
    if operation == "kind":
        return keyword, lambda place, tag: is_kind(place.text(tag), subject[1])
    raise ValueError(f"no expression has {operation!r}")


_PRESENCE: dict[str, _Leaf] = {
    "present": lambda place, tag: yes_if(place.has(tag)),
    "absent": lambda place, tag: yes_if(not place.has(tag)),
    "held": lambda place, tag: yes_if(_held(place, tag)),
    "filled": lambda place, tag: yes_if(place.has(tag) and not place.empty(tag)),
    "empty": lambda place, tag: yes_if(place.empty(tag)),
    "private": lambda place, tag: yes_if(any(each & 0x10000 for each in place.integers(tag))),
    "points to codes": lambda place, tag: _points_to_codes(place, tag),
    "points to a frame": lambda place, tag: _points_to_frame(place, tag),
}


def _as_many(place: Header, tag: int, how_many: int, times: int) -> Answer:
    if not place.has(tag):
        return Answer.NO
    wanted = _nearest(place, how_many).integer(how_many)
    found, width = place.element(tag), _WIDTHS.get(place.vr(tag) or "")
    if place.is_sequence(tag):
        seen = len(place.items(tag))
    elif found is not None and width is not None:
        seen = found[2] // width
    else:
        seen = len(place.texts(tag))
    return Answer.UNKNOWN if wanted is None else yes_if(seen == wanted * times)


_WIDTHS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
"""Bytes of a number in streams of them, which are not decoded."""


def _differ(one: float | None, other: float | None) -> Answer:
    if one is None or other is None:
        return Answer.NO
    return yes_if(abs(abs(one) - abs(other)) > max(abs(one), abs(other)) / 100)


def _rounded(place: Header, tag: int, numerator: int, denominator: int) -> Answer:
    text, top, bottom = place.text(tag), place.integer(numerator), place.integer(denominator)
    if text is None or top is None or not bottom:
        return Answer.UNKNOWN
    try:
        return yes_if(Fraction(text.strip()) != Fraction(top, bottom))
    except ValueError:
        return Answer.UNKNOWN


def _points_to_a(place: Header, tag: int, vr: str) -> Answer:
    pointed = place.integer(tag)
    if pointed is None:
        return Answer.NO
    found = vr_of(pointed)
    return Answer.UNKNOWN if found is None else yes_if(found == vr)


def _held(place: Header, tag: int) -> bool:
    if place.has(tag):
        return True
    stencils = (stencil for each in place.tags() if place.is_sequence(each) for stencil in place.stencils(each))
    return any(_held(stencil.exemplar, tag) for stencil in stencils)


def _points_to_frame(place: Header, tag: int) -> Answer:
    for pointed in place.integers(tag):
        if place.root.has(pointed) or _is_group(place.root, pointed):
            return Answer.NO
        if _in_shared(place.root, pointed) is not None or _in_frames(place.root, pointed, structural=True):
            return Answer.YES
        return Answer.UNKNOWN
    return Answer.NO


def _points_to_codes(place: Header, tag: int) -> Answer:
    answer = Answer.NO
    for pointed in place.integers(tag):
        if (keyword_of(pointed) or "").endswith("CodeSequence"):
            return Answer.YES
        if vr_of(pointed) in (None, "SQ"):
            # A private Sequence, or one of another name, can hold codes as well.
            answer = Answer.UNKNOWN
    return answer


def _is_group(root: Header, tag: int) -> bool:
    """Whether the tag is that of a functional group itself, not of an Attribute in one (PS3.3 C.7.6.17.1)."""
    frames = (stencil.exemplar for stencil in root.stencils(PER_FRAME))
    return any(each.has(tag) for each in (*root.items(SHARED), *frames))


def _remembering(leaf: _Leaf) -> _Leaf:
    """A leaf that reads one value field and nothing else, with its answers to short ones remembered.

    Instances of one sender have the same codes over and over. A VR says how to read the bytes only where it is encoded,
    and in little endian; bytes that are ASCII read the same in every character set.
    """
    known: dict[tuple[bytes | None, bytes], Answer] = {}

    def remembering(place: Header, tag: int) -> Answer:
        key = place.field(tag)
        if key is None or key[0] not in SHORT or place.encoding.big_endian:
            return leaf(place, tag)
        answer = known.get(key)
        if answer is None:
            answer = leaf(place, tag)
            if len(known) < _MOST_FIELDS and key[1].isascii() and ESCAPE not in key[1]:
                known[key] = answer
        return answer

    return remembering


_MOST_FIELDS = 256
"""Value fields to which an answer is remembered."""


def _value_leaf(number: int, wanted: frozenset[str], equal: bool) -> _Leaf:
    numbers = as_numbers(wanted)

    def leaf(place: Header, tag: int) -> Answer:
        if not place.has(tag):
            return Answer.NO if equal else Answer.UNKNOWN
        texts = place.texts(tag)
        if not texts:
            return Answer.UNKNOWN
        asked = texts if number == 0 else texts[number - 1 : number]
        if not asked and not equal:
            return Answer.UNKNOWN
        found = any(each in wanted for each in asked)
        if not found and numbers:
            found = bool(numbers & as_numbers(asked))
        return yes_if(found is equal)

    return leaf


def as_numbers(texts: frozenset[str] | Sequence[str]) -> frozenset[float]:
    """The texts as numbers, so that "1.0" is 1; none where one of them is no number."""
    try:
        return frozenset(float(each) for each in texts)
    except ValueError:
        return frozenset()


def _number_leaf(compare: Callable[[float, float], bool], limit: float) -> _Leaf:
    def leaf(place: Header, tag: int) -> Answer:
        if not place.has(tag):
            return Answer.NO
        number = place.number(tag)
        return Answer.UNKNOWN if number is None else yes_if(compare(number, limit))

    return leaf


def _code_leaf(wanted: frozenset[tuple[str, str]]) -> _Leaf:
    schemes = frozenset(scheme for _, scheme in wanted)

    def leaf(place: Header, tag: int) -> Answer:
        answer = Answer.NO
        for item in place.items(tag):
            scheme = item.text("CodingSchemeDesignator") or ""
            code = item.text("CodeValue") or item.text("LongCodeValue") or ""
            if (code, scheme) in wanted:
                return Answer.YES
            if scheme not in schemes:
                # Another scheme may have a code of the same meaning.
                answer = Answer.UNKNOWN
        return answer

    return leaf


def _varying_leaf(asked: int) -> _Leaf:
    def leaf(place: Header, tag: int) -> Answer:
        held = {_plain(item.texts(asked)) for item in place.items(tag) if item.has(asked)}
        return yes_if(len(held) > 1)

    return leaf


def _plain(texts: Sequence[str]) -> tuple[float, ...] | tuple[str, ...]:
    """The values in a form that is the same for "1.0" and "1"."""
    try:
        return tuple(float(each) for each in texts)
    except ValueError:
        return tuple(texts)


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


# Where it is asked

_STRUCTURAL = ("present", "absent", "items")
"""What is the same in all Items of one structure."""


_LOOKS: dict[str, Callable[[Header, int], Header]] = {
    "here": lambda place, tag: place,
    "root": lambda place, tag: place.root,
    "around": lambda place, tag: _nearest(place.parent or place, tag),
    "above": lambda place, tag: _nearest(place, tag),
}


def _located(at: str, tag: int, leaf: _Leaf, structural: bool) -> Ask:
    if at == "here":
        return lambda place: leaf(place, tag)
    if at in _LOOKS:
        look = _LOOKS[at]
        return lambda place: leaf(look(place, tag), tag)
    if at == "frame":
        return lambda place: _agreed([leaf(each, tag) for each in _of_frame(place, tag)])
    if at == "frames":
        join = _joined_answers("any")
        return lambda place: join(leaf(each, tag) for each in _of_any_frame(place, tag, structural))
    raise ValueError(f"no expression looks at {at!r}")


def _matched(at: str, sequence: str, there: str, here: str, asked: Expression | None = None) -> Ask:
    tag, theirs, ours = tag_of(sequence), tag_of(there), tag_of(here)
    look = _LOOKS[at]
    ask = None if asked is None else compiled(asked)

    def matched(place: Header) -> Answer:
        wanted = _plain(_nearest(place, ours).texts(ours))
        if len(wanted) != 1:
            return Answer.UNKNOWN
        for item in look(place, tag).items(tag):
            if _plain(item.texts(theirs)) == wanted:
                return Answer.YES if ask is None else ask(item)
        return Answer.NO if ask is None else Answer.UNKNOWN

    return matched


def _nearest(place: Header, tag: int) -> Header:
    """The innermost of the Item and those around it that has the Attribute, else the root."""
    around: Header | None = place
    while around is not None:
        if tag in around.elements():
            return around
        around = around.parent
    return place.root


def _of_frame(place: Header, tag: int) -> list[Header]:
    """Where the Attribute is for the frame that the place is in; asked in Shared, for each frame that differs."""
    nearest = _nearest(place, tag)
    group = _functional_group(place)
    if group is None or (nearest.parent is not None and nearest.has(tag)):
        return [nearest]
    found = _in_groups(group, tag)
    if found is not None:
        return [found]
    if group.sequence == SHARED:
        return _in_frames(place.root, tag) or [place.root]
    shared = _in_shared(place.root, tag)
    return [shared if shared is not None else place.root]


def _of_any_frame(place: Header, tag: int, structural: bool) -> list[Header]:
    shared = _in_shared(place.root, tag)
    return [*([shared] if shared is not None else []), *_in_frames(place.root, tag, structural)] or [_EMPTY]


def _functional_group(place: Header) -> Header | None:
    """The Item of the Shared or Per-Frame Functional Groups Sequence that the place is in."""
    around = place
    while around.parent is not None:
        if around.parent.parent is None:
            return around if around.sequence in (SHARED, PER_FRAME) else None
        around = around.parent
    return None


def _in_shared(root: Header, tag: int) -> Header | None:
    items = root.items(SHARED)
    return _in_groups(items[0], tag) if items else None


def _in_groups(group: Header, tag: int) -> Header | None:
    """The Item of the first Macro of a frame that has the Attribute, or the frame itself for a Macro's own Sequence."""
    held = group.memory
    if not held:
        held.update(dict.fromkeys(group.elements(), group))
        for each in group.nested():
            for item in group.items(each):
                for below in item.elements():
                    held.setdefault(below, item)
    return held.get(tag)


def _in_frames(root: Header, tag: int, structural: bool = False) -> list[Header]:
    """One place for each distinct value over all frames, and one for the frames without.

    `structural` where the value does not matter: then one place stands for all frames of one structure.
    """
    found: list[Header] = []
    without: list[Header] = []
    for stencil in root.stencils(PER_FRAME):
        place = _in_groups(stencil.exemplar, tag)
        if place is None:
            without.append(stencil.exemplar)
            continue
        column = None if structural else stencil.column_at(place, tag)
        if column is None or len(column) == 1:
            found.append(place)
            continue
        for numbers in column.values():
            again = _in_groups(root.item_at(PER_FRAME, numbers[0]), tag)
            found += [again] if again is not None else []
    return [*found, *without[:1]] if found else []


def _agreed(said: Sequence[Answer]) -> Answer:
    return said[0] if len(set(said)) == 1 else Answer.UNKNOWN


# Joining


def _joined(operation: str, asked: Sequence[Ask]) -> Ask:
    join = _joined_answers(operation)
    return lambda place: join(each(place) for each in asked)


def _joined_answers(operation: str) -> Callable[[Iterator[Answer]], Answer]:
    settles, else_ = (Answer.NO, Answer.YES) if operation == "all" else (Answer.YES, Answer.NO)

    def join(said: Iterator[Answer]) -> Answer:
        joint = else_
        for each in said:
            if each is settles:
                return settles
            if each is Answer.UNKNOWN:
                joint = Answer.UNKNOWN
        return joint

    return join


JOINS = ("all", "any")
_OPPOSITE = {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.UNKNOWN: Answer.UNKNOWN}
_OPERATIONS = frozenset((*JOINS, "not", *_LEAF_WORDS))


# Of the whole instance


def _sop_class(uids: frozenset[str]) -> Ask:
    def ask(place: Header) -> Answer:
        uid = place.root.text("SOPClassUID")
        return Answer.UNKNOWN if uid is None else yes_if(uid in uids)

    return ask


def _lossy(place: Header) -> Answer:
    syntax = transfer_syntax(place.root.transfer_syntax_uid)
    if syntax is None or syntax.lossy is None:
        return Answer.UNKNOWN
    return yes_if(syntax.lossy)


def _encapsulated(place: Header) -> Answer:
    syntax = transfer_syntax(place.root.transfer_syntax_uid)
    return Answer.UNKNOWN if syntax is None else yes_if(syntax.encapsulated)


def _referenced(place: Header) -> Answer:
    syntax = transfer_syntax(place.root.transfer_syntax_uid)
    return Answer.UNKNOWN if syntax is None else yes_if(syntax.referenced)


_SYNTAXES: dict[str, Ask] = {"lossy": _lossy, "encapsulated": _encapsulated, "referenced": _referenced}


def _extended_here(place: Header) -> Answer:
    if has_extended_characters(place, below=False):
        return Answer.YES
    return Answer.UNKNOWN if has_extended_characters(place) else Answer.NO


_EXTENDED: dict[str, Ask] = {
    "extended": lambda place: yes_if(has_extended_characters(place.root)),
    "extended here": _extended_here,
}


def _within(keyword: str, number: int) -> Ask:
    pattern = re.compile(rf"{keyword}\[{number or '[0-9]+'}\]")
    return lambda place: yes_if(pattern.search(place.path) is not None)


def _last(keyword: str) -> Ask:
    def ask(place: Header) -> Answer:
        around = place
        while around.parent is not None:
            name, _, number = around.path.rpartition(".")[2].partition("[")
            if name.endswith(keyword):
                return yes_if(int(number[:-1]) == len(around.parent.items(name)))
            around = around.parent
        return Answer.NO

    return ask
