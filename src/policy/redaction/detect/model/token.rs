//! Text as tokens: words, numbers, single marks, line breaks; of scripts without spaces each character.
//!
//! A token knows its word only as a hash, of its letters in lower case and without accents, taken while the text is
//! read. Nothing is allocated per token.

use super::letters::{Byte, Reader, Script, byte_class};
use super::lexicon::{Class, Lexicon};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Beyond the text's ends.
    Edge,
    /// `word`
    Lower,
    /// `Word`
    Capital,
    /// `WORD`
    Upper,
    /// `McDonald`, `TypeId`
    Mixed,
    /// `camelCase`
    Camel,
    /// `W`
    Initial,
    /// `w`
    Letter,
    /// Of a script without case, with spaces: Arabic, Hangul.
    Caseless,
    /// A run, as foreign names are written in Japanese.
    Katakana,
    Han,
    Hiragana,
    Digits,
    /// `12b`, `SW1A`
    Code,
    Mark,
    /// A line break, or one written as an escape.
    Line,
    /// Several.
    Blank,
}

impl Kind {
    /// Whether it has letters, as the words of names have.
    pub fn is_word(self) -> bool {
        (Self::Lower as u8..=Self::Hiragana as u8).contains(&(self as u8))
    }

    pub fn is_line(self) -> bool {
        matches!(self, Self::Line | Self::Blank)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub start: u32,
    pub end: u32,
    /// Of the word in lower case; of a number, of how many digits it has; of a code, of its shape; a mark's character.
    pub hash: u32,
    /// The word before the line's last colon or equals sign.
    pub label: u32,
    /// What the table's first line calls this column.
    pub column: u32,
    pub kind: Kind,
    pub class: Class,
    /// Of the two or three characters from here on, where the script has no spaces.
    pub pair: Class,
    pub flags: u8,
}

/// White space before it.
pub const SPACED: u8 = 1;
/// Inside an e-mail address, a URL, a path.
pub const GLUED: u8 = 2;
/// First in its line.
pub const FIRST: u8 = 4;
/// An odd number of quotes before it in its line.
pub const QUOTED: u8 = 8;

impl Token {
    pub const EDGE: Self = Self {
        start: 0,
        end: 0,
        hash: 0,
        label: 0,
        column: 0,
        kind: Kind::Edge,
        class: Class::None,
        pair: Class::None,
        flags: 0,
    };

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Kind, and what there is to know besides: class of a word, length of a number, the mark.
    pub fn sort(&self) -> u32 {
        let more = match self.kind {
            Kind::Digits | Kind::Mark | Kind::Code => self.hash & 0xFFFF,
            _ => self.class as u32,
        };
        (self.kind as u32) << 16 | more
    }
}

/// FNV-1a; its weak high bits do no harm where the hash is mixed before use.
pub const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

pub const SEED: u32 = 0x811C_9DC5;

/// As a token's hash of that word is.
pub fn hash(word: &str) -> u32 {
    let mut reader = Reader::new(word.as_bytes());
    let mut hash = SEED;
    while reader.at < word.len() {
        match reader.letter() {
            Some(letter) => hash = letter.step(hash),
            None => {
                hash = step(hash, word.as_bytes().get(reader.at).copied().unwrap_or_default());
                reader.at += 1;
            }
        }
    }
    hash
}

const COLUMNS: usize = 12;

/// Where a reading of a text stands.
pub struct Tokens<'t> {
    reader: Reader<'t>,
    lexicon: Lexicon<'t>,
    label: u32,
    last_word: u32,
    quotes: u32,
    /// Until the next white space or quote everything belongs to a URL.
    glued: bool,
    fresh: bool,
    column: usize,
    columns: [u32; COLUMNS],
    heads: [u32; COLUMNS],
    has_heads: bool,
}

