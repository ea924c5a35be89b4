"""Rows of the error table about uploads in pieces (tus 1.0 gives most of the HTTP statuses)."""

from docaxis_runtime.error_rows import RowGroup

UPLOADS = (
    RowGroup(
        "INVALID_ARGUMENT",
        400,
        False,
        (
            (
                "upload_header_invalid",
                "22",
                "Tiêu đề {header} thiếu hoặc không hợp lệ: cần {expected}.",
                "The header {header} is missing or not valid: expected {expected}.",
            ),
        ),
    ),
    RowGroup(
        "NOT_FOUND",
        404,
        False,
        (
            (
                "unknown_upload",
                "10",
                "Không có lượt tải lên này, hoặc đã hết hạn.",
                "There is no such upload, or it has expired.",
            ),
        ),
    ),
    RowGroup(
        "ABORTED",
        409,
        False,
        (
            (
                "upload_offset_conflict",
                "10",
                "Tệp đã nhận đến byte {offset}; hãy gửi tiếp từ đó.",
                "The upload stands at byte {offset}; go on from there.",
            ),
            (
                "upload_fragmented",
                "10",
                "Tệp được gửi thành quá nhiều mảnh; hãy bắt đầu lại với các mảnh lớn hơn.",
                "The upload came in too many pieces; begin a new one with larger pieces.",
            ),
        ),
    ),
    RowGroup(
        "FAILED_PRECONDITION",
        412,
        False,
        (
            (
                "tus_version_unsupported",
                "22",
                "Cần tiêu đề Tus-Resumable: {expected}.",
                "The header Tus-Resumable: {expected} is required.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        413,
        False,
        (
            (
                "upload_length_exceeded",
                "10",
                "Nhận nhiều byte hơn {size} byte đã khai báo.",
                "More bytes came than the {size} that were told.",
            ),
        ),
    ),
    RowGroup(
        "ABORTED",
        423,
        True,
        (
            (
                "upload_held",
                "20",
                "Tệp này đang nhận một mảnh khác hoặc đang được kiểm tra; hãy thử lại.",
                "Another piece of this upload is coming, or it is being checked; try again.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        460,
        False,
        (
            (
                "upload_checksum_mismatch",
                "10",
                "Mảnh này không khớp với Upload-Checksum; không giữ lại gì của nó.",
                "This piece does not give its Upload-Checksum; nothing of it was kept.",
            ),
        ),
    ),
)
