"""Evidence and stored messages in an S3 bucket."""

from collections.abc import Iterator

from services.agent.adapters.folder_evidence_store import sidecar_of
from services.agent.application.ports import Sidecar
from shared.aws.s3_object_store import S3ObjectStore
from shared.object_keys import EVENTS_PREFIX


class S3EvidenceStore:
    def __init__(self, store: S3ObjectStore) -> None:
        self._store = store

    def fetch(self, key: str) -> bytes:
        return self._store.get(key)

    def sidecars(self) -> Iterator[Sidecar]:
        for key in self._store.list(EVENTS_PREFIX):
            if sidecar := sidecar_of(key):
                yield sidecar
