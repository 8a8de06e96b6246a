//! Reads what left as a clever reader would: undoes every encoding, drops what stands between, and looks for values.

use base64::Engine as _;
use serde_json::Value;

/// All that a text can be read as, as letters and digits only, in lower case.
pub fn bare_readings(text: &str) -> Vec<String> {
    let mut readings = vec![text.to_owned()];
    for _ in 0..4 {
        let mut next = readings.last().cloned().unwrap_or_default();
        for undo in [unescape, percent, entities, soft_breaks] {
            next = undo(&next);
        }
        if readings.contains(&next) {
            break;
        }
        readings.push(next);
    }
    // Without tags of HTML, and without tags of Unicode.
    let last = readings.last().cloned().unwrap_or_default();
    readings.push(without_tags(&last));
    readings.push(last.chars().filter(|c| !matches!(c, '\u{e0000}'..='\u{e007f}')).collect());
    let encoded: Vec<String> = readings.iter().flat_map(|reading| encoded(reading)).collect();
    readings.extend(encoded);
    readings.iter().map(|reading| bare(reading)).collect()
}

fn without_tags(text: &str) -> String {
    let mut pieces = text.split('<');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |out, piece| match piece.split_once('>') {
        Some((tag, rest)) if tag.len() < 8 => out + rest,
        _ => out + "<" + piece,
    })
}

