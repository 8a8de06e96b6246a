//! Characters that are read as ASCII: other digits, styled letters, marks that only decorate, look-alikes.
//!
//! What looks like ASCII in every context is folded everywhere. A letter of another alphabet that looks Latin is folded
//! only where Latin letters stand around it: Russian stays Russian, and `аna@example.com` has a Cyrillic beginning.

use super::Plain;

/// What is remembered of the text so far. Each stretch of a word is looked around from once.
#[derive(Default)]
pub(super) struct Context {
    /// The word that ends here is mixed.
    word: (usize, bool),
    /// The row of tags that ends here spells a text.
    tags: (usize, bool),
}

/// How far a look-alike looks for Latin letters, in characters.
const WINDOW: usize = 32;
/// A row of so many tags spells something; fewer are noise inside a value.
const SPELLED: usize = 8;

impl Context {
    /// What a character that stands at `at` in `length` bytes stands for, where that is not itself.
    pub fn plain(&mut self, c: char, text: &str, at: usize, length: usize) -> Option<Plain> {
        let code = u32::from(c);
        if code < 0x80 || (0x3040..0xa000).contains(&code) && !matches!(code, 0x30fb | 0x30fc | 0x3164) {
            return None;
        }
        let around = || {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + length..).and_then(|text| text.chars().next());
            (before.unwrap_or(' '), after.unwrap_or(' '))
        };
        let between = |is: fn(&char) -> bool| {
            let (before, after) = around();
            is(&before) && is(&after)
        };
        match code {
            // Marks that are set on the character before. The copy has no need of them on a Latin letter or a digit.
            0x0300..=0x036f | 0x0483..=0x0489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff => {
                let (before, _) = around();
                let decorates = before.is_ascii() || is_invisible(u32::from(before)) || is_mark(before);
                decorates.then_some(Plain::Nothing)
            }
            0xe0020..=0xe007e => Some(self.tag(code, text, at)),
            _ if is_invisible(code) => Some(Plain::Nothing),
            // A stop of a Chinese sentence, dots between words: only inside a name of a host.
            0x3002 | 0xff61 | 0x00b7 | 0x2022 | 0x2027 | 0x2219 | 0x22c5 | 0x30fb | 0xff65 => {
                between(char::is_ascii_alphanumeric).then_some(Plain::Is('.'))
            }
            // Strokes that are hyphens between digits.
            0x30fc | 0xff70 | 0x2500 | 0x2501 => between(|c| c.is_numeric()).then_some(Plain::Is('-')),
            _ => match always(c) {
                Some(plain) => Some(Plain::Is(plain)),
                None => look_alike(c).filter(|_| self.is_mixed(text, at, length)).map(Plain::Is),
            },
        }
    }

    fn tag(&mut self, code: u32, text: &str, at: usize) -> Plain {
        if at >= self.tags.0 {
            let row = text.get(at..).unwrap_or_default().chars();
            let len = row.take_while(|c| matches!(c, '\u{e0020}'..='\u{e007f}')).count();
            self.tags = (at + 4 * len, len >= SPELLED);
        }
        match char::from_u32(code - 0xe0000) {
            Some(c) if self.tags.1 => Plain::Is(c),
            _ => Plain::Nothing,
        }
    }

    /// Whether there are Latin letters in the same word, or in the same e-mail address.
    fn is_mixed(&mut self, text: &str, at: usize, length: usize) -> bool {
        if at < self.word.0 {
            return self.word.1;
        }
        let (before, after) =
            (text.get(..at).unwrap_or_default(), text.get(at + length..).unwrap_or_default());
        let inside = |c: &char| c.is_alphanumeric() || is_invisible(u32::from(*c)) || is_mark(*c);
        let around = [Around::of(before.chars().rev(), inside), Around::of(after.chars(), inside)];
        let any = |is: fn(&Around) -> bool| around.iter().any(is);
        let mixed = any(|it| it.latin_in_word) || any(|it| it.at) && any(|it| it.latin);
        let ahead = || after.chars().take(WINDOW);
        let word: usize = ahead().take_while(inside).map(char::len_utf8).sum();
        self.word = (at + length + word, mixed);
        mixed
    }
}

/// What stands to one side of a look-alike, within [`WINDOW`].
#[derive(Default)]
struct Around {
    /// In the same word.
    latin_in_word: bool,
    /// In the same e-mail address, as its sign is.
    latin: bool,
    at: bool,
}

impl Around {
    fn of(chars: impl Iterator<Item = char>, inside: impl Fn(&char) -> bool) -> Self {
        let mut around = Self::default();
        let mut in_word = true;
        for c in chars.take(WINDOW) {
            let latin = c.is_ascii_alphabetic();
            let inside = latin || inside(&c);
            if !inside && !matches!(c, '@' | '＠' | '.' | '_' | '-' | '+' | '%') {
                break;
            }
            in_word &= inside;
            around.latin_in_word |= in_word && latin;
            around.latin |= latin;
            around.at |= matches!(c, '@' | '＠');
            if around.latin_in_word {
                break;
            }
        }
        around
    }
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036f | 0x20d0..=0x20ff)
}

