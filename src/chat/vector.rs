//! Vectors that stand for texts: what is asked for, and the two forms that they come in.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wire::json::Document;

/// Texts that vectors are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embedding {
    pub inputs: Vec<String>,
    /// How long the vectors are to be, as it was spelt.
    pub dimensions: Option<String>,
}

/// One vector. Between equal forms nothing is read: the numbers keep their spelling.
#[derive(Debug, Clone, PartialEq)]
pub enum Vector {
    /// JSON text of an array of numbers.
    Numbers(String),
    /// 32-bit floats, the low byte first, in base64.
    Base64(String),
}

impl Vector {
    /// `None`: what the provider sent is not a vector.
    pub fn to_base64(&self) -> Option<String> {
        let Self::Numbers(json) = self else { return self.clone().into_text() };
        let document = Document::parse_lenient(json.as_bytes()).ok()?;
        let mut bytes = Vec::with_capacity(document.root().len() * 4);
        for number in document.root().items() {
            #[allow(clippy::cast_possible_truncation, reason = "the form has 32 bits")]
            bytes.extend_from_slice(&(number.as_f64()? as f32).to_le_bytes());
        }
        Some(STANDARD.encode(bytes))
    }

    /// JSON text of an array of numbers. `None`: what the provider sent is not a vector.
    pub fn to_numbers(&self) -> Option<String> {
        let Self::Base64(text) = self else { return self.clone().into_text() };
        let bytes = STANDARD.decode(text).ok()?;
        let (floats, []) = bytes.as_chunks::<4>() else { return None };
        let mut json = String::with_capacity(floats.len() * 14);
        for float in floats {
            let float = f32::from_le_bytes(*float);
            json.push(if json.is_empty() { '[' } else { ',' });
            // Neither an infinity nor "not a number" is JSON.
            float.is_finite().then(|| write!(json, "{float:?}").ok())??;
        }
        json.push_str(if json.is_empty() { "[]" } else { "]" });
        Some(json)
    }

    fn into_text(self) -> Option<String> {
        match self {
            Self::Numbers(text) | Self::Base64(text) => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_base64_are_two_forms_of_one_vector() {
        let numbers = Vector::Numbers("[0.5, -1.0e-7,3,0.0023064255]".to_owned());
        let base64 = Vector::Base64(numbers.to_base64().unwrap());
        assert_eq!(base64, Vector::Base64("AAAAP5W/1rMAAEBAZicXOw==".to_owned()));
        assert_eq!(base64.to_numbers().unwrap(), "[0.5,-1e-7,3.0,0.0023064255]");
        assert_eq!(Vector::Numbers("[]".to_owned()).to_base64().unwrap(), "");
        assert_eq!(Vector::Base64(String::new()).to_numbers().unwrap(), "[]");
    }

    #[test]
    fn a_form_that_is_wanted_already_is_not_read() {
        let spelt = Vector::Numbers("[ 1.50, 2e0 ]".to_owned());
        assert_eq!(spelt.to_numbers().unwrap(), "[ 1.50, 2e0 ]");
        assert_eq!(Vector::Base64("AAAAPw==".to_owned()).to_base64().unwrap(), "AAAAPw==");
    }

    #[test]
    fn what_is_no_vector_is_none() {
        assert_eq!(Vector::Numbers("[1,\"a\"]".to_owned()).to_base64(), None);
        assert_eq!(Vector::Base64("AAA".to_owned()).to_numbers(), None);
        assert_eq!(Vector::Base64("AACAfw==".to_owned()).to_numbers(), None, "an infinity");
        assert_eq!(Vector::Base64("AAAAPwA=".to_owned()).to_numbers(), None, "half a number");
    }
}
