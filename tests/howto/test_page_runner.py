"""The runner of pages sees what a reader would see, and fails where a reader would be stuck."""

from pathlib import Path

import pytest

from tests.howto.page_runner import Block, PageFailedError, blocks_of, matches, run_page

FENCE = "```"


def _page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text.replace("~~~", FENCE))
    return path


def test_only_sh_is_run_and_text_below_it_is_its_output() -> None:
    page = "~~~sh\necho a\n~~~\n\n~~~text\na\n~~~\n\nwords\n\n~~~text\nno output\n~~~\n\n"
    page += "~~~console\n$ git clone\n~~~\n~~~sh\necho b\n~~~\nwords\n~~~text\nb\n~~~\n"
    assert blocks_of(page.replace("~~~", FENCE)) == [
        Block(2, "echo a\n", None, "a\n"),
        Block(19, "echo b\n"),
    ]


def test_an_ellipsis_stands_for_anything_and_nothing_else_does() -> None:
    assert matches('{"id": "…"}\n…\nend', '{"id": "7f"}\nmuch\nmore\nend\n')
    assert not matches("a.c", "abc")
    assert not matches("accepted", "accepted, and more")


def test_blocks_share_a_shell_and_a_folder_like_a_checkout(tmp_path: Path) -> None:
    page = _page(tmp_path, "~~~sh\nX=1; ls Makefile\n~~~\n~~~sh\necho $X\n~~~\n~~~text\n1\n~~~\n")
    run_page(page, tmp_path / "run", 8099)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~~~sh\nfalse\ntrue\n~~~\n", "ends with 1"),
        ("~~~sh\necho a | false | cat\n~~~\n", "ends with 1"),
        ("~~~sh\necho $NOBODY_SET_THIS\n~~~\n", "ends with"),
        ("~~~sh\necho b\n~~~\n~~~text\na\n~~~\n", "but the page says"),
        ('~~~sh background until="ready"\necho no\n~~~\n', "has not printed"),
    ],
)
def test_what_fails_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PageFailedError, match=words) as caught:
        run_page(_page(tmp_path, text), tmp_path / "run", 8099)
    assert "page.md:2" in str(caught.value)


def test_what_runs_in_the_background_is_awaited_and_ended(tmp_path: Path) -> None:
    text = '~~~sh background until="ready"\necho $$ >pid; sleep 0.2; echo ready; sleep 600\n~~~\n'
    run_page(_page(tmp_path, text + "~~~sh\nkill -0 $(cat pid)\n~~~\n"), tmp_path / "run", 8099)
    pid = int((tmp_path / "run" / "docaxis" / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_the_port_of_pages_becomes_a_free_one(tmp_path: Path) -> None:
    text = "~~~sh\necho http://127.0.0.1:8080 $DOCAXIS_HTTP_PORT\n~~~\n"
    text += "~~~text\nhttp://127.0.0.1:8099 8099\n~~~\n"
    run_page(_page(tmp_path, text), tmp_path / "run", 8099)
