//! How a placeholder may be written by whoever copies it.
//!
//! ```text
//! <EMAIL_1>  <email 1>  \<EMAIL\_1\>  &lt;EMAIL_1&gt;  %3CEMAIL_1%3E      the whole is replaced
//! EMAIL_1's  *EMAIL_1*  [EMAIL 1]  _EMAIL_1_                            the name is, the rest stays
//! ```
//!
//! [`next`] is the one place that knows: whole texts, streams, and the vault that looks for names which a conversation
//! already uses all ask it. That is why cutting a text never changes what comes out, and why nothing is restored that
//! was not looked for before.
//!
//! Angle brackets make a name certain, so that its case may change, and a space may stand for an underscore. Without
//! them, only capitals and underscores between word boundaries are a name: "person 1" in prose is none.
//!
//! What this refuses to know: which names there are ([`Names`]), and how a value is written ([`Form`]).

use std::ops::Range;
use std::rc::Rc;

/// Where a restored value lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Landing {
    /// Plain text: the value as it is.
    Text,
    /// Text that is itself JSON source, such as the arguments of a tool call: the value as the inside of a string.
    Json,
}

/// What the value has to be written as where the placeholder stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As its text is.
    Landing,
    /// Inside an URL: the brackets were written as `%3C` and `%3E`.
    Url,
}

/// The names that are looked for, in capitals, digits and underscores.
pub(super) trait Names {
    fn value(&self, name: &str) -> Option<Rc<str>>;
    /// Whether a name begins so, or is it.
    fn begins(&self, prefix: &str) -> bool;
    /// The letters that names begin with: bit 0 is A.
    fn letters(&self) -> u32;
}

/// How far a text was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub at: usize,
    /// What was read last belongs to a word, so that no name begins here.
    pub word: bool,
}

/// Where reading on has to stop.
pub(super) enum Next {
    Found {
        /// What the value takes the place of.
        range: Range<usize>,
        value: Rc<str>,
        form: Form,
    },
    /// From here to its end the text may become a placeholder. The cursor stands here.
    Unfinished,
}

/// The next placeholder behind the cursor. `ended`: nothing follows the text.
pub(super) fn next(
    names: &dyn Names,
    text: &[u8],
    cursor: &mut Cursor,
    landing: Landing,
    ended: bool,
) -> Option<Next> {
    let reader = Reader { names, landing, ended };
    while let Some(byte) = text.get(cursor.at) {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
        if class < CAPITAL || (class <= UNDERSCORE && cursor.word) {
            cursor.word = class != OTHER;
            cursor.at += 1;
            continue;
        }
        match reader.look(text.get(cursor.at..)?, cursor.word) {
            Look::Found { range, len, word, value, form } => {
                let range = cursor.at + range.start..cursor.at + range.end;
                *cursor = Cursor { at: cursor.at + len, word };
                return Some(Next::Found { range, value, form });
            }
            Look::Unfinished => return Some(Next::Unfinished),
            Look::Nothing { skip, word } => *cursor = Cursor { at: cursor.at + skip, word },
        }
    }
    None
}

/// What stands at the beginning of a text; offsets are from there.
enum Look {
    Found { range: Range<usize>, len: usize, word: bool, value: Rc<str>, form: Form },
    Unfinished,
    Nothing { skip: usize, word: bool },
}

/// Longer names are none.
pub(super) const MAX_NAME: usize = 320;
/// Spaces between a bracket and its name.
const MAX_PADDING: usize = 3;

const OTHER: u8 = 0;
const WORD: u8 = 1;
const CAPITAL: u8 = 2;
const UNDERSCORE: u8 = 3;
const OPENING: u8 = 4;

static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'0'..=b'9' => WORD,
            b'A'..=b'Z' => CAPITAL,
            b'_' => UNDERSCORE,
            // The last begins the full-width bracket.
            b'<' | b'&' | b'\\' | b'%' | b'[' | 0xEF => OPENING,
            _ => OTHER,
        };
        byte += 1;
    }
    classes
}

