"""CSV: a text as a table, whatever its encoding, separator and quoting are."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from connector.errors import Problem
from connector.files.content import Content
from connector.files.dialect import Cut, chosen_separator, cut_of, line_end_of, quotes_all, separator_line
from connector.files.encoding import Encoding, as_western, encoding_of, is_foreign
from connector.files.layout import IsEmailName, Layout, Mend, Record, first_of, layout_of, rows_of
from connector.files.limits import MOST_CHARACTERS, MOST_COLUMNS
from connector.files.options import ReadOptions
from connector.files.table import Cell, Choice, Dialect, Ending, Row, Table
from connector.saying import say

_SAMPLED_LINES, _SAMPLED_CHARACTERS = 200, 400_000
# A line of our own behind the last one: where a quotation mark never closed, it becomes part of a cell.
_END = "\0the end\0"


@dataclass(frozen=True, slots=True)
class Text:
    """A text that can be cut into records. `skipped`: so many lines at its beginning are not for it to read."""

    content: Content
    encoding: Encoding
    cut: Cut
    skipped: int

    def records(self, ending: Ending) -> Iterator[Record]:
        """All records, each with the physical line where it starts. Says in `ending` which one never closes.

        Raises `Problem` cell_too_long, file_too_many_columns.
        """
        ended: list[bool] = []
        read = self.skipped
        with self.encoding.lines(self.content) as lines:
            reader = self.cut.reader(chain(islice(lines, read, None), _end(ended)))
            try:
                for cells in reader:
                    line, read = read + 1, self.skipped + reader.line_num
                    if len(cells) > MOST_COLUMNS:
                        raise Problem("file_too_many_columns", line=line, limit=MOST_COLUMNS)
                    if ended and not _is_cut_off(cells):
                        return
                    if ended:
                        ending.unclosed = line
                    if read > line:
                        ending.spanning.add(line)
                    yield line, cells if (cells and cells[0].strip()) or any(map(str.strip, cells)) else ()
            except csv.Error:
                raise Problem("cell_too_long", line=read + 1, limit=MOST_CHARACTERS) from None

    def mend(self, cells: Sequence[Cell], columns: Sequence[str]) -> tuple[Sequence[Cell], tuple[tuple[str, str], ...]]:
        """The cells without NULs, and with those that are not in the text's encoding read as Windows-1252."""
        texts, notes = [str(cell) for cell in cells], []
        for index, cell in enumerate(texts):
            if "\0" in cell:
                texts[index] = cell.replace("\0", "")
                notes.append(("nul_removed", columns[index] if index < len(columns) else str(index + 1)))
        if self.encoding.mixed and any(map(is_foreign, texts)):
            texts = [as_western(cell) if is_foreign(cell) else cell for cell in texts]
            notes.append(("encoding_mixed", "UTF-8"))
        return (texts if any(map(str.strip, texts)) else ()), tuple(notes)

    @property
    def mender(self) -> Mend | None:
        """`mend`, if there is anything to mend in this text."""
        return self.mend if self.encoding.mixed or self.encoding.survey.nul else None


def _end(ended: list[bool]) -> Iterator[str]:
    ended.append(True)
    yield _END


def _is_cut_off(cells: list[str]) -> bool:
    """Whether the end of the file came in the middle of this record. Takes out the line that was put there."""
    if cells == [_END]:
        return False
    cells[-1] = cells[-1].removesuffix(_END)
    return True


def table_of(content: Content, options: ReadOptions, is_email_name: IsEmailName) -> Table:
    """The table that this text is. Raises `Problem` when it is none."""
    encoding = encoding_of(content, options.encoding)
    sample = _sample(encoding, content)
    said = separator_line(sample[0])
    skipped = 0 if said is None else 1
    escaped = encoding.survey.escaped > encoding.survey.doubled
    cut, separator = cut_of(sample[skipped:], _given(options, said), escaped=escaped, is_email_name=is_email_name)
    text = Text(content, encoding, cut, skipped)
    layout = layout_of(_head(text), options.header, is_email_name)
    ending = Ending()

    def rows() -> Iterator[Row]:
        return rows_of(text.records(ending), layout, ending, text.mender, text.cut.separator)

    first_rows = first_of(rows(), ending)
    return Table(
        kind="csv",
        columns=layout.columns,
        headers=layout.headers,
        header_line=layout.header_line,
        preamble=layout.preamble,
        rows=rows,
        first_rows=first_rows,
        ending=ending,
        encoding=Choice(encoding.codec, encoding.reason),
        separator=separator,
        quoting="escaped" if text.cut.escaped else "doubled",
        dialect=_dialect(text, sample, layout, first_rows[0]),
        close=content.close,
    )


def _sample(encoding: Encoding, content: Content) -> list[str]:
    """The first lines."""
    sample: list[str] = []
    characters = 0
    with encoding.lines(content) as lines:
        for line in islice(lines, _SAMPLED_LINES):
            sample.append(line)
            characters += len(line)
            if characters > _SAMPLED_CHARACTERS:
                break
    return sample


def _given(options: ReadOptions, said: str | None) -> Choice | None:
    """The separator that need not be found out."""
    if options.separator is not None:
        return Choice(chosen_separator(options.separator), say("you chose it"))
    return None if said is None else Choice(said, say("the first line of the file says so"))


def _head(text: Text) -> Iterator[Record]:
    """The records as the column names are looked for in them."""
    for line, cells in text.records(Ending()):
        yield line, (text.mender(cells, ())[0] if text.mender else cells)


def _dialect(text: Text, sample: Sequence[str], layout: Layout, first: Row) -> Dialect:
    """How to write another file like this one."""
    line, cells = layout.header_line or first.line, layout.headers or first.cells
    return Dialect(
        text.cut.separator,
        escaped=text.cut.escaped,
        quote_all=line <= len(sample) and quotes_all(sample[line - 1], cells, text.cut),
        encoding=text.encoding.codec,
        bom=bool(text.encoding.bom),
        line_end=line_end_of(sample),
    )
