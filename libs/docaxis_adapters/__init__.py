"""What stands behind the ports of `docaxis_eventsourcing.ports`.

| port | embedded | distributed |
|---|---|---|
| `EventLog` | `sqlite_log.SqliteEventLog`: one file, WAL | `kafka_log.KafkaEventLog` |
| `ReadStore` | `sqlite_store.SqliteReadStore`: one file, WAL | `mongo_store.MongoReadStore` |
| `FileStore` | `local_files.LocalFileStore`: a folder | `s3_files.S3FileStore` |
| `Secrets` | `file_secrets.FileSecrets`: files | the same, in a folder that replicas share |

Shared by the embedded ones: `batch_thread` (a thread that takes all waiting jobs at once),
`sqlite_file` (connections, failures by class), `folder_lock` (one process per folder),
`folder_sync` (many files and folders made durable at once), `safe_folder` (names that cannot lead
elsewhere).
"""