/// A pair of brackets that is replaced together with the name between them. Written in any case.
struct Brackets {
    open: &'static [u8],
    close: &'static [u8],
    only: Option<Landing>,
    form: Form,
}

const fn pair(open: &'static str, close: &'static str) -> Brackets {
    Brackets { open: open.as_bytes(), close: close.as_bytes(), only: None, form: Form::Landing }
}

const fn in_json(open: &'static str, close: &'static str) -> Brackets {
    Brackets { only: Some(Landing::Json), ..pair(open, close) }
}

/// Both brackets of a pair are written alike. A redacted text holds `<NAME>` as it was issued, whatever stands around
/// it: so an escaped bracket only counts where the other is escaped too, and no backslash of the caller's is lost.
const PAIRS: &[Brackets] = &[
    pair("<", ">"),
    pair(r"\<", r"\>"),
    pair("&lt;", "&gt;"),
    pair("&#60;", "&#62;"),
    pair("&#x3c;", "&#x3e;"),
    pair("&amp;lt;", "&amp;gt;"),
    pair("＜", "＞"),
    Brackets { form: Form::Url, ..pair("%3c", "%3e") },
    in_json(r"\u003c", r"\u003e"),
    in_json(r"\\<", r"\\>"),
    in_json(r"\u0026lt;", r"\u0026gt;"),
];

struct Reader<'r> {
    names: &'r dyn Names,
    landing: Landing,
    ended: bool,
}

/// What stands behind an opening bracket.
enum Inside {
    /// Where the name is, and where its closing bracket ends.
    Name {
        range: Range<usize>,
        end: usize,
        value: Rc<str>,
    },
    Unfinished,
    Nothing,
}

