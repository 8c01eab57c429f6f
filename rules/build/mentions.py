"""Finds the Attributes that a phrase of PS3.3 mentions, by tag or by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping


def marker(names: Mapping[str, str], keyword_of_tag: Mapping[str, str]) -> Callable[[str], str]:
    """A function that puts {Keyword} for "Image Type (0008,0008)" and for names of two words or more without a tag."""
    longest = max(len(name.split()) for name in names)

    def by_tag(text: str) -> str:
        while found := _TAG.search(text):
            keyword = keyword_of_tag.get(f"({found[1]},{found[2]})".upper(), "")
            before = text[: found.start()].rstrip()
            if not keyword:
                text = f"{before} <unknown> {text[found.end() :]}"
                continue
            name_words = before.split(" ")
            for count in range(min(longest, len(name_words)), 0, -1):
                if names.get(" ".join(name_words[-count:]).lower().lstrip("(")) == keyword:
                    name_words = name_words[:-count]
                    break
            else:
                like = set(re.findall("[a-z0-9]+", re.sub("(?=[A-Z])", " ", keyword).lower()))
                while name_words and _bare(name_words[-1]) & like:
                    name_words.pop()
            text = f"{' '.join(name_words)} {{{keyword}}}{text[found.end() :]}"
        return text

    def by_name(text: str) -> str:
        parts = text.split(" ")
        made: list[str] = []
        place = 0
        while place < len(parts):
            for count in range(min(longest, len(parts) - place), 1, -1):
                name = " ".join(parts[place : place + count])
                tail = name[len(name.rstrip(".,;:")) :]
                keyword = names.get(name.rstrip(".,;:").lower())
                if keyword and parts[place][:1].isupper() and parts[place + count - 1][:1].isupper():
                    made.append(f"{{{keyword}}}{tail}")
                    place += count
                    break
            else:
                made.append(parts[place])
                place += 1
        return " ".join(made)

    return lambda text: " ".join(by_name(by_tag(" ".join(text.split()))).split())


def _bare(word: str) -> set[str]:
    return set(re.findall("[a-z0-9]+", word.lower()))


_TAG = re.compile(r"\(\s*([0-9A-Fa-f]{4})\s*,\s*([0-9A-Fa-f]{4})\s*\)")
