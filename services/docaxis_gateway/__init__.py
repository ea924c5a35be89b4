"""The gateway: the axis's face to the world, REST and gRPC. It owns nothing and decides nothing.

It authenticates systems, checks what can be checked without deciding, streams files to the file
store, and speaks to the services through their protobuf messages. Events in: the registry's, for
the directory of systems (L29). Events out: none.

Start reading at `app` (how it is put together), then `documents` and `submission` (a document's way
in). One module per resource holds its routes; besides:

- `edge`            every request passes here: id, headers, limits, slow bodies, last resort
- `identity`        token, signature or certificate -> system; `authentication` makes it a `Caller`;
                    `organisation_scope`: for whom it may act
- `administration`  routes of administrators; `request_log`: what a system asked lately
- `problems`        errors as RFC 9457 in the caller's language
- `request_models`, `text_rules`, `bodies`   what may come in; `multipart` for the files with it
- `public_grpc`     the same methods over gRPC
- `tus`             files in pieces; `resumable_uploads` is what they obey
- `response_models` what goes out, for OpenAPI; `rendering` makes it from protobuf messages
"""