impl Reader<'_> {
    fn look(&self, rest: &[u8], word: bool) -> Look {
        match rest.first() {
            Some(b'[') => self.square(rest),
            Some(b'A'..=b'Z' | b'_') => self.bare(rest, word),
            _ => match self.angle(rest) {
                Look::Nothing { skip: 1, .. } if rest.starts_with(b"\\") => self.escape(rest),
                look => look,
            },
        }
    }

    /// A name in angle brackets, however those are written.
    fn angle(&self, rest: &[u8]) -> Look {
        for Brackets { open, close, only, form } in PAIRS {
            if only.is_some_and(|only| only != self.landing) {
                continue;
            }
            match starts(rest, open) {
                Some(true) => {}
                Some(false) if !self.ended => return Look::Unfinished,
                _ => continue,
            }
            let inside = rest.get(open.len()..).unwrap_or_default();
            match self.inside(inside, close, false) {
                Inside::Name { end, value, .. } => {
                    let len = open.len() + end;
                    // No name begins right behind it: what the caller wrote there is a word's end, of which this
                    // took the beginning's place.
                    return Look::Found { range: 0..len, len, word: true, value, form: *form };
                }
                Inside::Unfinished => return Look::Unfinished,
                Inside::Nothing => {}
            }
        }
        Look::Nothing { skip: 1, word: false }
    }

    /// `[EMAIL 1]`: links and citations stand in these brackets too, so they stay.
    fn square(&self, rest: &[u8]) -> Look {
        match self.inside(rest.get(1..).unwrap_or_default(), b"]", true) {
            Inside::Name { range, value, .. } => {
                let range = 1 + range.start..1 + range.end;
                Look::Found { len: range.end, range, word: true, value, form: Form::Landing }
            }
            Inside::Unfinished => Look::Unfinished,
            Inside::Nothing => Look::Nothing { skip: 1, word: false },
        }
    }

    /// A name and its closing bracket. `exact`: in capitals only.
    fn inside(&self, rest: &[u8], close: &[u8], exact: bool) -> Inside {
        let padding = rest.iter().take_while(|byte| **byte == b' ').count();
        let (mut at, mut spaces) = (padding, 0);
        let mut name = Name::new();
        loop {
            let left = rest.get(at..).unwrap_or_default();
            if padding > MAX_PADDING || spaces > MAX_PADDING {
                return Inside::Nothing;
            }
            if left.is_empty() && !self.ended {
                let may_be = match spaces {
                    _ if name.is_empty() => true,
                    0 => self.begins(&name, ""),
                    1 => self.begins(&name, "_") || self.is(&name),
                    _ => self.is(&name),
                };
                return if may_be { Inside::Unfinished } else { Inside::Nothing };
            }
            match starts(left, close) {
                Some(true) => {
                    let Some(value) = self.names.value(name.text()) else { return Inside::Nothing };
                    return Inside::Name { range: padding..at - spaces, end: at + close.len(), value };
                }
                Some(false) if !self.ended && self.is(&name) => return Inside::Unfinished,
                _ => {}
            }
            let (letter, len) = match (letter(left, self.landing), exact) {
                (Letter::Is(letter, len), false) => (letter, len),
                (Letter::Is(letter, len), true) if !left.first().is_some_and(u8::is_ascii_lowercase) => {
                    (letter, len)
                }
                (Letter::Space, _) if !name.is_empty() => {
                    (at, spaces) = (at + 1, spaces + 1);
                    continue;
                }
                (Letter::Unfinished, _) if !self.ended && self.begins(&name, "_") => {
                    return Inside::Unfinished;
                }
                _ => return Inside::Nothing,
            };
            if spaces > 1 || (name.is_empty() && !self.begins_with(letter)) {
                return Inside::Nothing;
            }
            if (spaces == 1 && !name.push(b'_')) || !name.push(letter) {
                return Inside::Nothing;
            }
            (at, spaces) = (at + len, 0);
        }
    }

    /// A name without brackets, or between underscores that mean emphasis.
    fn bare(&self, rest: &[u8], word: bool) -> Look {
        if rest.get(1).is_some_and(u8::is_ascii_lowercase) {
            return Look::Nothing { skip: 1, word: true };
        }
        let emphasis = rest.iter().take_while(|byte| **byte == b'_').count();
        let mut at = emphasis;
        let mut name = Name::new();
        let mut fits = !word && emphasis <= MAX_PADDING;
        let (after, half) = loop {
            let left = rest.get(at..).unwrap_or_default();
            match letter(left, self.landing) {
                Letter::Is(letter, len)
                    if matches!(left.first(), Some(b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'\\')) =>
                {
                    at += len;
                    fits &= !name.is_empty() || self.begins_with(letter);
                    fits = fits && name.push(letter);
                }
                other => break (left, matches!(other, Letter::Unfinished)),
            }
        };
        let nothing = Look::Nothing { skip: at, word: true };
        if !fits {
            return nothing;
        }
        let run = rest.get(emphasis..at).unwrap_or_default();
        let closing = run.iter().rev().take(emphasis).take_while(|byte| **byte == b'_').count();
        let whole = name.without(closing);
        if !self.ended && after.is_empty() {
            let may_be = name.is_empty() || self.begins(&name, "") || self.is(&whole);
            return if may_be { Look::Unfinished } else { nothing };
        }
        if !self.ended && half && (self.begins(&name, "_") || self.is(&whole)) {
            return Look::Unfinished;
        }
        let end = at - closing;
        let closed =
            closing == emphasis && !(emphasis > 0 && rest.get(..end).is_some_and(|run| run.ends_with(b"\\")));
        let value = if closed { self.names.value(whole.text()) } else { None };
        let Some(value) = value else { return nothing };
        // Plural and genitive: no name has small letters.
        let behind = after.strip_prefix(b"s").unwrap_or(after);
        match self.boundary(behind) {
            Some(true) => {
                Look::Found { range: emphasis..end, len: at, word: true, value, form: Form::Landing }
            }
            Some(false) => nothing,
            None => Look::Unfinished,
        }
    }

    /// Whether a word ends here. `None`: it depends on what follows.
    ///
    /// A placeholder right behind a word was a part of it when the caller wrote it.
    fn boundary(&self, behind: &[u8]) -> Option<bool> {
        let escapes = behind.iter().take(2).take_while(|byte| **byte == b'\\').count();
        let next = behind.get(escapes..).unwrap_or_default();
        match next.first() {
            None if !self.ended => None,
            Some(b'<') => match self.angle(next) {
                Look::Found { .. } => Some(false),
                Look::Unfinished => None,
                Look::Nothing { .. } => Some(true),
            },
            Some(byte) => Some(escapes > 0 || !is_word_byte(*byte)),
            None => Some(true),
        }
    }

    /// A backslash that begins no bracket. In JSON source it makes one character of what follows it.
    fn escape(&self, rest: &[u8]) -> Look {
        if self.landing == Landing::Text {
            return Look::Nothing { skip: 1, word: false };
        }
        let len = match rest.get(1) {
            Some(b'u') => 6,
            None | Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            // It is no JSON after all.
            Some(_) => 1,
        };
        let Some(escape) = rest.get(..len) else {
            return if self.ended { Look::Nothing { skip: 1, word: false } } else { Look::Unfinished };
        };
        let digits = escape.get(2..).and_then(|digits| std::str::from_utf8(digits).ok());
        let unit = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        Look::Nothing { skip: len, word: unit.is_some_and(is_word_byte) }
    }

    fn begins_with(&self, letter: u8) -> bool {
        let bit = letter.wrapping_sub(b'A');
        bit < 26 && self.names.letters() >> bit & 1 == 1
    }

    fn begins(&self, name: &Name, more: &str) -> bool {
        let mut prefix = *name;
        more.bytes().all(|byte| prefix.push(byte)) && self.names.begins(prefix.text())
    }

    fn is(&self, name: &Name) -> bool {
        !name.is_empty() && self.names.begins(name.text()) && self.names.value(name.text()).is_some()
    }
}

