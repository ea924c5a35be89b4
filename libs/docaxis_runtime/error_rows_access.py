"""Rows of the error table about who asks: tokens, assertions, systems, the registry."""

from docaxis_runtime.error_rows import RowGroup

ACCESS = (
    RowGroup(
        "UNAUTHENTICATED",
        401,
        False,
        (
            (
                "unauthenticated",
                "15",
                "Cần mã truy cập (Authorization: Bearer).",
                "An access token is required (Authorization: Bearer).",
            ),
            (
                "token_malformed",
                "15",
                "Mã truy cập không đúng cú pháp.",
                "The access token is not well-formed.",
            ),
            (
                "token_forged",
                "15",
                "Mã truy cập không do trục này cấp.",
                "The access token was not issued by this axis.",
            ),
            ("token_expired", "15", "Mã truy cập đã hết hạn.", "The access token has expired."),
            (
                "assertion_malformed",
                "15",
                "JWT xác nhận không đúng cú pháp hoặc thiếu trường bắt buộc.",
                "The assertion is not a well-formed JWT, or lacks a required claim.",
            ),
            (
                "assertion_unknown_key",
                "15",
                "Khóa đã ký JWT chưa được đăng ký cho hệ thống này.",
                "The key that signed the assertion is not registered for this system.",
            ),
            (
                "assertion_bad_signature",
                "15",
                "Chữ ký của JWT không đúng.",
                "The assertion's signature is not valid.",
            ),
            ("assertion_expired", "15", "JWT xác nhận đã hết hạn.", "The assertion has expired."),
            (
                "assertion_not_yet_valid",
                "15",
                "JWT xác nhận chưa có hiệu lực; hãy kiểm tra đồng hồ.",
                "The assertion is not valid yet; check the clock.",
            ),
            (
                "assertion_lifetime_too_long",
                "15",
                "JWT xác nhận có thời hạn dài quá 5 phút.",
                "The assertion lives longer than 5 minutes.",
            ),
            (
                "assertion_wrong_audience",
                "15",
                "JWT xác nhận không dành cho trục này (aud).",
                "The assertion is not meant for this axis (aud).",
            ),
            (
                "assertion_replayed",
                "15",
                "JWT xác nhận này đã được dùng (jti).",
                "This assertion has been used before (jti).",
            ),
            (
                "signature_malformed",
                "15",
                "Chữ ký của yêu cầu không đúng cú pháp (RFC 9421): cần một chữ ký có keyid, "
                "created và nonce.",
                "The request's signature is not well-formed (RFC 9421): one signature with keyid, "
                "created and nonce is needed.",
            ),
            (
                "signature_incomplete",
                "15",
                "Chữ ký của yêu cầu phải bao gồm “{missing}”.",
                "The request's signature must cover “{missing}”.",
            ),
            (
                "signature_unknown_key",
                "15",
                "Không có khóa bí mật nào mang mã (keyid) này.",
                "There is no shared secret of that keyid.",
            ),
            (
                "signature_invalid",
                "15",
                "Chữ ký của yêu cầu không đúng.",
                "The request's signature is not valid.",
            ),
            (
                "signature_stale",
                "15",
                "Thời điểm ký (created) lệch quá {limit} giây so với trục ({now}); hãy kiểm tra "
                "đồng hồ.",
                "The time of signing (created) is more than {limit} s away from the axis's "
                "({now}); check the clock.",
            ),
            (
                "signature_replayed",
                "15",
                "Yêu cầu đã ký này đã được dùng (nonce).",
                "This signed request has been used before (nonce).",
            ),
            (
                "client_certificate_unknown",
                "15",
                "Chứng thư của kết nối chưa được đăng ký cho đúng một hệ thống nào.",
                "The connection's certificate is not registered for exactly one system.",
            ),
            (
                "client_certificate_expired",
                "15",
                "Chứng thư đã hết hạn hoặc chưa có hiệu lực.",
                "The certificate has expired, or is not valid yet.",
            ),
            (
                "client_certificate_malformed",
                "15",
                "Trường Client-Cert không đúng cú pháp (RFC 9440).",
                "The field Client-Cert is not well-formed (RFC 9440).",
            ),
            (
                "several_credentials",
                "15",
                "Chỉ dùng một cách xác thực cho mỗi yêu cầu.",
                "A request proves itself in one way only.",
            ),
            (
                "system_unknown",
                "15",
                "Hệ thống chưa được đăng ký.",
                "The system is not registered.",
            ),
            (
                "credential_revoked",
                "15",
                "Khóa của mã truy cập này đã bị thu hồi.",
                "The credential behind this access token was revoked.",
            ),
            (
                "credential_expired",
                "15",
                "Khóa này chưa có hoặc đã hết hiệu lực.",
                "The credential is not valid yet, or not any more.",
            ),
        ),
    ),
    RowGroup(
        "PERMISSION_DENIED",
        403,
        False,
        (
            ("system_locked", "15", "Hệ thống đang bị khóa.", "The system is locked."),
            (
                "system_suspended",
                "15",
                "Hệ thống đang bị tạm dừng kết nối.",
                "The system's connection is suspended.",
            ),
            (
                "organisation_locked",
                "23",
                "Cơ quan “{organisation}” đang bị khóa.",
                "The organisation “{organisation}” is locked.",
            ),
            (
                "organisation_not_served",
                "19",
                "Hệ thống không phục vụ cơ quan “{organisation}”.",
                "The system does not serve the organisation “{organisation}”.",
            ),
            (
                "sender_not_served",
                "19",
                "Hệ thống không được gửi thay cơ quan “{organisation}”.",
                "The system may not send for the organisation “{organisation}”.",
            ),
            (
                "client_certificate_source_refused",
                "15",
                "Chỉ máy chủ trung gian trong danh sách của trục được gửi Client-Cert "
                "(DOCAXIS_GATEWAY_CERTIFICATE_PROXIES).",
                "Client-Cert is taken only from the proxies that the axis lists "
                "(DOCAXIS_GATEWAY_CERTIFICATE_PROXIES).",
            ),
            (
                "administrators_only",
                "15",
                "Chỉ quản trị viên được gọi địa chỉ này.",
                "Only administrators may call this address.",
            ),
            (
                "systems_only",
                "15",
                "Quản trị viên không gửi, không nhận và không xem văn bản.",
                "An administrator sends, receives and sees no documents.",
            ),
            ("forbidden", "15", "Không được phép.", "This is not permitted."),
        ),
    ),
)

