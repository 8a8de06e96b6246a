//! What the model sees of a token: hashes of its word, its parts, its neighbours, and of what announces it.

use super::letters::Reader;
use super::token::{FIRST, Kind, QUOTED, SEED, SPACED, Token, step};

/// Gives `emit` each feature of the token at `at`. A feature is a hash; equal hashes mean the same to the model.
pub fn features(tokens: &[Token], text: &[u8], at: usize, emit: &mut impl FnMut(u32)) {
    let near =
        |offset: isize| at.checked_add_signed(offset).and_then(|at| tokens.get(at)).unwrap_or(&Token::EDGE);
    let (back2, back, token, next, next2) = (near(-2), near(-1), near(0), near(1), near(2));
    let sort = token.sort();
    let mut add = |template: u32, value: u32| emit(join(template.wrapping_mul(0x9E37_79B1), value));

    add(1, token.hash);
    add(3, sort);
    if token.kind.is_word() && !matches!(token.kind, Kind::Han | Kind::Hiragana) {
        let parts = Parts::of(text, token);
        let case = u32::from(token.kind == Kind::Lower);
        for (template, part) in (4..).zip(parts.hashes.iter()) {
            if let Some(part) = part {
                add(template, join(*part, case));
            }
        }
        add(10, join(sort, parts.letters.min(12)));
    }

    let flags = u32::from(token.flags & (SPACED | FIRST | QUOTED)) << 2
        | u32::from(next.flags & SPACED) << 1
        | u32::from(back.flags & SPACED);
    add(15, join(back.hash, sort));
    add(16, join(next.hash, sort));
    let (before, after) = (join(back.sort(), sort), join(sort, next.sort()));
    add(17, before);
    add(18, after);
    add(19, join(before, next.sort()));
    add(20, join(back2.sort(), before));
    add(21, join(after, next2.sort()));
    add(23, join(sort, flags));

    let earlier = Word::towards(tokens, at, -1);
    let previous = earlier.token;
    let later = Word::towards(tokens, at, 1);
    add(26, join(previous.hash, earlier.between));
    add(27, join(previous.hash, sort));
    add(29, join(earlier.between, sort));
    add(30, join(later.token.hash, sort));
    if token.label != 0 {
        add(32, token.label);
    }
    if token.column != 0 {
        add(34, token.column);
    }

    if matches!(token.kind, Kind::Han | Kind::Hiragana) {
        let (before, after) = (join(back.hash, token.hash), join(token.hash, next.hash));
        add(40, before);
        add(41, after);
        add(42, join(back.hash, after));
        add(43, join(before, back2.hash));
        add(44, join(after, next2.hash));
        let pairs = (token.pair as u32) << 8 | (back.pair as u32) << 4 | back2.pair as u32;
        add(45, join(pairs, sort));
        add(46, join(pairs, before));
        add(47, join(pairs, next.sort()));
        add(48, join(pairs, back.hash));
    }
}

fn join(a: u32, b: u32) -> u32 {
    let mixed = (a.rotate_left(11) ^ b).wrapping_mul(0x9E37_79B1);
    mixed ^ mixed >> 15
}

/// The nearest word, with what stands between.
struct Word<'t> {
    token: &'t Token,
    between: u32,
}

impl<'t> Word<'t> {
    const FURTHEST: usize = 6;

    fn towards(tokens: &'t [Token], from: usize, direction: isize) -> Self {
        let mut between = 0;
        let mut at = from;
        for _ in 0..Self::FURTHEST {
            let next = at.checked_add_signed(direction).and_then(|at| Some((at, tokens.get(at)?)));
            let Some((place, token)) = next else { break };
            at = place;
            if token.kind.is_word() {
                return Self { token, between };
            }
            between = join(between, token.sort());
        }
        Self { token: &Token::EDGE, between }
    }
}

/// Beginnings and ends of a word.
struct Parts {
    letters: u32,
    /// Three and four letters each: beginnings, then ends.
    hashes: [Option<u32>; 4],
}

impl Parts {
    fn of(text: &[u8], token: &Token) -> Self {
        let mut reader = Reader::new(text.get(..token.end as usize).unwrap_or_default());
        reader.at = token.start as usize;
        let (mut start, mut letters) = (SEED, 0u32);
        let mut last = [0u32; 4];
        let mut hashes = [None; 4];
        while reader.at < token.end as usize {
            let Some(letter) = reader.letter() else {
                reader.at += 1;
                continue;
            };
            let code = letter.step(SEED);
            last = [code, last[0], last[1], last[2]];
            letters += 1;
            if letters <= 4 {
                start = letter.step(start);
                match letters {
                    3 => hashes[0] = Some(start),
                    4 => hashes[1] = Some(start),
                    _ => {}
                }
            }
        }
        let mut end = step(SEED, b'$');
        for (count, code) in (1u32..).zip(last) {
            end = join(end, code);
            if count > letters {
                break;
            }
            match count {
                3 => hashes[2] = Some(end),
                4 => hashes[3] = Some(end),
                _ => {}
            }
        }
        Self { letters, hashes }
    }
}
