"""The site file: what is read, and that every mistake is told with line, key, value, what is allowed and what to do."""

import json
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config.site import Camera, LoadedSite, PpeRule, load_site, site_schema, source_of
from shared.errors import ConfigurationError
from shared.vocabulary import Hazard, Item

ROOT = Path(__file__).parents[2]
VALID = (ROOT / "tests" / "fixtures" / "site.yaml").read_text()


def load(folder: Path, text: str | bytes) -> LoadedSite:
    path = folder / "site.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_site(path)


def refused(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def swapped(old: str, new: str) -> str:
    assert VALID.count(old) >= 1, old
    return VALID.replace(old, new, 1)


def test_a_valid_file_is_read(tmp_path: Path) -> None:
    loaded = load(tmp_path, VALID)
    camera, rule = loaded.site.cameras[0], loaded.site.rules[0]
    assert (camera.zones[0].hazards, camera.source) == ((Hazard.OVERHEAD_WORK,), "${GATE_URL}")
    assert isinstance(rule, PpeRule)
    assert (rule.requires, rule.schedule.start, rule.schedule.end) == (
        (Item.HARDHAT, Item.VEST),
        time(6, 30),
        time(18, 0),
    )
    assert len(loaded.sha256) == 64


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path) -> None:
    assert load_site(path).site.rules


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((ROOT / "docs" / "site.schema.json").read_text())
    assert published == site_schema(), "run: python tools/publish_schemas.py"


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert (
        load(tmp_path, b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode()).site
        == load(tmp_path, VALID).site
    )


