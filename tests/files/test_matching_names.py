"""What names of columns mean in files: the aliases, what must not match, and what other columns and values decide."""

from dataclasses import dataclass

import pytest

from connector.declared import Manifest
from connector.files.meanings import forms
from connector.files.table import Cell
from connector.manifest import shipped
from tests.files.aliases import listed
from tests.files.sheets import column, fields, matched


@pytest.mark.parametrize(("field", "language", "names"), listed())
def test_the_aliases_of_every_language_are_certain(field: str, language: str, names: tuple[str, ...]) -> None:
    del language
    assert {name: fields(matched(["Kontakt", name]))[name] for name in names} == dict.fromkeys(names, field)


def test_no_alias_is_forbidden_by_one_of_its_forms() -> None:
    manifest: Manifest = shipped()
    aliases = [alias for alias in manifest.names.exact if alias not in manifest.names.never]
    assert [alias for alias in aliases if any(form in manifest.names.never for form, _ in forms(alias))] == []


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Customer Email", "email"),
        ("Contact - Job Title", "job_title"),
        ("Billing City", "city"),
        ("MAILING COUNTRY", "country"),
        ("Primary Company", "company_name"),
        ("Client phone", "phone"),
        ("E-mail 2 - Value", "email"),
        ("E-mail 3 Address", "email"),
        ("E-Mail 2: Adresse", "email"),
        ("Phone 3 - Value", "phone"),
        ("Phone 2", "phone"),
        ("Website 2 - Value", "website"),
        ("Person - Email 2", "email"),
        ("Strasse geschaeftlich", "address"),
        ("Vollstaendiger Name", "full_name"),
        ("person.nickname", "nickname"),
        ("person.geolocation.city", "city"),
        ("company.geolocation.country", "company_country"),
        ("Person.Employment.Title", "job_title"),
    ],
)
def test_a_leading_word_a_number_and_umlauts_do_not_change_a_name(name: str, field: str) -> None:
    assert fields(matched(["Kontakt", name]))[name] == field


@pytest.mark.parametrize(
    "name",
    [
        "Client name", "Contact owner", "Customer ID", "Person type", "Address 2", "Address 2 - City", "City 2",
        "Client customer city", "Email 12", "Active", "Phone 2 - Label", "E-mail 2 - Type", "Contact status",
    ],
)  # fmt: skip
def test_a_name_that_is_more_than_an_alias_is_none(name: str) -> None:
    assert fields(matched(["Kontakt", name]))[name] is None


# Header → fields that it must not feed ("*": none at all), also with the values that it comes with.
NEVER: dict[str, str] = {
    "age|edad|âge|Alter|leeftijd|Età|idade": "*",
    "date|data|fecha|Datum|zone|zona|county|comté": "*",
    "name of company|Event name|Plan name|Product name|Owner name|Account Owner|Contact owner": "full_name",
    "Account Name|Company name|nom de la société|Firmenname": "full_name",
    "Mailing State|Mailing City": "email",
    "E-mail Opt Out|Email Opt Out|Accepts Email Marketing|EMAIL_BLACKLISTED|Unsubscribed|Newsletter|Hard bounced": "*",
    "Email Domain|Email Type|E-Mail-Typ|E-mail 1 - Label|Email Owner|E-Mail: Angezeigter Name|Email verified": "*",
    "Last email date|Username|User name|Manager's Name|Assistant's Name|File As|Name Prefix": "*",
    "Phone 1 - Label|Phone type|Fax|Pager|Company Main Phone|Assistant's Phone": "*",
    "IP address|MAC address|Address 1 - Label|LinkedIn URL|Facebook|Record URL|Unsubscribe URL": "*",
    "Email address": "address",
    "Photo URL": "website",
    "SMS|CC|WhatsApp|Created by|Owner ID|Last Contacted|Date of last order": "*",
    "Last edited time|Last modified|Modified On|LAST_CHANGED|Update time": "*",
    "Birthday|Date of birth|Anniversary|Next activity date|Connected On|CONFIRM_TIME|Geburtsdatum": "*",
    "Date de naissance|Fecha de nacimiento|Data di nascita|Data de nascimento|Geboortedatum": "*",
    "Statut|Status|Lead Status|Lifecycle Stage|Stage|Landline|Island|Landing page|Location": "*",
    "Civilité|Anrede|Salutation|Social title|Titre de civilité|Tratamiento|Aanhef|Titolo": "*",
    "id|Customer ID|Record ID|company id|Account Name.id|Organization ID": "*",
    "Sources|Lead Source|Original Source|Country of birth|Company size|Tag line|List price|Group size|Role ID": "*",
    "Inscription|Signed up": "*",
}
VALUES = ("", "ada@example.com", "+33 6 39 98 10 24", "https://ada.example", "2024-03-12", "active", "42")
NEVER_CASES = [(name, field) for names, field in NEVER.items() for name in names.split("|")]


