//! Heads of HTTP messages: header maps, media types, paths.
//!
//! Header names are lower case throughout, as HTTP/2 and Envoy have them; values are bytes, because nothing promises
//! that they are text.

use std::borrow::Cow;
use std::fmt;

/// The headers of one message, in order. Names are lower case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value under this name (lower case).
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The first value under this name, if it is UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value under this name, in order.
    pub fn get_all<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// Makes this the only value under the name; it keeps the place of the first one there was.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let name = name.to_ascii_lowercase();
        let mut value = Some(value.into());
        self.0.retain_mut(|(known, old)| {
            if *known != name {
                return true;
            }
            match value.take() {
                Some(new) => {
                    *old = new;
                    true
                }
                None => false,
            }
        });
        self.0.extend(value.map(|value| (name, value)));
    }

    /// Takes out every value under this name and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(known, _)| known != name);
        self.0.len() < before
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

impl<N: AsRef<str>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Headers(
            headers
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into()))
                .collect(),
        )
    }
}

/// Names only: a value may be somebody's key.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The type and subtype of a `content-type` in lower case, without parameters: `application/json`.
pub fn media_type(value: &[u8]) -> String {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(essence.trim_ascii()).to_ascii_lowercase()
}

/// The encodings a body is under, other than `identity`, in the order they were applied. What cannot be read is
/// reported as an encoding, so that nobody takes the body for plain.
pub fn content_encoding(headers: &Headers) -> Vec<&str> {
    headers
        .get_all("content-encoding")
        .flat_map(|value| std::str::from_utf8(value).unwrap_or("(not UTF-8)").split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty() && !token.eq_ignore_ascii_case("identity"))
        .collect()
}

/// Whether a content type leaves its text in UTF-8: by default, or in so many words.
pub fn is_utf8(content_type: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    let charset = text.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("charset="));
    charset.is_none_or(|charset| matches!(charset.trim_matches(['"', ' ']), "utf-8" | "utf8" | "us-ascii"))
}

/// A `:path` as path and query; the query without its question mark.
pub fn split_path(path: &str) -> (&str, Option<&str>) {
    match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    }
}

/// Whether every server reads a path as it is written: no escapes, no empty or dot segments, no parameters.
pub fn is_plain_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'\\' | b';' | b'?' | b'#');
    let mut segments = path.strip_prefix('/').unwrap_or_default().split('/').peekable();
    let mut whole = path.starts_with('/') && path.bytes().all(plain);
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        whole &= segment != "." && segment != ".." && (last || !segment.is_empty());
    }
    whole
}

/// Encodes text to be one segment of a path, or one value in a query: all but RFC 3986's unreserved characters.
pub fn percent_encode(segment: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |value: u8| HEX.get(usize::from(value)).copied().unwrap_or('0');
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    out
}

/// The `:path` without the query parameters of these names, however a name is encoded and whatever its case; the rest
/// stays as written. Some servers take `;` for a separator too: a parameter that has such a name behind one goes whole.
pub fn remove_query_params<'p>(path: &'p str, names: &[&str]) -> Cow<'p, str> {
    let (bare, Some(query)) = split_path(path) else { return Cow::Borrowed(path) };
    let is_named = |parameter: &str| {
        parameter.split(';').any(|part| {
            let name = percent_decode(part.split('=').next().unwrap_or_default());
            names.iter().any(|known| name.trim_ascii().eq_ignore_ascii_case(known.as_bytes()))
        })
    };
    if !query.split('&').any(is_named) {
        return Cow::Borrowed(path);
    }
    let left: Vec<&str> = query.split('&').filter(|parameter| !is_named(parameter)).collect();
    if left.is_empty() { Cow::Borrowed(bare) } else { Cow::Owned(format!("{bare}?{}", left.join("&"))) }
}

/// The value of the only query parameter of this name. Of several nobody knows which one is meant.
pub fn query_param(path: &str, name: &str) -> Option<String> {
    let query = split_path(path).1?;
    let pairs = query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    let mut values = pairs.filter(|(key, _)| percent_decode(key) == name.as_bytes());
    let (_, value) = values.next()?;
    values.next().is_none().then(|| String::from_utf8(percent_decode(value)).ok())?
}

/// A segment of a path as text. Unlike in a query, a plus stands for itself.
pub fn path_text(segment: &str) -> String {
    query_text(&segment.replace('+', "%2B"))
}

/// A query as text: `+` is a space, a stray `%` stays, and what is not UTF-8 is replaced.
pub fn query_text(query: &str) -> String {
    String::from_utf8_lossy(&percent_decode(query)).into_owned()
}