/// Characters without a shape: soft hyphen, zero-width characters, direction and variation marks, fillers.
fn is_invisible(code: u32) -> bool {
    matches!(code,
        0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// What is ASCII in other clothes, in every context.
fn always(c: char) -> Option<char> {
    let code = u32::from(c);
    let from = |first: u32, plain: u8| char::from_u32(u32::from(plain) + code - first);
    match code {
        // Most letters of most languages.
        0x00c0..=0x02cf | 0x0370..=0x065f | 0xac00..=0xd7a3 => None,
        0xff01..=0xff5e => from(0xff01, b'!'),
        0x0085 | 0x2028 | 0x2029 => Some('\n'),
        0x00a0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x2800 | 0x3000 => Some(' '),
        0x2010..=0x2015 | 0x2212 | 0x2043 | 0xfe58 | 0xfe63 | 0x02d7 | 0x2796 | 0x207b | 0x208b => Some('-'),
        0x2018 | 0x2019 | 0x201b | 0x2032 => Some('\''),
        0x201c..=0x201f | 0x2033 => Some('"'),
        0x2024 | 0xfe52 | 0x0701 | 0x0702 | 0xa4f8 => Some('.'),
        0xfe6b => Some('@'),
        0x2044 | 0x2215 | 0x29f8 => Some('/'),
        0x02d0 | 0x2236 | 0xa789 => Some(':'),
        0x207a | 0x208a | 0x2795 | 0xfb29 | 0xfe62 => Some('+'),
        0xfe59 | 0x207d | 0x208d => Some('('),
        0xfe5a | 0x207e | 0x208e => Some(')'),
        0x1d400..=0x1d6a3 => {
            let letter = (code - 0x1d400) % 52;
            char::from_u32(if letter < 26 { u32::from(b'A') + letter } else { u32::from(b'a') - 26 + letter })
        }
        0x1d7ce..=0x1d7ff => char::from_digit((code - 0x1d7ce) % 10, 10),
        0x2100..=0x214f | 0x1d00..=0x1d6a | 0xa730..=0xa731 | 0x02e1..=0x02e3 => {
            let mut styled = STYLED.chars();
            styled.find(|styled| *styled == c)?;
            styled.next()
        }
        _ => {
            let in_row = ROWS.iter().find(|(first, last, _)| (*first..=*last).contains(&code));
            match in_row {
                Some((first, _, plain)) => from(*first, *plain),
                None => digit(code),
            }
        }
    }
}

/// Rows of letters and digits in circles, squares and brackets, above and below the line: first, last, what the first
/// stands for.
const ROWS: &[(u32, u32, u8)] = &[
    (0x00b2, 0x00b3, b'2'),
    (0x00b9, 0x00b9, b'1'),
    (0x2070, 0x2070, b'0'),
    (0x2074, 0x2079, b'4'),
    (0x2080, 0x2089, b'0'),
    (0x2460, 0x2468, b'1'),
    (0x2474, 0x247c, b'1'),
    (0x2488, 0x2490, b'1'),
    (0x249c, 0x24b5, b'a'),
    (0x24b6, 0x24cf, b'A'),
    (0x24d0, 0x24e9, b'a'),
    (0x24ea, 0x24ea, b'0'),
    (0x24f5, 0x24fd, b'1'),
    (0x24ff, 0x24ff, b'0'),
    (0x2776, 0x277e, b'1'),
    (0x2780, 0x2788, b'1'),
    (0x278a, 0x2792, b'1'),
    (0x1f101, 0x1f10a, b'0'),
    (0x1f10b, 0x1f10b, b'0'),
    (0x1f10c, 0x1f10c, b'0'),
    (0x1f110, 0x1f129, b'A'),
    (0x1f130, 0x1f149, b'A'),
    (0x1f150, 0x1f169, b'A'),
    (0x1f170, 0x1f189, b'A'),
];

/// Styled letters that stand outside the rows, each before its letter.
const STYLED: &str = "ℎhℬBℰEℱFℋHℐIℒLℳMℛRℯeℊgℴoℭCℌHℑIℜRℨZℂCℍHℕNℙPℚQℝRℤZℓl℮e\
ᴀaᴄcᴅdᴇeᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜰfꜱsᵃaᵇbᶜcᵈdᵉeᵍgᵏkᵐmᵒoᵖpᵗtᵘuᵛvᵢiᵣrᵤuᵥvᴬAᴮBᴰDᴱEᴳGᴴHᴵIᴶJᴷKᴸLᴹMᴺNᴼOᴾPᴿRᵀTᵁUᵂWˡlˢsˣx";

/// Where the rows of ten decimal digits begin (Unicode, general category Nd).
const DIGITS: &[u32] = &[
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0,
    0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30,
    0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0,
    0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60,
    0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

fn digit(code: u32) -> Option<char> {
    let row = DIGITS.partition_point(|first| *first <= code).checked_sub(1)?;
    char::from_digit(code - DIGITS.get(row)?, 10)
}

/// Cyrillic, Greek, Armenian and other letters that look Latin, each before the letter that it looks like.
const LOOK_ALIKES: &str = "АAВBЕEЅSІIЇIЈJКKМMНHОOРPСCТTУYХXЬbаaвbгrеeёeкkмmнhоoпnрpсcтtуyхxѕsіiїiјjһhӏlӀIԁdԛqԝwѵvүyҮYѡw\
ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXαaβbγyεeηnιiκkνvοoρpσoτtυuχxωwϲcϳjϹC\
օoոnսuհhցgՕOՍUꓐBꓚCꓓDꓣRɑaɡgɩiʟlʜhɴnʀrʏyɢgɪiʙb\
ⅠIⅤVⅩXⅬLⅭCⅮDⅯMⅰiⅴvⅹxⅼlⅽcⅾdⅿm";

fn look_alike(c: char) -> Option<char> {
    if !matches!(u32::from(c), 0x0251..=0x029f | 0x0370..=0x0590 | 0x2160..=0x217f | 0xa4d0..=0xa4ff) {
        return None;
    }
    let mut letters = LOOK_ALIKES.chars();
    letters.find(|letter| *letter == c)?;
    letters.next()
}
