//! The table of detectors: what wakes each, what it is sure of, the words that announce it, and texts to prove it by.
//!
//! One automaton reads the text once and knows every literal of this table. A literal wakes a scanner, which looks
//! around the place within a bound and decides; a digit wakes all scanners of numbers; a context word is remembered
//! with its place. So clean text costs one table look-up per byte, however many detectors there are, and no detector
//! reads the text a second time. Patterns that run one after the other would read it once per detector.
//!
//! To add a detector, add an entry: [`super::Detector`] needs no change, and the tests take up its examples.

use std::ops::Range;

use super::network;
use super::numbers::{Run, card, iban, ipv4, us_ssn};
use super::phone::phone;
use super::secrets::{Tail, base64url, bearer, jwt, password, pem, telling_name, word};

/// One way to find one type.
#[cfg_attr(not(test), expect(dead_code, reason = "languages and examples are there for readers and tests"))]
pub(super) struct Spec {
    /// The rule that a finding names.
    pub name: &'static str,
    /// One of [`super::TYPES`].
    pub kind: &'static str,
    /// Where the texts that it is for come from; empty: any language.
    pub languages: &'static [&'static str],
    pub wake: Wake,
    /// Words that announce a value, lower case. Each scanner knows how near they have to be.
    pub context: &'static [&'static str],
    /// A type whose findings announce this one too, if it follows at once.
    pub follows: Option<&'static str>,
    /// Texts with what is found in brackets: `⟦…⟧`. A `·` is left out before use, so that no scanner of repositories
    /// takes an example for a leak.
    pub examples: &'static [&'static str],
    /// Texts in which this rule finds nothing.
    pub counter_examples: &'static [&'static str],
}

pub(super) enum Wake {
    /// Any of these literals, in any ASCII case.
    At(&'static [&'static str], fn(&Sight) -> Option<Hit>),
    /// Any of these prefixes, in its own case, and what may follow it.
    Key(&'static [&'static str], Tail),
    /// Each group of a run of digits.
    Number(fn(&Run, usize, Option<usize>) -> Option<Hit>),
}

/// A finding in the making.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub range: Range<usize>,
    pub certainty: Certainty,
}

/// How much speaks for a finding; of two equally long ones the more certain wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// Announced by a word.
    Likely,
    /// Written as such things are.
    Shaped,
    /// A checksum, a reserved prefix or a full grammar agrees.
    Checked,
    /// The policy says so.
    Told,
}

/// A place in a text, with what a scanner may look at.
pub(super) struct Sight<'t> {
    pub text: &'t str,
    /// The literal that woke the scanner.
    pub anchor: Range<usize>,
}

impl<'t> Sight<'t> {
    pub fn before(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(..at).unwrap_or_default()
    }

    pub fn after(&self, at: usize) -> &'t [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    pub fn chars_before(&self, at: usize) -> impl Iterator<Item = char> + use<'t> {
        self.text.get(..at).unwrap_or_default().chars().rev()
    }

    pub fn chars_after(&self, at: usize) -> impl Iterator<Item = char> + use<'t> {
        self.text.get(at..).unwrap_or_default().chars()
    }

    /// Length of the run of bytes from `at` on that `is` holds for, up to `longest`, ending between characters.
    pub fn run(&self, at: usize, longest: usize, is: impl Fn(u8) -> bool) -> usize {
        let mut len = self.after(at).iter().take(longest).take_while(|byte| is(**byte)).count();
        while !self.text.is_char_boundary(at + len) {
            len -= 1;
        }
        len
    }

    /// Whether the anchor begins a word.
    pub fn starts_word(&self) -> bool {
        !self.before(self.anchor.start).last().is_some_and(|byte| word(*byte)) || self.behind_escape()
    }

    /// Whether the byte before the anchor belongs to an escape of a line break or tab: `\nAKIA…`.
    pub fn behind_escape(&self) -> bool {
        matches!(self.before(self.anchor.start), [.., b'\\', b'n' | b'r' | b't'])
    }
}

const fn tail(chars: fn(u8) -> bool, len: Range<usize>) -> Tail {
    Tail { chars, len }
}

