"""The command's words, Vietnamese and English. Codes are never translated."""

import os

from docaxis_cli.moving_messages import MOVING
from docaxis_cli.ping_messages import PING

_CATALOGUE = {
    # key: (English, Vietnamese)
    "error": ("Error", "Lỗi"),
    "refused": ("Refused", "Bị từ chối"),
    "request_id": ("request", "yêu cầu"),
    "did_you_mean": ("did you mean", "có phải ý bạn là"),
    "no_url": (
        "No address of an axis: give --url (or set DOCAXIS_URL).",
        "Chưa có địa chỉ của trục: hãy dùng --url (hoặc đặt DOCAXIS_URL).",
    ),
    "unknown_name": (
        "There is no {name}.json in {folder}; there are: {known}.",
        "Không có {name}.json trong {folder}; hiện có: {known}.",
    ),
    "which_name": (
        "Which system? Add --as NAME, one of: {known}.",
        "Hệ thống nào? Hãy thêm --as TÊN, một trong: {known}.",
    ),
    "no_credentials": (
        "No credentials in {folder}. Run `docaxis demo` for sample ones, or give --credentials "
        "FILE.",
        "Không có thông tin xác thực trong {folder}. Hãy chạy `docaxis demo` để có bản mẫu, hoặc "
        "dùng --credentials TỆP.",
    ),
    "digest_mismatch": (
        "The bytes received are not those announced, nothing was kept: {detail}",
        "Nội dung nhận được không đúng như đã công bố, không giữ lại gì: {detail}",
    ),
    "receipt_invalid": (
        "The receipt does not prove this: {detail}",
        "Giấy biên nhận không chứng minh điều này: {detail}",
    ),
    "not_a_date": (
        "--date {text}: a date is YYYY-MM-DD.",
        "--date {text}: ngày phải có dạng YYYY-MM-DD.",
    ),
    "no_sender": (
        "This system serves no organisation yet, so it cannot send.",
        "Hệ thống này chưa phục vụ cơ quan nào nên chưa gửi được.",
    ),
    "defaults": ("Taken for granted (say otherwise with the option):", "Giá trị mặc định:"),
    "sent": ("Accepted: document {id}", "Đã tiếp nhận: văn bản {id}"),
    "sent_again": (
        "Accepted before: document {id}. Sending it again changed nothing.",
        "Đã tiếp nhận trước đó: văn bản {id}. Gửi lại không làm thay đổi gì.",
    ),
    "would_be_accepted": (
        "It would be accepted, as document {id}. Nothing was sent.",
        "Sẽ được tiếp nhận, là văn bản {id}. Chưa gửi gì.",
    ),
    "already_accepted": (
        "It has been accepted before, as document {id}. Nothing was sent.",
        "Đã được tiếp nhận trước đó, là văn bản {id}. Chưa gửi gì.",
    ),
    "many_recipients": (
        "{count} recipients, delivered some at a time; see `docaxis timeline`.",
        "{count} nơi nhận, được gửi dần; xem `docaxis timeline`.",
    ),
    "no_recipient": (
        "Nobody to send to: give --to CODE or --to-file FILE.",
        "Chưa có nơi nhận: hãy dùng --to MÃ hoặc --to-file TỆP.",
    ),
    "no_deliveries": ("No delivery stands so now.", "Hiện không có bản gửi nào như vậy."),
    "resent": (
        "Delivery {id} lies in its recipient's mailbox again.",
        "Bản gửi {id} lại nằm trong hộp thư của nơi nhận.",
    ),
    "document": ("document", "văn bản"),
    "file": ("file", "tệp"),
    "sent_pending": (
        "Safe at the axis, still being decided: document {id}",
        "Trục đã giữ an toàn, đang chờ quyết định: văn bản {id}",
    ),
    "receipt": ("receipt", "biên nhận"),
    "comment_trace": (
        "a document's way through the services",
        "đường đi của văn bản qua các dịch vụ",
    ),
    "next_timeline": ("Follow it: {command}", "Theo dõi: {command}"),
    "uploading": ("sending", "đang gửi"),
    "downloading": ("getting", "đang tải"),
    "recipient": ("recipient", "nơi nhận"),
    "outcome": ("outcome", "kết quả"),
    "resolved": ("on its way", "đang chuyển"),
    "held": ("held until its signature is verified", "tạm giữ đến khi kiểm tra xong chữ ký"),
    "not_sent": ("not sent: {reason}", "không gửi: {reason}"),
    "suggestions": ("did you mean {codes}?", "có phải {codes}?"),
    "inbox_empty": ("Nothing waits.", "Không có văn bản nào đang chờ."),
    "watching": (
        "Waiting for what happens, Ctrl-C ends.",
        "Đang chờ sự kiện, nhấn Ctrl-C để dừng.",
    ),
    "inbox_following": (
        "Waiting for documents, Ctrl-C ends.",
        "Đang chờ văn bản, nhấn Ctrl-C để dừng.",
    ),
    "delivery": ("delivery", "lượt chuyển"),
    "files_count": ("{count} file(s)", "{count} tệp"),
    "more": ("There is more: --cursor {cursor}", "Còn nữa: --cursor {cursor}"),
    "nothing_found": ("There is none.", "Không có mục nào."),
    "subscribed": ("Subscribed: {id}", "Đã đăng ký: {id}"),
    "subscription_secret": (
        "Secret (told this once, it signs every call): {secret}",
        "Khóa bí mật (chỉ hiện lần này, dùng để ký mọi thông báo): {secret}",
    ),
    "unsubscribed": ("Ended: {id}", "Đã kết thúc: {id}"),
    "got": ("{path} ({size} bytes, SHA-256 verified)", "{path} ({size} byte, đúng SHA-256)"),
    "got_before": ("{path} was there, unchanged", "{path} đã có sẵn, không đổi"),
    "unknown_delivery": (
        "{id} is neither a document nor a delivery that waits here.",
        "{id} không phải là văn bản hay lượt chuyển đang chờ ở đây.",
    ),
    "what_to_ack": (
        "Name deliveries, or say --all.",
        "Hãy nêu các lượt chuyển, hoặc dùng --all.",
    ),
    "result": ("result", "kết quả"),
    "trace_id": ("trace", "vết"),
    "trace_linked": (
        "What followed, each a trace of its own:",
        "Các bước sau, mỗi bước một vết riêng:",
    ),
    "trace_none": (
        "No trace was recorded of this document: it was submitted while telemetry was off.",
        "Văn bản này không có vết: khi gửi, trục chưa ghi vết.",
    ),
    "trace_elsewhere": (
        "The trace is {trace_id}. Its spans are not in {folder}: look it up where the axis sends"
        " its traces, or start the axis with DOCAXIS_KEEP_TRACES=true.",
        "Mã vết là {trace_id}. Không có dữ liệu trong {folder}: hãy tra ở nơi trục gửi vết đến,"
        " hoặc chạy trục với DOCAXIS_KEEP_TRACES=true.",
    ),
    "timeline_of": ("Document {id}", "Văn bản {id}"),
    "verdict": ("signatures", "chữ ký"),
    "state": ("state", "trạng thái"),
    "when": ("when", "thời điểm"),
    "what": ("what", "sự việc"),
    "said_by": ("said by", "nguồn"),
    "reason": ("reason", "lý do"),
    "by_recipient": ("recipient", "nơi nhận"),
    "by_sender": ("sender", "bên gửi"),
    "by_axis": ("axis", "trục"),
    "accepted_by_axis": ("accepted by the axis", "trục đã tiếp nhận"),
    "made_ready": ("ready for the recipient", "sẵn sàng cho nơi nhận"),
    "verified": ("genuine", "xác thực đúng"),
    "seal": ("seal", "con dấu"),
    "signature": ("signature", "chữ ký"),
    "receipt_is_valid": (
        "GENUINE: the axis signed this receipt.",
        "HỢP LỆ: giấy biên nhận này do trục ký.",
    ),
    "says_accepted": (
        "It says: accepted from {sender} on {at}, document {document}, content SHA-256 {digest}.",
        "Nội dung: đã tiếp nhận từ {sender} lúc {at}, văn bản {document}, SHA-256 {digest}.",
    ),
    "says_handed_over": (
        "It says: handed over to {recipient} on {at}, document {document}, content SHA-256 "
        "{digest}.",
        "Nội dung: đã bàn giao cho {recipient} lúc {at}, văn bản {document}, SHA-256 {digest}.",
    ),
    "which_keys": (
        "To check a receipt, give --keys FILE (offline) or --url (the axis's published keys).",
        "Để kiểm tra, hãy dùng --keys TỆP (ngoại tuyến) hoặc --url (khóa trục đã công bố).",
    ),
    "not_keys": ("{path} is not a key set (JSON).", "{path} không phải là bộ khóa (JSON)."),
    "not_a_receipt": (
        "{text} is no file, and no receipt.",
        "{text} không phải là tệp hay giấy biên nhận.",
    ),
    "you_are": ("You are system {id} ({name}).", "Bạn là hệ thống {id} ({name})."),
    "you_serve": ("You send and receive for:", "Bạn gửi và nhận cho:"),
    "code": ("code", "mã"),
    "name": ("name", "tên"),
    "no_standalone": (
        "This installation has no axis to run (package docaxis_standalone is missing).",
        "Bản cài đặt này không có trục để chạy (thiếu gói docaxis_standalone).",
    ),
    "importing": ("importing", "đang nhập"),
    "no_registry": (
        "No axis runs on {folder}: start one, or name the registry with --registry ADDRESS.",
        "Không có trục nào chạy trên {folder}: hãy chạy trục, hoặc dùng --registry ĐỊA_CHỈ.",
    ),
    "import_unreadable": (
        "The file cannot be read, nothing was imported. Line {line}: {what} [{code}]",
        "Không đọc được tệp, chưa nhập gì. Dòng {line}: {what} [{code}]",
    ),
    "import_more": ("… and {count} more; --json tells all.", "… và {count} dòng nữa; xem --json."),
    "import_done": (
        "{rows} rows: {registered} registered, {unchanged} unchanged, {refused} refused, in "
        "{seconds} s.",
        "{rows} dòng: {registered} đã đăng ký, {unchanged} không đổi, {refused} bị từ chối, trong "
        "{seconds} giây.",
    ),
    "view": ("view", "khung nhìn"),
    "unknown_view": ("There is no view {name}.", "Không có khung nhìn {name}."),
    "rebuilt_same": ("rebuilt, the same bytes", "dựng lại, giống hệt"),
    "rebuilt_differs": ("rebuilt, and it DIFFERS", "dựng lại, KHÁC trước"),
    "rebuilt_built": ("built for the first time", "dựng lần đầu"),
    "demo_starting": (
        "Starting an axis in {folder} …",
        "Đang khởi động trục trong {folder} …",
    ),
    "demo_playing": (
        "Playing: one letter, two recipients …",
        "Đang trình diễn: một công văn, hai nơi nhận …",
    ),
    "demo_passed": ("All {count} checks passed.", "Cả {count} kiểm tra đều đạt."),
    "demo_failed": (
        "{failed} of {count} checks failed.",
        "{failed} trên {count} kiểm tra không đạt.",
    ),
    "check": ("check", "kiểm tra"),
    "detail": ("detail", "chi tiết"),
    "axis_at": ("The axis answers at {url}", "Trục đang chạy tại {url}"),
    "api_docs": ("API reference: {url}", "Tài liệu API: {url}"),
    "grpc_at": ("gRPC: {address}", "gRPC: {address}"),
    "try_next": ("What to do next, in a second terminal:", "Bước tiếp theo, ở cửa sổ khác:"),
    "try_again": ("What to do next:", "Bước tiếp theo:"),
    "comment_send": ("send a document of your own", "gửi văn bản của bạn"),
    "comment_inbox": ("see it arrive", "xem văn bản đến"),
    "comment_get": ("get its files, verified", "tải tệp, có kiểm tra"),
    "comment_ack": ("take it over", "nhận bàn giao"),
    "comment_status": ("say how far it is", "báo trạng thái xử lý"),
    "comment_keep": ("start an axis and keep it running", "chạy trục và giữ cho chạy"),
    "running_until": ("It runs until you press Ctrl-C.", "Trục chạy đến khi bạn nhấn Ctrl-C."),
    "demo_needs_folder": (
        "With --url, say where the credentials lie: --credentials-folder DIR; or else have them "
        "made: --registry ADDRESS --data DIR.",
        "Khi dùng --url, hãy nêu nơi có thông tin xác thực: --credentials-folder THƯ_MỤC; hoặc để "
        "lệnh tạo ra: --registry ĐỊA_CHỈ --data THƯ_MỤC.",
    ),
    "figures_of": (
        "Figures of {first} to {last} (days of Viet Nam):",
        "Số liệu từ {first} đến {last}:",
    ),
    "unmatched_none": (
        "Every status that you reported has its delivery.",
        "Mọi trạng thái đã báo đều có lượt chuyển tương ứng.",
    ),
    "level": ("level", "cấp"),
    "level_0": ("level not known", "chưa rõ cấp"),
    "level_1": ("1 ministries, sectors, provinces, cities", "1 bộ, ngành, tỉnh, thành phố"),
    "level_2": ("2 departments, bureaus, districts", "2 cục, vụ, sở, quận, huyện"),
    "level_3": ("3 communes, wards, towns", "3 xã, phường, thị trấn"),
    "level_4": ("4 units below", "4 đơn vị cấp dưới"),
    "sent_count": ("sent", "gửi"),
    "received_count": ("received", "nhận"),
    "expected": ("by the report", "theo báo cáo"),
    "total": ("total", "tổng số"),
    "feedback_full": ("full chain", "đầy đủ"),
    "feedback_part": ("part of it", "một phần"),
    "feedback_arrived_only": ("arrived only", "chỉ báo đã đến"),
    "feedback_none": ("nothing", "không phản hồi"),
    "simulate_year": ("There are: {years}.", "Hiện có: {years}."),
    "simulate_scale": (
        "--scale {scale}: more than 0, at most 1, and so much that a document is sent.",
        "--scale {scale}: phải lớn hơn 0, không quá 1, và đủ để có văn bản được gửi.",
    ),
    "simulate_no_unit": (
        "--stopped {code}: not one of the 95 units (such as G22, H27).",
        "--stopped {code}: không thuộc 95 đơn vị (ví dụ G22, H27).",
    ),
    "simulate_needs_folder": (
        "With --url, say where the 95 units' credentials lie: --credentials-folder DIR.",
        "Khi dùng --url, hãy nêu nơi có thông tin xác thực của 95 đơn vị: "
        "--credentials-folder THƯ_MỤC.",
    ),
    "simulate_starting": (
        "Starting an axis with 95 units in {folder} …",
        "Đang khởi động trục với 95 đơn vị trong {folder} …",
    ),
    "simulate_playing": (
        "Playing {documents} documents to {deliveries} recipients …",
        "Đang mô phỏng {documents} văn bản, {deliveries} lượt nhận …",
    ),
    "simulate_title": (
        "Sent and received, as the statistics query answers",
        "Gửi và nhận, theo truy vấn thống kê của trục",
    ),
    "simulate_days": (
        "Played: 12/03 to 12/11/2019. The axis's time is now, so these are the figures of the "
        "run's own days, {first} to {last}; only the documents bear dates of 2019.",
        "Giai đoạn mô phỏng: 12/03 đến 12/11/2019. Trục dùng thời gian thực, nên đây là số liệu "
        "của những ngày chạy, {first} đến {last}; chỉ văn bản mang ngày năm 2019.",
    ),
    "simulate_feedback": (
        "Connected units that were handed something, by what they report",
        "Đơn vị kết nối đã nhận văn bản, theo mức phản hồi",
    ),
    "simulate_feedback_note": (
        "The first report: {full} full, {part} part, {arrived_only} arrived only, {none} nothing, "
        "{not_stated} not stated; {connected_later} were connected later. Of whom it says nothing "
        "reports nothing here. Names with “giả định” are synthetic.",
        "Báo cáo lần đầu: {full} đầy đủ, {part} một phần, {arrived_only} chỉ báo đã đến, {none} "
        "không phản hồi, {not_stated} không nêu; {connected_later} kết nối sau. Đơn vị không được "
        "nêu thì ở đây không phản hồi. Tên có “giả định” là tên không có thật.",
    ),
    "simulate_more": (
        "The axis counts {documents} documents and {deliveries} hand-overs more than this run's "
        "plan: it holds others of these days, such as another scale's, or what a unit took before "
        "it was stopped. Give each plan a folder of its own.",
        "Trục đếm được nhiều hơn kế hoạch của lần chạy này {documents} văn bản và {deliveries} "
        "lượt bàn giao: trong những ngày này trục còn có văn bản khác, ví dụ của tỷ lệ khác, hoặc "
        "văn bản mà đơn vị đã nhận trước khi bị dừng. Hãy dùng một thư mục riêng cho mỗi kế hoạch.",
    ),
    "simulate_short": (
        "{documents} documents and {deliveries} hand-overs of the plan are missing. The same "
        "command goes on where this run was.",
        "So với kế hoạch còn thiếu {documents} văn bản và {deliveries} lượt bàn giao. Chạy lại "
        "lệnh này sẽ tiếp tục từ chỗ đã dừng.",
    ),
    "simulate_speed": (
        "This run added {documents} documents and {deliveries} hand-overs in {seconds} s "
        "({per_s} documents/s).",
        "Lần chạy này thêm {documents} văn bản và {deliveries} lượt bàn giao trong {seconds} giây "
        "({per_s} văn bản/giây).",
    ),
    "admin_made": (
        "Administrator {name}: {path}. Use it: docaxis admin systems --as {name}",
        "Quản trị viên {name}: {path}. Cách dùng: docaxis admin systems --as {name}",
    ),
    "keys_made": (
        "{count} files made in {folder}. Each folder is one process's own.",
        "Đã tạo {count} tệp trong {folder}. Mỗi thư mục dành riêng cho một tiến trình.",
    ),
    "admin_done": ("Done: {id}", "Đã xong: {id}"),
    "admin_locked": ("locked", "đang bị khóa"),
    "account_locked": ("locked", "đang bị khóa"),
    "account_erased": ("erased", "đã bị xóa"),
    "account_everywhere": ("everywhere", "toàn trục"),
    "account_not_in_force": ("not in force", "không có hiệu lực"),
    "account_or_login": (
        "Give the account's id, or --login and no id.",
        "Hãy nêu mã tài khoản, hoặc dùng --login mà không nêu mã.",
    ),
    "account_erase": (
        "Account {id}: login, name and contact data are destroyed for ever. Go on?",
        "Tài khoản {id}: tên đăng nhập, họ tên và thông tin liên hệ sẽ bị hủy vĩnh viễn. Tiếp tục?",
    ),
    "admin_secret": (
        "Secret (told this once; its UTF-8 bytes are the key): {secret}",
        "Khóa bí mật (chỉ hiện lần này; các byte UTF-8 của nó là khóa): {secret}",
    ),
    **MOVING,
    **PING,
}

LANGUAGES = ("en", "vi")


class Words:
    """The messages of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **params: object) -> str:
        """Give a message with its parameters filled in."""
        return _CATALOGUE[key][self._index].format(**params)


def words_of(language: str | None) -> Words:
    """Pick the language: as told, else by the environment, else English.

    Raises `ValueError` for one that there is not.
    """
    if language is not None:
        if language not in LANGUAGES:
            raise ValueError(f"{language!r}: one of {', '.join(LANGUAGES)}")
        return Words(language)
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return Words("vi" if told.lower().startswith("vi") else "en")
