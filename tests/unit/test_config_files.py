"""The files that a task in AWS starts with are those of its own task definition. S3 is a double."""

# ruff: noqa: N803 - the names of arguments are those of AWS

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from shared.aws.config_files import EXIT_CONFIGURATION, ConfigFile, fetch, main
from shared.errors import ConfigurationError

VERSIONS = {"v1": b"site: before", "v2": b"site: after"}


class Bucket:
    def get_object(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        assert (Bucket, Key) == ("config", "site/site.yaml")
        body = VERSIONS[VersionId]
        return {"ContentLength": len(body), "Body": BytesIO(body)}


def file(version: str, body: bytes, path: Path) -> ConfigFile:
    return ConfigFile("config", "site/site.yaml", version, hashlib.sha256(body).hexdigest(), path)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_task_gets_the_version_that_it_was_made_with(version: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    fetch([file(version, VERSIONS[version], path)], Bucket())  # type: ignore[arg-type]
    assert path.read_bytes() == VERSIONS[version]


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    wrong = file("v2", VERSIONS["v1"], tmp_path / "site.yaml")
    with pytest.raises(ConfigurationError, match="do: terraform apply, then deploy"):
        fetch([wrong], Bucket())  # type: ignore[arg-type]
    assert not (tmp_path / "site.yaml").exists()


def test_a_file_without_its_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    told = '[{"bucket": "config", "key": "site/site.yaml", "sha256": "0", "path": "/config/site.yaml"}]'
    assert main({"CONFIG_FILES": told, "CONFIG_OWNER": "10001:10001"}) == EXIT_CONFIGURATION
    assert '"version"' in capsys.readouterr().err
