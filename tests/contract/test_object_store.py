"""What every object store must do: the folder, S3 and the fake."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.aws.s3_object_store import S3ObjectStore
from shared.errors import ObjectMissingError, PermanentError, TransientError
from shared.local.folder_store import FolderStore
from shared.objects import content_type_of
from tests.fakes.memory_store import MemoryStore
from tests.servers.localstack import aws_clients, running_localstack

KEY = "evidence/2026/03/04/" + "0" * 32 + "/" + "a" * 64 + ".jpg"
UNSAFE_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "../outside.jpg",
    "evidence/../../outside.jpg",
    "evidence/./a.jpg",
    "evidence//a.jpg",
    "evidence/a.jpg/",
    ".unfinished/a.jpg",
    "evidence/.hidden/a.jpg",
    "evidence\\..\\a.jpg",
    "C:/a.jpg",
    "evidence/a\n.jpg",
    "evidence/a.jpg\n",
    "evidence/a\0.jpg",
    "evidence/a b.jpg",
    "evidence/ä.jpg",
    "~/a.jpg",
    "evidence/" + "a" * 600 + ".jpg",
]


@pytest.fixture(params=["folder", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "s3":
        bucket = running_localstack().new_bucket()
        return S3ObjectStore(aws_clients(monkeypatch).s3(), bucket, retention="evidence")
    return FolderStore(tmp_path / "store") if request.param == "folder" else MemoryStore()


def test_gives_back_what_was_put(store: Any) -> None:
    store.put(KEY, b"\xff\xd8 picture", "image/jpeg")

    assert store.get(KEY) == b"\xff\xd8 picture"
    assert store.exists(KEY)


def test_keeps_an_empty_object(store: Any) -> None:
    store.put(KEY, b"", "image/jpeg")

    assert store.get(KEY) == b""


def test_putting_again_changes_nothing_and_is_success(store: Any) -> None:
    store.put(KEY, b"first", "image/jpeg")
    store.put(KEY, b"second", "image/jpeg")

    assert store.get(KEY) == b"first"


def test_a_missing_object_may_still_come(store: Any) -> None:
    with pytest.raises(ObjectMissingError, match=KEY) as caught:
        store.get(KEY)

    assert isinstance(caught.value, TransientError)
    assert not store.exists(KEY)
    with pytest.raises(ObjectMissingError):
        store.info(KEY)


def test_the_folder_of_an_object_is_no_object(store: Any) -> None:
    store.put(KEY, b"x", "image/jpeg")

    for key in ("evidence", "evidence/2026", KEY + "/x.jpg"):
        assert not store.exists(key)
        with pytest.raises(ObjectMissingError):
            store.get(key)
        with pytest.raises(ObjectMissingError):
            store.info(key)


def test_lists_keys_by_prefix(store: Any) -> None:
    keys = [
        "events/2026/03/04/a/opened-1.json",
        "events/2026/03/05/b/opened-2.json",
        "events/2026/03/05/c.json",
    ]
    for key in keys:
        store.put(key, b"{}", "application/json")
    store.put(KEY, b"x", "image/jpeg")

    assert list(store.list("events/")) == keys
    assert list(store.list("events/2026/03/05/")) == keys[1:]
    assert list(store.list("events/2026/03/05/b")) == keys[1:2]
    assert list(store.list("reports/")) == []
    assert sorted(store.list()) == sorted([*keys, KEY])


def test_knows_size_type_and_time(store: Any) -> None:
    store.put(KEY, b"12345", "image/jpeg")

    info = store.info(KEY)

    assert (info.key, info.size_bytes, info.content_type) == (KEY, 5, "image/jpeg")
    assert abs(info.stored_at - datetime.now(UTC)) < timedelta(seconds=10)


def test_refuses_to_read_what_is_too_large(store: Any) -> None:
    store.put(KEY, b"x" * 1001, "image/jpeg")

    with pytest.raises(PermanentError, match="1001 bytes, 1000 are allowed") as caught:
        store.get(KEY, max_bytes=1000)

    assert caught.value.code == "object-too-large"


@pytest.mark.parametrize("key", UNSAFE_KEYS)
def test_refuses_unsafe_keys(store: Any, key: str) -> None:
    for call in (
        lambda: store.put(key, b"x", "image/jpeg"),
        lambda: store.get(key),
        lambda: store.exists(key),
    ):
        with pytest.raises(PermanentError) as caught:
            call()
        assert caught.value.code == "unsafe-key"
        assert "\n" not in str(caught.value)


def test_refuses_an_unsafe_prefix(store: Any) -> None:
    with pytest.raises(PermanentError):
        list(store.list("../"))


def test_refuses_a_type_that_the_name_contradicts(store: Any) -> None:
    with pytest.raises(PermanentError) as caught:
        store.put(KEY, b"<html>", "text/html")

    assert caught.value.code == "wrong-content-type"
    assert not store.exists(KEY)


def test_of_many_who_put_at_once_one_wins_and_all_succeed(store: Any) -> None:
    bodies = [bytes([number]) * 50_000 for number in range(16)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda body: store.put(KEY, body, "image/jpeg"), bodies))

    assert store.get(KEY) in bodies
    assert list(store.list()) == [KEY]


def test_erases_all_of_one_violation_and_nothing_else(store: Any) -> None:
    ours = [KEY, "events/2026/03/04/" + "0" * 32 + "/opened-1.json", "reports/2026-gate-" + "0" * 32 + ".pdf"]
    others = ["evidence/2026/03/04/" + "1" * 32 + "/" + "a" * 64 + ".jpg", "spool/" + "0" * 32 + ".json"]
    for key in (*ours, *others):
        store.put(key, b"x", content_type_of(key))

    for prefix in ("evidence/", "events/", "reports/"):
        assert store.erase({"0" * 32}, prefix) == [key for key in ours if key.startswith(prefix)]
        assert store.erase({"0" * 32}, prefix) == []

    assert sorted(store.list()) == sorted(others)


def test_erases_several_violations_at_once(store: Any) -> None:
    keys = ["evidence/2026/03/04/" + digit * 32 + "/" + "a" * 64 + ".jpg" for digit in "012"]
    for key in keys:
        store.put(key, b"x", "image/jpeg")

    assert store.erase({"0" * 32, "2" * 32}, "evidence/") == [keys[0], keys[2]]
    assert list(store.list()) == [keys[1]]


def test_what_was_erased_may_be_put_again(store: Any) -> None:
    store.put(KEY, b"first", "image/jpeg")
    store.erase({"0" * 32}, "evidence/")
    store.put(KEY, b"second", "image/jpeg")

    assert store.get(KEY) == b"second"


def test_a_bucket_with_versioning_keeps_no_version_of_what_was_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket, s3 = running_localstack().new_bucket(versioned=True), running_localstack().s3
    store = S3ObjectStore(aws_clients(monkeypatch).s3(), bucket, retention="evidence")
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key=KEY, Body=body)
    s3.delete_object(Bucket=bucket, Key=KEY)  # leaves a marker, as a lifecycle rule does

    assert store.erase({"0" * 32}, "evidence/") == [KEY]

    left = s3.list_object_versions(Bucket=bucket)
    assert left.get("Versions", []) == left.get("DeleteMarkers", []) == []