@pytest.mark.parametrize(("name", "field"), NEVER_CASES)
def test_what_must_not_match_does_not(name: str, field: str) -> None:
    for value in VALUES:
        found = matched(["Email", "City", name], ["ada@example.com", "Lyon", value])
        fed = fields(found)[name]
        assert fed is None if field == "*" else fed != field


@pytest.mark.parametrize("name", [name for name, field in NEVER_CASES if field == "*" and name != "name of company"])
def test_nor_is_it_proposed(name: str) -> None:
    """A county may be a region and a user name a nickname; neither is more than a proposal."""
    proposed = {"county": "region", "comté": "region", "Username": "nickname", "User name": "nickname"}
    found = column(matched(["Email", name]), name)
    assert found.suggestion == proposed.get(name)


@dataclass(frozen=True)
class Case:
    """`fields` of the columns, in order, with these rows below them; "" for none, "?x" for one that is proposed."""

    columns: str
    fields: str
    rows: tuple[tuple[Cell, ...], ...] = ()


def values(name: str, *cells: Cell, before: str = "") -> tuple[str, tuple[tuple[Cell, ...], ...]]:
    """Columns and rows in which the last column holds these."""
    names = [*(before.split("|") if before else []), name]
    return "|".join(names), tuple(("",) * (len(names) - 1) + (cell,) for cell in cells)


def valued(said: str, name: str, *cells: Cell, before: str = "") -> Case:
    """A case about the values of one column, the last."""
    columns, rows = values(name, *cells, before=before)
    return Case(columns, said, rows)


