"""One composed service as a process of its own, on the distributed adapters.

`python -m docaxis_routing` is a few lines that say what routing is (a `ServiceDefinition`) and call
`main`. The rest is here and the same for all. Start reading at `service_process`; then

- `settings`, `port_settings`, `needs`: what a process is told; a service asks for what it uses
- `distributed_ports`     the ports opened, `waiting` without bound for what is away, and saying so
- `service_server`        gRPC and its health from the first moment, calls once all works
- `process`               logging, signals, deadlines, exit codes; the gateway's process, too
- `command_line`          settings read, `--help` with all of them
- `rebuild`               views made again beside the replicas that serve
"""
