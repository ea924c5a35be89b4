"""Words of `docaxis ping`: its steps, what they find, and what to do."""

PING = {
    # key: (English, Vietnamese)
    "ping_own": ("the credential can be used", "dùng được thông tin xác thực"),
    "ping_connect": ("the axis answers", "trục trả lời"),
    "ping_tls": ("TLS", "TLS"),
    "ping_axis": ("it is ready", "trục sẵn sàng"),
    "ping_clock": ("the clocks agree", "đồng hồ khớp nhau"),
    "ping_credential": ("the axis accepts it", "trục chấp nhận"),
    "ping_system": ("the system is known", "hệ thống đã đăng ký"),
    "ping_organisations": ("it serves", "phục vụ các cơ quan"),
    "ping_inbox": ("the inbox can be read", "đọc được hộp văn bản đến"),
    "ping_in_the_clear": ("none: http on this machine", "không dùng: http trên máy này"),
    "ping_ready": ("ready", "sẵn sàng"),
    "ping_skew": (
        "{seconds} s (axis {axis}, here {here})",
        "{seconds} giây (trục {axis}, máy này {here})",
    ),
    "ping_kind_key": ("key {id}", "khóa {id}"),
    "ping_kind_hmac": (
        "shared secret {id}, signs each request",
        "khóa bí mật dùng chung {id}, ký từng yêu cầu",
    ),
    "ping_kind_certificate": ("client certificate {id}", "chứng thư máy khách {id}"),
    "ping_certificate": (
        "{subject}, valid {since} to {until}",
        "{subject}, hiệu lực từ {since} đến {until}",
    ),
    "ping_accepted": ("without an end", "không thời hạn"),
    "ping_accepted_until": ("until {until}", "đến {until}"),
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
    "ping_fix_own": (
        "Mend the files that the credentials name: they must be readable and belong together.",
        "Hãy sửa các tệp mà thông tin xác thực nêu tên: phải đọc được và khớp với nhau.",
    ),
    "ping_fix_credential": (
        "Check system_id, key_id and the key file of the credentials.",
        "Hãy kiểm tra system_id, key_id và tệp khóa trong thông tin xác thực.",
    ),
    "ping_fix_secret": (
        "The secret is not the one that the axis told with this key_id, or a proxy changes the "
        "path: copy it again, or have an administrator add a new one.",
        "Khóa bí mật không phải là khóa mà trục đã cấp cùng key_id này, hoặc máy chủ trung gian "
        "đổi đường dẫn: hãy chép lại, hoặc nhờ quản trị viên cấp khóa mới.",
    ),
    "ping_fix_secret_unknown": (
        "The axis has no secret with this key_id (any more): have an administrator add one.",
        "Trục chưa (hoặc không còn) có khóa bí mật với key_id này: hãy nhờ quản trị viên cấp khóa.",
    ),
    "ping_fix_certificate_clear": (
        "A client certificate is shown over https alone: give an https address.",
        "Chứng thư máy khách chỉ dùng được qua https: hãy cho địa chỉ https.",
    ),
    "ping_fix_certificate_dates": (
        "The certificate is not valid now: have a new one issued and registered.",
        "Chứng thư không còn (hoặc chưa) hiệu lực: hãy xin cấp và đăng ký chứng thư mới.",
    ),
    "ping_fix_certificate_refused": (
        "The axis's TLS ends the connection: it does not trust the authority that issued the "
        "client certificate. Put the chain into certificate_file, or ask the axis's operator.",
        "TLS của trục ngắt kết nối: trục không tin nơi cấp chứng thư máy khách. Hãy đưa cả chuỗi "
        "chứng thư vào certificate_file, hoặc hỏi đơn vị vận hành trục.",
    ),
    "ping_fix_certificate_unknown": (
        "The certificate is registered for no system: have an administrator add its thumbprint.",
        "Chứng thư chưa được đăng ký cho hệ thống nào: hãy nhờ quản trị viên thêm dấu vân tay.",
    ),
    "ping_fix_certificate_unseen": (
        "The axis has not seen the client certificate: its TLS asks for none, or a proxy before "
        "it does not pass it on. Ask its operator.",
        "Trục không thấy chứng thư máy khách: TLS của trục không yêu cầu, hoặc máy chủ trung gian "
        "không chuyển tiếp. Hãy hỏi đơn vị vận hành.",
    ),
    "ping_fix_dates": (
        "The axis takes this credential within its dates alone: have an administrator add a new "
        "one.",
        "Trục chỉ chấp nhận thông tin xác thực này trong thời hạn của nó: hãy nhờ quản trị viên "
        "cấp cái mới.",
    ),
    "ping_fix_suspended": (
        "The system is suspended: ask the axis's administrator to connect it again.",
        "Hệ thống đang bị tạm ngừng: hãy đề nghị quản trị viên của trục cho kết nối lại.",
    ),
    "ping_fix_other_system": (
        "The credential is another system's than system_id says: correct the credentials file.",
        "Thông tin xác thực thuộc hệ thống khác với system_id: hãy sửa lại tệp.",
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
