//! Signatures of thoughts, which Google's clients carry as base64.
//!
//! One of another vendor's is written as base64 of what it says of itself, so that clients that decode and encode it
//! (and write the other alphabet) carry it too.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::chat::{Dialect, Signature};
use crate::provider::fields::{signed, unsigned};

pub(super) fn write(signature: &Signature) -> String {
    let text = signed(signature, Dialect::Gemini);
    if signature.by == Dialect::Gemini { text } else { STANDARD.encode(text) }
}

pub(super) fn read(text: String) -> Signature {
    let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let decoded = STANDARD_NO_PAD.decode(plain).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let foreign = decoded.map(|text| unsigned(text, Dialect::Gemini)).filter(|it| it.by != Dialect::Gemini);
    foreign.unwrap_or(Signature::new(Dialect::Gemini, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_signature_survives_a_client_that_writes_the_other_alphabet() {
        let foreign = Signature::new(Dialect::Anthropic, "Eq?>~ÿ+/==");
        let written = write(&foreign);
        assert_eq!(read(written.clone()), foreign);
        assert_eq!(read(written.replace('+', "-").replace('/', "_").replace('=', "")), foreign);
        for own in ["CiQB+/==", "not base64 at all", ""] {
            let own = Signature::new(Dialect::Gemini, own);
            assert_eq!(read(write(&own)), own);
        }
    }
}