/// What the next character adds to a name.
enum Letter {
    /// In capitals, and how many bytes it takes.
    Is(u8, usize),
    Space,
    /// The text ends in what may become an escaped underscore.
    Unfinished,
    Nothing,
}

fn letter(rest: &[u8], landing: Landing) -> Letter {
    let in_json = landing == Landing::Json;
    match rest {
        [byte, ..] if is_word_byte(*byte) => Letter::Is(byte.to_ascii_uppercase(), 1),
        [b' ', ..] => Letter::Space,
        [b'\\', b'_', ..] => Letter::Is(b'_', 2),
        [b'\\', b'\\', b'_', ..] if in_json => Letter::Is(b'_', 3),
        [b'\\'] => Letter::Unfinished,
        [b'\\', b'\\'] if in_json => Letter::Unfinished,
        // Full-width forms: U+FF01 to U+FF5E are ASCII's from "!" on.
        [0xEF, lead @ (0xBC | 0xBD), last, ..] => {
            let ascii = last.wrapping_sub(if *lead == 0xBC { 0x60 } else { 0x20 });
            if is_word_byte(ascii) { Letter::Is(ascii.to_ascii_uppercase(), 3) } else { Letter::Nothing }
        }
        _ => Letter::Nothing,
    }
}

/// Whether a text begins so, in any case; `Some(false)`: it ends before that can be said.
fn starts(text: &[u8], with: &[u8]) -> Option<bool> {
    let common = text.len().min(with.len());
    let alike = text.get(..common)?.eq_ignore_ascii_case(with.get(..common)?);
    alike.then_some(common == with.len())
}

pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A name as it is read, in capitals. It has a place of its own, so that reading allocates nothing.
#[derive(Clone, Copy)]
struct Name {
    bytes: [u8; MAX_NAME],
    len: usize,
}

impl Name {
    fn new() -> Self {
        Self { bytes: [0; MAX_NAME], len: 0 }
    }

    fn without(mut self, last: usize) -> Self {
        self.len = self.len.saturating_sub(last);
        self
    }

    /// Whether there was room.
    fn push(&mut self, byte: u8) -> bool {
        let Some(place) = self.bytes.get_mut(self.len) else { return false };
        *place = byte;
        self.len += 1;
        true
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn text(&self) -> &str {
        // ASCII only.
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}