/// A key known by its prefix, in any language.
const fn provider_key(
    name: &'static str,
    prefixes: &'static [&'static str],
    tail: Tail,
    examples: &'static [&'static str],
    counter_examples: &'static [&'static str],
) -> Spec {
    Spec {
        name,
        kind: "secret",
        languages: &[],
        wake: Wake::Key(prefixes, tail),
        context: &[],
        follows: None,
        examples,
        counter_examples,
    }
}

pub(super) static DETECTORS: &[Spec] = &[
    Spec {
        name: "email",
        kind: "email",
        languages: &[],
        wake: Wake::At(&["@"], network::email),
        context: &[],
        follows: None,
        examples: &[
            "write to ⟦ana.lopez+news@mail.example.co.uk⟧.",
            "<⟦ana@example.com⟧>, ⟦ben_2@example.org⟧;",
            r"to:\n⟦ana@example.com⟧\n",
            "邮箱是⟦ana@example.com⟧。",
            "⟦jürgen@müller.example⟧",
            "⟦ana＠example．com⟧",
        ],
        counter_examples: &[
            "icon@2x.png",
            "npm i glob@5.17.4",
            "@decorator.name",
            "root@localhost",
            "a@b",
            "user@@example.com@",
            "postgres://u:pw@db.example.com/x",
        ],
    },
    Spec {
        name: "phone",
        kind: "phone",
        languages: &["en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh", "ja"],
        wake: Wake::Number(phone),
        context: &[
            "tel",
            "tél",
            "phone",
            "telephone",
            "phones",
            "phonenumber",
            "phone_number",
            "telefon",
            "telefono",
            "teléfono",
            "téléphone",
            "telefone",
            "telefoon",
            "telefonnummer",
            "telefoonnummer",
            "rufnummer",
            "handy",
            "mobil",
            "mobile",
            "móvil",
            "portable",
            "cell",
            "cellulare",
            "celular",
            "cellphone",
            "fax",
            "whatsapp",
            "sms",
            "callback number",
            "caller id",
            "call me on",
            "call me at",
            "call us on",
            "call us at",
            "call him at",
            "call her at",
            "reach me at",
            "reach him at",
            "reach her at",
            "reach me on",
            "joignable au",
            "erreichbar unter",
            "contato",
            "contacto para",
            "komórka",
            "numer telefonu",
            "电话",
            "手机",
            "电话号码",
            "電話",
            "携帯",
            "msisdn",
        ],
        follows: Some("email"),
        examples: &[
            "⟦+1 415 555 0123⟧",
            "⟦+44 (0)20 7946 0958⟧ x",
            "⟦+49(0)6174 396317⟧",
            "⟦(212) 555-0123⟧ or ⟦212.555.0123 x42⟧",
            "⟦1-212-555-0123⟧",
            "appelez le ⟦01 23 45 67 89⟧",
            "⟦090-1234-5678⟧",
            "⟦020 7946 0958⟧",
            "⟦(030) 1234567⟧",
            "⟦0044 20 7946 0958⟧",
            "tel. ⟦22 700 24 84⟧,",
            "客户(电话⟦13812345678⟧，",
            "Callback number: ⟦5125550123⟧",
            r#""mobile":"⟦5125550123⟧""#,
            "ana@example.com or ⟦512 555 0123⟧",
            "⟦＋１ ２１２‑５５５‑０１２３⟧",
            "⟦+1 212 555 0123⟧ 2024-01-31",
            "Teléfono ⟦108 54 31⟧. 12 casas",
            "phone (⟦+911734716407⟧)",
            "phone (⟦5125550123⟧)",
            "tel ⟦0512 19025 217⟧",
            "tel ⟦512 5550123⟧ or ⟦5550123⟧",
        ],
        counter_examples: &[
            "4155550123",
            "2024-01-31",
            "31.01.2024 12",
            "v1.2.3456789",
            "order 123-4567890-1234567",
            "1746008922205",
            "tel. 12 or 13",
            "call me on 2024-01-31",
            "C++11 1234567",
            "978-3-16-148410-0",
            "$1 234 567 890",
            "90f33f1d-467a-4956-a09c-702990123456",
            "hotel 1234567",
            "telnet 10.0.0.1 8080",
            "01 02 03 04 05 06 07 08",
            "10 000 000",
            "phone\":\"\",\"latitude_of_the_whole_place\":957.67226",
            "commit 1234567",
            "1+2 3456 7890 12",
        ],
    },
    Spec {
        name: "payment_card",
        kind: "credit_card",
        languages: &[],
        wake: Wake::Number(card),
        context: &[
            "card",
            "cards",
            "visa",
            "mastercard",
            "amex",
            "credit",
            "debit",
            "karte",
            "carte",
            "tarjeta",
            "cartão",
            "carta",
            "karta",
            "pan",
            "卡",
            "カード",
        ],
        follows: None,
        examples: &[
            "⟦4111 1111 1111 1111⟧",
            "⟦4111-1111-1111-1111⟧,",
            "pay 5.00 with ⟦5555555555554444⟧",
            "⟦3782 822463 10005⟧",
            "⟦378282246310005⟧",
            "⟦6011111111111117⟧",
            "visa ⟦4222222222222⟧",
            "a,⟦4111111111111111⟧,12",
            "⟦４１１１ １１１１ １１１１ １１１１⟧",
            "⟦4111\u{2011}1111\u{2011}1111\u{2011}1111⟧",
            "no 7 4 1 ⟦4111 1111 1111 1111⟧ 12/27",
        ],
        counter_examples: &[
            "4044404959645932768",
            "4111 1111 1111 1112",
            "1234567812345670",
            "4222222222222",
            "41111111111111111111",
            "ORD-4111111111111111",
            "4111.1111-1111 1111",
            "x4111111111111111",
            "0.4111111111111111",
        ],
    },
    Spec {
        name: "iban",
        kind: "iban",
        languages: &[],
        wake: Wake::Number(iban),
        context: &[],
        follows: None,
        examples: &[
            "⟦DE89 3704 0044 0532 0130 00⟧ from",
            "⟦de89370400440532013000⟧",
            "IBAN:⟦GB82WEST12345698765432⟧.",
            "⟦FR14 2004 1010 0505 0001 3M02 606⟧ now",
            "⟦NL91\u{a0}ABNA\u{a0}0417\u{a0}1643\u{a0}00⟧",
        ],
        counter_examples: &[
            "DE88 3704 0044 0532 0130 00",
            "DE89 3704 0044 0532 0130 0",
            "XX89370400440532013000",
            "aDE89370400440532013000",
        ],
    },
    Spec {
        name: "us_ssn",
        kind: "national_id",
        languages: &["en"],
        wake: Wake::Number(us_ssn),
        context: &["ssn", "ssns", "social security", "social security number", "itin", "tax id", "taxpayer"],
        follows: None,
        examples: &[
            "⟦536-22-8726⟧",
            "SSN: ⟦536228726⟧.",
            "ssn ⟦536 22 8726⟧",
            "⟦912-70-1234⟧",
            "⟦536‑22‑8726⟧",
        ],
        counter_examples: &[
            "536228726",
            "000-12-3456",
            "666-12-3456",
            "536-00-8726",
            "536-22-0000",
            "1-536-22-8726",
            "536-22-8726-1",
            "900-12-3456",
        ],
    },
    Spec {
        name: "ipv4",
        kind: "ip_address",
        languages: &[],
        wake: Wake::Number(ipv4),
        context: &[
            "ip",
            "ips",
            "host",
            "addr",
            "address",
            "dns",
            "client",
            "server",
            "peer",
            "gateway",
            "from",
            "ping",
            "nameserver",
        ],
        follows: None,
        examples: &[
            "from ⟦10.188.194.202⟧ port",
            "http://⟦93.184.216.34⟧:8080/",
            "⟦192.168.0.1⟧/24",
            "dns ⟦8.8.8.8⟧.",
        ],
        counter_examples: &[
            "v10.188.194.202",
            "version 10.188.194.202",
            "1.2.3.4",
            "oid 2.5.29.35",
            "10.188.194.256",
            "10.188.194.202.1",
            "127.0.0.1",
            "255.255.255.0",
            "01.2.33.44",
            "bump to 11.16.8.58",
        ],
    },
    Spec {
        name: "ipv6",
        kind: "ip_address",
        languages: &[],
        wake: Wake::At(&[":"], network::ipv6),
        context: &[],
        follows: None,
        examples: &[
            "from ⟦2001:db8:7b97:90c2::5b70⟧ port",
            "[⟦fe80::1⟧]:80",
            "⟦2a02:b64a:dfe6:b1ad:2bd8:5dd4:e036:fc2f⟧.",
        ],
        counter_examples: &[
            "std::fmt",
            "f64::abs",
            "12:34:56",
            "::1",
            "a::b",
            "dead::beef",
            "2024:",
            "db8:2001",
        ],
    },
    Spec {
        name: "mac",
        kind: "mac_address",
        languages: &[],
        wake: Wake::At(&[":"], network::mac),
        context: &[],
        follows: None,
        examples: &["⟦8d:53:1c:e4:29:1f⟧.", "hw ⟦ab:cd:ef:ab:cd:ef⟧"],
        counter_examples: &[
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "8d:53:1c:e4:29",
            "8d:53:1c:e4:29:1f:00",
            "8d:53-1c:e4:29:1f",
        ],
    },
    Spec {
        name: "mac_hyphenated",
        kind: "mac_address",
        languages: &[],
        wake: Wake::Number(network::mac_hyphenated),
        context: &[],
        follows: None,
        examples: &["Router ⟦b1-2b-05-74-57-5e⟧ got", "12 ⟦11-2b-05-74-57-5e⟧", "⟦AB-CD-EF-01-23-45⟧"],
        counter_examples: &["12-34-56-78-90-12", "8d-53-1c-e4-29", "90f33f1d-46-4a-a0-c7-02"],
    },
    Spec {
        name: "private_key",
        kind: "secret",
        languages: &[],
        wake: Wake::At(&["-----BEGIN "], pem),
        context: &[],
        follows: None,
        examples: &[
            "⟦-----BEGIN· RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n+/x=\n-----END RSA PRIVATE KEY-----⟧\nConvert",
            r#""⟦-----BEGIN· PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----⟧\n""#,
            "⟦-----BEGIN· OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA⟧\n",
        ],
        counter_examples: &[
            "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA7\n-----END CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B",
        ],
    },
    Spec {
        name: "jwt",
        kind: "secret",
        languages: &[],
        wake: Wake::At(&["eyJ"], jwt),
        context: &[],
        follows: None,
        examples: &["token ⟦eyJ·hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N⟧."],
        counter_examples: &["eyJhbGciOiJIUzI1NiJ9", "keyJack.eyJoint.eyJuice", "eyJ.eyJ.abc"],
    },
    provider_key(
        "openai_key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        tail(base64url, 20..256),
        &["key=\"⟦sk-proj-·LityuVZk-Wzc0OZtTC4TuoBmSUmQJVYq1⟧\""],
        &["sk-proj-short"],
    ),
    provider_key(
        "anthropic_key",
        &["sk-ant-"],
        tail(base64url, 20..256),
        &["⟦sk-ant-·api03-R2D2c3poR2D2c3poR2D2c3po⟧"],
        &["sk-ant-api03-your-key-goes-here"],
    ),
    provider_key(
        "secret_key",
        &["sk-"],
        tail(base64url, 20..256),
        &["⟦sk-·WIYSGtdGv1OrzgXGvAOlT3BlbkFJ⟧", "⟦sk-or-v1-·0a1b2c3d4e5f60718293a4b5c6d7e8f9⟧"],
        &["task-force-number-twenty-one-2020", "sk-learn-compatible-estimators"],
    ),
    provider_key(
        "google_key",
        &["AIza"],
        tail(base64url, 35..36),
        &["⟦AIza·SyB1c2D3e4F5g6H7i8J9k0L1m2N3o4P5q6R⟧"],
        &["AIzawa wrote this"],
    ),
    provider_key(
        "google_oauth",
        &["ya29.", "GOCSPX-"],
        tail(base64url, 24..1024),
        &["⟦GOCSPX-·a1B2c3D4e5F6g7H8i9J0k1L2m3N4⟧"],
        &["ya29.short"],
    ),
    provider_key(
        "aws_key_id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        tail(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit(), 16..17),
        &["id = ⟦AKIA·5HRRMH7UP6K4LLDM⟧", r"\n⟦ASIA·U2NTYRT4LX5LJF55⟧\n"],
        &["ASIANCOUNTRIESANDMORE", "AKIA5HRRMH7UP6K4LLDMX"],
    ),
    provider_key(
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        tail(word, 22..256),
        &["⟦ghp_·a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8⟧"],
        &["ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
    ),
    provider_key(
        "gitlab_token",
        &["glpat-", "gldt-", "glrt-", "glcbt-"],
        tail(base64url, 20..128),
        &["⟦glpat-·a1B2c3D4e5F6g7H8i9J0⟧"],
        &["glpat-your_token_goes_here"],
    ),
    provider_key(
        "slack_token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "xoxe-"],
        tail(base64url, 16..256),
        &["⟦xoxb-·123456789012-a1B2c3D4e5F6g7H8⟧"],
        &["xoxb-your-token"],
    ),
    provider_key(
        "stripe_key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        tail(word, 16..256),
        &["⟦sk_live·_a1B2c3D4e5F6g7H8i9J0k1L2⟧"],
        &["sk_live_key_from_dashboard"],
    ),
    provider_key(
        "hugging_face_token",
        &["hf_"],
        tail(|byte| byte.is_ascii_alphanumeric(), 30..64),
        &["⟦hf_·DNBusZFvdzVQCHTNRIriSPNpQbvoHBYKSq⟧"],
        &["hf_hub_download"],
    ),
    provider_key(
        "package_registry_token",
        &["pypi-", "npm_", "dckr_pat_"],
        tail(base64url, 27..512),
        &["⟦pypi-·AgEIcHlwaS5vcmcCJDU3YzRhMzE2LTk0⟧", "⟦npm_·a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8⟧"],
        &["npm_config_registry", "pypi-readme"],
    ),
    provider_key(
        "model_provider_key",
        &["gsk_", "xai-", "r8_", "pplx-", "tgp_v1_", "nvapi-", "fw_", "csk-"],
        tail(base64url, 24..256),
        &["⟦gsk_·a1B2c3D4e5F6g7H8i9J0k1L2m3N4⟧"],
        &["xai-explainable-artificial-intelligence"],
    ),
    provider_key(
        "service_token",
        &[
            "SG.", "shpat_", "shpss_", "lin_api_", "dop_v1_", "figd_", "ntn_", "sntrys_", "hvs.", "glsa_",
            "PMAK-",
        ],
        tail(|byte| base64url(byte) || matches!(byte, b'.' | b'+' | b'/' | b'='), 24..512),
        &["⟦SG.·a1B2c3D4e5F6g7H8i9J0k1.a1B2c3D4e5F6g7H8i9J0⟧"],
        &["SG. a1B2c3D4e5F6g7H8i9J0k1", "hvs.example"],
    ),
    Spec {
        name: "bearer_token",
        kind: "secret",
        languages: &[],
        wake: Wake::At(
            &["bearer ", "authorization: basic ", "authorization\": \"basic ", "authorization\":\"basic "],
            bearer,
        ),
        context: &[],
        follows: None,
        examples: &[
            "Authorization: Bearer ⟦a1B2c3D4e5F6g7H8⟧",
            "-H 'Authorization: Basic ⟦YWxhZGRpbjpvcGVuc2VzYW1l⟧'",
        ],
        counter_examples: &[
            "Bearer token authentication",
            "the bearer of this letter",
            "Bearer realm=\"example\"",
        ],
    },
    Spec {
        name: "url_password",
        kind: "secret",
        languages: &[],
        wake: Wake::At(&["://"], network::url_password),
        context: &[],
        follows: None,
        examples: &["postgres://app:⟦s3cr3t!⟧@db.example.com:5432/app", "https://u:⟦p@w⟧@example.com"],
        counter_examples: &[
            "https://example.com/@user:name",
            "https://example.com:8080",
            "redis://:$PASSWORD@cache",
            "postgres://app@db/x",
        ],
    },
    Spec {
        name: "password",
        kind: "secret",
        languages: &["en", "de", "fr", "es", "it", "pt", "nl", "pl", "zh", "ja"],
        wake: Wake::At(
            &[
                "password",
                "passwd",
                "passphrase",
                "passcode",
                "pwd",
                "passwort",
                "kennwort",
                "mot de passe",
                "contraseña",
                "senha",
                "wachtwoord",
                "hasło",
                "密码",
                "口令",
                "パスワード",
            ],
            password,
        ),
        context: &[],
        follows: None,
        examples: &[
            "Admin password ⟦Sunset.Sunset778?⟧. Why",
            "MYSQL_ROOT_PASSWORD=⟦fvBw3dPYie⟧ -e",
            "PASSWORD=⟦&eyU7q1%E*⟧ -e",
            "?user=a&password=⟦Dragon-purple7?⟧\";",
            r#"{"password": "⟦hunter2⟧"}"#,
            "password = '⟦letmein⟧'",
            "the password is ⟦Tr0ub4dor⟧.",
            "Passwort: ⟦Geheim#12⟧",
            "密码：⟦abc12345⟧。",
            r#"{\"pwd\":\"⟦hunter2!⟧\"}"#,
            "PASSWORD=⟦hunter⟧\n",
            "**Password:** ⟦hunter2⟧",
        ],
        counter_examples: &[
            "password = os.environ[\"PGPASSWORD\"]",
            "password=password",
            "password: str",
            "log_passwd: __u32,",
            "PASSWORD_ID = DEVICE_1",
            "self.password = self.config.password1",
            "Enter your password below",
            "password is required",
            "password hashing with SHA-256",
            "password: ${DB_PASSWORD}",
            "password=$PW",
            "passwordField: \"Password2\"",
            "password policy2 A",
            "\"password\": \"<your password>\"",
            "if password == \"hunter2\"",
            "password = getpass(\"Password1\")",
            "password_file=/etc/pw1",
            "type=\"password\" name=\"pw1\"",
        ],
    },
    Spec {
        name: "telling_name",
        kind: "secret",
        languages: &[],
        wake: Wake::At(
            &[
                "secret",
                "token",
                "api_key",
                "api-key",
                "apikey",
                "access_key",
                "access-key",
                "accesskey",
                "account_key",
                "accountkey",
                "sharedaccesskey",
                "private_key",
                "privatekey",
                "auth_key",
                "authkey",
                "signing_key",
                "encryption_key",
                "credential",
                "secret_key",
                "secretkey",
                "master_key",
                "service_key",
                "client_key",
                "license_key",
                "session_id",
            ],
            telling_name,
        ),
        context: &[],
        follows: None,
        examples: &[
            "aws_secret_access_key = ⟦IrbSQMRW3c3cu58j7EZ3EYX+7khEOd3l6IhWVjfG⟧\n",
            "api_key: \"⟦a1B2c3D4e5F6g7H8⟧\"",
            "AccountName=a1;AccountKey=⟦NQwRk9ClZk0H5E0U2qGKC4cieMmx1hqkrDDDqn4Q==⟧;End",
            "CLIENT_SECRET=⟦q9w8e7r6t5y4u3i2o1p0⟧",
            r#""apiKey":"⟦a1B2c3D4e5F6g7H8⟧","#,
        ],
        counter_examples: &[
            "secret_key = settings.SECRET_KEY",
            "token = tokenizer.next_token",
            "max_tokens: 4096",
            "private_key: X509CertificateTemplatePrivateKeyFlag,",
            "token_type: bearer",
            "api_key=YOUR_API_KEY",
            "secret: \"arn:aws:secretsmanager:eu\"",
            "token: next_token_of_the_stream2",
            "the secret is out",
        ],
    },
];