def test_all_problems_come_in_one_message(tmp_path: Path) -> None:
    text = swapped("id: north-yard", "id: North Yard").replace("cooldown_s: 60", "cooldown_s: -1")
    assert refused(tmp_path, text.replace("blur_faces: true", "blur_facse: true")) == (
        "site.yaml: 3 problems\n"
        "site.yaml:3: site.id: value 'North Yard' is not allowed; "
        "allowed: 1 to 64 of a-z, 0-9, - and _, a letter or digit first and last\n"
        "site.yaml:26: rules[0].cooldown_s: value -1 is not allowed; allowed: a number from 0 to 86,400\n"
        "site.yaml:35: privacy.blur_facse: is not a known key; allowed: blur_faces; do: did you mean 'blur_faces'?"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1", "version: 2", "site.yaml:1: version: value 2 is not allowed; allowed: 1"),
        (
            "  name: North yard\n",
            "",
            "site.yaml:2: site.name: is missing; allowed: text of 1 to 200 characters",
        ),
        ("America/Chicago", "America/Chicgo", "do: did you mean 'America/Chicago'?"),
        ("America/Chicago", "UTC+1", "such as Europe/Berlin; do: name the place, not its offset"),
        (
            "    name: Gate camera",
            "\tname: Gate",
            ":10: is indented with a tab; allowed: spaces; do: replace tabs",
        ),
        (
            "    name: Gate camera",
            "    id: gate2",
            ":10: cameras[0].id: stands twice, first in line 9; do: remove one",
        ),
        (
            "North yard",
            "!!python/object/apply:os.system [id]",
            "tag '!!python/object/apply:os.system' is not allowed",
        ),
        ("North yard", "!secret x", ":4: site.name: tag '!secret' is not allowed; allowed: plain values"),
        ("North yard", "!!int x1", ":4: site.name: value 'x1' is no int; do: remove the tag !!int"),
        ("North yard", '"a\\0b"', ":4: site.name: value 'a\\x00b' holds NUL or half a character"),
        ("North yard", '"\\ud800"', ":4: site.name: value '\\ud800' holds NUL or half a character"),
        ("North yard", '"a\\nb"', ":4: site.name: value 'a\\nb' holds a control character, a line break"),
        ("North yard", "2026-01-01", ""),
        ("North yard", "010", ":4: site.name: value 10 is not allowed; allowed: text of 1 to 200 characters"),
        ("North yard", "a\x07b", ":4: holds the character U+0007, which YAML forbids; do: remove it"),
        ("name: North yard", "name: [", "is not YAML: "),
        (
            "blur_faces: true",
            "blur_faces: no",
            "do: write true or false (yes, no, on and off are plain text here)",
        ),
        ("blur_faces: true", 'blur_faces: "true"', "value 'true' is not allowed; allowed: true or false"),
        (
            "name: Hoist area",
            "name: Hoist area\n        look_closer: true",
            "has look_closer, but is nearly the whole picture (88% x 93% of it with its margin)",
        ),
        (
            "        polygon: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]",
            "        look_closer: true",
            "has look_closer, but no polygon, so it is the whole picture; do: draw where people are small",
        ),
        ("cooldown_s: 60", "cooldown_s: .nan", "value '.nan' is not a number one can compare with"),
        ("cooldown_s: 60", "cooldown_s: -.inf", "value '-.inf' is not a number one can compare with"),
        ("cooldown_s: 60", "cooldown_s: 1e999", "value '1e999' is too large a number"),
        ("cooldown_s: 60", f"cooldown_s: {'9' * 5000}", "has 5000 digits; allowed: at most 15"),
        (
            "cooldown_s: 60",
            "cooldown_s: 0x3C",
            "value '0x3C' is not allowed; allowed: a number from 0 to 86,400",
        ),
        (
            "hardhat",
            "hard-hat",
            "rules[0].requires[0]: value 'hard-hat' is not allowed; allowed: hardhat, vest, mask",
        ),
        ("hardhat", "hard-hat", "do: did you mean 'hardhat'?"),
        ("hardhat", "vest", "rules[0].requires: a list of 2 names 'vest' twice; do: remove one"),
        (
            "kind: ppe",
            "kind: pep",
            "rules[0].kind: value 'pep' is not allowed; allowed: ppe, restricted-zone; do: did",
        ),
        ("    kind: ppe\n", "", "rules[0].kind: is missing; allowed: ppe, restricted-zone; do: add it"),
        (
            "zones: [hoist]",
            "zones: [hosit]",
            ":23: rules[0].zones[0]: value 'hosit' is no zone of any camera; ",
        ),
        ("zones: [hoist]", "zones: [hosit]", "allowed: hoist; do: did you mean 'hoist'?"),
        ("id: keep-out", "id: ppe", ":28: rules[1].id: value 'ppe' stands twice; allowed: each id once"),
        (
            "[0.9, 0.9]]",
            "[0.1, 0.1]]",
            "cameras[0].zones[0].polygon: a list of 3 has 2 different points; allowed: 3 to",
        ),
        (
            "[0.9, 0.9]]",
            "[0.9, 1.5]]",
            "polygon[2][1]: value 1.5 is not allowed; allowed: a number from 0 to 1",
        ),
        ("[0.9, 0.9]]", "[0.9, 0.9], [0.1, 0.9]]", ""),
        (
            "[0.9, 0.1], [0.9, 0.9]]",
            "[0.9, 0.9], [0.1, 0.9], [0.9, 0.1]]",
            "crosses itself (edge 1 meets edge 3)",
        ),
        (
            "[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]",
            "[0, 0], [0.5, 0.5], [1, 1]]",
            "encloses no area; allowed: 0.01% of the picture and more; do: list corners around the zone",
        ),
        ("[0.9, 0.1], [0.9, 0.9]]", "[0.12, 0.1], [0.1, 0.12]]", ""),
        (
            "looks: 4",
            "looks: 7",
            "rules[0].confirm: a mapping asks for 7 looks of 6; allowed: looks at most of",
        ),
        (
            "from: 06:30",
            "from: 6:30",
            'schedule.from: value \'6:30\' is no time of day; allowed: "00:00" to "23:59"',
        ),
        ("from: 06:30", "from: 390", "schedule.from: value 390 is no time of day"),
        (
            "[mon, tue]",
            "[]",
            "schedule.days: a list of 0 is not allowed; allowed: a list of 1 or more, each mon, tue",
        ),
        ("safety@example.org", '"a@b\\r\\nBcc: c@d"', "value 'a@b\\r\\nBcc: c@d' is no mail address"),
        (
            "recipients:",
            "recipients:\n  - {address: Safety@Example.org}",
            "recipients[1].address: value 'safety@example.org' stands twice; allowed: each address once",
        ),
        *(
            ("safety@example.org", f'"{address}"', f"value '{address}' is no mail address")
            for address in (
                "a..b@c.org",
                "a.@c.org",
                ".a@c.org",
                "a@c..org",
                "a@c.org.",
                "a@.org",
                "@c.org",
                "a@",
            )
        ),
        (
            "safety@example.org",
            f"{'a' * 250}@b.org",
            "is too long; allowed: 64 characters before the @ and 254 in all",
        ),
        (
            "${GATE_URL}",
            "rtsp://admin:hun ter2@h/${X",
            "value 'rtsp://***@h/${X' has a ${ that is not closed",
        ),
        ("${GATE_URL}", "rtsp://admin:hunter2@h/${X", "value 'rtsp://***@h/${X' has a ${ that is not closed"),
        (
            "severity: high",
            "severity: [high]",
            "rules[0].severity: a list of 1 is not allowed; allowed: low, medium,",
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path: Path, old: str, new: str, words: str) -> None:
    if words:
        assert words in refused(tmp_path, swapped(old, new))
    else:
        assert load(tmp_path, swapped(old, new)).site


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load_site(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Is a directory\)"):
        load_site(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "site.yaml:1: is empty; do: fill it in (a site file: start from one in examples/sites)"),
        (b"# only words\n", "site.yaml:1: is empty"),
        (
            b"- a\n- b\n",
            "site.yaml:1: a list of 2 is not allowed; allowed: a mapping with version, site, cameras",
        ),
        (b"just text", "site.yaml:1: value 'just text' is not allowed"),
        (b"a: 1\n---\nb: 2\n", "site.yaml:2: is not YAML: but found another document"),
        (b"? [a]\n: b\n", "a key must be plain text, not a list or mapping"),
        (
            b"version: 1\nsite: \xff\n",
            "site.yaml:2: is not UTF-8 text (byte 0xff); do: save the file as UTF-8",
        ),
        ("version: 1".encode("utf-16"), "site.yaml:1: is not UTF-8 text (byte 0xff)"),
        (b"#" * (256 * 1024 + 1), "is larger than 262,144 bytes, the most allowed"),
        (b"[" * 100_000, "is nested deeper than 24 levels; do: flatten it"),
        (b"&a [*a]", "is nested deeper than 24 levels"),
        (b"a: *b\n", "site.yaml:1: is not YAML: found undefined alias 'b'"),
        (b"<<: {version: 1}\n", "site.yaml:1: '<<': is not a known key"),
    ],
)
def test_a_file_that_is_no_site_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refused(tmp_path, content)


