"""The letters of Patient Orientation (0020,0020), and whether they agree with the direction cosines (C.7.6.1.1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.header import Header
from rules.model import Problem, Severity
from rules.registry import rule
from rules.wording import shown

_BIPED = re.compile("[APRLHF]{1,3}")
_QUADRUPED = re.compile("(LE|RT|CR|CD|PR|DI|PA|PL|[DVRML]){1,3}")
_TOWARDS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "H": (2, 1), "F": (2, -1)}
"""Axis of the patient-based coordinate system and sense (C.7.6.2.1.1)."""
AWAY = -0.05
"""The part of a unit vector that is measured in the wrong sense, where it is no matter of rounding."""


@rule(
    "patient-orientation",
    section="C.7.6.1.1.1",
    severity=Severity.ERROR,
    only_with=["PatientOrientation"],
    good=[
        {"PatientOrientation": ["A", "FR"]},
        {"PatientOrientation": ["LEV", "CD"], "AnatomicalOrientationType": "QUADRUPED"},
        {"PatientOrientation": ["L", "PH"], "ImageOrientationPatient": ["1", "0", "0", "0", "0.9", "0.436"]},
    ],
    bad=[
        {"PatientOrientation": ["ANTERIOR", "F"]},
        {"PatientOrientation": ["LEV", "CD"]},
        {"PatientOrientation": ["R", "P"], "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]},
    ],
)
def patient_orientation(header: Header) -> Iterator[Problem]:
    """Patient Orientation is not told by the letters that there are, or against the direction cosines.

    Viewers put its letters at the sides of the image. Left and right are told apart by nothing else where an image has
    no coordinates.
    """
    values = header.texts("PatientOrientation")
    if not any(values):
        return
    animal = header.text("AnatomicalOrientationType")
    letters = _QUADRUPED if animal == "QUADRUPED" else _BIPED
    cosines = header.numbers("ImageOrientationPatient") if header.has("ImageOrientationPatient") else ()
    for number, value in enumerate(values, start=1):
        if not letters.fullmatch(value):
            yield Problem("PatientOrientation", f"is {shown(value)}, wanted {_WANTED[letters]}", number)
        elif letters is _BIPED and len(cosines) == 6 and number < 3:
            wrong = _against(value, cosines[3 * number - 3 : 3 * number])
            if wrong:
                yield Problem(
                    "PatientOrientation", f"is {value}, and ImageOrientationPatient turns from {wrong}", number
                )


_WANTED = {
    _BIPED: "one to three of A, P, R, L, H and F",
    _QUADRUPED: "one to three of LE, RT, D, V, CR, CD, R, M, L, PR, DI, PA and PL",
}


def _against(value: str, vector: Sequence[float]) -> str:
    """The letters of a value that a vector points away from."""
    return "".join(letter for letter in value if vector[_TOWARDS[letter][0]] * _TOWARDS[letter][1] < AWAY)
