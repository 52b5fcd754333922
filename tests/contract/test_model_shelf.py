"""A registry's shelf and what stands on it: the same in a folder and in a bucket."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from officer.training.registry import Registry
from services.detection.adapters.model_registry import POINTER, fetch_current
from services.detection.adapters.model_shelf import Held, ModelShelf, S3Shelf, open_shelf
from shared.errors import ConfigurationError, TransientError
from tests.servers.localstack import REGION, aws_clients, running_localstack


@pytest.fixture(params=["folder", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelShelf:
    if request.param == "folder":
        return open_shelf(str(tmp_path / "registry"))
    bucket = running_localstack().new_bucket()
    aws_clients(monkeypatch)
    return open_shelf(f"s3://{bucket}/models/site-a", REGION)


@pytest.fixture
def registry(shelf: ModelShelf) -> Registry:
    made = Registry(shelf, "here")
    for version in ("1.0", "2.0", "3.0"):
        made.add("ppe", version, {"model.onnx": f"network {version}".encode(), "card.md": b"# ppe"})
    return made


def silent() -> ModelShelf:
    raise TransientError("it does not answer")


def test_what_is_kept_can_be_read_and_never_changes(shelf: ModelShelf) -> None:
    assert shelf.read("ppe/1.0/model.onnx") is None
    shelf.keep("ppe/1.0/model.onnx", b"first")
    shelf.keep("ppe/1.0/model.onnx", b"second")
    held = shelf.read("ppe/1.0/model.onnx")
    assert held is not None
    assert held.body == b"first"
    assert shelf.names() == ["ppe/1.0/model.onnx"]


def test_of_two_who_replace_the_same_one_loses(shelf: ModelShelf) -> None:
    assert shelf.replace(POINTER, b"1", None)
    assert not shelf.replace(POINTER, b"2", None)
    held = shelf.read(POINTER)
    assert held is not None
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda body: shelf.replace(POINTER, body, held.tag), [b"a", b"b", b"c", b"d"]))
    assert sum(won) == 1
    now = shelf.read(POINTER)
    assert now is not None
    assert now.body == [b"a", b"b", b"c", b"d"][won.index(True)]


def test_versions_are_listed_and_one_is_put_to_use_and_taken_back(registry: Registry) -> None:
    assert [entry.version for entry in registry.entries()] == ["1.0", "2.0", "3.0"]
    assert registry.in_use() == []
    for version in ("1.0", "2.0", "3.0"):
        registry.use("ppe", version)
    assert registry.rollback().version == "2.0"
    assert registry.rollback().version == "1.0"
    with pytest.raises(ConfigurationError, match="no model was in use before"):
        registry.rollback()
    held = registry.shelf.read(POINTER)
    assert held is not None
    history = [(one["change"], one["version"]) for one in json.loads(held.body)["history"]]
    assert history == [
        ("use", "1.0"),
        ("use", "2.0"),
        ("use", "3.0"),
        ("rollback", "2.0"),
        ("rollback", "1.0"),
    ]


@pytest.mark.parametrize("way", ["use", "rollback"])
def test_a_version_whose_file_is_damaged_is_not_put_in_use(registry: Registry, way: str) -> None:
    for version in ("1.0", "2.0"):
        registry.use("ppe", version)
    before = registry.shelf.read(POINTER)
    broken = "1.0" if way == "rollback" else "3.0"
    put(registry.shelf, f"ppe/{broken}/model.onnx", b"half of the netw")
    with pytest.raises(ConfigurationError, match=r"has SHA-256 .* is required; do: restore that file"):
        registry.rollback() if way == "rollback" else registry.use("ppe", "3.0")
    assert registry.shelf.read(POINTER) == before


def test_a_version_whose_file_is_missing_is_not_put_in_use(shelf: ModelShelf) -> None:
    papers = {"name": "ppe", "version": "1.0", "sha256": "ab" * 32, "files": {}}
    shelf.keep("ppe/1.0/entry.json", json.dumps(papers).encode())
    with pytest.raises(ConfigurationError, match=r"here lacks ppe/1.0/model.onnx; do: restore that file"):
        Registry(shelf, "here").use("ppe", "1.0")
    assert shelf.read(POINTER) is None


def test_the_same_again_changes_nothing(registry: Registry) -> None:
    registry.use("ppe", "1.0")
    before = registry.shelf.read(POINTER)
    registry.use("ppe", "1.0")
    assert registry.shelf.read(POINTER) == before
    registry.add("ppe", "1.0", {"model.onnx": b"network 1.0", "card.md": b"# ppe"})


def test_a_version_never_changes(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=r"has ppe 1.0 already, with other files"):
        registry.add("ppe", "1.0", {"model.onnx": b"another", "card.md": b"# ppe"})


def test_an_interrupted_addition_is_finished_or_refused_and_never_listed(shelf: ModelShelf) -> None:
    registry = Registry(shelf, "here")
    shelf.keep("ppe/1.0/model.onnx", b"network")
    assert registry.entries() == []
    with pytest.raises(ConfigurationError, match="from an interrupted try"):
        registry.add("ppe", "1.0", {"model.onnx": b"another"})
    registry.add("ppe", "1.0", {"model.onnx": b"network"})
    assert len(registry.entries()) == 1


NO_HASH = {"name": "ppe", "version": "1.0", "sha256": None}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"name": "ppe"}', b"\xff", json.dumps({**NO_HASH, "files": {}}).encode()]
)
def test_papers_that_cannot_be_read_are_told(registry: Registry, body: bytes) -> None:
    put(registry.shelf, "ppe/1.0/entry.json", body)
    for ask in (registry.entries, lambda: registry.use("ppe", "1.0")):
        with pytest.raises(ConfigurationError, match=r"ppe/1.0/entry.json is not understood .*; do: restore"):
            ask()


def test_what_is_not_there_cannot_be_used(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match="do: officer model list"):
        registry.use("ppe", "9.0")
    with pytest.raises(ConfigurationError, match="is not allowed; allowed: a-z"):
        registry.add("PPE model", "1", {"model.onnx": b"x"})


def test_a_service_fetches_what_is_in_use_once(registry: Registry, tmp_path: Path) -> None:
    registry.use("ppe", "1.0")
    path, entry = fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    assert (path.read_bytes(), entry.version) == (b"network 1.0", "1.0")
    registry.use("ppe", "2.0")
    path, _ = fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    assert path.read_bytes() == b"network 2.0"


@pytest.mark.parametrize("left", [b"changed", b""])
def test_a_fetched_model_that_was_damaged_is_never_run_and_fetched_again(
    registry: Registry, tmp_path: Path, left: bytes
) -> None:
    registry.use("ppe", "1.0")
    path, _ = fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    path.write_bytes(left)
    with pytest.raises(ConfigurationError, match=r"has SHA-256|is empty"):
        fetch_current(silent, "here", tmp_path / "cache")
    path, _ = fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    assert path.read_bytes() == b"network 1.0"


def test_a_bad_download_is_not_kept_so_that_a_mended_registry_is_enough(
    registry: Registry, tmp_path: Path
) -> None:
    entry = registry.use("ppe", "1.0")
    put(registry.shelf, entry.key, b"half of the netw")
    with pytest.raises(
        ConfigurationError, match=r"here: ppe/1.0/model.onnx has SHA-256 .* is required; do: "
    ):
        fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    put(registry.shelf, entry.key, b"network 1.0")
    path, _ = fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    assert path.read_bytes() == b"network 1.0"


def test_the_file_of_any_version_can_be_read_and_is_checked(registry: Registry) -> None:
    file = registry.file("ppe", "2.0")
    assert (file.path, file.body) == (Path("ppe/2.0/model.onnx"), b"network 2.0")
    put(registry.shelf, "ppe/2.0/model.onnx", b"another")
    with pytest.raises(ConfigurationError, match="has SHA-256"):
        registry.file("ppe", "2.0")
    with pytest.raises(ConfigurationError, match=r"here has no ppe 9.0; do: officer model list"):
        registry.file("ppe", "9.0")


def test_where_the_registry_is_silent_the_model_fetched_last_is_run(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(TransientError):
        fetch_current(silent, "here", tmp_path / "cache")
    registry.use("ppe", "1.0")
    fetch_current(lambda: registry.shelf, "here", tmp_path / "cache")
    path, _ = fetch_current(silent, "here", tmp_path / "cache")
    assert path.read_bytes() == b"network 1.0"


def test_a_folder_that_this_user_may_not_read_is_no_silent_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = open_shelf(str(tmp_path / "registry"))
    registry = Registry(shelf, "here")
    registry.add("ppe", "1.0", {"model.onnx": b"network 1.0"})
    registry.use("ppe", "1.0")
    fetch_current(lambda: shelf, "here", tmp_path / "cache")
    read = Path.read_bytes

    def read_as_another_user(path: Path) -> bytes:  # root, which tests may run as, may read everything
        if path.is_relative_to(tmp_path / "registry"):
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_as_another_user)
    with pytest.raises(
        ConfigurationError, match=r"this user may not read current.json; do: let it, by the group"
    ):
        fetch_current(lambda: shelf, "here", tmp_path / "cache")


def test_a_pointer_that_is_not_understood_is_told(shelf: ModelShelf, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no model in use; do: officer model use"):
        fetch_current(lambda: shelf, "here", tmp_path)
    shelf.replace(POINTER, json.dumps({"schema_version": 1, "in_use": [NO_HASH]}).encode(), None)
    with pytest.raises(ConfigurationError, match="is not understood"):
        fetch_current(lambda: shelf, "here", tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff{",
        b"[]",
        b'{"schema_version": 2, "in_use": 7}',
        *(
            json.dumps({"schema_version": 1, "in_use": [{**NO_HASH, "sha256": told}]}).encode()
            for told in (None, "ab", "../" * 22)
        ),
    ],
)
def test_a_broken_pointer_is_mended_by_use_and_by_nothing_else(registry: Registry, broken: bytes) -> None:
    registry.shelf.replace(POINTER, broken, None)
    for tried in (registry.in_use, registry.rollback):
        with pytest.raises(
            ConfigurationError, match=r"is not understood .*; do: officer model use NAME VERSION"
        ):
            tried()
    used = registry.use("ppe", "1.0")
    assert registry.in_use() == [used]
    with pytest.raises(ConfigurationError, match="no model was in use before"):
        registry.rollback()
    registry.use("ppe", "2.0")
    assert registry.rollback() == used


def test_mending_a_pointer_keeps_the_history_that_can_be_read(registry: Registry) -> None:
    registry.shelf.replace(POINTER, b'{"in_use": [], "history": [{"change": "use", "version": "0.9"}]}', None)
    registry.use("ppe", "1.0")
    held = registry.shelf.read(POINTER)
    assert held is not None
    assert [one["version"] for one in json.loads(held.body)["history"]] == ["0.9", "1.0"]


def test_of_two_who_mend_a_broken_pointer_one_loses(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.shelf.replace(POINTER, b"broken", None)
    read = registry.shelf.read

    def read_just_before_another(key: str) -> Held | None:
        held = read(key)
        if key == POINTER:
            monkeypatch.undo()
            registry.use("ppe", "2.0")
        return held

    monkeypatch.setattr(registry.shelf, "read", read_just_before_another)
    with pytest.raises(TransientError, match="somebody else has changed"):
        registry.use("ppe", "1.0")
    assert [entry.version for entry in registry.in_use()] == ["2.0"]


def test_an_address_without_a_bucket_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="names no bucket"):
        open_shelf("s3:///prefix")


def test_a_bucket_that_does_not_exist_is_a_matter_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running_localstack()
    with pytest.raises(TransientError, match="the bucket does not exist"):
        S3Shelf(aws_clients(monkeypatch), "nowhere-at-all", "").read(POINTER)


def put(shelf: ModelShelf, key: str, body: bytes) -> None:
    """What an accident, or somebody's hand, does to a file that should never change."""
    held = shelf.read(key)
    assert held is not None
    assert shelf.replace(key, body, held.tag)
