"""Recognised exports: what tells them, what they say of their columns, and that two are not taken for each other."""

import pytest

from connector.manifest import shipped
from connector.names import normalise
from tests.files.sheets import column, fields, matched

EXPORTS = shipped().exports


@pytest.mark.parametrize("key", EXPORTS)
def test_every_column_of_an_export_feeds_what_it_says(key: str) -> None:
    """Without the home address, which is never mixed with the business address."""
    said = {name: field for name, field in EXPORTS[key].columns.items() if not _is_at_home(name)}
    found = matched(list(said))
    assert (found.export, fields(found)) == (key, said)


def _is_at_home(name: str) -> bool:
    return name.startswith("Home") or name.endswith("privat")


@pytest.mark.parametrize(
    ("key", "names"), [(key, names) for key, export in EXPORTS.items() for names in export.recognised_by]
)
def test_any_of_its_signs_tells_an_export(key: str, names: tuple[str, ...]) -> None:
    assert matched(list(names)).export == key


@pytest.mark.parametrize("key", EXPORTS)
def test_an_export_names_each_column_once_and_orders_what_it_is_told_by(key: str) -> None:
    names = [normalise(name) for name in EXPORTS[key].columns]
    assert len(set(names)) == len(names)
    signs = {normalise(name) for each in EXPORTS[key].recognised_by for name in each}
    assert any(name in names for name in signs)


HEADERS = {
    "hubspot": "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date",
    "pipedrive": "Name,First name,Last name,Organization,Email - Work,Phone - Work,Owner,ID",
    "zoho": "Record Id,Contact Owner,First Name,Last Name,Account Name,Title,Email,Phone,Mobile,Mailing Street,Tag",
    "salesforce_report": "First Name,Last Name,Title,Account Name,Account Owner,Email,Created Date,Last Activity",
    "salesforce_dataloader": "Id,AccountId,FirstName,LastName,Email,Title,OwnerId,CreatedDate,Account.Name",
    "shopify": "First Name,Last Name,Email,Accepts Email Marketing,Company,Address1,Province,Total Spent,Tags",
    "woocommerce": "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region",
    "prestashop": "ID,Social title,First name,Last name,Email address,Group,Newsletter,Partner offers,Registration",
    "dynamics": "(Do Not Modify) Contact,(Do Not Modify) Row Checksum,Full Name,Email,Business Phone,Created On",
    "intercom": "Name,Email,Phone,User ID,First seen,Last seen,Signed up,Web sessions,Tags,Segments",
    "zendesk": "name,email,external_id,details,notes,phone,role,restriction,organization,tags",
    "freshdesk": "Full name,Title,Email,Work phone,Mobile phone,Twitter,Company,Unique External ID",
    "stripe": "id,Description,Email,Name,Created,Delinquent,Plan,Status,Total Spend,Payment Count",
    "google_contacts": "Name,Given Name,Family Name,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Value",
    "outlook": "First Name,Last Name,Title,E-mail Address,E-mail 2 Address,Business Phone,Company,Job Title,Categories",
    "mailchimp": "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CC,REGION,LEID,EUID,NOTES,TAGS",
    "brevo": "EMAIL,LASTNAME,FIRSTNAME,SMS,EMAIL_BLACKLISTED,ADDED_TIME,MODIFIED_TIME",
    "notion": "Name,Email,Tags,Created time,Last edited time",
    "linkedin": "First Name,Last Name,URL,Email Address,Company,Position,Connected On",
    "crisp": "email,person.nickname,person.phone,segments,notepad",
}


@pytest.mark.parametrize("key", HEADERS)
def test_the_usual_header_of_an_export_tells_it(key: str) -> None:
    assert matched(HEADERS[key].split(",")).export == key
    assert HEADERS.keys() == EXPORTS.keys()


@pytest.mark.parametrize(
    "header",
    ["Name,Email,Phone", "First Name,Last Name,Email,Company,Title", "email,sms", "Email,SMS", "Nom,Prénom,Courriel"],
)
def test_a_plain_header_tells_no_export(header: str) -> None:
    assert matched(header.split(",")).export is None


@pytest.mark.parametrize(
    ("header", "name", "field"),
    [
        pytest.param("EMAIL|SMS", "SMS", "phone", id="sms-in-brevo"),
        pytest.param("Email|SMS", "SMS", None, id="sms-elsewhere"),
        pytest.param("Email Address|LEID|CC", "CC", "country", id="cc-in-mailchimp"),
        pytest.param("Email Address|BCC|CC", "CC", None, id="cc-elsewhere"),
        pytest.param("Titre de civilité|Adresse e-mail|Offres partenaires|Inscription", "Inscription", "created_at",
                     id="inscription-in-prestashop"),
        pytest.param("Adresse e-mail|Inscription", "Inscription", None, id="inscription-elsewhere"),
        pytest.param("User ID|Email|Last seen|Signed up", "Signed up", "created_at", id="signed-up-in-intercom"),
        pytest.param("Email|Signed up", "Signed up", None, id="signed-up-elsewhere"),
        pytest.param("News.|Opt.|Email address|Registration|Title", "Title", None, id="title-in-prestashop"),
        pytest.param("Email|Contact Owner|Account Name|Mailing Zip|Title", "Title", "job_title", id="title-in-zoho"),
        pytest.param("Email|Work phone|Mobile phone|Twitter|Title", "Title", "job_title", id="title-in-freshdesk"),
        pytest.param("EMAIL|SMS|NOM|PRENOM", "NOM", "last_name", id="names-of-brevo-in-french"),
        pytest.param("Email Address|LEID|UNSUB_REASON|UNSUB_REASON (2)", "UNSUB_REASON (2)", None, id="one-twice"),
        pytest.param("E-mail 1 - Value|E-mail 4 - Value|Address 2 - City", "E-mail 4 - Value", "email", id="a-group"),
        pytest.param("E-mail 1 - Value|Address 2 - City", "Address 2 - City", None, id="a-second-address"),
    ],
)  # fmt: skip
def test_an_origin_decides(header: str, name: str, field: str | None) -> None:
    assert fields(matched(header))[name] == field


def test_an_export_says_that_it_was_the_export() -> None:
    found = matched("Email Address|LEID|EUID")
    assert column(found, "Email Address").reason == "Mailchimp's export has it"
    assert column(found, "LEID").reason == "Mailchimp's export has it, and it is no contact field; ignored"
    google = column(matched("E-mail 1 - Value|File As"), "File As")
    assert google.reason == "Google Contacts' export has it, and it is no contact field; ignored"


def test_metadata_of_stripe_is_custom_data() -> None:
    found = matched("id|Email|Delinquent|plan name (metadata)|tier (metadata)|(metadata)")
    assert fields(found) == {
        "id": None,
        "Email": "email",
        "Delinquent": None,
        "plan name (metadata)": "data.plan_name",
        "tier (metadata)": "data.tier",
        "(metadata)": None,
    }


def test_a_column_that_the_export_does_not_know_is_matched_as_usual() -> None:
    found = matched("Record ID|Contact owner|Email|LinkedIn URL|Language|data.plan")
    assert list(fields(found).values()) == [None, None, "email", None, "locale", "data.plan"]