REGISTRY = (
    RowGroup(
        "NOT_FOUND",
        404,
        False,
        (
            (
                "unknown_organisation",
                "18",
                "Không có cơ quan mang mã “{organisation}”.",
                "There is no organisation with the code “{organisation}”.",
            ),
            (
                "unknown_system",
                "15",
                "Không có hệ thống mang mã này.",
                "There is no such system.",
            ),
            (
                "credential_unknown",
                "15",
                "Không có khóa này.",
                "There is no such credential.",
            ),
            (
                "recipient_group_unknown",
                "18",
                "Không có nhóm nơi nhận này.",
                "There is no such recipient group.",
            ),
            (
                "account_unknown",
                "15",
                "Không có tài khoản này.",
                "There is no such account.",
            ),
            (
                "role_not_held",
                "15",
                "Tài khoản chưa từng có vai trò này ở cơ quan này.",
                "The account never had this role for this organisation.",
            ),
        ),
    ),
    RowGroup(
        "ALREADY_EXISTS",
        409,
        False,
        (
            (
                "code_taken",
                "20",
                "Mã “{organisation}” đã thuộc về cơ quan khác.",
                "The code “{organisation}” belongs to another organisation.",
            ),
            (
                "alias_taken",
                "20",
                "Mã cũ “{organisation}” đã thuộc về cơ quan khác trong thời gian đó.",
                "The alias “{organisation}” belongs to another organisation at that time.",
            ),
            (
                "login_taken",
                "20",
                "Tên đăng nhập đã thuộc về tài khoản khác.",
                "The login name belongs to another account.",
            ),
            (
                "role_held",
                "20",
                "Tài khoản đã có vai trò này từ {from} đến {until}.",
                "The account has this role already, from {from} until {until}.",
            ),
        ),
    ),
    RowGroup(
        "FAILED_PRECONDITION",
        409,
        False,
        (
            (
                "organisation_merged",
                "18",
                "Cơ quan “{organisation}” đã được sáp nhập.",
                "The organisation “{organisation}” was merged into another.",
            ),
            (
                "onboarding_step_invalid",
                "20",
                "Không chuyển được từ “{from}” sang “{to}”; có thể: {expected}.",
                "There is no step from “{from}” to “{to}”; possible: {expected}.",
            ),
            (
                "onboarding_incomplete",
                "20",
                "Hệ thống còn thiếu: {missing}.",
                "The system still lacks: {missing}.",
            ),
            (
                "account_erased",
                "20",
                "Tài khoản đã bị xóa và không thay đổi được nữa.",
                "The account was erased and cannot be changed any more.",
            ),
        ),
    ),
    RowGroup(
        "INVALID_ARGUMENT",
        422,
        False,
        (
            (
                "parent_unknown",
                "18",
                "Không có cơ quan cấp trên mang mã “{organisation}”.",
                "There is no parent organisation with the code “{organisation}”.",
            ),
            (
                "row_duplicate",
                "22",
                "Mã “{organisation}” xuất hiện hai lần trong tệp.",
                "The code “{organisation}” stands in the file twice.",
            ),
            (
                "policy_unknown",
                "20",
                "Chính sách chữ ký phải là advisory hoặc required.",
                "The signature policy must be advisory or required.",
            ),
        ),
    ),
)
