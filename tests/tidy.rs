//! What the compiler does not keep: who may use whom, and that the documents name what there is.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use std::path::{Path, PathBuf};

use regex::Regex;

/// Each module of the library, and the others that it may name.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("wire", &[]),
    ("store", &[]),
    ("chat", &["wire"]),
    ("config", &["chat"]),
    ("catalog", &["chat", "config"]),
    ("policy", &["chat", "config", "catalog", "store"]),
    ("provider", &["chat", "wire"]),
    ("engine", &["policy", "provider", "config", "catalog", "chat", "wire", "store"]),
    ("adapter", &["engine", "config", "store", "wire"]),
];

/// What vendors have in common: the compatible ones reuse OpenAI's codec.
const SHARED_BY_VENDORS: [&str; 6] = ["openai", "build", "count", "failure", "fields", "instruct"];

/// What may stand in the files of some folders only (or never, where there is none).
const ONLY_IN: [(&str, &[&str]); 6] = [
    (r"\bproxy_wasm\b", &["src/adapter/"]),
    (r"\bgetrandom\b", &["src/adapter/"]),
    (r"\b(SystemTime|Instant)\b", &["src/adapter/", "src/bin/"]),
    (r"\bstd::env\b", &["src/adapter/", "src/bin/"]),
    (r"\bserde_json::(\{[^}]*\b)?Value\b", &["src/config/", "src/bin/"]),
    (r"\bDialect::[A-Z]", &["src/provider/", "src/chat/", "src/config/", "src/catalog/"]),
];

/// In comments and data too. Written so that this file does not hold them.
const NEVER: [&str; 8] = [
    r"\bTO[D]O\b",
    r"\bFIX[M]E\b",
    r"crates[.]io",
    r"pypi[.]org",
    r"pythonhosted[.]org",
    r"npmjs[.](org|com)",
    r"\bghcr[.]io",
    r"\bdocker[.]io",
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let own = module_of(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| own.first().is_some_and(|own| own == name))
        else {
            assert!(file == "src/lib.rs" || file.starts_with("src/bin/"), "{file} is of no known module");
            continue;
        };
        for path in paths(&code, &own) {
            let module = path[0].as_str();
            let known = MAY_USE.iter().any(|(name, _)| *name == module);
            if known && module != own[0] && !allowed.contains(&module) {
                wrong.push(format!("{file} uses {}", path.join("::")));
            }
            // Policies are siblings, and so are vendors.
            let sibling = path.len() > 1 && own.len() > 1 && module == own[0] && path[1] != own[1];
            let module_file = |name: &str| {
                let base = root().join("src").join(module).join(name);
                base.is_dir() || base.with_extension("rs").is_file()
            };
            let separate = match module {
                "policy" => sibling && module_file(&path[1]),
                "provider" => {
                    sibling && module_file(&path[1]) && !SHARED_BY_VENDORS.contains(&path[1].as_str())
                }
                _ => false,
            };
            if separate {
                wrong.push(format!("{file} uses its sibling {}", path.join("::")));
            }
        }
    }
    assert_eq!(wrong, [""; 0], "see ARCHITECTURE.md, \"Who may use whom\"");
}

#[test]
fn what_belongs_to_one_place_stands_there_only() {
    let mut wrong = Vec::new();
    for (pattern, folders) in ONLY_IN {
        let pattern = Regex::new(pattern).expect("a pattern");
        let elsewhere =
            sources().into_iter().filter(|(file, _)| !folders.iter().any(|at| file.starts_with(at)));
        wrong.extend(
            elsewhere
                .filter(|(_, code)| pattern.is_match(code))
                .map(|(file, _)| format!("{file}: {pattern}")),
        );
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn nothing_is_left_for_later_and_no_registry_is_named() {
    let mut wrong = Vec::new();
    for pattern in NEVER.map(|pattern| Regex::new(pattern).expect("a pattern")) {
        for file in files("src") {
            let text =
                String::from_utf8_lossy(&std::fs::read(root().join(&file)).expect("a file")).into_owned();
            if pattern.is_match(&text) {
                wrong.push(format!("{file}: {pattern}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_architecture_names_only_what_exists_and_every_module() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(text.lines().count() < 250, "ARCHITECTURE.md is too long to be read");
    let path =
        Regex::new(r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+/?$|^[A-Za-z0-9_-]+\.(rs|md|toml|yaml|py|sh|csv)$")
            .expect("a pattern");
    let spans: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let missing: Vec<&&str> =
        spans.iter().filter(|span| path.is_match(span) && !root().join(span).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
    let top = Regex::new(r"^src/[a-z]+(/|\.rs)").expect("a pattern");
    for file in files("src").iter().filter_map(|file| top.find(file)) {
        assert!(spans.iter().any(|span| span.starts_with(file.as_str())), "{} is not in it", file.as_str());
    }
}

#[test]
fn vendors_say_the_same_things_in_the_same_order() {
    let heading = Regex::new(r"(?m)^// ---- (\w+)$").expect("a pattern");
    let mut vendors = 0;
    for file in files("src/provider").iter().filter(|file| file.ends_with(".rs")) {
        let text = std::fs::read_to_string(root().join(file)).expect("a file");
        if !text.contains("\nimpl Vendor for ") {
            continue;
        }
        vendors += 1;
        let headings: Vec<String> = heading.captures_iter(&text).map(|found| found[1].to_owned()).collect();
        assert_eq!(headings, ["address", "credentials", "differences", "retention", "failures"], "{file}");
    }
    assert!(vendors >= 9, "only {vendors} vendors");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All files under a folder, by their path from the root.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Every Rust file of `src` with its code: without comments, and without the tests at its end.
fn sources() -> Vec<(String, String)> {
    let comment = Regex::new(r"(?m)(^|\s)//.*$").expect("a pattern");
    let rust = files("src").into_iter().filter(|file| file.ends_with(".rs"));
    rust.map(|file| {
        let text = std::fs::read_to_string(root().join(&file)).expect("a file");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        (file, comment.replace_all(code, "").into_owned())
    })
    .collect()
}

/// `src/policy/budget/mod.rs` → `policy`, `budget`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// Every path from the crate's root that the code names, groups taken apart one level deep.
fn paths(code: &str, own: &[String]) -> Vec<Vec<String>> {
    let pattern = Regex::new(r"\b(crate|super(?:::super)*)((?:::\w+)*)(?:::\{([^{}]*))?").expect("a pattern");
    let mut all = Vec::new();
    for found in pattern.captures_iter(code) {
        let up = found[1].matches("super").count();
        let base = if up == 0 { &[] } else { &own[..own.len().saturating_sub(up)] };
        let mut path = base.to_vec();
        path.extend(found[2].split("::").filter(|part| !part.is_empty()).map(str::to_owned));
        let group = found.get(3).map_or("", |group| group.as_str());
        for member in group.split(',').map(|member| member.trim().split("::").next().unwrap_or_default()) {
            if !member.is_empty() {
                all.push(path.iter().cloned().chain([member.to_owned()]).collect());
            }
        }
        all.push(path);
    }
    all.retain(|path: &Vec<String>| !path.is_empty());
    all
}
