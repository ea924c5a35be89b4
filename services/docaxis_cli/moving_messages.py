"""The words of `docaxis export`, `import` and `capacity`."""

MOVING = {
    # key: (English, Vietnamese)
    "exported": (
        "Exported {records} records and {files} files into {folder}.",
        "Đã xuất {records} bản ghi và {files} tệp vào {folder}.",
    ),
    "export_digest": (
        "Digest of the export (keep it apart): {digest}",
        "Mã băm của bản xuất (hãy giữ riêng): {digest}",
    ),
    "secrets_carried": (
        "{count} keys and secrets lie in {folder}: destroy it once it is used.",
        "{count} khóa và bí mật nằm trong {folder}: hãy hủy sau khi dùng xong.",
    ),
    "secrets_left": (
        "Not in the export, and needed in the new place: {names}. --secrets FOLDER carries them.",
        "Nơi mới cần nhưng không nằm trong bản xuất: {names}. Dùng --secrets THƯ_MỤC.",
    ),
    "secrets_of_cluster": (
        "A cluster's keys and secrets are where its processes were told; carry them by hand.",
        "Khóa và bí mật của cụm nằm ở nơi đã khai báo cho các tiến trình; hãy tự chuyển.",
    ),
    "secrets_apart": (
        "--secrets has to be apart from {folder}: an export is copied about, secrets are not.",
        "--secrets phải tách khỏi {folder}: bản xuất có thể sao chép, bí mật thì không.",
    ),
    "imported": (
        "Imported {records} records and {files} files, every one compared.",
        "Đã nhập {records} bản ghi và {files} tệp, đã đối chiếu từng mục.",
    ),
    "imported_before": (
        "This export was imported before; nothing was changed ({records} records, {files} files).",
        "Bản xuất này đã được nhập trước đó; không thay đổi gì ({records} bản ghi, {files} tệp).",
    ),
    "import_start_with": (
        "Start the axis with DOCAXIS_PARTITIONS={partitions}.",
        "Khởi động trục với DOCAXIS_PARTITIONS={partitions}.",
    ),
    "capacity_why": ("bound by, made of", "giới hạn bởi, gồm"),
    "capacity_what": ("what", "hạng mục"),
    "capacity_much": ("how much", "mức cần"),
    "capacity_bound": ("What asks for the most: {bound}.", "Yếu tố quyết định: {bound}."),
    "moving_log": ("log", "nhật ký"),
    "moving_files": ("files", "tệp"),
    "moving_checking": ("checking", "kiểm tra"),
    "moving_verifying": ("comparing", "đối chiếu"),
    "moving_groups": ("places", "vị trí"),
}
