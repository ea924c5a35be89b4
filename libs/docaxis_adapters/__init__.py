"""What stands behind the ports of `docaxis_eventsourcing.ports`.

| port | embedded |
|---|---|
| `EventLog` | `sqlite_log.SqliteEventLog`: one file, WAL, synced commits, one writer thread |
| `ReadStore` | `sqlite_store.SqliteReadStore`: one file, WAL, one writer thread |
| `FileStore` | `local_files.LocalFileStore`: a folder |
| `Secrets` | `file_secrets.FileSecrets`: files, private to the process |

Shared by them: `batch_thread` (a thread that takes all waiting jobs at once), `sqlite_file`
(connections, failures by class), `folder_lock` (one process per folder), `folder_sync` (many
files and folders made durable at once), `safe_folder` (names that cannot lead elsewhere).
"""
