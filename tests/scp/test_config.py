"""The configuration: what is taken, from where, and how mistakes are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.config import ConfigError, load, load_with_origins
from scp.config_file import ConfigProblem, locate, nothing_set
from scp.settings import Audit, Settings

MANY_MISTAKES = """\
[dimse]
prot = 104
port = "104"
require_called_ae = 1
ae_title = "FAR TOO LONG A TITLE"
private_sop_classes = ["1.02.3"]
[store]
min_free = "lots"
durability = "none"
[http]
port = 11112
[audit]
url = "mysql://user:secret@host/audit"
connect_timeout = 0
[[policy.line]]
rule = "image-type-*"
[[policy.line]]
then = "drop"
address = "192.0.2.0/40"
sop_class = "CT Imag"
[[device]]
name = "everything"
[http_]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "site.toml"
    file.write_text(text)
    return file


def problems(file: Path | None, env: dict[str, str] | None = None) -> list[str]:
    """The mistakes, without the path in front."""
    with pytest.raises(ConfigError) as caught:
        load(file, env or {})
    prefix = "" if file is None else f"{file.parent}/"
    return [str(each).removeprefix(prefix) for each in caught.value.problems]


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(env={}) == Settings()
    assert nothing_set(env={"HOME": "/", "DICOMGATE_TEST_ALL": "1"})


def test_the_option_comes_before_the_variable_and_that_before_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"DICOMGATE_CONFIG": "named.toml"}
    assert locate(None, {}) is None
    (tmp_path / "dicomgate.toml").touch()
    assert locate(None, {}) == Path("dicomgate.toml")
    assert locate(None, named) == Path("named.toml")
    assert locate(Path("given.toml"), named) == Path("given.toml")


def test_every_mistake_is_told_at_once_with_its_line_and_key(tmp_path: Path) -> None:
    assert problems(written(tmp_path, MANY_MISTAKES)) == [
        "site.toml:2: dimse.prot: is no key that dicomgate knows (did you mean dimse.port?)",
        'site.toml:3: dimse.port: is "104", wanted a whole number',
        "site.toml:4: dimse.require_called_ae: is 1, wanted true or false",
        "site.toml:5: dimse.ae_title: wanted an AE title: 1 to 16 ASCII characters, no backslash",
        "site.toml:6: dimse.private_sop_classes[1]: '1.02.3' is no UID: digits and dots, at most 64 characters, "
        "no leading zeros",
        'site.toml:8: store.min_free: is "lots", wanted bytes or a size (such as "256 MiB" or "8 GiB")',
        "site.toml:9: store.durability: is \"none\", wanted 'fsync' or 'syncfs'",
        "site.toml:11: http.port: is 11112, which dimse.port has taken (give each door a port of its own)",
        "site.toml:13: audit.url: 'mysql' is no database dicomgate knows: wanted sqlite or postgresql",
        "site.toml:14: audit.connect_timeout: is 0, wanted more than 0",
        "site.toml:15: policy.line[1].then: is missing (policy.line[1] needs it)",
        "site.toml:18: policy.line[2].then: is \"drop\", wanted 'accept', 'flag', 'quarantine' or 'reject'",
        "site.toml:19: policy.line[2].address: '192.0.2.0/40' is no network: wanted an address or CIDR such as "
        '"192.0.2.0/24"',
        "site.toml:20: policy.line[2].sop_class: 'CT Imag' is neither a UID nor the name of an IOD: "
        "did you mean 'CT Image'?",
        "site.toml:21: device[1]: would match every sender: give ae_titles, addresses, tokens, manufacturer or model",
        "site.toml:23: http_: is no key that dicomgate knows (did you mean http?)",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[dimse]\nport = 65536", "dimse.port: is 65536, wanted at most 65535"),
        ("[dimse]\nport = true", "dimse.port: is true, wanted a whole number"),
        ("[dimse]\nport = 104.5", "dimse.port: is 104.5, wanted a whole number"),
        ("[dimse]\nassociation_timeout = inf", "dimse.association_timeout: is Infinity, wanted a finite number"),
        ("[dimse]\nassociation_timeout = nan", "dimse.association_timeout: is NaN, wanted a finite number"),
        ("[dimse]\nassociation_timeout = '30'", 'dimse.association_timeout: is "30", wanted a number'),
        ("dimse = 3", "dimse: is 3, wanted a table of keys"),
        ("[[dimse]]\nport = 1", "dimse: is a list, wanted one table (write [dimse] with single brackets)"),
        ("[device]\nname = 'x'", "device: is a table, wanted a list of tables (write [[device]] with double brackets)"),
        ("ae_title = 'X'", "ae_title: is no key that dicomgate knows (did you mean dimse.ae_title?)"),
        ("[store]\npath = ''", "store.path: wanted the path of a folder"),
        ("[store]\npath = 3", "store.path: is 3, wanted the path of a folder"),
        ("[audit]\nurl = 'sqlite://'", "audit.url: wanted three slashes before a relative file"),
        ("[audit]\nurl = 'sqlite:///:memory:'", "audit.url: an SQLite database in memory cannot be shared"),
        ("[audit]\nurl = 'audit.db'", 'audit.url: wanted "sqlite:///FILE" or "postgresql://'),
        ("[rules]\nedition = 'latest'", 'rules.edition: wanted an edition of the Standard, such as "2025e"'),
        ("[policy]\nline = 3", "policy.line: is 3, wanted a list"),
        ("[[policy.line]]\nthen = 'flag'\nrule = ['']", "policy.line[1].rule[1]: is empty"),
        ("[[policy.line]]\nthen = 'flag'\nwhen = 'now'", "policy.line[1].when: is no key that dicomgate knows"),
        (
            "[[policy.line]]\nthen = 'flag'\nsop_class = 'CT Imag'",
            "policy.line[1].sop_class: 'CT Imag' is neither a UID nor the name of an IOD: did you mean 'CT Image'?",
        ),
    ],
)
def test_each_kind_of_mistake_has_words(text: str, said: str, tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path, text))
    assert said in problem


