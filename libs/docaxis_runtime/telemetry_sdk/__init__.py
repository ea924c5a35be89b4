"""Telemetry where it is on: the one place that knows the OpenTelemetry SDK.

Imported only when settings ask for it, so that a process without telemetry pays neither time nor
memory. Start reading at `start` (what runs and how it ends), then

- `spans`           a span's ids at its begin, all the rest at its end; sampling, failures always
- `recorder`        requests and calls: their spans, links and durations
- `watched_log`     what parts take from the log and write to it, one span a batch and trace
- `watched_store`   what views write
- `span_budget`     no trace grows with a document's recipients
- `measures`        the instruments; `consumer_lag`: how far parts are behind
- `kept_traces`     the last spans in a file, for `docaxis trace`
- `log_export`      log lines by OTLP
"""