/// Letters and digits only, in lower case, in ASCII where they are styled.
pub fn bare(text: &str) -> String {
    text.chars().map(plain).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The values of a document one behind the other, as a model reads the parts of a turn: those of its members that
/// `told` names.
pub fn joined(value: &Value, told: fn(&str) -> bool, out: &mut String) {
    match value {
        Value::Object(members) => {
            let told_of =
                members.iter().filter(|(name, value)| told(name) || value.is_object() || value.is_array());
            told_of.for_each(|(_, value)| joined(value, told, out));
        }
        Value::Array(items) => items.iter().for_each(|item| joined(item, told, out)),
        Value::String(text) => out.push_str(text),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether a value, or two thirds of it in one piece, can be read.
pub fn shows(readings: &[String], secret: &str) -> bool {
    let secret: Vec<char> = bare(secret).chars().collect();
    let size = (secret.len() * 2).div_ceil(3).max(6).min(secret.len());
    secret.windows(size).any(|piece| {
        let piece: String = piece.iter().collect();
        readings.iter().any(|reading| reading.contains(&piece))
    })
}

fn plain(c: char) -> char {
    let code = c as u32;
    let from = |first: u32, plain: char| char::from_u32(code - first + plain as u32).unwrap_or(c);
    match code {
        0xff10..=0xff5a => from(0xff10, '0'),
        0x660..=0x669 => from(0x660, '0'),
        0x6f0..=0x6f9 => from(0x6f0, '0'),
        0x966..=0x96f => from(0x966, '0'),
        0xe50..=0xe59 => from(0xe50, '0'),
        0x1d7ce..=0x1d7ff => char::from_digit((code - 0x1d7ce) % 10, 10).unwrap_or(c),
        0x1d400..=0x1d6a3 => {
            let letter = (code - 0x1d400) % 52;
            let (first, letter) = if letter < 26 { ('A', letter) } else { ('a', letter - 26) };
            char::from_u32(first as u32 + letter).unwrap_or(c)
        }
        0x2460..=0x2468 => from(0x2460, '1'),
        0x24ea => '0',
        0x24b6..=0x24cf => from(0x24b6, 'A'),
        0x24d0..=0x24e9 => from(0x24d0, 'a'),
        0x2074..=0x2079 => from(0x2074, '4'),
        0xb9 => '1',
        0xb2 | 0xb3 => from(0xb2, '2'),
        0xe0030..=0xe007a => from(0xe0030, '0'),
        0x2070 => '0',
        // Letters for strokes: they stand between digits.
        0x30fc => '-',
        ..0x80 => c,
        // Cyrillic and Greek letters that look Latin.
        _ => {
            let mut pairs = "аaеeоoрpсcуyхxіiАAВBЕEКKМMНHОOРPСCТTХXαaοoΑAΕE".chars();
            pairs.find(|pair| *pair == c).and_then(|_| pairs.next()).unwrap_or(c)
        }
    }
}

/// JSON escapes, wherever they stand; `\x40` too.
fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let hex = |from: usize, to: usize| {
            rest.get(from..to).and_then(|digits| u16::from_str_radix(digits, 16).ok())
        };
        let (unit, length) = match (c, rest.chars().next()) {
            ('\\', Some('u' | 'U')) if braced(rest).is_some() => braced(rest).unwrap_or_default(),
            ('\\' | '%', Some('u')) if hex(1, 5).is_some() => (hex(1, 5), 5),
            ('\\', Some('x')) if hex(1, 3).is_some() => (hex(1, 3), 3),
            ('\\', Some('0'..='1')) if octal(rest).is_some() => (octal(rest), 3),
            ('\\', Some('n' | 't' | 'r')) => (Some(u16::from(b'\n')), 1),
            ('\\', Some('\n')) => (None, 1),
            ('\\', Some(_)) => (None, 0),
            _ => {
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
                (None, 0)
            }
        };
        units.extend(unit);
        rest = &rest[length..];
        let escaped = rest.chars().next().filter(|_| c == '\\' && length == 0);
        if let Some(escaped) = escaped {
            units.extend(escaped.encode_utf16(&mut [0; 2]).iter());
            rest = &rest[escaped.len_utf8()..];
        }
    }
    String::from_utf16_lossy(&units)
}

/// `u{40}`, `U00000040`.
fn braced(rest: &str) -> Option<(Option<u16>, usize)> {
    let (digits, length) = match rest.strip_prefix("u{") {
        Some(inside) => (inside.split('}').next()?, inside.find('}')? + 3),
        None => (rest.strip_prefix('U')?.get(..8)?, 9),
    };
    Some((Some(u16::from_str_radix(digits, 16).ok()?), length))
}

fn octal(rest: &str) -> Option<u16> {
    u16::from_str_radix(rest.get(..3)?, 8).ok()
}

fn percent(text: &str) -> String {
    hex_bytes(text, '%')
}

/// Quoted-printable: `=40`, and lines that go on.
fn soft_breaks(text: &str) -> String {
    hex_bytes(&text.replace("=\r\n", "").replace("=\n", ""), '=')
}

fn hex_bytes(text: &str, mark: char) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.get(1..3).filter(|digits| c == mark && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entities(text: &str) -> String {
    let names = [
        ("&commat;", "@"),
        ("&period;", "."),
        ("&amp;", "&"),
        ("&nbsp;", " "),
        ("&hyphen;", "-"),
        ("&shy;", ""),
    ];
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let (digits, radix) = inside.strip_prefix(['x', 'X']).map_or((inside, 10), |digits| (digits, 16));
        let len = digits.chars().take_while(|c| c.is_digit(radix)).count();
        match u32::from_str_radix(&digits[..len], radix).ok().and_then(char::from_u32) {
            Some(c) => out.push(c),
            None => out.push_str("&#"),
        }
        rest = digits[len..].strip_prefix(';').unwrap_or(&digits[len..]);
    }
    out.push_str(rest);
    names.iter().fold(out, |text, (name, plain)| text.replace(name, plain))
}

/// What runs of base64 and of hexadecimal digits hold.
fn encoded(text: &str) -> Vec<String> {
    let engine = base64::engine::general_purpose::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::general_purpose::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let lines = text.replace("\r\n", "").replace('\n', "");
    let mut found = Vec::new();
    for text in [text, &lines] {
        for run in text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c))) {
            let digits: Vec<u8> = run.trim_start_matches("0x").bytes().collect();
            let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16));
            if let Ok(bytes) = pairs.collect::<Result<Vec<u8>, _>>() {
                found.push(String::from_utf8_lossy(&bytes).into_owned());
            }
            let standard = run.replace('-', "+").replace('_', "/");
            if let Some(bytes) = engine.decode(standard.as_bytes()).ok().filter(|_| run.len() >= 12) {
                found.push(String::from_utf8_lossy(&bytes).replace('\0', ""));
            }
        }
    }
    let twice: Vec<String> =
        found.iter().filter(|text| text.is_ascii() && text.len() >= 16).cloned().collect();
    if text.len() < 1 << 20 && !twice.is_empty() && !twice.contains(&text.to_owned()) {
        found.extend(twice.iter().filter(|inner| inner.len() < text.len()).flat_map(|inner| encoded(inner)));
    }
    found
}