impl<'t> Tokens<'t> {
    pub fn new(text: &'t str, lexicon: Lexicon<'t>) -> Self {
        Self {
            reader: Reader::new(text.as_bytes()),
            lexicon,
            label: 0,
            last_word: 0,
            quotes: 0,
            glued: false,
            fresh: true,
            column: 0,
            columns: [0; COLUMNS],
            heads: [0; COLUMNS],
            has_heads: false,
        }
    }

    /// Adds tokens until there are `until`, or the text ends; whether there are more.
    pub fn fill(&mut self, tokens: &mut Vec<Token>, until: usize) -> bool {
        while tokens.len() < until {
            let mut flags = if self.fresh { FIRST | SPACED } else { 0 };
            while byte_class(self.reader.peek(0)) == Byte::Space && self.reader.at < self.reader.text.len() {
                self.reader.at += 1;
                flags |= SPACED;
                self.glued = false;
            }
            let start = self.reader.at;
            let Some(byte) = self.reader.text.get(start) else { return false };
            match byte_class(*byte) {
                Byte::Lower | Byte::Upper | Byte::Latin | Byte::Other => self.word(tokens, start, flags),
                Byte::Digit => self.number(tokens, start, flags),
                Byte::Line => self.line(tokens, start, flags),
                Byte::Mark | Byte::Space => self.mark(tokens, start, flags),
            }
        }
        true
    }

    fn push(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8, kind: Kind, hash: u32) {
        let glued = if self.glued { GLUED } else { 0 };
        let quoted = if self.quotes & 1 == 1 { QUOTED } else { 0 };
        let column =
            if self.has_heads { self.heads.get(self.column).copied().unwrap_or_default() } else { 0 };
        tokens.push(Token {
            start: start as u32,
            end: self.reader.at as u32,
            hash,
            label: self.label,
            column,
            kind,
            class: Class::None,
            pair: Class::None,
            flags: flags | glued | quoted,
        });
        self.fresh = false;
    }

    fn word(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8) {
        let mut hash = SEED;
        let (mut letters, mut capitals, mut inner) = (0u32, 0u32, false);
        let mut first_upper = false;
        let mut kind = Script::Cased;
        if let Some(first) = self.reader.text.get(start).filter(|byte| byte.is_ascii_alphabetic()) {
            first_upper = first.is_ascii_uppercase();
            for byte in self.reader.text.get(start..).unwrap_or_default() {
                let small = byte | 0x20;
                if !small.is_ascii_lowercase() {
                    break;
                }
                hash = step(hash, small);
                letters += 1;
                capitals += u32::from(byte & 0x20 == 0);
            }
            self.reader.at += letters as usize;
        }
        loop {
            let before = self.reader.at;
            if self.reader.peek(0) < 0x80 && !matches!(self.reader.peek(0) | 0x20, b'\'' | b'a'..=b'z') {
                break;
            }
            let Some(letter) = self.reader.letter() else {
                // O'Brien, d'Arc; not the 's of a possessive, nor the end of a quotation.
                if self.reader.peek(0) == b'\'' && letters > 0 && kind == Script::Cased {
                    if self.elision(start, letters) {
                        self.reader.at += 1;
                        break;
                    }
                    if self.joins() {
                        self.reader.at += 1;
                        // The capital behind it is as good as a first one.
                        if byte_class(self.reader.peek(0)) == Byte::Upper {
                            inner = capitals > 1;
                            hash = step(hash, self.reader.peek(0) | 0x20);
                            letters += 1;
                            capitals += u32::from(capitals > 1);
                            self.reader.at += 1;
                        }
                        continue;
                    }
                }
                break;
            };
            if letters == 0 {
                (kind, first_upper) = (letter.kind, letter.upper);
            } else if letter.kind != kind {
                let same = matches!(
                    (kind, letter.kind),
                    (Script::Cased, Script::Caseless) | (Script::Caseless, Script::Cased)
                );
                if !same {
                    self.reader.at = before;
                    break;
                }
            }
            hash = letter.step(hash);
            letters += 1;
            capitals += u32::from(letter.upper);
            if matches!(kind, Script::Han | Script::Hiragana) {
                break;
            }
        }
        if letters == 0 {
            // A sign of several bytes.
            let length = self.reader.decode().map_or(1, |(_, length)| length);
            self.reader.at += length;
            self.push(
                tokens,
                start,
                flags,
                Kind::Mark,
                u32::from(self.reader.text.get(start + length - 1).copied().unwrap_or_default()) | 0x100,
            );
            return;
        }
        if byte_class(self.reader.peek(0)) == Byte::Digit && matches!(kind, Script::Cased) {
            return self.code(tokens, start, flags);
        }
        let kind = match kind {
            Script::Han => Kind::Han,
            Script::Hiragana => Kind::Hiragana,
            Script::Katakana => Kind::Katakana,
            Script::Caseless => Kind::Caseless,
            Script::Cased => match (letters, capitals) {
                (1, 0) => Kind::Letter,
                (1, _) => Kind::Initial,
                (_, 0) => Kind::Lower,
                (_, 1) if first_upper => Kind::Capital,
                _ if letters == capitals => Kind::Upper,
                _ if first_upper && !inner => Kind::Mixed,
                _ if first_upper => Kind::Upper,
                _ => Kind::Camel,
            },
        };
        self.last_word = hash;
        self.push(tokens, start, flags, kind, hash);
        let class = self.lexicon.class(hash);
        if let Some(token) = tokens.last_mut() {
            token.class = class;
        }
        if kind == Kind::Han {
            self.pairs(tokens);
        }
    }

