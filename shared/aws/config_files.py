"""Fetches the files that a service in AWS starts with, such as its site file: `python -m shared.aws.config_files`.

Runs as a container of its own before the service's, as root on folders that both mount, and ends. From the environment:

    CONFIG_FILES    JSON: a list of {"bucket", "key", "version", "sha256", "path"}
    CONFIG_FOLDERS  folders to hand over, separated by commas
    CONFIG_OWNER    user:group, as numbers, that gets them
    AWS_REGION      of the buckets
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.aws.clients import AwsClients
from shared.aws.errors import our_errors
from shared.errors import ConfigurationError, OfficerError, TransientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_BYTES = 1_000_000
EXIT_FAILED, EXIT_CONFIGURATION = 1, 2


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """An object of a bucket and where it goes.

    Attributes:
        version: of the object: the one that the task definition was made with, not the newest.
        sha256: hash that the object must have, in hex.
        path: absolute.
    """

    bucket: str
    key: str
    version: str
    sha256: str
    path: Path


def main(environment: Mapping[str, str]) -> int:
    """Fetch all files and hand over all folders.

    Returns:
        0 if all are there, 1 if AWS does not give them, 2 for a wrong environment or a file with another hash.
    """
    try:
        files, owner = _files(environment), _owner(environment)
        fetch(files, AwsClients(environment.get("AWS_REGION")).s3())
        for folder in environment.get("CONFIG_FOLDERS", "").split(","):
            hand_over(Path(folder), *owner)
    except ConfigurationError as error:
        return _told(error, EXIT_CONFIGURATION)
    except OfficerError as error:
        return _told(error, EXIT_FAILED)
    return 0


def fetch(files: list[ConfigFile], client: "S3Client") -> None:
    """Put each of *files* at its path.

    Raises:
        ConfigurationError: an object has another hash than it should have, or is too large.
        TransientError: S3 cannot be reached or refuses.
    """
    for file in files:
        body = _body(file, client)
        found = hashlib.sha256(body).hexdigest()
        if found != file.sha256:
            raise ConfigurationError(
                f"CONFIG_FILES: s3://{file.bucket}/{file.key} has SHA-256 {found}, and must have {file.sha256}; "
                "do: terraform apply, then deploy"
            )
        _write(file.path, body)


def hand_over(folder: Path, user: int, group: int) -> None:
    """Make *user* and *group* the owner of *folder*, open to all who read what lies in it.

    Raises:
        ConfigurationError: there is no such folder, or it is not ours to give.
    """
    try:
        os.chown(folder, user, group)
        folder.chmod(0o755)
    except OSError as error:
        raise ConfigurationError(
            f"CONFIG_FOLDERS: {folder} cannot be handed over: {error.strerror}"
        ) from error


def _files(environment: Mapping[str, str]) -> list[ConfigFile]:
    try:
        found = json.loads(environment.get("CONFIG_FILES", ""))
        return [
            ConfigFile(one["bucket"], one["key"], one["version"], one["sha256"], Path(one["path"]))
            for one in found
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            'CONFIG_FILES: is no list of objects with "bucket", "key", "version", "sha256" and "path" in JSON'
        ) from error


def _owner(environment: Mapping[str, str]) -> tuple[int, int]:
    user, _, group = environment.get("CONFIG_OWNER", "").partition(":")
    if not (user.isdecimal() and group.isdecimal()):
        raise ConfigurationError("CONFIG_OWNER: is no user:group in numbers, such as 10001:10001")
    return int(user), int(group)


def _body(file: ConfigFile, client: "S3Client") -> bytes:
    with our_errors(f"object {file.key} in bucket {file.bucket}"):
        found = client.get_object(Bucket=file.bucket, Key=file.key, VersionId=file.version)
        if found["ContentLength"] > MAX_BYTES:
            raise ConfigurationError(
                f"CONFIG_FILES: {file.key} has {found['ContentLength']:,} bytes; allowed: {MAX_BYTES:,}"
            )
        with found["Body"] as body:
            return body.read()


def _write(path: Path, body: bytes) -> None:
    try:
        path.write_bytes(body)
        path.chmod(0o644)
    except OSError as error:
        raise ConfigurationError(f"CONFIG_FILES: {path} cannot be written: {error.strerror}") from error


def _told(error: OfficerError, code: int) -> int:
    again = "; the task is started again" if isinstance(error, TransientError) else ""
    sys.stderr.write(f"{error}{again}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
