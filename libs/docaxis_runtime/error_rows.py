"""Rows of the error table about requests, callers and the running of the service.

A group shares its gRPC status, HTTP status and whether the same request may succeed later; a row is
(code, SDK code, Vietnamese, English). SDK codes are those that clients of the LGSP dialect know:
10 invalid file, 15 wrong credentials, 18 receiver unknown, 19 sender not registered, 20 platform
error, 21 file processing, 22 not per standard, 23 receiver locked.
"""

from typing import NamedTuple


class RowGroup(NamedTuple):
    """Rows that share their statuses."""

    grpc: str
    http: int
    retryable: bool
    rows: tuple[tuple[str, str, str, str], ...]


REQUESTS = (
    RowGroup(
        "INVALID_ARGUMENT",
        422,
        False,
        (
            (
                "validation_failed",
                "22",
                "Yêu cầu có trường không hợp lệ; xem danh sách errors.",
                "Some fields of the request are not valid; see errors.",
            ),
            (
                "unknown_field",
                "22",
                "Trường “{field}” không được định nghĩa.",
                "The field “{field}” is not defined.",
            ),
            (
                "field_required",
                "22",
                "Thiếu trường bắt buộc “{field}”.",
                "The required field “{field}” is missing or empty.",
            ),
            (
                "field_invalid",
                "22",
                "Giá trị của trường “{field}” không hợp lệ: cần {expected}.",
                "The value of the field “{field}” is not valid: expected {expected}.",
            ),
            (
                "field_too_long",
                "22",
                "Trường “{field}” dài quá {limit} ký tự.",
                "The field “{field}” is longer than {limit} characters.",
            ),
            (
                "too_many_items",
                "22",
                "Danh sách “{field}” có quá {limit} phần tử.",
                "The list “{field}” has more than {limit} items.",
            ),
            (
                "url_invalid",
                "22",
                "Địa chỉ URL không hợp lệ: cần địa chỉ https đầy đủ.",
                "The URL is not valid: expected a complete https address.",
            ),
            (
                "url_forbidden",
                "22",
                "Không được phép gửi thông báo tới địa chỉ này.",
                "Notifications may not be sent to this address.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        400,
        False,
        (
            (
                "malformed_json",
                "22",
                "Nội dung không phải là JSON đúng cú pháp.",
                "The body is not well-formed JSON.",
            ),
            (
                "malformed_message",
                "22",
                "Nội dung không phải là thông điệp protobuf đúng cú pháp.",
                "The body is not a well-formed protobuf message of this method.",
            ),
            (
                "malformed_multipart",
                "22",
                "Nội dung multipart/form-data không đúng cú pháp.",
                "The body is not well-formed multipart/form-data.",
            ),
            (
                "malformed_form",
                "22",
                "Nội dung biểu mẫu không đúng cú pháp.",
                "The body is not a well-formed form.",
            ),
            (
                "idempotency_key_invalid",
                "22",
                "Idempotency-Key phải gồm 1 đến 64 ký tự ASCII nhìn thấy được.",
                "Idempotency-Key must be 1 to 64 visible ASCII characters.",
            ),
            (
                "cursor_invalid",
                "22",
                "Con trỏ trang không hợp lệ; hãy đọc lại từ đầu.",
                "The cursor is not valid; read again from the start.",
            ),
            (
                "limit_invalid",
                "22",
                "Tham số {field} không hợp lệ: cần {expected}.",
                "The parameter {field} is not valid: expected {expected}.",
            ),
            (
                "content_digest_invalid",
                "22",
                "Cần tiêu đề Content-Digest dạng sha-256=:base64: (RFC 9530).",
                "A Content-Digest header of the form sha-256=:base64: is required (RFC 9530).",
            ),
            (
                "grant_type_unsupported",
                "15",
                "Chỉ hỗ trợ client_credentials với JWT (RFC 7523).",
                "Only client_credentials with a JWT assertion (RFC 7523) is supported.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        415,
        False,
        (
            (
                "unsupported_media_type",
                "22",
                "Kiểu nội dung không được hỗ trợ: cần {expected}.",
                "The media type is not supported: expected {expected}.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        413,
        False,
        (
            (
                "body_too_large",
                "22",
                "Nội dung yêu cầu lớn quá {limit} byte.",
                "The body is larger than {limit} bytes.",
            ),
            (
                "request_too_large",
                "22",
                "Yêu cầu sau khi xử lý lớn quá {limit} byte.",
                "The request as it is stored is larger than {limit} bytes.",
            ),
        ),
    ),
    RowGroup(
        "NOT_FOUND",
        404,
        False,
        (("not_found", "20", "Không có địa chỉ này.", "There is nothing at this address."),),
    ),
    RowGroup(
        "UNIMPLEMENTED",
        405,
        False,
        (
            (
                "method_not_allowed",
                "20",
                "Địa chỉ này không nhận phương thức đó.",
                "This address does not take that method.",
            ),
        ),
    ),
    RowGroup(
        "DEADLINE_EXCEEDED",
        408,
        True,
        (
            (
                "request_timed_out",
                "20",
                "Nội dung yêu cầu đến quá chậm.",
                "The body of the request came too slowly.",
            ),
        ),
    ),
    RowGroup(
        "OUT_OF_RANGE",
        416,
        False,
        (
            (
                "range_not_satisfiable",
                "20",
                "Khoảng byte yêu cầu nằm ngoài tệp ({size} byte).",
                "The range asked for lies outside of the file ({size} bytes).",
            ),
        ),
    ),
)

OPERATION = (
    RowGroup(
        "RESOURCE_EXHAUSTED",
        429,
        True,
        (
            (
                "busy",
                "20",
                "Trục đang quá tải; hãy thử lại sau.",
                "The axis is busy; try again later.",
            ),
            (
                "rate_limited",
                "20",
                "Hệ thống gọi quá nhiều: tối đa {limit} yêu cầu mỗi giây; hãy chờ theo "
                "Retry-After.",
                "Too many requests: this system may make {limit} a second; wait as Retry-After "
                "says.",
            ),
        ),
    ),
    RowGroup(
        "UNAVAILABLE",
        503,
        True,
        (
            (
                "read_stale",
                "20",
                "Dữ liệu đọc chưa kịp cập nhật; hãy thử lại.",
                "What can be read has not caught up yet; try again.",
            ),
            (
                "storage_full",
                "20",
                "Kho lưu trữ tạm thời không nhận thêm dữ liệu.",
                "The storage takes no more data at the moment.",
            ),
            (
                "unavailable",
                "20",
                "Dịch vụ tạm thời không sẵn sàng; hãy thử lại.",
                "The service is not available at the moment; try again.",
            ),
        ),
    ),
    RowGroup(
        "DEADLINE_EXCEEDED",
        504,
        True,
        (
            (
                "deadline_exceeded",
                "20",
                "Không có trả lời trong thời hạn; hãy thử lại.",
                "There was no answer within the deadline; try again.",
            ),
        ),
    ),
    RowGroup(
        "INTERNAL",
        500,
        False,
        (
            (
                "command_dead",
                "20",
                "Yêu cầu đã được ghi nhưng không xử lý được; quản trị viên đã được báo.",
                "The request was recorded but could not be processed; the operators are told.",
            ),
            (
                "internal",
                "20",
                "Lỗi bên trong; hãy nêu request_id khi liên hệ.",
                "An internal error; name the request_id when you ask about it.",
            ),
        ),
    ),
)
