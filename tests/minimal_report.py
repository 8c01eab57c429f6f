"""Prints, IOD by IOD, what its smallest instance showed: `python tests/minimal_report.py`.

Columns: Attributes that can be taken out of it and are missed, of how many; findings in the whole of it; what dciodvfy
finds in it, "-" where it does not know the IOD.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dciodvfy import UNKNOWN, errors
from minimal import instance, missed, told_more

from rules.encode import header_of, part10
from rules.engine import check, load_rules
from rules.iods import iods
from rules.model import Severity


def main() -> None:
    """One line an IOD, and their sums."""
    rules = load_rules()
    told = taken = clean = known = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instance.dcm"
        for iod in iods():
            attributes = instance(iod)
            found = [missing for _, missing in missed(attributes, iod)]
            loud = [each for each in check(header_of(attributes), rules).findings if each.severity is not Severity.NOTE]
            file.write_bytes(part10(told_more(iod)))
            try:
                theirs = errors(file)
            except RuntimeError:
                theirs = ()
            second = "-" if UNKNOWN in theirs else str(len(theirs))
            print(f"{iod:70} {sum(found):4} of {len(found):4} missed, {len(loud)} found, dciodvfy {second:>3}")
            told, taken = told + sum(found), taken + len(found)
            known += UNKNOWN not in theirs
            clean += not theirs
    print(f"{told} of {taken} missed; dciodvfy knows {known} IODs and finds nothing in {clean} of them")


if __name__ == "__main__":
    main()
