"""Reports in an S3 bucket."""

import hashlib

from services.agent.application.ports import StoredPdf
from shared.aws.s3_object_store import S3ObjectStore
from shared.objects import MAX_REPORT_BYTES

PDF = "application/pdf"


class S3ReportStore:
    def __init__(self, store: S3ObjectStore) -> None:
        self._store = store

    def put(self, key: str, pdf: bytes) -> StoredPdf:
        """See `ReportStore.put`; what is new need not be read back: S3 has compared its SHA-256."""
        is_new = self._store.put_new(key, pdf, PDF)
        held = pdf if is_new else self._store.get(key, MAX_REPORT_BYTES)
        return StoredPdf(hashlib.sha256(held).hexdigest(), len(held), was_there=not is_new)

    def fetch(self, key: str) -> bytes:
        return self._store.get(key, MAX_REPORT_BYTES)
