"""Where a model registry keeps its files: a folder, or a prefix of an S3 bucket."""

import fcntl
import hashlib
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shared.errors import ConfigurationError, TransientError
from shared.local.durable_files import flush_folder, make_folders, write_flushed
from shared.local.folder_store import FolderStore
from shared.object_keys import check_key
from shared.objects import content_type_of

if TYPE_CHECKING:
    from shared.aws.clients import AwsClients

S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Held:
    """A file as it lies there.

    Attributes:
        body: its bytes.
        tag: changes whenever they do.
    """

    body: bytes
    tag: str


class ModelShelf(Protocol):
    """All raise TransientError where the place does not answer or allow it."""

    def read(self, key: str) -> Held | None:
        """The file of that name; None if there is none.

        Raises:
            ConfigurationError: this user has no right to read it in a folder; waiting does not give it.
        """
        ...

    def keep(self, key: str, body: bytes) -> None:
        """Store a new file for good; what is there already stays as it is."""
        ...

    def replace(self, key: str, body: bytes, tag: str | None) -> bool:
        """Store *body* if the file still has *tag* (None: still does not exist); False, and nothing done, if not."""
        ...

    def names(self) -> list[str]:
        """Names of all files, sorted."""
        ...


def open_shelf(address: str, region: str | None = None, *, patient: bool = False) -> ModelShelf:
    """The shelf at *address*, a folder or ``s3://bucket/prefix``; *region* is the bucket's, None as the SDK finds it.

    Raises:
        ConfigurationError: the address is not understood, or there are no credentials, unless *patient*: then it is a
            shelf that does not answer.
    """
    if not address.startswith(S3):
        return FolderShelf(Path(address))
    bucket, _, prefix = address.removeprefix(S3).partition("/")
    if not bucket:
        raise ConfigurationError(
            f"registry {address[:80]!a} names no bucket; allowed: a folder, s3://bucket/prefix"
        )
    from shared.aws.clients import AwsClients

    return S3Shelf(AwsClients(region, patient=patient), bucket, prefix.strip("/"))


class FolderShelf:
    """Processes may share the folder; it may be read-only for those that only read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, key: str) -> Held | None:
        try:
            body = (self._root / check_key(key)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as error:
            raise ConfigurationError(
                f"registry {self._root}: this user may not read {key}; do: let it, by the group (docs/models.md)"
            ) from error
        except OSError as error:
            raise TransientError(f"registry {self._root}: {key} cannot be read: {error.strerror}") from error
        return Held(body, hashlib.sha256(body).hexdigest())

    def keep(self, key: str, body: bytes) -> None:
        FolderStore(self._root).put(key, body, content_type_of(key))

    def replace(self, key: str, body: bytes, tag: str | None) -> bool:
        path = self._root / check_key(key)
        try:
            make_folders(path.parent)
            with (self._root / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = self.read(key)
                if (found.tag if found else None) != tag:
                    return False
                aside = path.with_name(f".{secrets.token_hex(8)}")
                write_flushed(aside, body)
                aside.replace(path)
                flush_folder(path.parent)
        except OSError as error:
            raise TransientError(
                f"registry {self._root}: {key} cannot be written: {error.strerror}"
            ) from error
        return True

    def names(self) -> list[str]:
        files = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        return sorted(
            path.as_posix() for path in files if not any(part.startswith(".") for part in path.parts)
        )


class S3Shelf:
    """Files below a prefix of a bucket; S3 itself sees to it that of two writers one loses."""

    def __init__(self, clients: "AwsClients", bucket: str, prefix: str) -> None:
        from shared.aws.s3_object_store import S3ObjectStore

        self._client = clients.s3()
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._store = S3ObjectStore(self._client, bucket, retention="model")

    def read(self, key: str) -> Held | None:
        from botocore.exceptions import ClientError

        from shared.aws.errors import code_of, our_errors

        with our_errors(f"{key} in bucket {self._bucket}"):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + check_key(key))
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise
            return Held(found["Body"].read(), found["ETag"])

    def keep(self, key: str, body: bytes) -> None:
        self._store.put(self._prefix + key, body, content_type_of(key))

    def replace(self, key: str, body: bytes, tag: str | None) -> bool:
        from botocore.exceptions import ClientError

        from shared.aws.errors import code_of, our_errors

        with our_errors(f"{key} in bucket {self._bucket}"):
            try:
                put = partial(
                    self._client.put_object, Bucket=self._bucket, Key=self._prefix + check_key(key), Body=body
                )
                put(IfNoneMatch="*") if tag is None else put(IfMatch=tag)
            except ClientError as error:
                if code_of(error) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                    return False
                raise
        return True

    def names(self) -> list[str]:
        return sorted(key.removeprefix(self._prefix) for key in self._store.list(self._prefix))
