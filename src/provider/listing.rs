//! Lists of models: what is asked for, and the answer in the caller's dialect.
//!
//! No provider is asked: what a caller may use is the policy's to say. So there is no codec, only three shapes to write.
//! OpenAI's is that of all vendors whose callers use OpenAI's SDK, and Mistral's: members that one of them does not know
//! mean nothing to it.
//!
//! Facts: the types of openai-python 3.54, anthropic-python 2.13, google-genai 3.4 and mistralai, as of 2026-11-24.

use super::Api;
use crate::wire::http::{self, Headers};
use crate::wire::json::quote;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub shape: Shape,
    /// One model, by its name.
    pub model: Option<String>,
    /// The most that one page may hold.
    limit: usize,
    page: Page,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `/v1/models` with an `anthropic-version`
    Anthropic,
    /// `/v1beta/models`
    Gemini,
    /// `/v1/models`
    OpenAi,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Page {
    First,
    After(String),
    Before(String),
}

/// One model as a list tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    pub name: String,
    pub owner: String,
    /// Tokens of prompt and answer together, and of the longest answer, where they are known.
    pub context: Option<u64>,
    pub max_output: Option<u64>,
    pub tools: bool,
    pub vision: bool,
    pub embedding: bool,
}

/// `path` is the call's, with its query.
pub fn recognise(method: &str, path: &str, headers: &Headers) -> Option<Listing> {
    if method != "GET" {
        return None;
    }
    let bare = http::split_path(path).0;
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let (before, model) = match bare.strip_suffix("/models") {
        Some(before) => (before, None),
        None => bare.rsplit_once("/models/").map(|(before, model)| (before, Some(model)))?,
    };
    let version = before.rsplit('/').next().unwrap_or_default();
    let shape = match version {
        "v1beta" | "v1alpha" => Shape::Gemini,
        "v1" if headers.get("anthropic-version").is_some() => Shape::Anthropic,
        "v1" if headers.get("x-goog-api-key").is_some() => Shape::Gemini,
        "" | "v1" | "openai" => Shape::OpenAi,
        _ => return None,
    };
    let param = |name| http::query_param(path, name).filter(|value| !value.is_empty());
    let (size, by_default) = match shape {
        Shape::Anthropic => ("limit", 20),
        Shape::Gemini => ("pageSize", 50),
        // Its lists have one page.
        Shape::OpenAi => ("", usize::MAX),
    };
    let limit = param(size).and_then(|size| size.parse().ok()).unwrap_or(by_default);
    let most = if shape == Shape::OpenAi { usize::MAX } else { 1_000 };
    let page = match shape {
        Shape::Anthropic => match (param("after_id"), param("before_id")) {
            (Some(after), _) => Page::After(after),
            (None, Some(before)) => Page::Before(before),
            (None, None) => Page::First,
        },
        Shape::Gemini => param("pageToken").map_or(Page::First, Page::After),
        Shape::OpenAi => Page::First,
    };
    Some(Listing { shape, model: model.map(http::path_text), limit: limit.clamp(1, most), page })
}

impl Listing {
    /// The API in whose dialect an error is told.
    pub fn dialect(&self) -> Api {
        match self.shape {
            Shape::Anthropic => Api::AnthropicMessages,
            Shape::Gemini => Api::GeminiGenerate,
            Shape::OpenAi => Api::OpenAiChat,
        }
    }

    /// The answer that has them all, or the page that is asked for. In the order of their names.
    pub fn all(&self, cards: &[Card]) -> Vec<u8> {
        let at = |name: &str| cards.partition_point(|card| card.name.as_str() < name);
        let (from, to) = match &self.page {
            Page::First => (0, cards.len()),
            Page::After(last) => (cards.partition_point(|card| card.name <= *last), cards.len()),
            Page::Before(first) => (at(first).saturating_sub(self.limit), at(first)),
        };
        let page: Vec<&Card> = cards.get(from..to).unwrap_or_default().iter().take(self.limit).collect();
        let more = match self.page {
            Page::Before(_) => from > 0,
            _ => from + page.len() < cards.len(),
        };
        let items: Vec<String> = page.iter().map(|card| self.item(card)).collect();
        let items = items.join(",");
        let name = |card: Option<&&Card>| card.map_or_else(|| "null".to_owned(), |card| quote(&card.name));
        let (first, last) = (name(page.first()), name(page.last()));
        let body = match self.shape {
            Shape::OpenAi => format!("{{\"object\":\"list\",\"data\":[{items}]}}"),
            Shape::Anthropic => {
                format!("{{\"data\":[{items}],\"has_more\":{more},\"first_id\":{first},\"last_id\":{last}}}")
            }
            Shape::Gemini if more => format!("{{\"models\":[{items}],\"nextPageToken\":{last}}}"),
            Shape::Gemini => format!("{{\"models\":[{items}]}}"),
        };
        body.into_bytes()
    }

    pub fn one(&self, card: &Card) -> Vec<u8> {
        self.item(card).into_bytes()
    }