def test_two_devices_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    entry = "[[device]]\nname = 'CT'\nae_titles = 'CT*'\n"
    assert problems(written(tmp_path, entry + entry)) == [
        "site.toml:5: device[2].name: 'CT' is the name of device 1 too"
    ]


def test_an_audit_database_that_is_a_folder_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path, f"[audit]\nurl = 'sqlite:///{tmp_path}'"))
    assert "audit.url: names a folder, wanted a file" in problem


def test_a_store_that_is_a_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    (problem,) = problems(written(tmp_path, f"[store]\npath = '{tmp_path}/taken'"))
    assert "is a file, wanted a folder" in problem


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[dimse]\nport = \n", "site.toml:2: is no TOML: Invalid value in column 8"),
        (b"[dimse]\nport = 1\nport = 2\n", "site.toml:3: is no TOML: Cannot overwrite a value"),
        (b"[dimse", "site.toml:1: is no TOML: Expected ']' at the end of a table declaration"),
        (b"\xff\xfe[\0d\0", "site.toml: is not UTF-8 text: byte 0 is 0xff"),
        (b"a = " + b"[" * 5000, "site.toml: is nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml_is_one_clear_line(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_bytes(content)
    (problem,) = problems(file)
    assert problem.startswith(said)


def test_a_file_that_is_not_there_is_a_mistake_even_when_the_variable_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert problems(missing) == ["missing.toml: does not exist (named by --config or DICOMGATE_CONFIG)"]
    with pytest.raises(ConfigError, match="does not exist"):
        load(env={"DICOMGATE_CONFIG": str(missing)})


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no file"):
        load(tmp_path, {})


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[dimse]\nport = 104\nae_title = 'SITE'\n[store]\nmin_free = '1 GiB'\n")
    env = {
        "DICOMGATE_DIMSE__PORT": "4242",
        "DICOMGATE_DIMSE__AE_TITLE": "1234",
        "DICOMGATE_DIMSE__REQUIRE_CALLED_AE": "true",
        "DICOMGATE_DIMSE__PRIVATE_SOP_CLASSES": '["1.2.3", "1.2.4"]',
        "DICOMGATE_STORE__PATH": "/srv/store",
        "DICOMGATE_POLICY__LINE": '[{"then": "reject", "rule": "x"}]',
    }
    loaded = load_with_origins(file, env)
    settings = loaded.settings
    assert (settings.dimse.port, settings.dimse.ae_title, settings.dimse.require_called_ae) == (4242, "1234", True)
    assert settings.dimse.private_sop_classes == ("1.2.3", "1.2.4")
    assert settings.store.path == Path("/srv/store")
    assert settings.store.min_free == 1 << 30
    assert settings.policy.line[0].rule == ("x",)
    assert loaded.origin(("dimse", "port")) == "DICOMGATE_DIMSE__PORT"
    assert loaded.origin(("store", "min_free")) == f"{file}:5"
    assert loaded.origin(("http", "port")) == "default"


def test_mistakes_in_the_environment_name_the_variable() -> None:
    env = {
        "DICOMGATE_DIMSE__PORT": "many",
        "DICOMGATE_DIMSE__PROT": "1",
        "DICOMGATE_DIMSE__PRIVATE_SOP_CLASSES": "1.2.3",
        "DICOMGATE_DIMS__PORT": "1",
    }
    assert problems(None, env) == [
        'DICOMGATE_DIMSE__PORT: is "many", wanted a whole number',
        'DICOMGATE_DIMSE__PRIVATE_SOP_CLASSES: is no JSON (a list is written ["one", "two"])',
        "DICOMGATE_DIMSE__PROT: is no key that dicomgate knows (did you mean dimse.port?)",
        "DICOMGATE_DIMS__PORT: there is no section 'dims' (did you mean dimse?)",
    ]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_postgres_address_means_psycopg_3(scheme: str) -> None:
    assert Audit(url=f"{scheme}://u:p@h/d").url == "postgresql+psycopg://u:p@h/d"


def test_a_shown_address_has_no_password() -> None:
    shown = Audit(url="postgresql://u:se:cr@et@h/d?password=secret&sslmode=require").shown_url
    assert shown == "postgresql+psycopg://u:***@h/d?password=***&sslmode=require"
    assert Audit().shown_url == "sqlite:///var/audit.db"


def test_no_mistake_quotes_a_password(tmp_path: Path) -> None:
    for url in ("mysql://u:secret@h/d", "u:secret@h", "sqlite://u:secret@h/d"):
        assert "secret" not in " ".join(problems(written(tmp_path, f"[audit]\nurl = '{url}'")))


def test_the_digest_is_of_values_and_not_of_how_they_were_written(tmp_path: Path) -> None:
    first = load(written(tmp_path, "[store]\nmin_free = '256 MiB'\n[dimse]\nport = 1\n"), {})
    second = load(written(tmp_path, "dimse.port = 1\n"), {})
    assert first.digest == second.digest
    assert first.digest != Settings().digest


def test_the_digest_tells_a_changed_password(tmp_path: Path) -> None:
    digests = {load(written(tmp_path, f"[audit]\nurl = 'postgresql://u:{p}@h/d'"), {}).digest for p in "ab"}
    assert len(digests) == 2


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().dimse.port = 1  # type: ignore[misc]


def test_the_identity_key_is_beside_the_store_unless_named() -> None:
    assert Settings().identity_key_path == Path("var/identity.key")
    assert Settings(audit=Audit(identity_key_file="/k")).identity_key_path == Path("/k")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_bytes(b"\xef\xbb\xbf[dimse]\r\nport = 104\r\n")
    assert load(file, {}).dimse.port == 104


def test_secrets_come_from_the_credentials_directory(tmp_path: Path) -> None:
    file = written(tmp_path, 'dimse.port = 104\naudit.url = "sqlite:///var/a.db"')
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "dicomgate_audit.url").write_text("postgresql://gate:s3cret@db/gate\n")
    (secrets / "somebody.else").write_text("theirs")
    loaded = load_with_origins(file, {"CREDENTIALS_DIRECTORY": str(secrets)})
    assert loaded.settings.audit.url == "postgresql+psycopg://gate:s3cret@db/gate"
    assert loaded.origin(("audit", "url")) == "CREDENTIALS_DIRECTORY/dicomgate_audit.url"
    assert loaded.settings.dimse.port == 104
    env = {"CREDENTIALS_DIRECTORY": str(secrets), "DICOMGATE_AUDIT__URL": "sqlite:///var/b.db"}
    assert load(file, env).audit.url == "sqlite:///var/b.db"
    (secrets / "audit.urll").write_text("x")
    with pytest.raises(ConfigError, match=r"CREDENTIALS_DIRECTORY/audit.urll: .*audit.url"):
        load(file, {"CREDENTIALS_DIRECTORY": str(secrets)})


def test_a_credentials_directory_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match=f"{tmp_path}: cannot be read: Permission denied"):
        load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


anything = st.recursive(
    st.one_of(st.integers(-9, 9).map(str), st.sampled_from(["true", "1.5", "nan", "2020-01-01", "'flag'", "''"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
        st.dictionaries(st.sampled_from(["port", "line", "then", "name"]), inner, max_size=2).map(
            lambda each: "{" + ", ".join(f"{key} = {value}" for key, value in each.items()) + "}"
        ),
    ),
    max_leaves=5,
)
sections = st.sampled_from([*Settings.model_fields, "nonsense"])


@given(st.dictionaries(sections, anything, max_size=4), st.dictionaries(sections, anything, max_size=2))
def test_any_value_anywhere_is_taken_or_told(
    tmp_path_factory: pytest.TempPathFactory, given_values: dict[str, str], outside: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    file = written(folder, "\n".join(f"{key} = {value}" for key, value in given_values.items()))
    env = {f"DICOMGATE_{section.upper()}__NAME": value for section, value in outside.items()}
    problems: tuple[ConfigProblem, ...] = ()
    try:
        load(file, env)
    except ConfigError as error:
        problems = error.problems
    assert all("\n" not in str(each) for each in problems)
