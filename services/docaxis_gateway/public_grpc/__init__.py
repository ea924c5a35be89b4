"""The public gRPC: the methods of `gateway_v1.proto`, each answered by its route of REST.

A method becomes a request to the app that REST serves: metadata becomes headers, fields become
path, query and body, the answer becomes a message (ADR 0036). So what is authenticated, allowed,
limited and refused is decided in one place, and a method differs from its route by its form alone.

Start reading at `door` (the server), then `methods` (the handlers, by kind), `routes` (which method
is which route, as the proto file says). Besides:

- `call`        one call: its metadata, and requests to the app on its behalf
- `exchange`    one request to the app, and its answer
- `messages`    bytes -> request message -> path, query and body; `answer_fields`: JSON -> message
- `submissions` a document with its small files, as the body that REST takes
- `transfers`   files in and out as streams; `resumable`: uploads in pieces
- `watching`    pages without end; `events`: what happens, as it happens
- `statuses`    errors as `google.rpc.Status`
- `reflection`  what the server tells of itself
"""
