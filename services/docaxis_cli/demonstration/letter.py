"""A sample official letter as a PDF, laid out after Decree 30/2020/NĐ-CP, appendix I.

A4, margins 20/15/20/30 mm; national name and motto at the right, agency, number and subject at the
left, addressees, body, "Nơi nhận" and the signature block. It says three times that it is a
sample. The font is Noto Sans, embedded: every letter of Vietnamese is in it.
"""

import string
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import fontpkg
from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fontTools.varLib.instancer import instantiateVariableFont  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

_FONT = "Noto Sans"
_LEFT, _RIGHT, _TOP = 30.0, 15.0, 20.0
_WIDTH = 210.0 - _LEFT - _RIGHT
_AGENCY_WIDTH = 66.0
_STATE_WIDTH = _WIDTH - _AGENCY_WIDTH
SAMPLE_MARK = "VĂN BẢN MẪU"
_WARNING = f"{SAMPLE_MARK} - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
_STATE = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
_MOTTO = "Độc lập - Tự do - Hạnh phúc"
_SIGNED = ("(đã ký số và đóng dấu điện tử", "bằng chứng thư mẫu)")
_FIXED_WORDS = f"{_WARNING}{_STATE}{_MOTTO}{_SIGNED}, ngày tháng năm Số: V/v Kính gửi: Nơi nhận:"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is printed on the letter."""

    agency: str
    number: str
    notation: str
    place: str
    promulgated_on: date
    subject: str
    addressees: tuple[str, ...]
    paragraphs: tuple[str, ...]
    competence: str
    superior: str
    position: str
    signer: str
    copies_to: tuple[str, ...]


def sample_letter(number: str, promulgated_on: date, addressees: tuple[str, ...]) -> Letter:
    """Write the demonstration's letter."""
    return Letter(
        agency="VĂN PHÒNG CHÍNH PHỦ",
        number=number,
        notation="VPCP-KSTT",
        place="Hà Nội",
        promulgated_on=promulgated_on,
        subject="chạy thử gửi, nhận văn bản điện tử có ký số qua Trục liên thông",
        addressees=addressees,
        paragraphs=(
            "Để kiểm tra việc gửi, nhận văn bản điện tử có ký số giữa các cơ quan nhà nước, "
            "Văn phòng Chính phủ gửi văn bản mẫu này tới các cơ quan có tên ở trên và đề nghị:",
            "1. Tiếp nhận văn bản trên hệ thống quản lý văn bản và điều hành, kiểm tra chữ ký số "
            "của người có thẩm quyền và con dấu điện tử của cơ quan ban hành.",
            "2. Cập nhật trạng thái xử lý: đã tiếp nhận, phân công, đang xử lý, hoàn thành; trường "
            "hợp từ chối thì nêu rõ lý do để cơ quan gửi biết.",
            "3. Lưu giấy biên nhận điện tử do Trục liên thông cấp. Giấy biên nhận có thể được kiểm "
            "tra ngoại tuyến bằng khóa công khai đã công bố.",
            "Văn bản này chỉ dùng để trình diễn phần mềm, không có giá trị pháp lý và không yêu "
            "cầu cơ quan nào thực hiện./.",
        ),
        competence="TL.",
        superior="BỘ TRƯỞNG, CHỦ NHIỆM",
        position="VỤ TRƯỞNG VỤ MẪU",
        signer="Người ký mẫu",
        copies_to=("Như trên;", "Lưu: VT, KSTT."),
    )


def write_letter(letter: Letter, target: Path) -> None:
    """Draw the letter to a PDF file of one page; takes about a second."""
    pdf = FPDF(format="A4")
    pdf.set_margins(_LEFT, _TOP, _RIGHT)
    pdf.set_auto_page_break(True, margin=20)
    _add_fonts(pdf, _all_words(letter))
    pdf.set_title(f"{SAMPLE_MARK}: {letter.number}/{letter.notation}")
    pdf.set_subject(letter.subject)
    pdf.set_author(f"{letter.agency} (mẫu)")
    pdf.set_lang("vi-VN")
    pdf.add_page()
    _mark_as_sample(pdf)
    _head(pdf, letter)
    _addressees(pdf, letter)
    _body(pdf, letter)
    _foot(pdf, letter)
    pdf.output(str(target))


def _all_words(letter: Letter) -> str:
    return "".join(map(str, astuple(letter))) + _FIXED_WORDS


def _add_fonts(pdf: FPDF, text: str) -> None:
    with TemporaryDirectory(prefix="docaxis-font-") as folder:
        for style, weight, slope in (
            ("", 400, "normal"),
            ("B", 700, "normal"),
            ("I", 400, "italic"),
            ("BI", 700, "italic"),
        ):
            path = Path(folder) / f"letter{style}.ttf"
            _cut_font(fontpkg.path(_FONT, weight, slope), weight, text, path)
            pdf.add_font(_FONT, style, path)


