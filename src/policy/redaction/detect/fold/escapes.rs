//! Characters that are written in other characters: in source, in HTML, in URLs and in mail.
//!
//! Each reader answers what stands there and how long it is, or nothing where the text is meant as it is written. What
//! decodes to a control character or to half a character was no escape.

use super::Plain;

/// What an escape stands for, and its length.
type Escape = Option<(Plain, usize)>;

/// `\u0040`, `\u{40}`, `\U00000040`, `\x40`, `\100`, `\n`, `\"`, `\@`; a line that goes on behind a backslash.
pub(super) fn backslash(rest: &str) -> Escape {
    let escaped = rest.get(1..)?;
    let (kind, digits) = (escaped.chars().next()?, escaped.get(1..).unwrap_or_default());
    match kind {
        'u' if digits.starts_with('{') => {
            let inside = digits.get(1..)?;
            let len = inside.bytes().take(7).position(|byte| byte == b'}')?;
            let digits = inside.get(..len)?;
            readable(hex(digits, digits.len())?, digits.len() + 4)
        }
        'u' => match hex(digits, 4)? {
            high @ 0xd800..=0xdbff => {
                let low = hex(rest.get(6..)?.strip_prefix("\\u")?, 4).filter(|low| low & 0xfc00 == 0xdc00)?;
                readable(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
            }
            code => readable(code, 6),
        },
        'U' => readable(hex(digits, 8)?, 10),
        'x' => bytes(rest, "\\x").or_else(|| readable(hex(digits, 2)?, 4)),
        '0'..='3' => {
            let digits =
                escaped.get(..3).filter(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'7')))?;
            let code = u32::from_str_radix(digits, 8).ok().filter(|code| *code < 0x80)?;
            readable(code, 4)
        }
        'n' => Some((Plain::Is('\n'), 2)),
        'r' => Some((Plain::Is('\r'), 2)),
        't' => Some((Plain::Is('\t'), 2)),
        '\n' => Some((Plain::Nothing, 2)),
        '\r' if digits.starts_with('\n') => Some((Plain::Nothing, 3)),
        kind if kind.is_ascii_punctuation() => Some((Plain::Is(kind), 2)),
        _ => None,
    }
}

/// `&#64;`, `&#x40;`, `&commat;`. Browsers read numbers without a semicolon, too.
pub(super) fn entity(rest: &str) -> Escape {
    const LONGEST: usize = 16;
    let inside = rest.get(1..)?;
    let Some(number) = inside.strip_prefix('#') else {
        let name = inside.bytes().take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
        if inside.as_bytes().get(name) != Some(&b';') {
            return None;
        }
        let name = inside.get(..name)?;
        let (_, plain) = ENTITIES.iter().find(|(known, _)| *known == name)?;
        return Some((Plain::Is(*plain), name.len() + 2));
    };
    let (radix, digits) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits),
        None => (10, number),
    };
    let len = digits.chars().take(LONGEST).take_while(|c| c.is_digit(radix)).count();
    let code = u32::from_str_radix(digits.get(..len)?, radix).ok()?;
    let semicolon = usize::from(digits.as_bytes().get(len) == Some(&b';'));
    readable(code, rest.len() - digits.len() + len + semicolon)
}

/// What hides a value, or stands around one (HTML, 13.5).
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("commat", '@'),
    ("period", '.'),
    ("middot", '·'),
    ("hyphen", '-'),
    ("dash", '-'),
    ("ndash", '-'),
    ("mdash", '-'),
    ("minus", '-'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("plus", '+'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("sol", '/'),
    ("bsol", '\\'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("equals", '='),
    ("num", '#'),
    ("percnt", '%'),
    ("dollar", '$'),
    ("excl", '!'),
    ("ast", '*'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("shy", '\u{ad}'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
    ("ZeroWidthSpace", '\u{200b}'),
];

/// `%40`, `%C3%A9`, `%u0040` (RFC 3986, 2.1; the last one is what JavaScript's `escape` writes).
pub(super) fn percent(text: &str, at: usize) -> Escape {
    let rest = text.get(at..)?;
    let found = match rest.strip_prefix("%u") {
        Some(digits) => readable(hex(digits, 4)?, 6),
        None => bytes(rest, "%"),
    };
    // In the password of a URL what is encoded would end it, were it not.
    let ends = |c: char| c.is_ascii_whitespace() || "/?#\"'<>`".contains(c);
    found.filter(|(plain, _)| match plain {
        Plain::Is(c) if ends(*c) => !in_userinfo(text.as_bytes().get(..at).unwrap_or_default()),
        _ => true,
    })
}

/// Whether this ends behind `scheme://user:`, with nothing between that ends an authority.
fn in_userinfo(before: &[u8]) -> bool {
    let near = before.get(before.len().saturating_sub(96)..).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'<>`".contains(byte);
    let authority = near.iter().rev().take_while(|byte| !ends(byte)).count();
    let (before, authority) = near.split_at(near.len() - authority);
    before.ends_with(b"://") && authority.contains(&b':')
}

/// Quoted-printable (RFC 2045, 6.7): `=40`, and a line that goes on behind `=`. Without another sign of such a mail
/// only an `@` between letters is read. `is_mail` remembers for the next call whether there is one.
pub(super) fn mail(text: &str, at: usize, is_mail: &mut Option<bool>) -> Escape {
    let rest = text.get(at..)?;
    let after = rest.as_bytes().get(1..)?;
    let broken = match after {
        [b'\n', ..] => 2,
        [b'\r', b'\n', ..] => 3,
        [b'0'..=b'9' | b'A'..=b'F', b'0'..=b'9' | b'A'..=b'F', ..] => 0,
        _ => return None,
    };
    if *is_mail.get_or_insert_with(|| is_quoted_printable(text.as_bytes())) {
        return if broken > 0 { Some((Plain::Nothing, broken)) } else { bytes(rest, "=") };
    }
    let letters = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let before = text.as_bytes().get(..at)?.last();
    (after.starts_with(b"40") && before.is_some_and(u8::is_ascii_alphanumeric) && letters(after.get(2)))
        .then_some((Plain::Is('@'), 3))
}

fn is_quoted_printable(text: &[u8]) -> bool {
    let sign =
        |at: usize| matches!(text.get(at + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..] | [b'3', b'D', ..]));
    memchr::memchr_iter(b'=', text).any(sign) || memchr::memmem::find(text, b"uoted-printable").is_some()
}

/// One character in UTF-8, each byte as a prefix and two hexadecimal digits.
fn bytes(rest: &str, prefix: &str) -> Escape {
    let step = prefix.len() + 2;
    let byte = |index: usize| {
        let digits = rest.get(index * step..)?.strip_prefix(prefix)?;
        u8::try_from(hex(digits, 2)?).ok()
    };
    let first = byte(0)?;
    let len = match first {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let mut encoded = [first; 4];
    for (index, slot) in encoded.iter_mut().enumerate().take(len).skip(1) {
        *slot = byte(index)?;
    }
    let c = std::str::from_utf8(encoded.get(..len)?).ok()?.chars().next()?;
    readable(u32::from(c), len * step)
}

fn readable(code: u32, length: usize) -> Escape {
    let c = char::from_u32(code).filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))?;
    Some((Plain::Is(c), length))
}

fn hex(text: &str, len: usize) -> Option<u32> {
    let digits = text.get(..len).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
