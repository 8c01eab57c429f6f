"""`dicomgate check`: files in, findings and exit codes out."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from builders import ct, data_set, part10
from click.testing import CliRunner, Result

import scp.examine_many
import scp.files
from scp.commands.check import check
from scp.files import Candidate, contents

PROGRAM = Path(sys.executable).parent / "dicomgate"
SOUND = part10(ct())
FAULTY = part10(ct(ImageType=["ORIGNAL", "PRIMARY", "AXIAL"]))
KEYS = [
    "path",
    "sop_class_uid",
    "sop_instance_uid",
    "iod",
    "edition",
    "verdict",
    "undecided",
    "elapsed_ms",
    "findings",
]
FINDING_KEYS = ["rule", "severity", "path", "tag", "value_number", "section", "message"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DICOMGATE_CONFIG", raising=False)
    return tmp_path


def put(name: str, content: bytes = SOUND) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(check, words, input=stdin, catch_exceptions=False)


def objects(*words: str, stdin: bytes = b"") -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("--format", "jsonl", *words, stdin=stdin).stdout.splitlines()]


def paths(*words: str, stdin: bytes = b"") -> list[str]:
    return [each["path"] for each in objects(*words, stdin=stdin)]


def test_a_sound_file_passes() -> None:
    result = run(put("a.dcm"), "--format", "jsonl")
    assert result.exit_code == 0
    (found,) = map(json.loads, result.stdout.splitlines())
    assert list(found) == KEYS
    assert (found["path"], found["iod"], found["verdict"], found["findings"]) == ("a.dcm", "CT Image", "accept", [])
    assert (found["sop_class_uid"], found["sop_instance_uid"]) == ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")
    assert 0 < found["elapsed_ms"] < 1000
    assert result.stderr == ""


def test_an_error_is_a_finding_and_exit_code_1() -> None:
    result = run(put("a.dcm", FAULTY), "--format", "jsonl")
    assert result.exit_code == 1
    (found,) = map(json.loads, result.stdout.splitlines())
    assert found["verdict"] == "flag"
    first = found["findings"][0]
    assert list(first) == FINDING_KEYS
    assert (first["path"], first["tag"], first["value_number"]) == ("ImageType", "(0008,0008)", 1)


def test_a_bare_data_set_is_read() -> None:
    (found,) = objects(put("a.dcm", data_set(ct())))
    assert found["iod"] == "CT Image"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"Dear Sir or Madam,\n" * 20, "text"), (b"\xff\xd8\xff\xe0" + b"\0" * 400, "JPEG")],
    ids=["empty", "text", "JPEG"],
)
def test_a_named_file_that_is_no_dicom_is_an_error_and_exit_code_2(content: bytes, said: str) -> None:
    result = run(put("letter", content), put("a.dcm", FAULTY), "--format", "jsonl")
    assert result.exit_code == 2
    first, second = map(json.loads, result.stdout.splitlines())
    assert list(first) == ["path", "error"]
    assert said in first["error"]
    assert second["path"] == "a.dcm"


def test_a_broken_dicom_file_has_findings_and_is_no_error() -> None:
    result = run(put("a.dcm", SOUND[:500]), "--format", "jsonl")
    assert result.exit_code == 1
    (found,) = map(json.loads, result.stdout.splitlines())
    assert found["verdict"] == "quarantine"
    assert "undecodable" in [each["rule"] for each in found["findings"]]


def test_a_path_that_does_not_exist_is_an_error() -> None:
    (found,) = objects("nowhere.dcm")
    assert found == {"path": "nowhere.dcm", "error": "does not exist"}


@pytest.mark.parametrize("path", ["fifo", "."])
def test_a_fifo_is_never_opened(path: str) -> None:
    os.mkfifo("fifo")
    (found,) = objects(path)
    assert found["error"] == "is a FIFO, not a file"


def test_an_unreadable_folder_and_file_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not in pytest's own folder, which nobody else may enter.
    with TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        Path(folder).chmod(0o755)
        put("closed/a.dcm")
        put("secret.dcm")
        Path("secret.dcm").chmod(0)
        Path("closed").chmod(0)
        found = errors_as_somebody_else()
        Path("closed").chmod(0o755)
        monkeypatch.undo()
    assert found == dict.fromkeys(["./closed", "./secret.dcm"], "may not be read: permission denied")


def errors_as_somebody_else() -> dict[str, str]:
    """The errors of a walk of this folder, as another user where this one is root, who may read everything.

    In a fork, so that neither the program nor its packages need be readable to that user.
    """
    objects(".")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(writing, json.dumps({each["path"]: each["error"] for each in objects(".")}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_folders_are_walked_by_name_and_paths_stay_as_given() -> None:
    for name in ("b/2.dcm", "b/10.dcm", "a.dcm", "c/d/e.dcm", "Z.dcm"):
        put(name)
    assert paths(".") == ["./Z.dcm", "./a.dcm", "./b/10.dcm", "./b/2.dcm", "./c/d/e.dcm"]
    assert paths("c/../b/", "a.dcm") == ["c/../b/10.dcm", "c/../b/2.dcm", "a.dcm"]


def test_what_is_no_dicom_in_a_folder_is_passed_over_and_counted() -> None:
    put("README.txt", b"About these images: they are of phantoms, and nobody else's concern.")
    put("Thumbs.db", b"\xd0\xcf\x11\xe0" * 100)
    put("a.dcm")
    put("no_suffix")
    result = run(".", "--format", "jsonl")
    assert result.exit_code == 0
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == ["./a.dcm", "./no_suffix"]
    assert "2 checked, 0 with errors; 2 passed over as no DICOM" in result.stderr


def test_what_is_called_dicom_in_a_folder_and_is_none_is_an_error() -> None:
    put("a.dcm", b"only text" * 50)
    put("b.DICOM", b"only text" * 50)
    put("empty", b"")
    result = run(".", "--format", "jsonl")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 3


def test_links_to_folders_are_not_followed() -> None:
    put("in/a.dcm")
    Path("in/around").symlink_to("..")
    Path("link.dcm").symlink_to("in/a.dcm")
    Path("self").symlink_to("self")
    assert paths(".") == ["./in/a.dcm", "./link.dcm", "./self"]


def test_a_folder_nested_deeper_than_functions_may_be_is_walked(folder: Path) -> None:
    depth = 1200
    try:
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")
        put("a.dcm")
        os.chdir(folder)
        (path,) = paths(".")
        assert path.count("/d") == depth
    finally:
        os.chdir(folder)
        subprocess.run(["rm", "-rf", "d"], check=True)


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\0"])
def test_a_list_on_standard_input_may_be_of_lines_or_nuls(between: bytes) -> None:
    listed = [put("a.dcm"), put("with space.dcm")]
    if between == b"\0":
        listed.append(put("new\nline.dcm"))
    Path("folder").mkdir()
    put("folder/c.dcm")
    stdin = between.join(os.fsencode(each) for each in [*listed, "folder"]) + between
    assert paths("-", stdin=stdin) == [*listed, "folder/c.dcm"]


def test_an_empty_list_finds_nothing_and_is_no_mistake() -> None:
    result = run("-", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_a_name_that_is_no_utf_8_is_shown_with_its_bytes() -> None:
    name = os.fsdecode(b"caf\xe9.dcm")
    put(name)
    assert paths(".") == ["./caf\\xe9.dcm"]
    assert "caf\\xe9.dcm" in run(".").stdout


def test_a_name_cannot_move_the_cursor() -> None:
    put("a\x1b[2Jb\nc.dcm")
    assert "\x1b" not in run(".").stdout
    assert len(run(".").stdout.splitlines()) == 1


def test_json_is_one_list_of_the_same_objects() -> None:
    names = (put("a.dcm"), put("b.dcm", FAULTY), "nowhere")
    one = json.loads(run(*names, "--format", "json").stdout)
    lines = objects(*names)
    for each in (*one, *lines):
        each.pop("elapsed_ms", None)
    assert one == lines


def test_text_has_a_headline_a_file_and_a_line_a_finding() -> None:
    result = run(put("a.dcm", FAULTY), put("b.dcm"), "nowhere")
    lines = result.stdout.splitlines()
    assert lines[0] == "a.dcm  CT Image  flag"
    assert lines[1].startswith("    error    ImageType value 1 (0008,0008)")
    assert "PS3.3" in lines[1]
    assert lines[-2:] == ["b.dcm  CT Image  accept", "nowhere  error  does not exist"]
    assert "\x1b" not in result.stdout


def test_the_summary_counts_files_by_rule_on_standard_error() -> None:
    result = run(put("a.dcm", FAULTY), put("b.dcm", FAULTY), put("c.dcm"))
    first, *by_rule = result.stderr.splitlines()
    assert first == "3 checked, 2 with errors"
    assert by_rule[0].split()[0] == "2"


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_several_processes_give_the_same_answer_in_the_same_order(form: str) -> None:
    for n in range(70):
        put(f"{n:03}.dcm", FAULTY if n % 7 == 0 else SOUND)
    put("letter.dcm", b"Dear Sir" * 50)
    one, several = (run(".", "--format", form, "--jobs", jobs) for jobs in ("1", "2"))
    assert (one.exit_code, one.stderr) == (several.exit_code, several.stderr)
    assert without_times(one.stdout) == without_times(several.stdout)
    assert one.exit_code == 2


def without_times(text: str) -> list[str]:
    return [line.partition('"elapsed_ms"')[0] + line.partition('"findings"')[2] for line in text.splitlines()]


def test_a_process_that_dies_costs_the_answer_of_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(candidate: Candidate, bench: object) -> object:
        if candidate.path.endswith(("020.dcm", "021.dcm", "190.dcm")):
            os.kill(os.getpid(), signal.SIGKILL)
        return scp.examine.examine(candidate, bench)  # type: ignore[arg-type]

    monkeypatch.setattr(scp.examine_many, "examine", killed)
    for n in range(200):
        put(f"{n:03}.dcm")
    found = objects(".", "--jobs", "2")
    assert [each["path"] for each in found] == [f"./{n:03}.dcm" for n in range(200)]
    assert {each["path"]: each["error"] for each in found if "error" in each} == {
        f"./{n:03}.dcm": "was not checked: the process died over it" for n in (20, 21, 190)
    }


@pytest.fixture
def strict() -> str:
    text = """
    [[policy.line]]
    rule = "image-type-*"
    calling_ae = "OLD_CT"
    then = "accept"
    [[policy.line]]
    severity = "error"
    then = "reject"
    """
    return put("strict.toml", text.encode())


def test_the_sites_policy_gives_the_verdict(strict: str) -> None:
    name = put("a.dcm", FAULTY)
    assert objects(name, "--config", strict)[0]["verdict"] == "reject"
    assert objects(name, "--config", strict, "--calling-ae", "OLD_CT")[0]["verdict"] == "accept"
    assert run(name, "--config", strict, "--calling-ae", "OLD_CT").exit_code == 1
    Path("strict.toml").rename("dicomgate.toml")
    assert objects(name)[0]["verdict"] == "reject"
    assert objects(name, "--jobs", "2")[0]["verdict"] == "reject"


def test_the_policy_is_explained_on_request(strict: str) -> None:
    words = (put("a.dcm", FAULTY), "--config", strict, "--explain-policy")
    assert "reject: line 2: severity error, then reject" in run(*words).stdout
    first = objects(*words)[0]["findings"][0]
    assert (first["action"], first["line"]) == ("reject", 2)
    assert first["why"] == "line 2: severity error, then reject"


def test_the_action_of_each_finding_is_shown_on_request(strict: str) -> None:
    assert "error    reject      ImageType" in run(put("a.dcm", FAULTY), "--config", strict, "--policy").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "broken.toml"], "dicomgate: broken.toml:1: dimse.prot: is no key"),
        (["--config", "missing.toml"], "dicomgate: missing.toml: does not exist"),
        (["--edition", "1999a"], "dicomgate: there are no rules for edition 1999a"),
        (["--format", "xml"], "Invalid value for '--format'"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
    ],
)
def test_a_wrong_command_line_or_configuration_is_exit_code_2(words: list[str], said: str) -> None:
    put("broken.toml", b"dimse.prot = 1")
    result = run(put("a.dcm"), *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    for n in range(300):
        put(f"{n:03}.dcm", FAULTY)
    with subprocess.Popen([PROGRAM, "check", "."], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(30)
    assert b"Traceback" not in said
    assert b"rror" not in said


def test_a_bar_shows_progress_where_only_the_results_are_piped() -> None:
    put("a.dcm")
    put("b.dcm")
    ours, terminal = pty.openpty()
    with subprocess.Popen([PROGRAM, "check", "."], stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        assert process.stdout is not None
        results = process.stdout.read()
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert b"2/2" in shown
    assert results == b"./a.dcm  CT Image  accept\n./b.dcm  CT Image  accept\n"


def test_one_file_costs_no_heavy_import() -> None:
    program = "import sys; from scp.cli import main; main(['check', sys.argv[1]], standalone_mode=False)"
    names = {"pydicom", "pydantic", "sqlalchemy", "numpy", "rich", "asyncio", "jinja2", "xml", "scp.reports.sarif"}
    heavy = f"print(sorted({names} & set(sys.modules)))"
    program = f"import sys, atexit; atexit.register(lambda: {heavy}); {program}"
    done = subprocess.run([sys.executable, "-c", program, put("a.dcm")], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["a.dcm  CT Image  accept", "[]"]


def test_a_file_that_is_cut_short_while_it_is_checked_is_held_whole() -> None:
    put("a.dcm")
    with contents("a.dcm") as data:
        assert isinstance(data, bytes), "touching a map of it would kill this process"
        os.truncate("a.dcm", 0)
        assert data == SOUND


def test_a_file_too_large_to_be_read_whole_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a.dcm")
    read, _ = objects("a.dcm", "a.dcm")
    monkeypatch.setattr(scp.files, "READ_WHOLE", len(SOUND) - 1)
    with contents("a.dcm") as data:
        assert not isinstance(data, bytes)
        assert data[:] == SOUND
    (found,) = objects("a.dcm")
    assert without_time(found) == without_time(read)


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "elapsed_ms"}


def test_a_huge_file_is_checked_in_little_memory() -> None:
    """Four gigabytes of pixel data, most of them a hole, are checked in next to no memory."""
    head, element, _ = SOUND.partition(b"\xe0\x7f\x10\x00OW\0\0")
    length = 0xFFFFFFFE
    put("huge.dcm", head + element + length.to_bytes(4, "little"))
    os.truncate("huge.dcm", len(head) + len(element) + 4 + length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = objects("huge.dcm")
    assert found["iod"] == "CT Image"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
