//! Letters as the model knows them: small, and without accents where they are Latin.

use super::token::step;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Byte {
    Space,
    Line,
    Lower,
    Upper,
    Digit,
    Mark,
    /// Begins a Latin letter of two bytes, or a mark or sign of that length.
    Latin,
    Other,
}

const BYTES: [Byte; 256] = {
    let mut table = [Byte::Mark; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::indexing_slicing, reason = "within the table, checked when compiled")]
        {
            table[at] = match at as u8 {
                b'\n' => Byte::Line,
                0..=b' ' | 0x7F => Byte::Space,
                b'a'..=b'z' => Byte::Lower,
                b'A'..=b'Z' => Byte::Upper,
                b'0'..=b'9' => Byte::Digit,
                0xC3..=0xC5 => Byte::Latin,
                0x80.. => Byte::Other,
                _ => Byte::Mark,
            };
        }
        at += 1;
    }
    table
};

pub fn byte_class(byte: u8) -> Byte {
    BYTES.get(usize::from(byte)).copied().unwrap_or(Byte::Mark)
}

/// U+00C0 to U+017F without accents; capitals are capitals.
const PLAIN: &[u8; 192] = b"AAAAAAACEEEEIIIIDNOOOOO*OUUUUYTsaaaaaaaceeeeiiiidnooooo*ouuuuyty\
AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// One letter, plain and small.
#[derive(Clone, Copy)]
pub struct Letter {
    code: u32,
    pub upper: bool,
    pub kind: Script,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Cased,
    Caseless,
    Han,
    Hiragana,
    Katakana,
}

impl Letter {
    pub fn step(self, hash: u32) -> u32 {
        if self.code < 0x80 {
            step(hash, self.code as u8)
        } else {
            step(step(step(hash, (self.code >> 16) as u8), (self.code >> 8) as u8), self.code as u8)
        }
    }
}

/// Reads letters.
pub struct Reader<'t> {
    pub text: &'t [u8],
    pub at: usize,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or_default()
    }

    /// The letter here, if there is one, and passes it.
    pub fn letter(&mut self) -> Option<Letter> {
        let byte = *self.text.get(self.at)?;
        match byte_class(byte) {
            Byte::Lower => {
                self.at += 1;
                Some(Letter { code: u32::from(byte), upper: false, kind: Script::Cased })
            }
            Byte::Upper => {
                self.at += 1;
                Some(Letter { code: u32::from(byte | 0x20), upper: true, kind: Script::Cased })
            }
            Byte::Latin => {
                let index = usize::from(byte - 0xC3) << 6 | usize::from(self.peek(1) & 0x3F);
                let plain = PLAIN.get(index).copied().filter(|plain| *plain != b'*')?;
                self.at += 2;
                let upper = plain.is_ascii_uppercase();
                Some(Letter { code: u32::from(plain | 0x20), upper, kind: Script::Cased })
            }
            Byte::Other => {
                let (c, length) = self.decode()?;
                let kind = script(c)?;
                let upper = kind == Script::Cased && c.is_uppercase();
                let code = if upper { c.to_lowercase().next().unwrap_or(c) } else { c } as u32;
                let kind = if kind == Script::Cased && !upper && !c.is_lowercase() {
                    Script::Caseless
                } else {
                    kind
                };
                self.at += length;
                Some(Letter { code, upper, kind })
            }
            _ => None,
        }
    }

    /// A character of more than one byte; the text is UTF-8.
    pub fn decode(&self) -> Option<(char, usize)> {
        let (first, more) = (u32::from(self.peek(0)), |at| u32::from(self.peek(at) & 0x3F));
        let (code, length) = match first {
            0xF0.. => ((first & 7) << 18 | more(1) << 12 | more(2) << 6 | more(3), 4),
            0xE0.. => ((first & 15) << 12 | more(1) << 6 | more(2), 3),
            _ => ((first & 31) << 6 | more(1), 2),
        };
        char::from_u32(code).map(|c| (c, length))
    }
}

fn script(c: char) -> Option<Script> {
    match c as u32 {
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x3005..=0x3007 | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => {
            Some(Script::Han)
        }
        0x3041..=0x309F => Some(Script::Hiragana),
        0x30A1..=0x30FA | 0x30FC..=0x30FF | 0xFF66..=0xFF9F => Some(Script::Katakana),
        // Combining accents stay in their word.
        0x0300..=0x036F => Some(Script::Cased),
        _ => c.is_alphabetic().then_some(Script::Cased),
    }
}
