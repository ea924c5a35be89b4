"""What every process of docaxis stands on; nothing here knows the domain.

Start reading at `error_table` (the one table of error codes), then `grpc_client` (the same calls
over the network or in process) and `lifecycle` (how a process starts, stops and dies).

- `settings`            one frozen dataclass per service, from `DOCAXIS_*`
- `error_table`         codes, statuses and words; `grpc_errors` carries them over gRPC
- `call_context`        who asks, and under which request id and trace
- `grpc_server`, `grpc_client`, `tls`; `grpc_health` answers probes
- `lifecycle`, `background`, `health`; `kernel_part` runs the event kernel's parts as such
- `stop_signals`, `interpreter`, `together`: how a process is asked to stop, and runs
- `log_setup`, `telemetry` (hooks; `telemetry_running`, `telemetry_sdk` where it is on)
- `registry_directory`  systems, credentials and locks, held in memory by each replica (L29)
"""
