"""Words of the processing statuses, in both languages."""

from types import MappingProxyType

_LABELS = MappingProxyType(
    {
        "01": ("đã đến", "arrived"),
        "02": ("từ chối", "returned"),
        "03": ("đã tiếp nhận", "registered"),
        "04": ("phân công", "assigned"),
        "05": ("đang xử lý", "in progress"),
        "06": ("hoàn thành", "finished"),
        "13": ("lấy lại", "take-back asked"),
        "15": ("đồng ý", "agreed"),
        "16": ("không đồng ý", "declined"),
    }
)


def status_label(code: str, language: str) -> str:
    """The words of a code; the code itself where this release does not know it."""
    words = _LABELS.get(code)
    if words is None:
        return code
    return words[1] if language == "en" else words[0]
