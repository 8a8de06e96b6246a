//! Fields of forms, records and tables, by their names.

use super::super::fields::{self, Field};
use super::{Spec, Wake};

const LANGUAGES: &[&str] = &["en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh", "ja"];

/// A type that only columns are looked through for: elsewhere it has detectors of its own.
const fn column(
    name: &'static str,
    kind: &'static str,
    names: &'static str,
    value: fn(&fields::Value) -> Option<std::ops::Range<usize>>,
    examples: &'static [&'static str],
    counter_examples: &'static [&'static str],
) -> Spec {
    Spec {
        name,
        kind,
        languages: LANGUAGES,
        wake: Wake::Field(Field { names: "", plain: names, weak: "", value, keyed: false }),
        context: &[],
        follows: None,
        examples,
        counter_examples,
    }
}

pub(super) static DETECTORS: &[Spec] = &[
    Spec {
        name: "person_field",
        kind: "person",
        languages: LANGUAGES,
        wake: Wake::Field(Field {
            names: "fullname firstname lastname surname givenname givennames familyname forename forenames middlename \
                maidenname birthname preferredname legalname nameoncard accountholder cardholder cardholdername \
                contactperson nextofkin vorname vornamen nachname familienname zuname geburtsname ansprechpartner \
                ansprechpartnerin kontaktperson kontoinhaber kontoinhaberin karteninhaber prenom prenoms nomcomplet \
                nomdefamille nometprenom prenometnom nomdenaissance apellido apellidos primerapellido \
                segundoapellido nombrecompleto nombreyapellido nombreyapellidos cognome nomecompleto nomeecognome \
                cognomeenome intestatario sobrenome apelido voornaam achternaam volledigenaam contactpersoon \
                rekeninghouder imie nazwisko imieinazwisko 姓名 氏名 お名前 名前 收件人 联系人 担当者 宛名 フリガナ",
            plain: "customer client patient employee applicant beneficiary recipient addressee passenger insured \
                policyholder claimant tenant landlord manager linemanager supervisor physician attorney author \
                student surgeon nurse patientin kunde kundin mieter mieterin vermieter vermieterin empfanger \
                empfangerin paciente paziente patiente destinatario destinataria destinataire titular titulaire \
                klant klient klientka pacjent pacjentka fname lname emergencycontact primarycontact",
            weak: "name names nom nombre nome naam first last contact",
            value: fields::person,
            keyed: true,
        }),
        context: &[],
        follows: None,
        examples: &[
            r#"{"full_name":"⟦carrie ward⟧","age":3}"#,
            r#""givenName": "⟦Anneliese⟧", "familyName":"⟦Brückner-Osei⟧""#,
            "Full name: ⟦xiti deep⟧\n",
            "Kundin: Frau ⟦Anna Weiss⟧\n",
            "Nombre y apellidos: ⟦Lucía Fernández Ortega⟧.",
            "姓名：⟦龚自珍⟧，",
            "患者氏名：⟦長谷川 ひかり⟧　様",
            "WHERE last_name = '⟦Abernathy-Quill⟧'",
            "<customer><name>⟦Hyacinth Obuya⟧</name><mail>h@example.com</mail></customer>",
            "  - name: ⟦Leocadia Strand⟧\n    manager: ⟦Bo Lindqvist⟧\n",
            "**Patient:** Dr. ⟦Jane Roe⟧ (f)",
            "Full Name,Age,City,Plan\n\"⟦Delacroix-Bey, Hamza⟧\",34,Tulsa,Gold\n\"⟦Sorensen, Kjerstin⟧\",51,Boise,Silver\nWhich?",
            "name;phone\n⟦Anna Weiss⟧;5551234567\n",
            "| Name | Age |\n|---|---|\n| ⟦Anna Weiss⟧ | 34 |\n",
            "first\tlast\temail\n⟦Anna⟧\t⟦Weiss⟧\ta@example.com\n",
            "insert into t (first_name, last_name) values ('⟦Anna⟧', '⟦Weiss⟧'), ('⟦Jo⟧', '⟦Roe⟧');",
        ],
        counter_examples: &[
            "name: nginx",
            "\"name\": \"Max Speed\"",
            "file name: Read Me",
            "first_name: string",
            "self.last_name = last_name",
            "Full name: required",
            "Author: The Rust Project Developers",
            "product,price,stock\nRed Chair,12,3\n",
            "product name;price\nRed Chair;12\n",
            "the name of the rose",
            "name, value and more\nRed Chair, 2\n",
            "first, second\nRed Chair, x\n",
            "Customer: Acme Inc",
            "firstName: this.firstName,",
        ],
    },
    Spec {
        name: "address_field",
        kind: "address",
        languages: LANGUAGES,
        wake: Wake::Field(Field {
            names: "streetaddress homeaddress mailingaddress postaladdress billingaddress shippingaddress \
                deliveryaddress residentialaddress anschrift wohnanschrift lieferadresse rechnungsadresse \
                postanschrift adressepostale domicilio domicile indirizzodiresidenza residenza 住所 ご住所 地址 收货地址 家庭住址 \
                联系地址 送货地址",
            plain: "address addressline street adresse strasse direccion indirizzo endereco adres adreszamieszkania \
                woonadres calle via ulica rue wohnadresse",
            weak: "",
            value: fields::address,
            keyed: true,
        }),
        context: &[],
        follows: None,
        examples: &[
            r#"{"address":"⟦Flat 3, 18 Queen Street, Leeds LS1 4AP⟧"}"#,
            "Address: ⟦12 Main St, Springfield, IL 62704⟧\n",
            "Home address: ⟦19 Larkspur Close, Hemel Hempstead HP2 5JD⟧. Please",
            "Anschrift: ⟦Lindenstraße 12, 10115 Berlin⟧, Telefon: 030 123456",
            "Dirección: ⟦Calle Mayor 5, 28013 Madrid⟧; tel",
            "住所：⟦東京都渋谷区渋谷2-21-1⟧、",
            "street,city\n⟦12 Main St⟧,Springfield\n",
        ],
        counter_examples: &[
            "address: 0x7fff 12",
            "IP address: 10.0.0.1 is up",
            "address = base + 12",
            "Address: see page 12",
            "email address: a b 1",
            "address: 127.0.0.1:8080",
        ],
    },
    column(
        "birth_date_column",
        "date_of_birth",
        "dob birthdate dateofbirth birthday birth born geburtsdatum geburtstag datedenaissance naissance \
        fechadenacimiento fechanacimiento nacimiento datadinascita datanascita nascita datadenascimento nascimento \
        geboortedatum dataurodzenia 出生日期 生年月日 生日",
        fields::date,
        &[
            "name,dob,balance\nann roe,⟦April 29, 1969⟧,945.57\n\"bo roe\",⟦1991-08-01⟧,40\n",
            "id;dob;start\n1;⟦1990-01-01⟧;2020-05-05\n",
        ],
        &["id,release,start\n1,1990-01-01,2020-05-05\n"],
    ),
    column(
        "phone_column",
        "phone",
        "phone phonenumber phoneno telephone tel mobile mobilenumber cell cellphone fax telefon telefonnummer handy \
        telefono movil celular telefone telefoon telefoonnummer numertelefonu 电话 手机 手机号 電話 電話番号 携帯",
        fields::phone,
        &["user,phone\n1,⟦5551234567⟧\n2,⟦555-4567⟧\n"],
        &["user,order\n1,5551234567\n"],
    ),
    column(
        "national_id_column",
        "national_id",
        "ssn socialsecuritynumber socialsecurity nationalid nationalidnumber idnumber identitynumber nino aadhaar \
        personalausweis ausweisnummer sozialversicherungsnummer nir numerodesecuritesociale dni nie cedula \
        codicefiscale cpf bsn pesel 身份证 身份证号 身份证号码 マイナンバー 個人番号",
        fields::identity,
        &["name,ssn,plan\nann roe,⟦262374645⟧,b\n"],
        &["name,sku,plan\nann roe,262374645,b\n"],
    ),
    column(
        "tax_id_column",
        "tax_id",
        "taxid tin itin ein steuerid steuernummer idnr nif partitaiva nip vatnumber vatid",
        fields::identity,
        &["name,tax_id,plan\nann roe,⟦912204150⟧,b\n"],
        &["name,tax,plan\nann roe,912204150,b\n"],
    ),
    column(
        "passport_column",
        "passport",
        "passport passportnumber passportno reisepass reisepassnummer passeport numerodepasseport pasaporte \
        passaporto passaporte paspoort paspoortnummer paszport 护照号 护照号码 旅券番号",
        fields::identity,
        &["name,passport_no,visa\nann roe,⟦K31182362⟧,b\n"],
        &["name,parcel,visa\nann roe,K31182362,b\n"],
    ),
    column(
        "driver_license_column",
        "driver_license",
        "license licence licensenumber licencenumber driverlicense driverslicense driverslicensenumber drivinglicence \
        dlnumber fuhrerschein fuhrerscheinnummer permisdeconduire licenciadeconducir patente rijbewijs prawojazdy \
        驾驶证号 運転免許証番号",
        fields::identity,
        &["name,drivers_license,state\nann roe,⟦D123-4567-8901⟧,IL\n"],
        &["name,plate,state\nann roe,D123-4567-8901,IL\n"],
    ),
    column(
        "medical_id_column",
        "medical_id",
        "mrn patientid patientno patientnumber medicalrecordnumber medicalrecord nhsnumber nhsno healthcard \
        insurancenumber memberid versichertennummer krankenversichertennummer 病历号 住院号 診察券番号",
        fields::identity,
        &["mrn,diagnosis\n⟦00918273⟧,flu\n"],
        &["batch,diagnosis\n00918273,flu\n"],
    ),
    column(
        "bank_account_column",
        "bank_account",
        "accountnumber accountno bankaccount bankaccountnumber kontonummer numerodecompte numerodecuenta cuenta \
        numerodiconto numerodaconta rekeningnummer numerkonta routingnumber sortcode 账号 银行账号 口座番号",
        fields::account,
        &["holder,account_number,balance\nann,⟦63849203⟧,1\n"],
        &["holder,order_number,balance\nann,63849203,1\n"],
    ),
    column(
        "iban_column",
        "iban",
        "iban",
        fields::account,
        &["name;iban;amount\nx;⟦DE88 3704 0044 0532 0130 00⟧;1\n"],
        &["name;bic;amount\nx;DE88 3704 0044 0532 0130 00;1\n"],
    ),
    column(
        "card_column",
        "credit_card",
        "cardnumber cardno creditcard creditcardnumber ccnumber pan kartennummer kreditkarte numerodecarte \
        numerodetarjeta numerodicarta numerodocartao kaartnummer numerkarty 卡号 银行卡号 カード番号",
        fields::card,
        &["name,card_number,balance\nann roe,⟦5345 9421 0599 7974⟧,9\n"],
        &["name,order,balance\nann roe,5345 9421 0599 7974,9\n"],
    ),
    column(
        "username_column",
        "username",
        "username login userid loginname benutzername nomdutilisateur usuario nomeutente gebruikersnaam 用户名 ユーザー名",
        fields::login,
        &["username,email\n⟦jdoe42⟧,a@example.com\n"],
        &["module,email\njdoe42,a@example.com\n"],
    ),
    column(
        "password_column",
        "secret",
        "password passwd pwd passcode pin apikey apitoken token secret secretkey passwort kennwort motdepasse \
        contrasena senha wachtwoord haslo 密码 パスワード",
        fields::password,
        &["email,password\na@example.com,⟦sunset⟧\n"],
        &["email,color\na@example.com,sunset\n"],
    ),
];
