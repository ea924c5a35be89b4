"""Rows of the error table about documents, files, signatures, deliveries and statuses."""

from docaxis_runtime.error_rows import RowGroup

DOCUMENTS = (
    RowGroup(
        "INVALID_ARGUMENT",
        422,
        False,
        (
            (
                "recipient_duplicate",
                "22",
                "Nơi nhận “{organisation}” được ghi hai lần.",
                "The recipient “{organisation}” is named twice.",
            ),
            (
                "no_valid_recipient",
                "18",
                "Không có nơi nhận nào hợp lệ.",
                "None of the recipients is valid.",
            ),
            (
                "too_many_recipients",
                "22",
                "Có quá {limit} nơi nhận trong một yêu cầu.",
                "There are more than {limit} recipients in one request.",
            ),
            (
                "business_type_not_supported",
                "22",
                "Nghiệp vụ “{business_type}” chưa được hỗ trợ.",
                "The business type “{business_type}” is not supported yet.",
            ),
            (
                "secret_document",
                "22",
                "Văn bản mật không được gửi qua trục.",
                "Secret documents must not be sent through the axis.",
            ),
            (
                "status_unknown",
                "22",
                "Không có mã trạng thái “{status}”.",
                "There is no status code “{status}”.",
            ),
            (
                "status_wrong_side",
                "22",
                "Trạng thái “{status}” không do bên này báo.",
                "The status “{status}” is not reported by this side.",
            ),
            (
                "reason_required",
                "22",
                "Từ chối (02) phải kèm lý do.",
                "A refusal (02) needs a reason.",
            ),
        ),
    ),
    RowGroup(
        "ABORTED",
        409,
        False,
        (
            (
                "content_conflict",
                "20",
                "Mã văn bản này đã được gửi với nội dung khác.",
                "This document id was sent before with other content.",
            ),
            (
                "secret_superseded",
                "20",
                "Khoá bí mật này đã được thay bằng khoá mới hơn.",
                "This secret was replaced by a newer one.",
            ),
            (
                "upload_conflict",
                "10",
                "Mã tải lên này đã có tệp khác.",
                "This upload id already holds another file.",
            ),
            (
                "id_hash_collision",
                "20",
                "Định danh tính ra trùng với văn bản khác; hãy đổi mã văn bản.",
                "The computed id meets another document's; change the document id.",
            ),
        ),
    ),
    RowGroup(
        "FAILED_PRECONDITION",
        409,
        False,
        (
            (
                "delivery_not_ready",
                "20",
                "Bản gửi này chưa sẵn sàng để nhận.",
                "This delivery is not ready to be taken.",
            ),
            (
                "delivery_closed",
                "20",
                "Bản gửi này đã đóng ({state}).",
                "This delivery is closed ({state}).",
            ),
            (
                "resend_refused_by_policy",
                "20",
                "Bản gửi này bị nơi nhận từ chối theo chính sách ({reason}); gửi lại không thay đổi"
                " được điều đó.",
                "This delivery was refused by its recipient's policy ({reason}): sending it again"
                " would not change that.",
            ),
            (
                "status_without_request",
                "20",
                "Không có yêu cầu lấy lại nào đang chờ trả lời.",
                "There is no take-back request waiting for an answer.",
            ),
            (
                "too_many_unmatched",
                "20",
                "Cơ quan đã có quá nhiều trạng thái chờ bản gửi chưa có trên trục; hãy kiểm tra mã"
                " bản gửi, rồi báo lại khi bản gửi đã đến.",
                "Too many statuses of this organisation wait for deliveries that are not known:"
                " check the deliveries' ids, and report again once the delivery is there.",
            ),
        ),
    ),
    RowGroup(
        "NOT_FOUND",
        404,
        False,
        (
            ("unknown_document", "20", "Không có văn bản này.", "There is no such document."),
            ("unknown_delivery", "20", "Không có bản gửi này.", "There is no such delivery."),
            ("unknown_receipt", "20", "Không có biên nhận này.", "There is no such receipt."),
            ("unknown_file", "20", "Văn bản không có tệp này.", "The document has no such file."),
            (
                "unknown_subscription",
                "20",
                "Không có đăng ký thông báo này.",
                "There is no such subscription.",
            ),
            (
                "unknown_notification",
                "20",
                "Không có thông báo này.",
                "There is no such notification.",
            ),
        ),
    ),
)

FILES = (
    RowGroup(
        "INVALID_ARGUMENT",
        413,
        False,
        (
            (
                "file_too_large",
                "10",
                "Tệp lớn quá {limit} byte.",
                "The file is larger than {limit} bytes.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        422,
        False,
        (
            ("file_empty", "10", "Tệp rỗng.", "The file is empty."),
            (
                "too_many_files",
                "22",
                "Có quá {limit} tệp trong một văn bản.",
                "There are more than {limit} files in one document.",
            ),
            (
                "document_part_first",
                "22",
                "Phần “document” phải đứng đầu.",
                "The part “document” must come first.",
            ),
            (
                "part_unknown",
                "22",
                "Phần “{part}” không được tệp nào nêu tên, hoặc gửi hai lần.",
                "No file names the part “{part}”, or it was sent twice.",
            ),
            (
                "file_missing",
                "10",
                "Không thấy tệp được nêu tên ở đây.",
                "The file that is named here did not come.",
            ),
            (
                "digest_mismatch",
                "10",
                "Mã băm SHA-256 không khớp với nội dung nhận được.",
                "The SHA-256 digest does not match the bytes that came.",
            ),
            (
                "upload_unknown",
                "10",
                "Không có tệp tải lên mang mã này, hoặc đã hết hạn.",
                "There is no upload with this id, or it has expired.",
            ),
            (
                "upload_incomplete",
                "10",
                "Tệp tải lên chưa hoàn tất.",
                "The upload is not complete.",
            ),
            ("file_unsigned", "21", "Tệp chưa được ký số.", "The file is not signed."),
            (
                "file_tampered",
                "21",
                "Tệp đã bị thay đổi sau khi ký.",
                "The file was changed after it was signed.",
            ),
            (
                "certificate_untrusted",
                "21",
                "Chứng thư số không thuộc tổ chức được tin cậy.",
                "The certificate does not lead to a trusted authority.",
            ),
            (
                "certificate_expired",
                "21",
                "Chứng thư số ngoài thời hạn hiệu lực.",
                "The certificate is outside of its validity.",
            ),
            (
                "certificate_revoked",
                "21",
                "Chứng thư số đã bị thu hồi.",
                "The certificate was revoked.",
            ),
            (
                "signature_unreadable",
                "21",
                "Không đọc được chữ ký số.",
                "The signature could not be read.",
            ),
            (
                "signature_indeterminate",
                "21",
                "Chưa xác định được chữ ký số có hợp lệ hay không.",
                "It could not be determined whether the signature is valid.",
            ),
            (
                "verification_timed_out",
                "21",
                "Kiểm tra chữ ký số quá thời hạn.",
                "Checking the signature took too long.",
            ),
        ),
    ),
)