    /// Looks up the two and three characters that end here.
    fn pairs(&self, tokens: &mut [Token]) {
        let mut joined = [0u32; 3];
        let mut count = 0;
        let mut next = u32::MAX;
        for (slot, token) in joined.iter_mut().zip(tokens.iter().rev()) {
            if token.kind != Kind::Han || (count > 0 && token.end != next) {
                break;
            }
            *slot = token.start;
            next = token.start;
            count += 1;
        }
        let end = self.reader.at;
        for length in 2..=count {
            let Some(from) = joined.get(length - 1).map(|from| *from as usize) else { return };
            let mut reader = Reader::new(self.reader.text.get(..end).unwrap_or_default());
            reader.at = from;
            let mut hash = SEED;
            while let Some(letter) = reader.letter() {
                hash = letter.step(hash);
            }
            let class = self.lexicon.class(hash);
            let place = tokens.len() - length;
            if let Some(token) = tokens.get_mut(place).filter(|_| class != Class::None) {
                token.pair = class;
            }
        }
    }

    /// `l'`, `d'`, `qu'` before a word: a word of its own.
    fn elision(&self, start: usize, letters: u32) -> bool {
        let word = self.reader.text.get(start..self.reader.at).unwrap_or_default();
        let elided = match (letters, word) {
            (1, [b'd' | b'D' | b'l' | b'L' | b'n' | b's' | b'j' | b'c' | b'm' | b't']) => true,
            (2, [b'q' | b'Q', b'u']) => true,
            _ => word.ends_with(b"ell") && letters <= 5,
        };
        // D'Angelo stays one name.
        elided
            && byte_class(self.reader.peek(1)) != Byte::Mark
            && !(word.first().is_some_and(u8::is_ascii_uppercase)
                && byte_class(self.reader.peek(1)) == Byte::Upper)
    }

    /// Whether letters follow the apostrophe here, and not only a possessive `s`.
    fn joins(&self) -> bool {
        let letter = |byte: u8| matches!(byte_class(byte), Byte::Lower | Byte::Upper | Byte::Latin);
        letter(self.reader.peek(1))
            && (letter(self.reader.peek(2)) || !matches!(self.reader.peek(1), b's' | b'S'))
    }