    /// When a model was made is nobody's business here: the epoch, as Anthropic's documentation has it.
    fn item(&self, card: &Card) -> String {
        let name = quote(&card.name);
        let owner = quote(&card.owner);
        let number = |key: &str, value: Option<u64>| {
            value.map(|value| format!(",\"{key}\":{value}")).unwrap_or_default()
        };
        match self.shape {
            Shape::OpenAi => {
                let Card { tools, vision, embedding, .. } = card;
                let chat = !embedding;
                let windows =
                    number("context_length", card.context) + &number("max_context_length", card.context);
                format!(
                    "{{\"id\":{name},\"object\":\"model\",\"created\":0,\"owned_by\":{owner},\"type\":\"base\",\
                     \"capabilities\":{{\"completion_chat\":{chat},\"completion_fim\":false,\
                     \"function_calling\":{tools},\"fine_tuning\":false,\"vision\":{vision}}}{windows}{}}}",
                    number("max_output_tokens", card.max_output),
                )
            }
            Shape::Anthropic => format!(
                "{{\"type\":\"model\",\"id\":{name},\"display_name\":{name},\
                 \"created_at\":\"1970-01-01T00:00:00Z\",\"lifecycle\":\"active\"{}{}}}",
                number("max_input_tokens", card.context),
                number("max_tokens", card.max_output),
            ),
            Shape::Gemini => {
                let methods = if card.embedding {
                    "\"embedContent\",\"batchEmbedContents\""
                } else {
                    "\"generateContent\",\"streamGenerateContent\""
                };
                let full = quote(&format!("models/{}", card.name));
                format!(
                    "{{\"name\":{full},\"version\":\"\",\"displayName\":{name},\"description\":{owner},\
                     \"supportedGenerationMethods\":[{methods}]{}{}}}",
                    number("inputTokenLimit", card.context),
                    number("outputTokenLimit", card.max_output),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(path: &str, header: &str) -> Option<Listing> {
        let headers = [(header, "x")].into_iter().collect();
        recognise("GET", path, &headers)
    }

    fn cards(names: &[&str]) -> Vec<Card> {
        names.iter().map(|name| Card { name: (*name).to_owned(), ..Card::default() }).collect()
    }

    fn names(body: &[u8], at: &str) -> Vec<String> {
        let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).unwrap();
        let items = ["data", "models"].iter().find_map(|key| body.get(*key)).unwrap().as_array().unwrap();
        items.iter().map(|item| item[at].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_path_and_the_headers_say_whose_list_it_is() {
        let shape = |path, header| listing(path, header).map(|listing| listing.shape);
        for path in ["/v1/models", "/models", "/openai/v1/models/", "/openai/models?api-version=x"] {
            assert_eq!(shape(path, "authorization"), Some(Shape::OpenAi), "{path}");
        }
        assert_eq!(shape("/v1/models?limit=3", "anthropic-version"), Some(Shape::Anthropic));
        assert_eq!(shape("/v1beta/models", "x"), Some(Shape::Gemini));
        assert_eq!(shape("/v1/models", "x-goog-api-key"), Some(Shape::Gemini));
        assert_eq!(shape("/v1beta/openai/models", "x"), Some(Shape::OpenAi));
        for path in ["/v1/fine_tuning/models", "/v1/xmodels", "/v1/files"] {
            assert_eq!(shape(path, "x"), None, "{path}");
        }
        assert_eq!(recognise("POST", "/v1/models", &Headers::new()), None);
        assert_eq!(recognise("DELETE", "/v1/models/m", &Headers::new()), None);
    }

    #[test]
    fn a_model_is_named_in_the_path_however_it_is_encoded() {
        let model = |path| listing(path, "x").unwrap().model;
        assert_eq!(model("/v1/models"), None);
        assert_eq!(model("/v1/models/gpt-5.4"), Some("gpt-5.4".to_owned()));
        assert_eq!(model("/v1/models/meta%2Fllama+4"), Some("meta/llama+4".to_owned()));
        assert_eq!(model("/v1/models/meta/llama"), Some("meta/llama".to_owned()));
        assert_eq!(model("/v1beta/models/m?key=k"), Some("m".to_owned()));
    }

    #[test]
    fn a_page_is_what_was_asked_for() {
        let all = cards(&["a", "b", "c", "d"]);
        let page = |query: &str| {
            let body = listing(&format!("/v1/models?{query}"), "anthropic-version").unwrap().all(&all);
            let more = String::from_utf8_lossy(&body).contains("\"has_more\":true");
            (names(&body, "id").concat(), more)
        };
        assert_eq!(page(""), ("abcd".to_owned(), false));
        assert_eq!(page("limit=2"), ("ab".to_owned(), true));
        assert_eq!(page("limit=2&after_id=b"), ("cd".to_owned(), false));
        assert_eq!(page("limit=2&before_id=d"), ("bc".to_owned(), true));
        assert_eq!(page("limit=9&after_id=d"), (String::new(), false));
        assert_eq!(page("limit=0"), ("a".to_owned(), true));
        let gemini = |query: &str| {
            let body = listing(&format!("/v1beta/models?{query}"), "x").unwrap().all(&all);
            (names(&body, "name"), String::from_utf8_lossy(&body).contains("\"nextPageToken\":\"c\""))
        };
        assert_eq!(gemini("pageSize=3").0, ["models/a", "models/b", "models/c"]);
        assert!(gemini("pageSize=3").1 && !gemini("pageSize=4").1);
        assert_eq!(gemini("pageToken=c").0, ["models/d"]);
    }

    #[test]
    fn names_and_owners_are_escaped_in_every_shape() {
        let card = Card {
            name: "a\"b".to_owned(),
            owner: "\n".to_owned(),
            context: Some(7),
            max_output: Some(3),
            ..Card::default()
        };
        for (path, header) in
            [("/v1/models", "x"), ("/v1/models", "anthropic-version"), ("/v1beta/models", "x")]
        {
            let body = String::from_utf8(listing(path, header).unwrap().one(&card)).unwrap();
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok(), "{body}");
            assert!(body.contains(":7") && body.contains(":3}"), "{body}");
        }
    }
}
