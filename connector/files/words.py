"""Words that columns are told by, in the seven languages: in lower case, letters and digits only."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


YES_NO = _set("yes no true false y n on off checked unchecked oui non vrai faux ja nein nee si sì sí sim não nao")

FORMS_OF_ADDRESS = _set("""
    mr mrs ms miss mx dr prof m mme mlle monsieur madame mademoiselle herr frau sr sra srta señor señora sig sigra
    signor signora dott dottssa dhr mevr mw profdr drmed dring dipling 1 2
""")

# Names of columns that hold them.
SALUTATIONS = _set("salutation anrede civilite socialtitle titredecivilite tratamiento aanhef titolo")

# How things stand with somebody, where a name could also mean a part of a country (`Estado`, `Stato`, `State`).
STATES_OF_PROCESS = _set("""
    active inactive open opened closed pending new won lost enabled disabled subscribed unsubscribed customer lead
    prospect archived blocked verified unverified inprogress done todo paid unpaid yes no true false 1 0
    actif inactif ouvert ferme fermé nouveau client aktiv inaktiv offen geschlossen neu kunde gesperrt
    activo activa inactivo inactiva abierto cerrado pendiente nuevo cliente attivo attiva inattivo aperto chiuso sospeso
    nuovo ativo ativa inativo aberto fechado pendente novo actief inactief gesloten nieuw klant
""")

# What somebody may do in a system, which is no role at a company.
SYSTEM_ROLES = _set("enduser agent admin administrator customer subscriber")

# Domains (with their punctuation) that say nothing about a company.
MAIL_PROVIDERS = _set("""
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com icloud.com me.com aol.com gmx.com gmx.de
    gmx.net web.de t-online.de orange.fr wanadoo.fr free.fr sfr.fr laposte.net hotmail.fr yahoo.fr libero.it hotmail.it
    alice.it terra.es hotmail.es sapo.pt uol.com.br bol.com.br ziggo.nl kpnmail.nl proton.me protonmail.com mail.com
    yandex.ru mail.ru qq.com 163.com
""")

# With one of these a name speaks about the thing, or about somebody else: `Email status`, `Manager email`.
ABOUT_SOMETHING_ELSE = _set("""
    id ids type label status owner manager assistant spouse count total number opt out optin optout consent verified
    valid domain fax zip code postal department size source last next date birth middle suffix prefix
""")

# So short or so common that they are in many other names.
EVERYWHERE = _set("""
    name nom nombre nome naam title first last given family site web url note mail list job role via tag rue uf tz org
    group created land ort data account business street label contact state
""")