/// As a form's names are decoded: `+` is a space, and a stray `%` stays.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match (escaped, first) {
            (Some(byte), _) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (None, b'+') => out.push(b' '),
            (None, other) => out.push(*other),
        }
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_values_may_be_bytes() {
        let mut headers: Headers = [("Accept", "a"), ("x", "1"), ("X", "2")].into_iter().collect();
        assert_eq!(headers.get("accept"), Some(&b"a"[..]));
        assert_eq!(headers.get_all("x").count(), 2);
        headers.set("X", "3");
        headers.set("bin", b"\xff".to_vec());
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("accept", &b"a"[..]), ("x", b"3"), ("bin", b"\xff")]);
        assert_eq!(headers.get_str("bin"), None);
        assert!(headers.remove("x") && !headers.remove("x"));
        assert_eq!(format!("{headers:?}"), r#"["accept", "bin"]"#);
    }

    #[test]
    fn a_media_type_is_told_without_its_parameters() {
        assert_eq!(media_type(b"Application/JSON; charset=utf-8"), "application/json");
        assert_eq!(media_type(b" text/event-stream "), "text/event-stream");
        assert_eq!(media_type(b""), "");
    }

    #[test]
    fn every_encoding_but_identity_is_told() {
        let of = |values: &[&[u8]]| {
            let headers: Headers = values.iter().map(|value| ("content-encoding", *value)).collect();
            content_encoding(&headers).join("+")
        };
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[b"Identity, , "]), "");
        assert_eq!(of(&[b"gzip, identity", b"br"]), "gzip+br");
        assert_eq!(of(&[b"\xff"]), "(not UTF-8)");
    }

    #[test]
    fn paths_are_split_and_segments_encoded() {
        assert_eq!(split_path("/v1/x?a=b?c"), ("/v1/x", Some("a=b?c")));
        assert_eq!(split_path("/v1/x"), ("/v1/x", None));
        assert_eq!(percent_encode("a/b:c ü~-._"), "a%2Fb%3Ac%20%C3%BC~-._");
    }

    #[test]
    fn a_path_is_plain_when_no_server_could_read_it_otherwise() {
        for plain in ["/", "/v1/audio/speech", "/v1/models/gpt-4.1", "/v1/files/", "/a:b@c"] {
            assert!(is_plain_path(plain), "{plain}");
        }
        for odd in
            ["", "v1", "//v1", "/v1//x", "/v1/../x", "/v1/.", "/v1/%2e%2e/x", "/v1/x;a=b", "/v1\\x", "/é"]
        {
            assert!(!is_plain_path(odd), "{odd}");
        }
    }

    #[test]
    fn a_query_parameter_is_found_and_a_segment_read() {
        assert_eq!(query_param("/p?a=1&%6bey=x%2Fy+z&k=2", "key").as_deref(), Some("x/y z"));
        assert_eq!(query_param("/p?key", "key").as_deref(), Some(""));
        assert_eq!(query_param("/p", "key"), None);
        assert_eq!(path_text("a%2Db+c%"), "a-b+c%");
    }

    #[test]
    fn a_query_parameter_goes_however_it_is_written() {
        let without = |path| remove_query_params(path, &["key"]).into_owned();
        assert_eq!(without("/p?key=1"), "/p");
        assert_eq!(without("/p?alt=sse&key=1&KEY=2&%6bey=3&key&+Ke%79=4"), "/p?alt=sse");
        assert_eq!(without("/p?a=1;key=2&b=3"), "/p?b=3");
        assert_eq!(without("/p?pageToken=k&keys=1"), "/p?pageToken=k&keys=1");
        assert_eq!(without("/p?a=key&%&%6=1&%zz"), "/p?a=key&%&%6=1&%zz");
        assert!(matches!(remove_query_params("/p?a", &["key"]), Cow::Borrowed("/p?a")));
        assert_eq!(without("/p"), "/p");
    }

    #[test]
    fn a_query_parameter_is_read_if_there_is_one_of_it() {
        assert_eq!(query_param("/p?a=1&k%65y=x%2By", "key"), Some("x+y".to_owned()));
        assert_eq!(query_param("/p?key", "key"), Some(String::new()));
        for none in ["/p", "/p?a=1", "/p?key=1&key=2", "/p?key=%ff"] {
            assert_eq!(query_param(none, "key"), None, "{none}");
        }
        assert_eq!(path_text("a%2Fb+c"), "a/b+c");
    }
}
