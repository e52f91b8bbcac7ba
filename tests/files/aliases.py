"""Names of columns in seven languages, normalised, as they stand on the page that the aliases come from."""

# One line for each field and language; those that another column or the values decide are left out.
_LISTED = """
email en: email emailaddress emailid mail mailaddress primaryemail workemail businessemail personalemail
    email1value email1address emailaddress1 useremail emailwork emailhome emailother
email fr: courriel mel adresseemail adressemail adressecourriel adresseelectronique emailprofessionnel
email de: emailadresse mailadresse emailgeschaftlich emailprivat
email es: correo correoelectronico direcciondecorreo direcciondecorreoelectronico
email it: postaelettronica indirizzoemail indirizzomail
email pt: correioeletronico enderecodeemail enderecoeletronico
email nl: emailadres mailadres
first_name en: firstname givenname forename fname
first_name fr: prenom prenoms
first_name de: vorname rufname
first_name es: nombredepila primernombre
first_name it: nomedibattesimo
first_name pt: primeironome nomeproprio
first_name nl: voornaam roepnaam
last_name en: lastname surname familyname lname
last_name fr: nomdefamille
last_name de: nachname familienname zuname
last_name es: apellido apellidos primerapellido
last_name it: cognome
last_name pt: sobrenome ultimonome
last_name nl: achternaam familienaam
full_name en: fullname name displayname personname contactname customername
full_name fr: nomcomplet nometprenom prenometnom nomprenom
full_name de: vollstandigername vorundnachname anzeigename
full_name es: nombrecompleto nombreyapellidos
full_name it: nomecompleto nomeecognome nomecognome
full_name pt: nomecompleto nomeesobrenome
full_name nl: volledigenaam
nickname en: nickname nick personnickname
nickname fr: surnom pseudo
nickname de: spitzname
nickname es: apodo sobrenombre
nickname it: soprannome
nickname pt: alcunha
nickname nl: bijnaam
phone en: phone phonenumber telephone tel mobile mobilephone mobilenumber cell cellphone workphone
    businessphone homephone primaryphone phone1value defaultaddressphone billingphone shippingphone
    phonework phonemobile phonehome phoneother
phone fr: telephone numerodetelephone portable telephoneportable telephonemobile telephonefixe gsm
phone de: telefon telefonnummer rufnummer handy handynummer mobil mobiltelefon mobilnummer telefongeschaftlich
    telefonprivat
phone es: telefono numerodetelefono movil telefonomovil celular telefonofijo
phone it: telefono cellulare numeroditelefono telefonomobile
phone pt: telefone telemovel celular numerodetelefone
phone nl: telefoon telefoonnummer mobiel mobielnummer gsmnummer
avatar en: avatar avatarurl photo photourl picture imageurl profilepicture
avatar fr: photodeprofil imagedeprofil
avatar de: bild foto profilbild
avatar es: foto fotodeperfil imagen
avatar it: foto immagine
avatar pt: foto fotodeperfil imagem
avatar nl: foto profielfoto
gender en: gender sex
gender fr: genre sexe
gender de: geschlecht
gender es: genero sexo
gender it: genere sesso
gender pt: genero sexo
gender nl: geslacht
address en: address streetaddress street address1 addressline1 mailingstreet mailingaddress businessstreet
    homestreet address1formatted address1street address1street1 defaultaddressaddress1
address fr: adresse adressepostale rue
address de: adresse anschrift strasse strassegeschaftlich postanschrift
address es: direccion calle domicilio
address it: indirizzo via
address pt: endereco morada rua
address nl: adres straat postadres
description en: description about bio biography
description fr: apropos biographie
description de: beschreibung
description es: descripcion biografia
description it: descrizione biografia
description pt: descricao sobre biografia
description nl: beschrijving omschrijving
website en: website websiteurl url web webpage homepage website1value
website fr: siteweb siteinternet pageweb
website de: webseite internetseite
website es: sitioweb paginaweb
website it: sitoweb sito
website pt: site sitio paginaweb
website nl: webpagina
timezone en: timezone tz
timezone fr: fuseauhoraire
timezone de: zeitzone
timezone es: zonahoraria husohorario
timezone it: fusoorario
timezone pt: fusohorario
timezone nl: tijdzone
locale en: locale language lang preferredlanguage browserlanguage
locale fr: langue
locale de: sprache
locale es: idioma lengua
locale it: lingua
locale pt: idioma lingua
locale nl: taal voorkeurstaal
country en: country countryregion countrycode mailingcountry businesscountry businesscountryregion
    address1country address1countryregion defaultaddresscountrycode
country fr: pays codepays
country de: land landregion landregiongeschaftlich
country es: pais
country it: paese nazione
country pt: pais
country nl: land landcode
region en: region state province stateregion stateprovince stateorprovince mailingstate mailingstateprovince
    businessstate address1region address1stateprovince defaultaddressprovincecode
region fr: region departement province
region de: bundesland region kanton regiongeschaftlich
region es: provincia region comunidadautonoma
region it: regione provincia
region pt: distrito regiao uf
region nl: provincie regio gewest
city en: city town locality mailingcity businesscity address1city defaultaddresscity
city fr: ville commune localite
city de: stadt ort wohnort ortgeschaftlich
city es: ciudad localidad poblacion municipio
city it: citta comune localita
city pt: cidade localidade municipio
city nl: stad plaats woonplaats gemeente
job_title en: jobtitle position organizationtitle
job_title fr: poste fonction intituleduposte profession metier
job_title de: position berufsbezeichnung jobtitel funktion beruf
job_title es: cargo puesto puestodetrabajo
job_title it: posizione qualifica mansione professione
job_title pt: cargo funcao profissao
job_title nl: functie functietitel beroep
role en: role jobrole jobfunction
role fr: role
role de: rolle
role es: rol
role it: ruolo
role nl: rol
seniority en: seniority senioritylevel joblevel
seniority fr: niveauhierarchique
seniority de: karrierestufe
seniority es: senioridad
seniority pt: senioridade
seniority nl: senioriteit
company_name en: company companyname organization organisation organizationname employer account accountname
    associatedcompany business businessname defaultaddresscompany
company_name fr: societe entreprise nomdelasociete nomdelentreprise raisonsociale
company_name de: firma firmenname unternehmen unternehmensname
company_name es: empresa compania nombredelaempresa razonsocial organizacion
company_name it: azienda societa ditta nomeazienda ragionesociale impresa
company_name pt: empresa nomedaempresa razaosocial companhia organizacao
company_name nl: bedrijf bedrijfsnaam organisatie onderneming
company_url en: companyurl companywebsite
company_url fr: sitedelentreprise sitewebentreprise
company_url de: firmenwebseite
company_url es: webdelaempresa
company_url it: sitoaziendale
company_url pt: sitedaempresa
company_url nl: bedrijfswebsite
company_domain en: companydomain companydomainname
company_domain fr: domainedelentreprise
company_domain de: firmendomain
company_domain es: dominiodelaempresa
company_domain it: dominioaziendale
company_domain pt: dominiodaempresa
company_domain nl: bedrijfsdomein
company_country en: companycountry
company_country fr: paysdelentreprise
company_country de: firmenland
company_country es: paisdelaempresa
company_country it: paeseazienda
company_country pt: paisdaempresa
company_country nl: bedrijfsland
company_city en: companycity
company_city fr: villedelentreprise
company_city de: firmenort
company_city es: ciudaddelaempresa
company_city it: cittaazienda
company_city pt: cidadedaempresa
company_city nl: bedrijfsplaats
company_description en: companydescription
company_description fr: descriptiondelentreprise
company_description de: firmenbeschreibung
company_description es: descripciondelaempresa
company_description it: descrizioneazienda
company_description pt: descricaodaempresa
company_description nl: bedrijfsomschrijving
segments en: segments segment tags tag labels label personlabel groups group groupmembership lists list
    categories category
segments fr: etiquettes etiquette groupes groupe listes
segments de: schlagworte schlagworter etiketten gruppen gruppe kategorien kategorie
segments es: etiquetas etiqueta grupos grupo listas categorias
segments it: etichette etichetta gruppi gruppo categorie
segments pt: etiquetas grupos listas marcadores categorias
segments nl: groepen groep lijsten categorieen
notepad en: notepad notes note comments comment remarks
notepad fr: remarques commentaire commentaires
notepad de: notiz notizen bemerkung bemerkungen kommentar
notepad es: nota notas comentarios observaciones
notepad it: nota note commenti osservazioni
notepad pt: nota notas observacoes comentarios
notepad nl: notitie notities opmerking opmerkingen
created_at en: createdat created createdate createddate createdon createdtime creationdate datecreated signup
    signupdate registered registration registrationdate dateadded addedtime optintime
created_at fr: datedecreation datedinscription datedajout
created_at de: erstelltam erstellungsdatum registriertam angelegtam
created_at es: fechadecreacion creadoel fechadealta fechaderegistro
created_at it: datadicreazione datacreazione creatoil dataregistrazione dataiscrizione
created_at pt: datadecriacao criadoem datadecadastro dataderegisto
created_at nl: aanmaakdatum aangemaaktop registratiedatum inschrijfdatum
last_active en: lastactive lastactivity lastactivitydate lastactivitytime lastseen lastvisit lastlogin
last_active fr: dernierevisite derniereactivite derniereconnexion
last_active de: letzteaktivitat zuletztaktiv letzterbesuch zuletztgesehen
last_active es: ultimaactividad ultimavisita ultimoacceso
last_active it: ultimaattivita ultimavisita ultimoaccesso
last_active pt: ultimaatividade ultimavisita ultimoacesso
last_active nl: laatsteactiviteit laatstactief laatstebezoek
"""


def listed() -> list[tuple[str, str, tuple[str, ...]]]:
    """(contact field, language, names)."""
    rows = _LISTED.strip().replace("\n    ", " ").split("\n")
    split = (row.partition(":") for row in rows)
    return [(*_pair(head), tuple(names.split())) for head, _, names in split]


def _pair(head: str) -> tuple[str, str]:
    field, language = head.split()
    return field, language
