"""Why a move is refused, in codes that scripts can tell apart."""


class MoveRefused(Exception):
    """Nothing was changed that a repeat, once the reason is gone, would not put right.

    Codes: `folder_not_empty`, `axis_not_empty`, `axis_ran` (something was written while it was
    exported), `other_export`, `other_release`, `log_incomplete`, `groups_not_free`.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class ExportDamaged(MoveRefused):
    """The export is not what was written: a digest, a size or a name does not fit."""

    def __init__(self, detail: str) -> None:
        super().__init__("export_damaged", detail)
