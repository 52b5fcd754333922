"""An object store in one S3 bucket: objects are put once and never change, and S3 itself checks every byte."""

import builtins
import hashlib
from base64 import b64encode
from collections.abc import Iterator, Set
from contextlib import closing, contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.aws.errors import code_of, our_errors
from shared.errors import ObjectMissingError
from shared.object_keys import check_key, violation_id_of
from shared.objects import MAX_OBJECT_BYTES, StoredObject, check_object, check_size, content_type_of

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_MISSING = frozenset({"NoSuchKey", "404"})
_EXISTS = "PreconditionFailed"


class S3ObjectStore:
    """Threads may share an instance, and processes the bucket."""

    def __init__(self, client: "S3Client", bucket: str, retention: str) -> None:
        """Use *bucket*; nothing is asked yet.

        Args:
            client: see `shared.aws.clients`.
            bucket: its name.
            retention: value of the tag ``retention`` on each object, by which lifecycle rules find what to expire.
        """
        self._client = client
        self._bucket = bucket
        self._tags = f"retention={retention}"

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store *body* unless *key* exists: what is there stays, and that is success.

        Args:
            key: see `shared.object_keys.check_key`.
            body: the whole object.
            content_type: MIME type; must be the one that the key's suffix tells.

        Raises:
            PermanentError: the key is not allowed, or tells another type.
            TransientError: S3 cannot be reached or refuses; the object may have been stored.
        """
        self.put_new(key, body, content_type)

    def put_new(self, key: str, body: bytes, content_type: str) -> bool:
        """As `put`; False if *key* existed.

        While somebody else writes or deletes the same key, S3 answers 409 and has stored nothing: a TransientError,
        after which the caller's next try finds either the object or its absence.
        """
        check_object(key, content_type)
        violation_id = violation_id_of(key)
        with our_errors(f"object {key} in bucket {self._bucket}"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    IfNoneMatch="*",
                    ChecksumSHA256=b64encode(hashlib.sha256(body).digest()).decode(),
                    Tagging=self._tags,
                    Metadata={"violation-id": violation_id} if violation_id else {},
                )
            except ClientError as error:
                if code_of(error) == _EXISTS:
                    return False
                raise
        return True

    def get(self, key: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The object's bytes.

        Raises:
            ObjectMissingError: there is none of that name (yet).
            PermanentError: the key is not allowed, or the object has more than *max_bytes*.
            TransientError: S3 cannot be reached or refuses, or the bytes are not those that were stored.
        """
        with self._found(key):
            found = self._client.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            with closing(found["Body"]) as body:  # as its own context it would check nothing that is read
                check_size(key, found["ContentLength"], max_bytes)
                return body.read()

    def exists(self, key: str) -> bool:
        """Whether there is an object of that name; errors as for `get`."""
        try:
            self.info(key)
        except ObjectMissingError:
            return False
        return True

    def info(self, key: str) -> StoredObject:
        """Size and time of an object; errors as for `get`."""
        with self._found(key):
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        stored_at = found["LastModified"].astimezone(UTC)
        return StoredObject(key, found["ContentLength"], content_type_of(key), stored_at)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that begin with *prefix* (of whole or half names), sorted.

        Raises:
            PermanentError: no key could begin with *prefix*.
            TransientError: as for `get`.
        """
        if prefix:
            check_key(prefix.removesuffix("/"))
        with our_errors(f"bucket {self._bucket}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                yield from (found["Key"] for found in page.get("Contents", []))

    def erase(self, violation_ids: Set[str], prefix: str) -> builtins.list[str]:
        """As `FolderStore.erase`, for good: in a bucket with versioning every version of the object goes, and the
        markers of deleted ones. It takes the rights s3:ListBucketVersions, s3:DeleteObject and s3:DeleteObjectVersion.

        Raises:
            TransientError: S3 cannot be reached or refuses, as for what Object Lock holds; those before are removed.
        """
        found: dict[str, None] = {}
        with our_errors(f"bucket {self._bucket}, objects to erase"):
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    if any(violation_id in one["Key"] for violation_id in violation_ids):
                        self._client.delete_object(
                            Bucket=self._bucket, Key=one["Key"], VersionId=one["VersionId"]
                        )
                        found[one["Key"]] = None
        return [*found]

    def check(self) -> None:
        """Ask S3 whether the bucket is there and ours; errors as for `list`."""
        with our_errors(f"bucket {self._bucket}"):
            self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

    @contextmanager
    def _found(self, key: str) -> Iterator[None]:
        check_key(key)
        with our_errors(f"object {key} in bucket {self._bucket}"):
            try:
                yield
            except ClientError as error:
                if code_of(error) not in _MISSING:
                    raise
                raise ObjectMissingError(f"bucket {self._bucket} has no object {key}") from error
