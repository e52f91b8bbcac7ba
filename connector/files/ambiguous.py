"""Names that mean one thing here and another there: the other columns and the values decide."""

from collections.abc import Callable, Mapping

from connector.convert.segments import segments
from connector.files.looks import Seen, is_web, kind_of
from connector.files.meanings import TITLES, WHOLE_NAMES, File, Verdict, certain, ignored, suggested
from connector.files.words import FORMS_OF_ADDRESS, MAIL_PROVIDERS, SALUTATIONS, STATES_OF_PROCESS, SYSTEM_ROLES
from connector.names import normalise
from connector.saying import say

NAMED = say("Its name says so")

# So many texts show whether they are segments; fewer rows than these are all different by chance.
_ENOUGH, _MANY_ROWS, _LONG_SEGMENT = 50, 10, 100


def _whole_name(column: Seen, file: File) -> Verdict:
    first, last = file.others(column, "first_name"), file.others(column, "last_name")
    if first and not last and not _holds(column, first[0]):
        return certain("last_name", say("Beside a first name this is the last name"))
    if last and not first and not _holds(column, last[0]):
        return certain("first_name", say("Beside a last name this is the first name"))
    return certain("full_name", NAMED)


def _holds(column: Seen, part: Seen) -> bool:
    """Whether this name nearly always has the other one in it, and more: then it is the whole name whatever it says."""
    both = [
        (whole.split(), name.split()) for whole, name in zip(column.cells, part.cells, strict=True) if whole and name
    ]
    held = sum(len(whole) > len(name) and set(name) <= set(whole) for whole, name in both)
    return bool(both) and held * 2 > len(both)


def _title(column: Seen, file: File) -> Verdict:
    if file.others(column, "job_title"):
        return ignored(say("The job title has its own column, so this is a form of address; ignored"))
    if column.texts and column.mostly(FORMS_OF_ADDRESS):
        return ignored(say("The values are forms of address; ignored"))
    if file.named(SALUTATIONS):
        return certain("job_title", say("The form of address has its own column, so this is the job title"))
    return suggested("job_title", say("It may be a job title or a form of address"))


def _state(column: Seen, file: File) -> Verdict:
    del file
    if column.texts and column.mostly(STATES_OF_PROCESS):
        return ignored(say("The values say how things stand, not where somebody lives; ignored"))
    return certain("region", NAMED)


def _state_or_status(column: Seen, file: File) -> Verdict:
    if not column.texts or not file.others(column, "country", "city"):
        return ignored(say("It may be a status; ignored"))
    return _state(column, file)


def _surname_or_nickname(column: Seen, file: File) -> Verdict:
    del column
    if file.named({"sobrenome"}):
        return certain("nickname", say("Beside Sobrenome this is the nickname"))
    return certain("last_name", NAMED)


def _domain(column: Seen, file: File) -> Verdict:
    del file
    domains = [value.casefold() for value in column.texts]
    if not domains or not all(map(_is_domain, domains)):
        return ignored(say("The values are not all domains; ignored"))
    if not MAIL_PROVIDERS.isdisjoint(domains):
        return ignored(say("The values are domains of mail providers, not of companies; ignored"))
    return certain("company_domain", say("The values are domains of companies"))


def _is_domain(value: str) -> bool:
    return "/" not in value and ":" not in value and is_web(value)


def _company(column: Seen, file: File) -> Verdict:
    del file
    if not column.texts or not all(map(is_web, column.texts)):
        return certain("company_name", NAMED)
    field = "company_domain" if all(map(_is_domain, column.texts)) else "company_url"
    return certain(field, say("Its name says so, and the values are web addresses"))


def _segments(column: Seen, file: File) -> Verdict:
    del file
    judged = [segments([value]) for value in column.texts[:_ENOUGH]]
    if judged and all(kind_of(part) == "number" for parts in judged for part in parts):
        return ignored(say("The values are only numbers, and no segments; ignored"))
    if sum(any(len(part) > _LONG_SEGMENT for part in parts) for parts in judged) * 2 > len(judged):
        return ignored(say("The values are too long for segments; ignored"))
    if len(column.texts) >= _MANY_ROWS and len(set(column.texts)) == len(column.cells):
        return ignored(say("Every row has another value, so these are no segments; ignored"))
    return certain("segments", NAMED)


def _role(column: Seen, file: File) -> Verdict:
    del file
    if column.texts and column.mostly(SYSTEM_ROLES):
        return ignored(say("The values are what somebody may do in a system, not a role at a company; ignored"))
    return certain("role", NAMED)


def _avatar(column: Seen, file: File) -> Verdict:
    del file
    if column.texts and sum(map(is_web, column.texts)) * 2 <= len(column.texts):
        return ignored(say("The values are no addresses of pictures; ignored"))
    return certain("avatar", NAMED)


Rule = Callable[[Seen, File], Verdict]
# Normalised name → rule. These come before the aliases, and before the names that mean nothing.
BY_NAME: Mapping[str, Rule] = {
    **dict.fromkeys(WHOLE_NAMES, _whole_name),
    **dict.fromkeys(TITLES, _title),
    **dict.fromkeys(("estado", "stato", "staat"), _state_or_status),
    "state": _state,
    "apelido": _surname_or_nickname,
    "domain": _domain,
}
# Field of an alias → rule.
BY_FIELD: Mapping[str, Rule] = {"company_name": _company, "segments": _segments, "role": _role, "avatar": _avatar}

_PLACES = ("address", "city", "region", "country")


def one_address(file: File, verdicts: Mapping[str, Verdict], chosen: frozenset[str]) -> Mapping[str, Verdict]:
    """The verdicts with the columns of a home or of a business address taken out where both are there: they are never
    mixed in one contact. `chosen`: columns that the user named, which stay."""
    placed = [c for c in file.columns if verdicts[c.name].field in _PLACES and c.name not in chosen]
    home = [column for column in placed if _is_home(normalise(column.base))]
    business = [column for column in placed if _is_business(normalise(column.base))]
    if not home or not business:
        return verdicts
    companies = [column for column in file.columns if verdicts[column.name].field == "company_name"]
    at_work = any(column.texts for column in business) and any(column.texts for column in companies)
    if at_work or not any(column.texts for column in home):
        return {
            **verdicts,
            **{
                c.name: ignored(say("The business address is taken, and the two are never mixed; ignored"))
                for c in home
            },
        }
    return {
        **verdicts,
        **{c.name: ignored(say("The home address is taken, and the two are never mixed; ignored")) for c in business},
    }


def _is_home(name: str) -> bool:
    return name.startswith("home") or name.endswith("privat")


def _is_business(name: str) -> bool:
    return name.startswith("business") or name.endswith(("geschaftlich", "geschaeftlich"))
