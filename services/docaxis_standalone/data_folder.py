"""Where the standalone keeps what: one folder, private to its user."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths within a data folder."""

    root: Path

    @property
    def log(self) -> Path:
        """The event log: the only truth, with the files."""
        return self.root / "log.db"

    @property
    def store(self) -> Path:
        """States and views: made again from the log at any time."""
        return self.root / "views.db"

    @property
    def files(self) -> Path:
        """Attachments and cards."""
        return self.root / "files"

    @property
    def secrets(self) -> Path:
        """What must never be an event or a view."""
        return self.root / "secrets"

    @property
    def receipt_key(self) -> Path:
        """The key that signs receipts."""
        return self.root / "keys" / "receipts.pem"

    @property
    def anchors(self) -> Path:
        """Trust anchors (PEM) for signatures on documents."""
        return self.root / "trust" / "anchors"

    @property
    def crls(self) -> Path:
        """Certificate revocation lists (PEM or DER)."""
        return self.root / "trust" / "crls"

    @property
    def clients(self) -> Path:
        """Credentials of the demonstration's systems, for the `docaxis` command."""
        return self.root / "clients"

    @property
    def demo_pki(self) -> Path:
        """The demonstration's certificates, made at run time."""
        return self.root / "demo-pki"

    @property
    def socket(self) -> Path:
        """Where the services' gRPC servers listen, for this user alone."""
        return self.root / "grpc.sock"

    @property
    def traces(self) -> Path:
        """The last spans, where they are kept; the file before has `.1` behind its name."""
        return self.root / "traces.jsonl"

    def make(self) -> None:
        """Create the folders that are missing, readable by this user alone."""
        for folder in (self.root, self.receipt_key.parent, self.anchors, self.crls, self.clients):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