    fn number(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8) {
        while byte_class(self.reader.peek(0)) == Byte::Digit {
            self.reader.at += 1;
        }
        if matches!(byte_class(self.reader.peek(0)), Byte::Lower | Byte::Upper) {
            return self.code(tokens, start, flags);
        }
        let length = (self.reader.at - start).min(12) as u32;
        self.push(tokens, start, flags, Kind::Digits, length);
    }

    /// Letters and digits.
    fn code(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8) {
        self.reader.at = start;
        let mut shape = 1u32;
        loop {
            let digit = match byte_class(self.reader.peek(0)) {
                Byte::Lower | Byte::Upper => 1,
                Byte::Digit => 2,
                _ => break,
            };
            shape = if shape < 1 << 24 { shape * 3 + digit } else { shape };
            self.reader.at += 1;
        }
        // Letters of other alphabets beside digits: on as a word of its own.
        if self.reader.at == start {
            self.reader.letter();
        }
        self.push(tokens, start, flags, Kind::Code, shape ^ shape >> 13);
    }

    fn line(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8) {
        let mut lines = 0;
        while matches!(byte_class(self.reader.peek(0)), Byte::Space | Byte::Line)
            && self.reader.at < self.reader.text.len()
        {
            lines += u32::from(self.reader.peek(0) == b'\n');
            self.reader.at += 1;
        }
        self.end_line(tokens, start, flags, lines);
    }

    fn end_line(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8, lines: u32) {
        self.separate();
        if self.column > 1 && !self.has_heads {
            (self.heads, self.has_heads) = (self.columns, true);
        }
        if self.column <= 1 || lines > 1 {
            self.has_heads = false;
        }
        (self.column, self.label, self.quotes, self.glued, self.last_word) = (0, 0, 0, false, 0);
        let kind = if lines > 1 { Kind::Blank } else { Kind::Line };
        self.push(tokens, start, flags, kind, lines.min(2));
        self.fresh = true;
    }

    fn separate(&mut self) {
        if let Some(column) = self.columns.get_mut(self.column) {
            *column = self.last_word;
        }
        self.column += 1;
    }

    fn mark(&mut self, tokens: &mut Vec<Token>, start: usize, flags: u8) {
        let mark = self.reader.peek(0);
        self.reader.at += 1;
        match mark {
            b'\\' if matches!(self.reader.peek(0), b'n' | b'r' | b't') => {
                let mut lines = 0;
                self.reader.at -= 1;
                while self.reader.peek(0) == b'\\' && matches!(self.reader.peek(1), b'n' | b'r' | b't') {
                    lines += u32::from(self.reader.peek(1) == b'n');
                    self.reader.at += 2;
                }
                return self.end_line(tokens, start, flags, lines);
            }
            b'"' | b'<' | b'>' | b'`' => {
                self.quotes += u32::from(mark == b'"');
                self.glued = false;
            }
            b',' | b';' | b'|' => self.separate(),
            b':' | b'=' => self.label = self.last_word,
            _ => {}
        }
        let inside = |byte: u8| !matches!(byte_class(byte), Byte::Space | Byte::Line | Byte::Mark);
        let before = start.checked_sub(1).and_then(|at| self.reader.text.get(at)).copied().unwrap_or(b' ');
        let url = mark == b':' && self.reader.peek(0) == b'/' && self.reader.peek(1) == b'/';
        if url || mark == b'@' && inside(before) && inside(self.reader.peek(0)) {
            self.glue(tokens, start);
        }
        self.push(tokens, start, flags, Kind::Mark, u32::from(mark));
    }

    /// What stands before, without white space between, belongs to the same address.
    fn glue(&mut self, tokens: &mut [Token], start: usize) {
        self.glued = true;
        let mut end = start as u32;
        for token in tokens.iter_mut().rev().take(12) {
            let open = token.kind == Kind::Mark && b"\"<>'(,;:=".contains(&(token.hash as u8));
            if token.end != end || open || token.kind.is_line() {
                break;
            }
            token.flags |= GLUED;
            end = token.start;
        }
    }
}