def _cut_font(source: Path, weight: int, text: str, target: Path) -> None:
    # The file holds all weights of 3,000 letters: fixing the weight of those in use takes a tenth
    # of a second, of all of them four.
    with TTFont(source, lazy=True) as font:
        cutter = Subsetter(Options(layout_features=[], notdef_outline=True))
        cutter.populate(text=text + string.printable)
        cutter.subset(font)
        instantiateVariableFont(font, {"wght": weight, "wdth": 100}, inplace=True)
        font.save(target)


def _mark_as_sample(pdf: FPDF) -> None:
    pdf.set_text_color(176, 32, 32)
    pdf.set_font(_FONT, "B", 8)
    pdf.set_xy(_LEFT, 9)
    pdf.cell(_WIDTH, 4, _WARNING, align=Align.C)
    pdf.set_text_color(236, 236, 236)
    pdf.set_font(_FONT, "B", 62)
    with pdf.rotation(55, 105, 160):
        pdf.set_xy(0, 147)
        pdf.cell(210, 26, SAMPLE_MARK, align=Align.C)
    pdf.set_text_color(0, 0, 0)


def _head(pdf: FPDF, letter: Letter) -> None:
    right = _LEFT + _AGENCY_WIDTH
    _line(pdf, _LEFT, _TOP, _AGENCY_WIDTH, letter.agency, "B", 12)
    _rule(pdf, _LEFT + _AGENCY_WIDTH / 2, _TOP + 6.5, 24)
    _line(pdf, right, _TOP, _STATE_WIDTH, _STATE, "B", 11.5)
    _line(pdf, right, _TOP + 6, _STATE_WIDTH, _MOTTO, "B", 12.5)
    _rule(pdf, right + _STATE_WIDTH / 2, _TOP + 12.6, pdf.get_string_width(_MOTTO))
    second = _TOP + 16
    _line(pdf, _LEFT, second, _AGENCY_WIDTH, f"Số: {letter.number}/{letter.notation}", "", 12.5)
    day = letter.promulgated_on
    dated = f"{letter.place}, ngày {day:%d} tháng {day:%m} năm {day:%Y}"
    _line(pdf, right, second, _STATE_WIDTH, dated, "I", 12.5)
    pdf.set_xy(_LEFT, second + 7)
    pdf.set_font(_FONT, "", 11)
    pdf.multi_cell(_AGENCY_WIDTH, 5, f"V/v {letter.subject}", align=Align.C)
    pdf.ln(7)


def _addressees(pdf: FPDF, letter: Letter) -> None:
    pdf.set_font(_FONT, "", 13)
    title = "Kính gửi:"
    indent = _LEFT + 28
    pdf.set_x(indent)
    if len(letter.addressees) == 1:
        pdf.multi_cell(_WIDTH - 28, 7, f"{title} {letter.addressees[0]}.")
    else:
        pdf.cell(pdf.get_string_width(title) + 4, 7, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for number, addressee in enumerate(letter.addressees, 1):
            pdf.set_x(indent + 10)
            end = "." if number == len(letter.addressees) else ";"
            pdf.multi_cell(_WIDTH - 38, 7, f"- {addressee}{end}", align=Align.L)
    pdf.ln(5)


def _body(pdf: FPDF, letter: Letter) -> None:
    pdf.set_font(_FONT, "", 12.5)
    with pdf.text_columns(text_align=Align.J, line_height=1.45) as column:
        for paragraph in letter.paragraphs:
            with column.paragraph(first_line_indent=10, bottom_margin=1.8) as text:
                text.write(paragraph)


def _foot(pdf: FPDF, letter: Letter) -> None:
    top = pdf.get_y() + 4
    pdf.set_xy(_LEFT, top)
    pdf.set_font(_FONT, "BI", 11)
    pdf.cell(60, 5.5, "Nơi nhận:", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.set_font(_FONT, "", 10)
    for copy in letter.copies_to:
        pdf.cell(60, 5, f"- {copy}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    left, width = _LEFT + 72, _WIDTH - 72
    _line(pdf, left, top, width, f"{letter.competence} {letter.superior}", "B", 12)
    _line(pdf, left, top + 6, width, letter.position, "B", 12)
    pdf.set_text_color(90, 90, 90)
    _line(pdf, left, top + 17, width, _SIGNED[0], "I", 9.5)
    _line(pdf, left, top + 21.5, width, _SIGNED[1], "I", 9.5)
    pdf.set_text_color(0, 0, 0)
    _line(pdf, left, top + 33, width, letter.signer, "B", 12.5)


def _line(pdf: FPDF, x: float, y: float, width: float, text: str, style: str, size: float) -> None:
    pdf.set_xy(x, y)
    pdf.set_font(_FONT, style, size)
    pdf.cell(width, 6, text, align=Align.C)


def _rule(pdf: FPDF, middle: float, y: float, length: float) -> None:
    pdf.set_line_width(0.25)
    pdf.line(middle - length / 2, y, middle + length / 2, y)
