"""Words of `docaxis ping`: its steps, what they find, and what to do."""

PING = {
    # key: (English, Vietnamese)
    "ping_connect": ("the axis answers", "trục trả lời"),
    "ping_tls": ("TLS", "TLS"),
    "ping_axis": ("it is ready", "trục sẵn sàng"),
    "ping_clock": ("the clocks agree", "đồng hồ khớp nhau"),
    "ping_credential": ("the credential is accepted", "khóa được chấp nhận"),
    "ping_system": ("the system is known", "hệ thống đã đăng ký"),
    "ping_organisations": ("it serves", "phục vụ các cơ quan"),
    "ping_inbox": ("the inbox can be read", "đọc được hộp văn bản đến"),
    "ping_in_the_clear": ("none: http on this machine", "không dùng: http trên máy này"),
    "ping_ready": ("ready", "sẵn sàng"),
    "ping_skew": (
        "{seconds} s (axis {axis}, here {here})",
        "{seconds} giây (trục {axis}, máy này {here})",
    ),
    "ping_accepted": ("key {id}", "khóa {id}"),
    "ping_none": ("nobody", "chưa có cơ quan nào"),
    "ping_administrator": (
        "an administrator: not for documents",
        "quản trị viên: không dùng cho văn bản",
    ),
    "ping_waiting": ("documents wait", "có văn bản đang chờ"),
    "ping_fix_address": (
        "Give an address such as https://truc.example: --url.",
        "Hãy cho một địa chỉ như https://truc.example: --url.",
    ),
    "ping_fix_name": (
        "The name {host} is not known: check the address and the name server.",
        "Không tìm thấy tên {host}: hãy kiểm tra địa chỉ và máy chủ tên miền.",
    ),
    "ping_fix_connect": (
        "Nothing answers at {host} port {port}: does the axis run, and does the firewall let it "
        "through?",
        "Không có gì trả lời ở {host} cổng {port}: trục có đang chạy và tường lửa có cho qua "
        "không?",
    ),
    "ping_fix_tls": (
        "This machine does not trust the axis's certificate: install its authority "
        "(SSL_CERT_FILE).",
        "Máy này không tin chứng thư của trục: hãy cài chứng thư gốc (SSL_CERT_FILE).",
    ),
    "ping_fix_axis": (
        "What answers there is not a docaxis: check the address.",
        "Máy trả lời không phải là docaxis: hãy kiểm tra địa chỉ.",
    ),
    "ping_fix_later": (
        "The axis is there but not ready: try again in a minute, then ask its operator.",
        "Trục có đó nhưng chưa sẵn sàng: hãy thử lại sau một phút, rồi hỏi đơn vị vận hành.",
    ),
    "ping_fix_clock": (
        "Set this machine's clock by NTP; a difference of 30 s and more is refused.",
        "Hãy chỉnh đồng hồ máy này theo NTP; lệch từ 30 giây trở lên sẽ bị từ chối.",
    ),
    "ping_fix_credential": (
        "Check system_id, key_id and the key file of the credentials.",
        "Hãy kiểm tra system_id, key_id và tệp khóa trong thông tin xác thực.",
    ),
    "ping_fix_key": (
        "This key is not registered for the system (any more): have an administrator add its "
        "public part.",
        "Khóa này chưa (hoặc không còn) được đăng ký cho hệ thống: hãy nhờ quản trị viên thêm "
        "khóa công khai.",
    ),
    "ping_fix_audience": (
        "The assertion names another axis: its audience is `docaxis` or this axis's own name.",
        "JWT dành cho trục khác: aud phải là `docaxis` hoặc tên của trục này.",
    ),
    "ping_fix_unknown": (
        "The axis does not know this system_id: is it the right axis? Else have it registered.",
        "Trục không biết system_id này: có đúng trục không? Nếu đúng, hãy đề nghị đăng ký.",
    ),
    "ping_fix_locked": (
        "The system is locked: ask the axis's administrator why.",
        "Hệ thống đang bị khóa: hãy hỏi quản trị viên của trục.",
    ),
    "ping_fix_system": (
        "Ask the axis's administrator whether the system is registered.",
        "Hãy hỏi quản trị viên của trục xem hệ thống đã đăng ký chưa.",
    ),
    "ping_fix_organisations": (
        "The system serves nobody yet: have an administrator say for whom it acts.",
        "Hệ thống chưa phục vụ cơ quan nào: hãy nhờ quản trị viên khai báo.",
    ),
    "ping_fix_inbox": (
        "Tell the axis's operator the code in brackets.",
        "Hãy báo mã trong ngoặc cho đơn vị vận hành trục.",
    ),
}