def test_an_alias_bomb_is_refused_within_a_moment(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
    )
    assert "has more than 100,000 values once its aliases (*name) are filled in" in refused(tmp_path, bomb)


def test_an_anchor_saves_repeating(tmp_path: Path) -> None:
    text = swapped("confirm: {", "confirm: &quick {") + ""
    text = text.replace("title: Keep out", "title: Keep out\n    confirm: *quick")
    first, second = load(tmp_path, text).site.rules
    assert first.confirm == second.confirm is not None


def test_countless_problems_are_cut(tmp_path: Path) -> None:
    rules = "".join(f"  - {{id: r{i}, kind: ppe, title: x, requires: [hat]}}\n" for i in range(60))
    told = refused(tmp_path, VALID[: VALID.index("rules:")] + "rules:\n" + rules)
    assert told.startswith("site.yaml: 60 problems\n")
    assert told.endswith("\n... and 10 more")


def places(value: Any, loc: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if loc:
        yield loc
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*loc, key))


def dotted(loc: tuple[Any, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")


MUTATIONS: dict[str, Any] = {
    "mapping": {"wrong": 1},
    "number": -7.5,
    "list": [[]],
    "text": "\u0000wrong\u0000",
}


@pytest.mark.parametrize("kind", MUTATIONS)
@pytest.mark.parametrize("loc", list(places(yaml.safe_load(VALID))), ids=dotted)
def test_each_key_is_guarded(tmp_path: Path, loc: tuple[Any, ...], kind: str) -> None:
    """A wrong value anywhere stops the start and is told with its line and key."""
    document = yaml.safe_load(VALID)
    place = document
    for step in loc[:-1]:
        place = place[step]
    place[loc[-1]] = MUTATIONS[kind]
    text = yaml.safe_dump(document, sort_keys=False)
    told = refused(tmp_path, text)
    parent = dotted(loc)
    named = [line for line in told.splitlines()[1:] if line.split(": ")[1].startswith(parent)]
    assert named, told
    line = text.splitlines()[int(named[0].split(":")[1]) - 1]
    assert str(loc[-1]) in line or isinstance(loc[-1], int) or line.strip(" -") in {"wrong: 1", "[]"}


@pytest.mark.parametrize(
    "loc", [loc for loc in places(yaml.safe_load(VALID)) if isinstance(loc[-1], str)], ids=dotted
)
def test_each_misspelt_key_is_told(tmp_path: Path, loc: tuple[Any, ...]) -> None:
    document = yaml.safe_load(VALID)
    place = document
    for step in loc[:-1]:
        place = place[step]
    place[f"{loc[-1]}x"] = place.pop(loc[-1])
    told = refused(tmp_path, yaml.safe_dump(document, sort_keys=False))
    parent = dotted((*loc[:-1], f"{loc[-1]}x"))
    assert f"{parent}: is not a known key" in told or "kind: is missing" in told, told
    assert f"did you mean {loc[-1]!r}?" in told or "kind: is missing" in told or len(loc[-1]) < 3, told


def test_a_source_takes_its_secret_from_the_environment() -> None:
    camera = Camera(
        id="gate", name="Gate", source="rtsp://${USER_}:${PASS}@h/1", zones=({"id": "z", "name": "Z"},)
    )
    assert source_of(camera, {"USER_": "a", "PASS": "p@ss${X}"}) == "rtsp://a:p@ss${X}@h/1"
    with pytest.raises(
        ConfigurationError, match="camera gate: source reads PASS from the environment, which is not"
    ):
        source_of(camera, {"USER_": "a", "PASS": ""})
    assert "rtsp" not in repr(camera)


def test_a_source_may_have_a_default() -> None:
    camera = Camera(id="g", name="G", source="${URL:-yard.mp4}", zones=({"id": "z", "name": "Z"},))
    assert source_of(camera, {}) == source_of(camera, {"URL": ""}) == "yard.mp4"
    assert source_of(camera, {"URL": "rtsp://h/1"}) == "rtsp://h/1"


def test_a_camera_without_source_is_told() -> None:
    camera = Camera(id="gate", name="Gate", zones=({"id": "z", "name": "Z"},))
    with pytest.raises(ConfigurationError, match="camera gate: has no source; do: add source: to it"):
        source_of(camera, {})
