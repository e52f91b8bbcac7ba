"""What can be wrong with a file: code → status, title, sentence with the remedy. `errors.CODES` takes them up."""

CODES: dict[str, tuple[int, str, str]] = {
    "file_missing": (
        422,
        "No file",
        "There is no file in this request. Send it as the multipart field named file, or send a url.",
    ),
    "file_cut": (400, "File cut off", "The file was cut off on its way here. Nothing was stored; send it again."),
    "file_too_large": (413, "File too large", "The file is larger than {limit}. Split it, or leave out columns."),
    "file_bomb": (
        413,
        "File inflates",
        "The file is small but unpacks to more than {limit}. Send what it contains, in parts.",
    ),
    "file_empty": (422, "Empty file", "The file is empty. Export it again and look at its size."),
    "file_no_rows": (422, "No rows", "The file has column names and no rows below them. Export it again."),
    "file_kind_unknown": (
        422,
        "Not a table",
        "This is {found}, not a table. Export it as CSV or XLSX and send that.",
    ),
    "file_password": (
        422,
        "Password",
        "The file is protected with a password. Save it without one and send it again.",
    ),
    "file_broken": (
        422,
        "Broken file",
        "The file begins like {found}, and cannot be read as one. Open it, save it again as XLSX or CSV, "
        "and send that.",
    ),
    "zip_several": (
        422,
        "Several files",
        "The archive holds {count} files ({names}). Send one of them at a time.",
    ),
    "zip_unsafe": (
        422,
        "Unsafe archive",
        "The archive has a file whose name leads out of it. Send the file itself.",
    ),
    "file_too_many_columns": (
        422,
        "Too many columns",
        "Line {line} has more than {limit} columns. Check the separator, or export fewer columns.",
    ),
    "file_too_many_rows": (
        413,
        "Too many rows",
        "The file has more than {limit} rows. Split it into several files.",
    ),
    "cell_too_long": (
        422,
        "Cell too long",
        "A cell of the record that begins in line {line} is longer than {limit} characters. Shorten it; if it should "
        "not be that long, a quotation mark is missing there.",
    ),
    "header_unclosed": (
        422,
        "Quotation mark not closed",
        "A quotation mark opens in the record that begins in line {line} and never closes, so there are no rows. "
        "Close it, and send the file again.",
    ),
    "sheet_missing": (
        422,
        "No such sheet",
        "There is no sheet of that name. The workbook has: {names}.",
    ),
    "email_column_missing": (
        422,
        "No email column",
        "No column is known to hold email addresses, and nobody can be imported without one. {candidates}",
    ),
    "mapping_column_missing": (
        422,
        "No such column",
        "The mapping names the column {column} for {field}, which the file does not have. Its columns are: {columns}.",
    ),
    "file_no_valid_row": (
        422,
        "No valid row",
        "None of the {count} rows can be imported: {reasons}. Nothing was stored. "
        "Correct the file, or choose another column for email.",
    ),
    "file_forgotten": (
        404,
        "File not kept",
        "The file of this import is not kept any more. The outcomes of its rows are at /v1/imports/ID/records.",
    ),
    "import_without_file": (
        409,
        "No file",
        "This import did not come as a file, so there are no rows to write again. "
        "Its outcomes are at /v1/imports/ID/records.",
    ),
    "import_state": (
        409,
        "Not in this state",
        "This import is {state}: it cannot be {wanted} any more. GET /v1/imports/ID shows it.",
    ),
    "files_unavailable": (
        503,
        "Files cannot be stored",
        "Files cannot be stored just now ({reason}). Nothing was stored; see to it, then send the file again.",
    ),
    "url_refused": (
        422,
        "Address refused",
        "This address is not fetched: {reason}. Give an https:// address that everybody can open.",
    ),
    "url_failed": (
        422,
        "Address does not answer",
        "The address could not be fetched: {reason}. Check that it opens in a private browser window, then try again.",
    ),
    "url_not_file": (
        422,
        "Not a file",
        "The address answers with {found}, not with a table. Share it so that everybody who has the link may see it, "
        "or give the address of its download.",
    ),
}
