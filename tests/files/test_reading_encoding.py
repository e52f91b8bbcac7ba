"""Encodings: found out from all bytes of a text; nothing of it is dropped."""

from pathlib import Path

import pytest

from connector.files.encoding import code_page_of
from connector.files.reading import ReadOptions, read_table

from .writing import cells_of, problem_of, read, text_file

WORDS = "Prénom,Email\r\nCamille Élodie,c@example.com\r\nJosé Müller,j@example.com\r\n"
POLISH = """Imię,Nazwisko,Email
Łukasz,Wałęsa,a@example.com
Grażyna,Żółkiewska,b@example.com
Stanisław,Dąbrowski,c@example.com
Małgorzata,Król,d@example.com
Michał,Łączyński,e@example.com
"""
RUSSIAN = "Имя,Город,Email\nАлексей,Москва,a@example.com\nНаталья Сергеевна,Санкт-Петербург,b@example.com\n"
JAPANESE = "名前,会社,Email\n山田太郎,株式会社サンプル,a@example.com\n鈴木花子,東京の会社です,b@example.com\n"


@pytest.mark.parametrize(
    ("content", "encoding", "bom", "reason"),
    [
        (b"Email\na@example.com\n", "utf-8", False, "every byte is ASCII"),
        (WORDS.encode(), "utf-8", False, "every byte is valid UTF-8"),
        (b"\xef\xbb\xbf" + WORDS.encode(), "utf-8", True, "the file begins with a byte order mark"),
        (WORDS.encode("utf-16"), "utf-16-le", True, "the file begins with a byte order mark"),
        (b"\xfe\xff" + WORDS.encode("utf-16-be"), "utf-16-be", True, "the file begins with a byte order mark"),
        (WORDS.encode("utf-16-le"), "utf-16-le", False, "every other byte is zero"),
        (WORDS.encode("utf-16-be"), "utf-16-be", False, "every other byte is zero"),
        (WORDS.encode("cp1252"), "cp1252", False, "not valid UTF-8; its letters and signs make words in Windows-1252"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, content: bytes, encoding: str, bom: bool, reason: str) -> None:
    with read_table(text_file(tmp_path, content)) as table:
        assert table.encoding is not None
        assert table.dialect is not None
        assert (table.encoding.value, table.encoding.reason) == (encoding, reason)
        assert (table.dialect.encoding, table.dialect.bom) == (encoding, bom)
        assert "\ufeff" not in table.headers[0]
        if b"," in content:
            assert cells_of(table.rows()) == [("Camille Élodie", "c@example.com"), ("José Müller", "j@example.com")]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(POLISH, "cp1250"), (RUSSIAN, "cp1251"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (RUSSIAN, "koi8_r")],
)
def test_another_code_page_is_taken_where_windows_1252_makes_no_words(tmp_path: Path, text: str, encoding: str) -> None:
    with read_table(text_file(tmp_path, text, encoding)) as table:
        assert table.encoding is not None
        assert "and none in Windows-1252" in table.encoding.reason
        assert table.columns == tuple(text.splitlines()[0].split(","))
        assert [",".join(map(str, row.cells)) for row in table.rows()] == text.splitlines()[1:]


@pytest.mark.parametrize(
    "text",
    [
        "Éléonore CRÉÉE, œuvre d’été, 25 € – « déjà »",
        "¿Qué tal, señor Núñez? 1º ª",
        "Größe, Straße, Übergrößenträger, 5 m² ½",
        "l·lusió Barça, João São Conceição",
        "Ærøskøbing Ångström Šárka Žofie",
    ],
)
def test_texts_of_western_europe_are_windows_1252(text: str) -> None:
    assert code_page_of(text.encode("cp1252"))[0] == "cp1252"


def test_a_few_letters_are_windows_1252() -> None:
    assert code_page_of("Łukasz,Wałęsa\n".encode("cp1250"))[0] == "cp1252"


def test_a_byte_that_windows_1252_leaves_undefined_is_kept(tmp_path: Path) -> None:
    with read_table(
        text_file(tmp_path, b"Email,Name\nx@example.com,Ren\xe9 \x81 Dupr\xe9, \xe0 c\xf4t\xe9\n")
    ) as table:
        assert "René \x81 Dupré" in str(table.first_rows[0].cells[1])


def test_single_lines_of_another_encoding_are_read_as_windows_1252_with_a_note(tmp_path: Path) -> None:
    good = "Prénom,Email\nZoé,z@example.com\n".encode()
    path = text_file(tmp_path, good + b"Andr\xe9,a@example.com\nAnn,n@example.com\n" + "Noël,o@example.com\n".encode())
    with read_table(path) as table:
        assert table.encoding is not None
        assert table.encoding.reason == "most lines are valid UTF-8; a line is not"
        rows = list(table.rows())
    assert [row.cells[0] for row in rows] == ["Zoé", "André", "Ann", "Noël"]
    assert [row.notes for row in rows] == [(), (("encoding_mixed", "UTF-8"),), (), ()]


def test_a_cell_in_utf8_stays_right_beside_one_that_is_not(tmp_path: Path) -> None:
    path = text_file(tmp_path, "Prénom,Nom,Email\nZoé,".encode() + b"Andr\xe9,a@example.com\n")
    assert read(path)[0].cells == ("Zoé", "André", "a@example.com")


def test_headers_of_another_encoding_than_the_rows_are_read_too(tmp_path: Path) -> None:
    path = text_file(tmp_path, b"Pr\xe9nom,Email\n" + "Zoé,z@example.com\nNoël,n@example.com\n".encode())
    with read_table(path) as table:
        assert table.columns == ("Prénom", "Email")


def test_a_character_that_is_cut_in_two_by_a_chunk_is_whole(tmp_path: Path) -> None:
    lines = b"Email,Name\n" + b"a@example.com,b\n" * 70_000
    before = lines[: (1 << 20) - 2]
    cut = before[: before.rindex(b"\n") + 1]
    path = text_file(tmp_path, cut + b"a@example.com," + b"x" * ((1 << 20) - 15 - len(cut)) + "é\n".encode())
    with read_table(path) as table:
        assert table.encoding is not None
        assert table.encoding.value == "utf-8"
        assert str(list(table.rows())[-1].cells[1]).endswith("é")


@pytest.mark.parametrize("chosen", ["latin-1", "cp1252", "windows-1252"])
def test_the_encoding_can_be_chosen(tmp_path: Path, chosen: str) -> None:
    with read_table(text_file(tmp_path, WORDS.encode("cp1252")), ReadOptions(encoding=chosen)) as table:
        assert table.encoding is not None
        assert table.encoding.reason == "you chose it"
        assert table.first_rows[0].cells[0] == "Camille Élodie"


def test_a_chosen_utf16_is_the_one_of_the_byte_order_mark(tmp_path: Path) -> None:
    path = text_file(tmp_path, b"\xfe\xff" + WORDS.encode("utf-16-be"))
    assert len(read(path, ReadOptions(encoding="UTF-16"))) == 2


def test_what_is_not_in_the_chosen_utf8_is_read_as_windows_1252(tmp_path: Path) -> None:
    rows = read(text_file(tmp_path, WORDS.encode("cp1252")), ReadOptions(encoding="utf8"))
    assert (rows[0].cells[0], rows[0].notes) == ("Camille Élodie", (("encoding_mixed", "UTF-8"),))


@pytest.mark.parametrize("chosen", ["klingon", "", "base64", "utf-7", "idna", "unicode_escape", "rot13", "a\0b"])
def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path, chosen: str) -> None:
    problem = problem_of(text_file(tmp_path, WORDS), ReadOptions(encoding=chosen))
    assert (problem.code, problem.errors[0].field) == ("parameter_invalid", "encoding")
