"""A page per source, of what its manifest declares: fields and their paths, ids, set-up, proof, what is left out."""

from collections.abc import Iterator, Mapping

from connector.declared import Candidate, Deleted, Manifest, Source

_PAGE = """# {label}

{help}

As it is, it can be sent to `POST /v1/contacts`, `POST /v1/contacts/batch` and `POST /v1/preview`, where it is
recognised; `?source={key}` says what it is. Its webhooks come in at [an address of their own](../inbound.md).

| variant | what it is |
|---|---|
{variants}

## Fields

{fields}

{record}

{unmapped}

## Set up its webhooks

Make an address with `POST /v1/inbound` and `{{"source": "{key}"}}`. URL and ID stand for those that it answers with;
the secret is in that answer alone.

{steps}

{about}"""
_TABLE = "| contact field | first of | read as |\n|---|---|---|\n{rows}"
_ALIASES = (
    "Names are read as people write them: those of our own fields, labels, and the same in seven languages. `data.KEY` "
    "is custom data."
)
_NOTED = "Any other field that has a value is named in the notes (`field_unmapped`)"


_API = """## Pull what is there

{pull}{changed}

- **How**: `crisp-connector pull {key}`, first with `--dry-run`; or `POST /v1/inbound/ID/pull`; or by itself, with
  `{{"pull": {{"every_minutes": 60}}}}` on the address ([more of it](../inbound.md#pulling-what-a-system-has)).
- **Credential**: {credential}
- **Its rights**: {permissions}{completes}"""
_COMPLETES = "\n- **What its webhooks leave out** is read with it as well: {completes}"
_INDEX = """# Sources

Where contacts come from. Each has a page: its fields, how its webhooks are set up and proved, how it is asked for what
it has, and what is not carried.

| system | payloads | webhooks are proved by | completed by a read | pulled | deletions |
|---|---|---|---|---|---|
{rows}

Every variant is taken by `POST /v1/contacts`, `POST /v1/contacts/batch` and `POST /v1/preview` as well.
"""


def pages(manifest: Manifest) -> dict[str, str]:
    """Path of each page → its text."""
    made = {f"docs/sources/{key}.md": _page(source, manifest) for key, source in manifest.sources.items()}
    rows = "\n".join(_row(source) for source in manifest.sources.values())
    return {"docs/sources/README.md": _INDEX.format(rows=rows).rstrip(), **made}


def _row(source: Source) -> str:
    api = source.about.get("api", {})
    changed = f"all, or what has changed {api['changed']}" if "changed" in api else "all" if api else "–"
    cells = (
        f"[{source.label}]({source.key}.md)",
        ", ".join(f"`{key}`" for key in source.variants),
        _first_sentence(str(source.about.get("proof", "–"))),
        api.get("completes", "–"),
        changed,
        "noted" if source.deleted else "not told",
    )
    return "| " + " | ".join(cells) + " |"


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "."


def _page(source: Source, manifest: Manifest) -> str:
    return _PAGE.format(
        label=source.label,
        help=source.help,
        key=source.key,
        variants="\n".join(f"| `{key}` | {label} |" for key, label in source.variants.items()),
        fields="\n\n".join(_tables(source, manifest)),
        record=_record(source),
        unmapped=_unmapped(source),
        steps="\n".join(f"{number}. {_filled(step)}" for number, step in enumerate(source.steps, 1)),
        about="\n\n".join(_about(source)),
    ).rstrip()


def _tables(source: Source, manifest: Manifest) -> Iterator[str]:
    if source.aliases:
        yield _ALIASES
    for table, rows in source.tables.items():
        told = (f"| `{field}` | {_first_of(paths)} | {_converter(field, manifest)} |" for field, paths in rows.items())
        if rows:
            yield (f"Of the table `{table}`:\n\n" if table else "") + _TABLE.format(rows="\n".join(told))


def _first_of(paths: tuple[Candidate, ...]) -> str:
    return ", ".join(_path(path) for path in paths)


def _path(path: Candidate) -> str:
    if path.lines:
        parts = (*path.lines, *path.postcode, *path.city)
        return "in one line: " + " + ".join(f"`{part}`" for part in parts)
    values = ", ".join(f"{given} is {meant}" for given, meant in (path.values or {}).items())
    return f"`{path.path}`" + (f" ({values})" if values else "")


def _converter(field: str, manifest: Manifest) -> str:
    return "a value" if field.startswith("data.") else manifest.fields[field].convert


def _record(source: Source) -> str:
    its_id = f"The record's id is the first of {_names(source.id)}; " if source.id else ""
    newest = f"its time, by which the newest wins, of {_names(source.updated_at)}." if source.updated_at else ""
    gone = " or ".join(_deleted(rule) for rule in source.deleted)
    deleted = f" It is deleted when {gone}: `on_delete` of an inbound address says what that does." if gone else ""
    return f"{its_id}{newest}{deleted}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _deleted(rule: Deleted) -> str:
    if rule.endings:
        return f"`{rule.path}` ends with {' or '.join(f'`{ending}`' for ending in rule.endings)}"
    return f"`{rule.path}` is `{str(rule.value).lower() if isinstance(rule.value, bool) else rule.value}`"


def _unmapped(source: Source) -> str:
    if source.custom is not None:
        named = f"those that you have added yourself (names like {_names(source.custom)}) are named in the notes"
        return f"Of all other fields only {named}." if source.custom else "All other fields are passed over in silence."
    return f"{_NOTED}, but for {_names(source.silent)}." if source.silent else f"{_NOTED}."


def _filled(step: str) -> str:
    return step.replace("{url}", "`URL`").replace("{id}", "ID")


def _about(source: Source) -> Iterator[str]:
    for title, told in (("How its requests are proved", "proof"), ("What it needs", "permissions")):
        if told in source.about:
            yield f"## {title}\n\n{source.about[told]}"
    if api := source.about.get("api"):
        yield _asked(source.key, api)
    if left := source.about.get("left_out"):
        rows = "\n".join(f"| {each['what']} | {each['why']} |" for each in left)
        yield f"## What is not carried\n\n| what | why |\n|---|---|\n{rows}"


def _asked(key: str, api: Mapping[str, str]) -> str:
    changed = f" Or what has changed, {api['changed']}." if "changed" in api else ""
    told = {name: api[name] for name in ("pull", "credential", "permissions")}
    completes = _COMPLETES.format(completes=_lower(api["completes"])) if "completes" in api else ""
    return _API.format(key=key, changed=changed, completes=completes, **told)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
