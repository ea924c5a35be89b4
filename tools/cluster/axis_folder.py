"""The files of an axis on this machine: keys and secrets made once, for this user alone.

Where the demonstration's files lie is as in the standalone's data folder, so that
`docaxis --data FOLDER` finds the credentials of both.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from docaxis_adapters.folder_lock import FolderInUse, FolderLock
from docaxis_standalone.data_folder import DataFolder
from docaxis_trust.key_file_signer import KeyFileSigner
from tools.cluster.errors import ClusterError
from tools.cluster.s3 import S3Settings


class AxisFolder:
    """One axis's folder; it belongs to one process at a time.

    Raises `ClusterError` where another has it.
    """

    def __init__(self, root: Path) -> None:
        self.data = DataFolder(root.absolute())
        self.data.make()
        for folder in (self.data.secrets, self._keys, self.logs, self._caches):
            folder.mkdir(mode=0o700, exist_ok=True)
        try:
            self._lock = FolderLock(self.data.root / "cluster.lock")
        except FolderInUse as error:
            raise ClusterError(str(error)) from error
        if not self.data.receipt_key.exists():
            KeyFileSigner.create(self.data.receipt_key)

    @property
    def servers(self) -> Path:
        """Where Kafka, MongoDB and S3 keep their data."""
        return self.data.root / "servers"

    @property
    def logs(self) -> Path:
        """One file per process: `routing-0.log`."""
        return self.data.root / "logs"

    @property
    def _keys(self) -> Path:
        return self.data.root / "keys"

    @property
    def _caches(self) -> Path:
        return self.data.root / "caches"

    def environment(self, service: str) -> Mapping[str, str]:
        """The settings of a service's process that name files: what it does not use is not there.

        The gateway, notification and the registry have secrets, the signature service has the key
        of receipts.
        """
        given = {
            "DOCAXIS_S3_ACCESS_KEY_FILE": self._keys / "s3-access-key",
            "DOCAXIS_S3_SECRET_KEY_FILE": self._keys / "s3-secret-key",
            "DOCAXIS_S3_CACHE_FOLDER": self._caches,
        }
        if service in ("gateway", "notification", "registry"):
            given["DOCAXIS_SECRETS_FOLDER"] = self.data.secrets / service
        if service == "signature":
            given["DOCAXIS_RECEIPT_KEY_FILE"] = self.data.receipt_key
            given["DOCAXIS_SIGNATURE_TRUST_ANCHORS_FOLDER"] = self.data.anchors
            given["DOCAXIS_SIGNATURE_CRL_FOLDER"] = self.data.crls
        return {name: str(path) for name, path in given.items()}

    def keep_keys(self, s3: S3Settings) -> None:
        """Write down the keys of the object store, which may be new ones."""
        _write_private(self._keys / "s3-access-key", s3.access_key)
        _write_private(self._keys / "s3-secret-key", s3.secret_key)

    def release(self) -> None:
        """Let another process have the folder."""
        self._lock.release()


def _write_private(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