WHOLE = (("Ada", "Lovelace", "Ada Lovelace"), ("Jean", "Dupont", "Jean Dupont"))
MANY = tuple(f"tag{number}" for number in range(12))
CASES = {
    "1-nom-beside-prénom": Case("Prénom|Nom", "first_name|last_name"),
    "1-name-beside-vorname": Case("Vorname|Name", "first_name|last_name"),
    "1-naam-beside-voornaam": Case("Voornaam|Naam", "first_name|last_name"),
    "1-name-beside-first-name": Case("First name|Name", "first_name|last_name"),
    "1-nombre-beside-apellidos": Case("Nombre|Apellidos", "first_name|last_name"),
    "1-nome-beside-cognome": Case("Nome|Cognome", "first_name|last_name"),
    "1-nome-beside-sobrenome": Case("Nome|Sobrenome", "first_name|last_name"),
    "1-nome-beside-apelido": Case("Nome|Apelido", "first_name|last_name"),
    "1-alone": Case("Nome", "full_name"),
    "1-nom-alone": Case("Nom", "full_name"),
    "1-nombre-alone": Case("Nombre", "full_name"),
    "1-naam-alone": Case("Naam", "full_name"),
    "1-beside-both": Case("First name|Last name|Name", "first_name|last_name|full_name"),
    "1-nombre-beside-both": Case("Nombre de pila|Apellidos|Nombre", "first_name|last_name|full_name"),
    "1-it-holds-the-first-name": Case(
        "First name|Name", "first_name|full_name", (("Ada", "Ada Lovelace"), ("Jean", "Jean Dupont"))
    ),
    "1-it-holds-the-last-name": Case(
        "Surname|Name", "last_name|full_name", (("Lovelace", "Ada Lovelace"), ("Dupont", "Jean Dupont"))
    ),
    "2-beside-a-job-title": Case("Title|Job Title", "|job_title"),
    "2-beside-a-salutation": Case("Salutation|Title", "|job_title", (("Mr", "Buyer"),)),
    "2-titel-beside-anrede": Case("Anrede|Titel", "|job_title", (("Herr", "Einkäufer"),)),
    "2-titel-of-a-doctor": Case("Anrede|Titel", "|", (("Herr", "Dr."), ("Frau", "Prof. Dr."))),
    "2-forms-of-address": valued("", "Title", "Mr.", "Mrs", "Herr", "", "CEO"),
    "2-numbers-for-them": valued("", "Title", 1, 2, 1),
    "2-anything-else-is-asked": valued("?job_title", "Title", "CEO", "Buyer", "Mr"),
    "2-without-values-too": valued("?job_title", "Titel"),
    "3-text": valued("company_name", "Company", "Sample & Sons", "example.com"),
    "3-domains": valued("company_domain", "Company", "samplesons.example", "mock.example"),
    "3-addresses": valued("company_url", "Account", "https://samplesons.example", "mock.example"),
    "3-domain-of-companies": valued("company_domain", "Domain", "samplesons.example"),
    "3-domain-of-mail-providers": valued("", "Domain", "samplesons.example", "gmail.com"),
    "3-domain-of-other-things": valued("", "Domain", "samplesons.example", "Sales"),
    "3-domain-without-values": valued("", "Domain"),
    "3-website-beside-a-company": Case("Company|Website", "company_name|website", (("A", "https://a.example"),)),
    "3-url-alone": valued("website", "URL", "https://a.example"),
    "4-numbered": Case("E-mail 1 - Value|E-mail 1 - Type|E-mail 2 - Value|E-mail 2 - Label", "email||email|"),
    "4-typed": Case("Email - Home|Email - Work|Phone - Home|Phone 1 - Type", "email|email|phone|"),
    "5-several": Case("Tags|Lists|Groups", "segments|segments|segments", (("a", "b", "c"),)),
    "5-numbers": valued("", "Groups", "12", "12, 13", "7"),
    "5-long": valued("", "Labels", "x" * 101, "y" * 200),
    "5-many-short-ones": valued("segments", "Labels", ", ".join(f"{number}th" for number in range(50))),
    "5-another-on-every-row": valued("", "Category", *MANY),
    "5-few-rows-show-nothing": valued("segments", "Category", *MANY[:5]),
    "5-one-comes-again": valued("segments", "Category", *MANY, "tag1"),
    "6-state": valued("region", "State", "Ohio", "Texas"),
    "6-state-of-process": valued("", "State", "Active", "In progress", "Closed"),
    "6-estado-beside-a-city": valued("city|region", "Estado", "Jalisco", before="Ciudad"),
    "6-estado-alone": valued("", "Estado", "Jalisco"),
    "6-estado-of-process": valued("country|", "Estado", "activo", "inactivo", before="País"),
    "6-stato-without-values": Case("Città|Stato", "city|"),
    "6-staat-beside-a-country": valued("country|region", "Staat", "Bayern", before="Land"),
    "6-role": valued("role", "Role", "engineering", "agent", "sales"),
    "6-role-in-a-system": valued("", "Role", "end-user", "Agent", "admin"),
    "6-language": Case("Language|Location", "locale|"),
    "7-apelido": Case("Nome próprio|Apelido", "first_name|last_name"),
    "7-apelido-beside-sobrenome": Case("Nome|Sobrenome|Apelido", "first_name|last_name|nickname"),
    "8-note-and-about": Case("Note|About|Description|Notes", "notepad|description|description|notepad"),
    "9-business-where-a-company-is": Case(
        "Company|Business Street|Home Street", "company_name|address|", (("A", "1 Work St", "2 Home St"),)
    ),
    "9-home-where-none-is": Case("Company|Business Street|Home Street", "company_name||address", (("", "1", "2"),)),
    "9-home-where-the-other-is-empty": Case(
        "Company|Business Street|Home Street", "company_name||address", (("A", "", "2 Home St"),)
    ),
    "9-business-where-all-are-empty": Case("Company|Business Street|Home Street", "company_name|address|"),
    "9-home-alone": Case("Company|Home Street", "company_name|address", (("A", "2 Home St"),)),
    "9-in-german": Case("Firma|Straße geschäftlich|Ort geschäftlich", "company_name|address|city"),
    "10-one-name-twice": Case("Name|Name (2)|Phone|Phone (2)", "full_name|full_name|phone|phone"),
    "10-also-where-it-is-none": Case("Title|Title (2)|Job title|Status|Status (2)", "||job_title||"),
    "11-data-key": Case("data.plan|plan", "data.plan|"),
    "avatar": valued("avatar", "Photo", "https://img.example/a.png"),
    "avatar-that-is-none": valued("", "Photo", "a.png (https://img.example/a.png)", "yes"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_other_columns_and_the_values_decide(case: Case) -> None:
    found = matched(f"Courriel|{case.columns}", *(["a@example.com", *row] for row in case.rows))
    said = [each.field or (f"?{each.suggestion}" if each.suggestion else "") for each in found.columns]
    assert "|".join(said) == f"email|{case.fields}"


def test_what_is_decided_says_why() -> None:
    found = matched("Prénom|Nom|Title|Job title|Company|Domain|Fax|Points", ["", "", "", "", "a.example", "gmail.com"])
    assert [each.reason for each in found.columns] == [
        "Its name says so",
        "Beside a first name this is the last name",
        "The job title has its own column, so this is a form of address; ignored",
        "Its name says so",
        "Its name says so, and the values are web addresses",
        "The values are domains of mail providers, not of companies; ignored",
        "Its name looks like a contact field and is none; ignored",
        "Nothing matches; ignored",
    ]
