"""Names of columns, properties and keys: which spellings are one name, and which contact field a name means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.manifest import shipped
from connector.names import AliasTable, normalise, without_accented_letters


@pytest.mark.parametrize(
    "spellings",
    [
        ("E-mail Address", "emailAddress", "email_address", "E_x002d_mail address", "EMAIL ADDRESS "),
        ("Prénom", "prenom", "PRE\u0301NOM", "prénom:"),
        ("Straße", "Strasse", "STRASSE"),
        ("Cœur", "coeur", "CŒUR"),
        ("København", "kobenhavn"),
        ("Phone（work）", "phone work"),
        ("p_x002e_ej_x002e_", "p.ej.", "pej"),
        ("ﬁrst", "first"),
        ("📧 Email", "email"),
    ],
)
def test_spellings_of_one_name(spellings: tuple[str, ...]) -> None:
    assert len({normalise(name) for name in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), [("phone 1", "phone 2"), ("名", "姓"), ("mail", "email"), ("land", "lan")])
def test_names_that_stay_two(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text(max_size=40))
def test_a_normalised_name_is_normalised(name: str) -> None:
    assert normalise(normalise(name)) == normalise(name)


@pytest.mark.parametrize(
    ("name", "left"), [("Téléphone", "tlphone"), ("Prénom", "prnom"), ("メール", ""), ("T_l_phone", "tlphone")]
)
def test_a_name_as_snake_case_without_accents_leaves_it(name: str, left: str) -> None:
    assert without_accented_letters(name) == left


MEANT = {
    "email": "Email,E-mail,e-mail address,EMAIL,emailaddress1,Work Email,Your email,Courriel,Adresse e-mail,"
    "Adresse électronique,E-Mail-Adresse,Correo electrónico,Indirizzo email,メールアドレス,E-mail 1 - Value",
    "first_name": "First Name,firstName,Given Name,Forename,FNAME,Prénom,Vorname,Nombre,名,Voornaam",
    "last_name": "Last name,Surname,Family name,LNAME,Nom de famille,Nachname,Apellidos,Cognome,Achternaam,姓",
    "full_name": "Name,Full name,Contact name,Display Name,Your name,Nom complet,Nombre completo,Naam,氏名",
    "nickname": "Nickname,Nick,Pseudo,Spitzname,Apodo,person.nickname",
    "phone": "Phone,Mobile Phone,Tel,Telephone number,Cell,Téléphone portable,Handy,Mobiltelefon,Móvil,電話番号,"
    "Business Phone,Telefon geschaeftlich",
    "avatar": "Avatar,Photo,Photo URL,Picture,Profile image,image url,Profilbild",
    "gender": "Gender,Sex,Genre,Geschlecht,Sexo",
    "address": "Address,Street Address,Mailing address,Adresse,Anschrift,Dirección,Straße,Address 1",
    "description": "Description,Bio,About,Beschreibung",
    "website": "Website,URL,Homepage,Site web,Webseite,Website URL",
    "timezone": "Timezone,Time zone,tz,Zeitzone,Fuseau horaire",
    "locale": "Locale,Language,lang,Langue,Sprache,Idioma,Preferred language",
    "country": "Country,Country/Region,Country code,Pays,Land,País,Mailing Country,Code pays",
    "region": "Region,State,Province,State/Province,Bundesland,Département,Kanton",
    "city": "City,Town,Ville,Stadt,Ciudad,Ort,Mailing City,Città",
    "job_title": "Job Title,Title,Position,Poste,Fonction,Cargo,Berufsbezeichnung",
    "role": "Role,Job role",
    "seniority": "Seniority,Seniority level",
    "company_name": "Company,Company Name,Organisation,Organization Name,Account Name,Employer,Entreprise,Société,"
    "Firma,Unternehmen,Empresa,会社名,Nom de la société,Firmenname",
    "company_url": "Company URL,Company website",
    "company_domain": "Company Domain,Domain",
    "company_description": "Company description",
    "company_country": "Company country",
    "company_city": "Company city",
    "segments": "Segments,Tags,tag,Labels,Lists,Groups,Étiquettes,Group Membership",
    "notepad": "Notepad,Notes,Comment,Remarks,Memo,Remarques,Notizen,Message",
    "created_at": "Created at,Create Date,Date created,Creation date,Signup date,Registered at,Timestamp,Horodateur,"
    "Zeitstempel",
    "last_active": "Last active,Last seen at,Last activity date,Last visit",
}


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for field, listed in MEANT.items() for name in listed.split(",")]
)
def test_a_name_means_its_field(name: str, field: str) -> None:
    assert shipped().names.field_of(name) == field


@pytest.mark.parametrize("field", [key for key in shipped().fields if key not in ("data",)])
def test_every_field_is_named_by_its_own_key_and_has_words_here(field: str) -> None:
    assert shipped().names.field_of(field) == field
    assert field in MEANT


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("id", "id"),
        ("UUID", "id"),
        ("Record ID", "id"),
        ("Customer id", "id"),
        ("updated_at", "updated_at"),
        ("updatedAt", "updated_at"),
        ("Last modified", "updated_at"),
        ("Date modified", "updated_at"),
        ("people_id", "people_id"),
        ("email", None),
    ],
)
def test_names_of_the_record_itself(name: str, part: str | None) -> None:
    assert shipped().record_names.field_of(name) == part


# Headers of real exports that look like a contact field and are none: a letter or a word away, about an email
# rather than an email, another person's name, consent.
NEVER = """
age|edad|âge|Alter|leeftijd|date|data|fecha|Datum|zone|zona|county|comté
E-mail Opt Out|Email Opt Out|Accepts Email Marketing|EMAIL_BLACKLISTED|Unsubscribed|Newsletter|Hard bounced
Email Domain|Email Type|E-Mail-Typ|E-mail 1 - Label|Email Owner|E-Mail: Angezeigter Name|Email verified|Last email date
Username|User name|Contact owner|Owner name|Account Owner|Manager's Name|Assistant's Name|File As|Name Prefix
Event name|Plan name|Product name|Phone 1 - Label|Phone type|Fax|Pager|Company Main Phone|Assistant's Phone
IP address|MAC address|Address 1 - Label|LinkedIn URL|Facebook|Record URL|Unsubscribe URL|SMS|CC|WhatsApp
Created by|Owner ID|Last Contacted|Date of last order|Last edited time|Modified On|LAST_CHANGED|Update time
Birthday|Date of birth|Anniversary|Next activity date|Connected On|CONFIRM_TIME
Statut|Status|Stato|Estado|Lead Status|Lifecycle Stage|Stage|Landline|Island|Landing page
Civilité|Anrede|Salutation|Social title|Titre de civilité|Tratamiento|Aanhef|Titolo
company id|Account Name.id|Organization ID|Sources|Lead Source|Original Source|Country of birth|Company size
Tag line|List price|Group size|Role ID
"""


@pytest.mark.parametrize("name", [name for line in NEVER.split("\n") if line for name in line.split("|")])
@pytest.mark.parametrize("accents_lost", [False, True])
def test_a_name_that_must_not_match_means_nothing(name: str, accents_lost: bool) -> None:
    assert shipped().names.field_of(name, accents_lost=accents_lost) is None


@pytest.mark.parametrize("name", ["", " ", "🙂", "emial", "my email is", "phone no 3", "Dear name", "nom", "xemail"])
def test_whole_names_only_never_by_likeness(name: str) -> None:
    assert shipped().names.field_of(name) is None


@pytest.mark.parametrize(
    ("key", "field"), [("t_l_phone", "phone"), ("pr_nom", "first_name"), ("soci_t", "company_name"), ("email", "email")]
)
def test_names_whose_accents_were_lost_are_still_known(key: str, field: str) -> None:
    assert shipped().names.field_of(key, accents_lost=True) == field


@pytest.mark.parametrize("key", ["t_l_phone", "pr_nom", "soci_t"])
def test_lost_accents_are_looked_for_only_where_they_are_lost(key: str) -> None:
    assert shipped().names.field_of(key) is None


def test_one_name_for_two_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="'Mobile' of phone is also an alias of fax"):
        AliasTable.build({"fax": ["mobile"], "phone": ["Mobile"]}, ())


def test_an_alias_that_is_forbidden_is_refused() -> None:
    with pytest.raises(ValueError, match="'E-Mail Type' of email is also an alias of never"):
        AliasTable.build({"email": ["E-Mail Type"]}, ["email type"])
