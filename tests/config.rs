//! What a policy document may say, and what is said about one that is wrong.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails may panic"
)]

use proptest::prelude::*;
use prost::Message;
use prost_types::{ListValue, Struct, Value, value::Kind};
use tollgate::config::{
    Action, BudgetLimit, Config, Credential, ErrorClass, Errors, Health, OptOut, OverThreshold,
    RetentionLevel, Then, Timeouts, load,
};

const KEY: &str = "sk-live-0123456789abcdef";

fn env(name: &str) -> Option<String> {
    match name {
        "OPENAI_API_KEY" | "TOLLGATE_KEY" | "TOLLGATE_KEY_OLD" => Some(KEY.to_owned()),
        "EMPTY" => Some(String::new()),
        "WITH_LINE_BREAK" => Some(format!("{KEY}\n")),
        "SHORT" => Some("short".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, Errors> {
    load(text.as_bytes(), &env)
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// A sound policy with these lines in it.
fn with(lines: &str) -> String {
    format!(
        "version: 1\nproviders: {{openai: {{dialect: openai}}, anthropic: {{dialect: anthropic}}}}\n{lines}\n"
    )
}

/// A provider with this in it.
fn provider(fields: &str) -> String {
    format!("version: 1\nproviders: {{openai: {{dialect: openai, {fields}}}}}")
}

/// The contract's example, without what this version does not build.
const WHOLE: &str = r#"
version: 1
mode: enforce
callers:
  identify:
    - {property: connection.uri_san_peer_certificate}
    - {header: x-team}
    - {credential: authorization}
  unknown: allow
access:
  - {caller: ["spiffe://*/ns/labs/*"], models: [economy, "gpt-5.4-*"]}
providers:
  openai:
    dialect: openai
    cluster: openai
    host: api.openai.com
    path_prefix: ""
    credential: passthrough
    retention: opt_out
    opt_out: {headers: {x-no-log: "1"}, body: {store: false, metadata: {a.b: [1, 0.5, x]}}}
    region: us
  anthropic: {dialect: anthropic, credential: {env: OPENAI_API_KEY}}
  deepseek: {dialect: deepseek, credential: envoy}
  in_house: {dialect: openai_compatible, host: "llm.internal:8443", path_prefix: /v1/proxy/, retention: zero, region: eu, credential: envoy}
models:
  gpt-5.4: {input_usd_per_mtok: 2.5, cached_input_usd_per_mtok: 0.25, output_usd_per_mtok: 15.0, context: 1050000, max_output: 128000}
  house-llama: {provider: in_house, input_usd_per_mtok: 0, output_usd_per_mtok: 0, context: 131072}
chains:
  premium:
    targets: [openai/gpt-5.4, anthropic/claude-sonnet-5, in_house/org/house-llama]
    timeouts: {answer: 2m}
  economy:
    targets: [deepseek/deepseek-v4-flash, in_house/house-llama]
    order: cost
  lenient:
    targets: [in_house/house-llama]
routes:
  - name: careful-work
    when: {task: [legal, medical]}
    use: premium
  - name: bulk
    when: {task: [medical], prompt_tokens: {max: 4000}}
    use: economy
  - name: nightly
    when: {header: {x-priority: batch}}
    use: in_house/house-llama
  - name: by-alias
    when: {model: [smart, "gpt-5*"]}
    use: premium
tasks:
  legal:   {header: {x-task: legal}, words: [contract, liability, indemnify, plaintiff], at_least: 2}
  medical: {words: [diagnosis, dosage, patient, symptom], at_least: 2}
data:
  find:
    secret: block
    person: redact
    ip_address: report
  allow: ["support@example.com", {pattern: "test-\\d+@example\\.com"}]
  custom:
    - {name: employee_id, pattern: "EMP-\\d{6}", action: redact}
  dictionaries:
    - {name: project_codename, terms: [Bluebird, "Project Kestrel"], action: block}
  placeholder: numbered
  key: {env: TOLLGATE_KEY, previous: [{env: TOLLGATE_KEY_OLD}]}
  restore: true
  signed_thinking: refuse
  classes:
    - {name: confidential, found: [project_codename], header: {x-data-class: confidential}, retention: zero}
    - {name: eu_personal, found: [person, email], header: {x-region: eu}, region: [eu]}
  media: report
  uninspectable: block
endpoints: {allow: ["/v1/audio/*"], other: block}
limits: {body: 32MiB, first_event: 64KiB}
retention:
  opt_out: always
  needs_storage: reject
budgets:
  - name: team-day
    per: [caller]
    limit: {usd: 50}
    window: day
    at:
      - {percent: 80, downgrade: economy}
      - {percent: 100, reject: true}
  - name: org-month
    limit: {usd: 20000.5}
    window: month
    at: [{percent: 100%, downgrade: economy}]
output_reserve: 4096
budget_store: local
timeouts: {total: 10m, first_token: 30s, between_tokens: 30s, answer: 5m}
recovery:
  rate_limited:    {then: next}
  overloaded:      {then: next}
  server_error:    {then: next}
  timeout:         {then: next}
  broken_response: {then: next}
  quota_exhausted: {then: next, rest: 10m}
  auth:            {then: fail}
  not_found:       {then: next}
  context_length:  {truncate: {keep: [system, last: 4]}}
  content_filter:  {chain: economy}
  too_large:       {then: fail}
  invalid_request: {then: fail}
health: {window: 30s, failures: 50%, at_least: 5, open: 10s}
drop: [logit_bias]
record:
  content: never
"#;

#[test]
fn what_is_looked_for_may_be_said_in_short_or_at_length() {
    let data = good(&with(
        "data: {min_confidence: 60%, find: {person: {min_confidence: 75}, email: block}, answers: report,\
         custom: [{name: badge, pattern: 'b\\d+', case: insensitive, checksum: luhn, context: Badge, within: 20}],\
         dictionaries: [{name: codes, terms: [X], case: sensitive, words: anywhere, confidence: 80}]}",
    ))
    .data;
    assert_eq!((data.find["person"], data.find["email"]), (Action::Redact, Action::Block));
    assert_eq!((data.min_confidence.of("person"), data.min_confidence.of("phone")), (75, 60));
    assert_eq!((data.answers.of("phone"), data.answers.look()), (Action::Report, true));
    let custom = &data.custom[0];
    assert!(custom.pattern.is_match("B1") && custom.context == ["badge"] && custom.within == 20);
    assert_eq!(custom.checksum, Some(tollgate::config::Checksum::Luhn));
    let codes = &data.dictionaries[0];
    assert!(codes.case_sensitive && !codes.whole_words && codes.confidence == 80);

    let data = good(&with("data: {answers: {secret: block}}")).data;
    assert_eq!((data.answers.of("secret"), data.answers.of("email")), (Action::Block, Action::Allow));
    assert!(!good(&with("")).data.answers.look(), "nothing is looked for unless asked");
    assert_eq!(good(&with("")).data.min_confidence.of("person"), 50);
}

#[test]
fn the_smallest_policy_has_every_default() {
    let policy =
        good("version: 1\nproviders:\n  openai: {dialect: openai}\n  anthropic: {dialect: anthropic}\n");
    assert_eq!(policy.warnings, [""; 0]);
    assert_eq!(policy.hash.len(), 12);
    let openai = &policy.providers[1];
    assert_eq!((openai.name.as_str(), openai.cluster.as_str(), &openai.host), ("openai", "openai", &None));
    assert_eq!((&openai.credential, openai.retention), (&Credential::Passthrough, RetentionLevel::None));
    assert_eq!((policy.limits.body, policy.limits.first_event), (32 << 20, 64 << 10));
    assert_eq!((policy.retention.opt_out, policy.retention.reject_needs_storage), (OptOut::Always, true));
    let timeouts = Timeouts { total: 600_000, first_token: 30_000, between_tokens: 30_000, answer: 300_000 };
    assert_eq!(policy.timeouts, timeouts);
    assert_eq!(policy.output_reserve, 4096);
    assert!(policy.data.restore && policy.data.signed_thinking_refuse && policy.data.block_uninspectable);
    assert!(!policy.callers.reject_unknown && !policy.endpoints.allow_other);
    let rules = &policy.recovery.rules;
    assert_eq!(rules.values().filter(|rule| rule.then == Then::Fail).count(), 2);
    assert_eq!(rules[&ErrorClass::ContextLength].then, Then::Larger);
    assert_eq!(rules.values().filter(|rule| rule.rest == Some(600_000)).count(), 2);
    assert_eq!(rules.len(), 12);
    let health = Health { window: 30_000, failures: 50, at_least: 5, open: 10_000 };
    assert_eq!(policy.health, Some(health));
    for off in ["off", "false"] {
        assert_eq!(
            good(&format!("version: 1\nproviders: {{openai: {{dialect: openai}}}}\nhealth: {off}")).health,
            None
        );
    }
}

#[test]
fn the_whole_example_loads_as_it_is_meant() {
    let policy = good(WHOLE);
    let names: Vec<&str> = policy.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["anthropic", "deepseek", "in_house", "openai"]);
    assert_eq!(policy.providers[2].path_prefix, "/v1/proxy");
    let body: Vec<(&str, &str)> = policy.providers[3]
        .opt_out_body
        .iter()
        .map(|(path, value)| (path.as_str(), value.as_str()))
        .collect();
    assert_eq!(body, [("metadata.a.b", r#"[1,0.5,"x"]"#), ("store", "false")]);

    let price = &policy.models["gpt-5.4"];
    assert_eq!(
        (price.input, price.cached_input, price.output),
        (Some(2_500_000), Some(250_000), Some(15_000_000))
    );
    assert_eq!(policy.models["house-llama"].provider, Some(2));

    let premium = &policy.chains["premium"];
    assert_eq!((premium.targets[2].provider, premium.targets[2].model.as_str()), (2, "org/house-llama"));
    assert_eq!(premium.timeouts, Some(Timeouts { answer: 120_000, ..policy.timeouts }));
    let alone = &policy.chains["in_house/house-llama"];
    assert_eq!((alone.cluster.as_str(), alone.targets.len()), ("in_house", 1));
    assert_eq!(policy.routes[2].chain, "in_house/house-llama");

    assert_eq!(policy.budgets[0].limit, BudgetLimit::MicroUsd(50_000_000));
    assert_eq!(policy.budgets[0].at[1].then, OverThreshold::Reject);
    assert_eq!(policy.budgets[1].limit, BudgetLimit::MicroUsd(20_000_500_000));
    assert_eq!(policy.budgets[1].at[0].then, OverThreshold::Downgrade("economy".to_owned()));
    assert_eq!(policy.data.find["secret"], Action::Block);
    assert_eq!(policy.data.dictionaries[0].action, Action::Block);
    assert_eq!(policy.data.keys.len(), 2);
    assert_eq!(
        policy.warnings,
        [
            "budgets[0].window: the local store is the memory of one Envoy: it forgets at a restart and counts for itself, which matters for windows over an hour",
            "budgets[1].window: the local store is the memory of one Envoy: it forgets at a restart and counts for itself, which matters for windows over an hour",
        ]
    );
}

/// Each document, and all that is said about it.
fn bad() -> Vec<(String, &'static str)> {
    let line = |lines: &str, expected| (with(lines), expected);
    vec![
        // The document as a whole.
        (String::new(), "the policy is empty"),
        ("just text".into(), r#"expected a policy, a map with version and providers, found "just text""#),
        ("a: [1".into(), "line 1, column 4: not YAML: unclosed bracket '['"),
        (
            "{}".into(),
            "version: missing; write \"version: 1\"\nproviders: missing; name at least one, like \"openai: {dialect: openai}\"",
        ),
        (
            "version: 2\nproviders: {openai: {dialect: openai}}".into(),
            "version: 2 is not supported; this version reads 1",
        ),
        (
            "version: one\nproviders: {openai: {dialect: openai}}".into(),
            r#"version: "one" is not a number; expected a whole number"#,
        ),
        (
            "version: 1\nproviders: {}".into(),
            r#"providers: is empty; name at least one, like "openai: {dialect: openai}""#,
        ),
        ("version: 1\nproviders: [openai]".into(), "providers: expected a map, found a list"),
        line(
            "provders: {}",
            "provders: unknown key; expected one of version, mode, callers, access, providers, models, chains, routes, tasks, data, endpoints, limits, retention, budgets, output_reserve, budget_store, timeouts, recovery, health, drop, experiments, evaluation, record (did you mean \"providers\"?)",
        ),
        line("mode: enforce\nmode: observe", "mode: written twice in one map, the second time in line 4"),
        line(
            "mode: observed",
            r#"mode: unknown mode "observed"; expected one of enforce, observe (did you mean "observe"?)"#,
        ),
        // Callers and access.
        line(
            "callers: {identify: [{property: a..b}]}",
            r#"callers.identify[0].property: "a..b" is not an Envoy attribute like "connection.mtls""#,
        ),
        line(
            "callers: {identify: [{header: x-a, property: b}]}",
            "callers.identify[0]: expected exactly one of property, header, credential",
        ),
        line(
            "callers: {identify: [{header: 'x team'}]}",
            r#"callers.identify[0].header: "x team" is not a header's name"#,
        ),
        line(
            "callers: {unknown: reject}",
            "callers.unknown: everybody is unknown, because callers.identify names no source",
        ),
        line(
            "access: [{models: ['*-mini']}]",
            r#"access[0].models[0]: "*-mini" has a "*" before its end; a model pattern is exact or ends in "*""#,
        ),
        line(
            "access: [{callers: a}]",
            "access[0].callers: unknown key; expected one of caller, models (did you mean \"caller\"?)\naccess[0]: expected caller, models or both",
        ),
        // Providers.
        (
            "version: 1\nproviders: {openai: {cluster: openai}}".into(),
            "providers.openai.dialect: missing; expected one of anthropic, azure_openai, deepseek, gemini, mistral, openai, openai_compatible, openrouter, qwen",
        ),
        (
            "version: 1\nproviders: {openai: {dialect: opnai}}".into(),
            r#"providers.openai.dialect: unknown dialect "opnai"; expected one of anthropic, azure_openai, deepseek, gemini, mistral, openai, openai_compatible, openrouter, qwen (did you mean "openai"?)"#,
        ),
        (
            "version: 1\nproviders: {a/b: {dialect: openai}}".into(),
            r#"providers["a/b"]: "a/b" cannot be a name; a name has letters, digits, "_", "-" and ".", at most 64 of them"#,
        ),
        (
            "version: 1\nproviders: {openai: }".into(),
            "providers.openai: expected a map with dialect, cluster, host, path_prefix, api_version, credential, retention, opt_out, region, batch, found nothing",
        ),
        (
            provider("host: 'https://api.openai.com/v1'"),
            r#"providers.openai.host: "https://api.openai.com/v1" is not a host; write it like "api.openai.com""#,
        ),
        (
            provider("path_prefix: v1"),
            r#"providers.openai.path_prefix: "v1" is not a path; write it like "/v1/proxy""#,
        ),
        (
            provider("retention: optout"),
            r#"providers.openai.retention: unknown retention "optout"; expected one of none, opt_out, zero (did you mean "opt_out"?)"#,
        ),
        (
            provider("api_version: '2024-10-21'"),
            "providers.openai.api_version: only azure_openai has versions of this kind",
        ),
        (
            "version: 1\nproviders: {a: {dialect: azure_openai, api_version: latest}}".into(),
            r#"providers.a.api_version: "latest" is not a version; write it like "2024-10-21""#,
        ),
        (
            "version: 1\nproviders: {a: {dialect: azure_openai, path_prefix: /openai/deployments/gpt-4o}}"
                .into(),
            "providers.a: path_prefix names a deployment, so api_version is required",
        ),
        (provider("batch: true"), "providers.openai.batch: not supported by this version"),
        (
            provider("region: true"),
            "providers.openai.region: expected text, found true; text that looks like a yes or no needs quotes",
        ),
        (
            provider("opt_out: {headers: {Host: a}}"),
            "providers.openai.opt_out.headers.Host: cannot be set by a policy",
        ),
        (
            provider(r#"opt_out: {headers: {x-a: "b\r\nc: d"}}"#),
            "providers.openai.opt_out.headers.x-a: holds a character that no header may hold",
        ),
        (
            provider("opt_out: {body: {a..b: 1}}"),
            r#"providers.openai.opt_out.body["a..b"]: is not the path of a field"#,
        ),
        (
            provider("credential: {passthrough: all}"),
            "providers.openai.credential: expected {passthrough: any}, and nothing beside it",
        ),
        (
            provider("credential: {passthrough: any, env: A}"),
            "providers.openai.credential: expected {passthrough: any}, and nothing beside it",
        ),
        (
            provider("credential: passthru"),
            r#"providers.openai.credential: expected passthrough, {passthrough: any}, envoy or {env: NAME} (did you mean "passthrough"?); a key is not written in the policy, and what was found is not shown"#,
        ),
        (
            provider("credential: {env: NOT_THERE}"),
            "providers.openai.credential.env: the environment variable NOT_THERE is not set; it must be given to the VM (vm_config.environment_variables)",
        ),
        (
            provider("credential: {env: EMPTY}"),
            "providers.openai.credential.env: the environment variable EMPTY is empty",
        ),
        (
            provider("credential: {env: WITH_LINE_BREAK}"),
            "providers.openai.credential: the variable holds a character that no header may hold (a line break at its end?)",
        ),
        (
            provider("credential: {env: OPENAI_API_KEY, from: vault}"),
            "providers.openai.credential: unknown key beside env, not shown",
        ),
        // Models, chains, routes, tasks.
        line(
            "models: {m: {provider: opnai}}",
            r#"models.m.provider: unknown provider "opnai"; expected one of anthropic, openai (did you mean "openai"?)"#,
        ),
        line(
            "models: {gpt-5.4: {input_usd_per_mtok: 0.0000001}}",
            r#"models["gpt-5.4"].input_usd_per_mtok: 0.0000001 has too many decimals; expected an amount in US dollars, to the micro-dollar"#,
        ),
        line(
            "models: {m: {output_usd_per_mtok: $15}}",
            r#"models.m.output_usd_per_mtok: "$15" is not a number; expected an amount in US dollars, to the micro-dollar"#,
        ),
        line(
            "models: {m: {input_usd_per_mtok: -1}}",
            "models.m.input_usd_per_mtok: -1 is negative; expected an amount in US dollars, to the micro-dollar",
        ),
        line(
            "models: {m: {context: 128k}}",
            r#"models.m.context: "128k" is not a number; expected a whole number"#,
        ),
        line(
            "chains: {premium: {targets: [opnai/gpt-5.4]}}",
            r#"chains.premium.targets[0]: unknown provider "opnai"; expected one of anthropic, openai (did you mean "openai"?)"#,
        ),
        line(
            "chains: {premium: {targets: [gpt-5.4]}}",
            r#"chains.premium.targets[0]: "gpt-5.4" is not a target; write it like "openai/gpt-5.4""#,
        ),
        line(
            "chains: {premium: {targets: []}}",
            "chains.premium.targets: is empty: nothing could ever match",
        ),
        line(
            "chains: {premium: {order: cost}}",
            "chains.premium.targets: missing; list them like [openai/gpt-5.4]",
        ),
        line(
            "chains: {premium: {targets: [openai/m], order: latency}}",
            r#"chains.premium.order: order "latency" is not supported by this version; expected one of listed, cost"#,
        ),
        line(
            "chains: {premium: {targets: [openai/m], timeouts: {answer: 5 min}}}",
            r#"chains.premium.timeouts.answer: "5 min" is not a duration; write it like "30s", "5m", "24h""#,
        ),
        line(
            "chains: {premium: {targets: [openai/m]}}\nroutes: [{name: r, use: premum}]",
            r#"routes[0].use: unknown chain "premum"; expected premium (did you mean "premium"?)"#,
        ),
        line(
            "routes: [{name: r, use: premium}]",
            r#"routes[0].use: unknown chain "premium"; the policy defines no chain, name a target like "openai/gpt-5.4""#,
        ),
        line(
            "routes: [{name: r, use: opnai/m}]",
            r#"routes[0].use: unknown provider "opnai"; expected one of anthropic, openai (did you mean "openai"?)"#,
        ),
        line(
            "routes: [{name: r, use: {cheapest: batch}}]",
            "routes[0].use.cheapest: not supported by this version",
        ),
        line(
            "routes: [{when: {model: a}}]",
            "routes[0].name: missing; it is what records and metrics call the route\nroutes[0].use: missing; name a chain, or a target like \"openai/gpt-5.4\"",
        ),
        line(
            "routes: [{name: r, when: {model: a}, use: openai/m}, {name: r, use: openai/m}]",
            r#"routes[1].name: "r" is the name of an earlier route too"#,
        ),
        line(
            "routes: [{name: r, when: {task: leagl}, use: openai/m}]\ntasks: {legal: {words: a}}",
            r#"routes[0].when.task: unknown task "leagl"; expected legal (did you mean "legal"?)"#,
        ),
        line(
            "routes: [{name: r, when: {prompt_tokens: {min: 9, max: 1}}, use: openai/m}]",
            "routes[0].when.prompt_tokens: min 9 is above max 1: nothing matches",
        ),
        line(
            "routes: [{name: r, when: {models: a}, use: openai/m}]",
            r#"routes[0].when.models: unknown key; expected one of model, task, caller, header, prompt_tokens (did you mean "model"?)"#,
        ),
        line(
            "tasks: {legal: {words: [a, b], at_least: 3}}",
            "tasks.legal.at_least: 3 is out of bounds; expected 1 to 2",
        ),
        line(
            "tasks: {legal: {at_least: 1}}",
            "tasks.legal: expected header, words or both: nothing recognises this task",
        ),
        line("tasks: {legal: {header: {a: b, c: d}}}", "tasks.legal.header: expected one header, found 2"),
        // Data.
        line(
            "data: {find: {emial: block}}",
            r#"data.find.emial: unknown type "emial"; expected one of person, email, phone, credit_card, iban, bank_account, national_id, passport, driver_license, medical_id, tax_id, ip_address, mac_address, address, date_of_birth, secret, crypto, username, url (did you mean "email"?)"#,
        ),
        line(
            "data: {find: {email: mask}}",
            r#"data.find.email: unknown action "mask"; expected one of redact, block, allow, report"#,
        ),
        line(
            r#"data: {custom: [{name: a, pattern: "EMP-(\\d"}]}"#,
            "data.custom[0].pattern: invalid regex at character 5: unclosed group",
        ),
        line(
            r#"data: {custom: [{name: a, pattern: "\\d*"}]}"#,
            r#"data.custom[0].pattern: "\\d*" matches the empty text, so it would be found everywhere"#,
        ),
        line(
            r#"data: {custom: [{name: a, pattern: "(\\w{900}){900}"}]}"#,
            "data.custom[0].pattern: the regex is too large: it takes more than 1024 KiB",
        ),
        line(
            "data: {custom: [{name: email, pattern: a}]}",
            r#"data.custom[0].name: "email" is a type of Tollgate's own; choose another name"#,
        ),
        line(
            "data: {custom: [{name: A-B, pattern: a}]}",
            r#"data.custom[0].name: "A-B" cannot be a type's name; expected small letters, digits and "_", beginning with a letter, at most 40"#,
        ),
        line(
            "data: {custom: [{name: a, pattern: b}], dictionaries: [{name: a, terms: [b]}]}",
            r#"data.dictionaries[0].name: "a" is defined twice"#,
        ),
        line(
            "data: {find: {a: block}, custom: [{name: a, pattern: b, action: report}]}",
            "data.custom[0].action: differs from the action in data.find; write it in one place",
        ),
        line(
            "data: {allow: [{pattern: '['}]}",
            "data.allow[0].pattern: invalid regex at character 1: unclosed character class",
        ),
        line("data: {min_confidence: 101}", "data.min_confidence: 101 is out of bounds; expected 0 to 100"),
        line(
            "data: {find: {person: {action: mask, min_confidence: high}}}",
            "data.find.person.action: unknown action \"mask\"; expected one of redact, block, allow, report\ndata.find.person.min_confidence: \"high\" is not a number; expected a whole number of percent",
        ),
        line(
            "data: {answers: {email: redact, phonee: block}}",
            r#"data.answers.phonee: unknown type "phonee"; expected one of person, email, phone, credit_card, iban, bank_account, national_id, passport, driver_license, medical_id, tax_id, ip_address, mac_address, address, date_of_birth, secret, crypto, username, url (did you mean "phone"?)"#,
        ),
        line(
            "data: {answers: hide}",
            r#"data.answers: unknown action "hide"; expected one of redact, block, allow, report"#,
        ),
        line(
            "data: {allow: [{type: emial, value: a}]}",
            r#"data.allow[0].type: unknown type "emial"; expected one of person, email, phone, credit_card, iban, bank_account, national_id, passport, driver_license, medical_id, tax_id, ip_address, mac_address, address, date_of_birth, secret, crypto, username, url (did you mean "email"?)"#,
        ),
        line(
            "data: {allow: [{type: email, value: a, pattern: b}]}",
            "data.allow[0]: expected one of value, pattern and domain",
        ),
        line(
            "data: {allow: [{type: phone, domain: example.com}]}",
            "data.allow[0].domain: is a part of e-mail addresses only",
        ),
        line(
            "data: {custom: [{name: a, pattern: b, checksum: crc32}]}",
            r#"data.custom[0].checksum: unknown checksum "crc32"; expected one of luhn, verhoeff, mod97, mod11, iso7064_mod11_2, iso7064_mod11_10"#,
        ),
        line(
            "data: {custom: [{name: a, pattern: b, within: 10}]}",
            "data.custom[0].within: means nothing without context",
        ),
        line(
            "data: {custom: [{name: a, pattern: b, context: [x], within: 5000}]}",
            "data.custom[0].within: 5000 is out of bounds; expected 1 to 1000",
        ),
        line(
            "data: {custom: [{name: a, pattern: b, context: []}]}",
            "data.custom[0].context: is empty: nothing could ever match",
        ),
        line(
            "data: {dictionaries: [{name: a, terms: [b], case: upper, words: half}]}",
            "data.dictionaries[0].case: unknown case \"upper\"; expected one of sensitive, insensitive\ndata.dictionaries[0].words: unknown words \"half\"; expected one of whole, anywhere",
        ),
        line(
            "data: {placeholder: sealed}",
            "data.placeholder: sealed needs data.key: under a key of the process nobody else could open it",
        ),
        line(
            "data: {key: sk-secret-value}",
            "data.key: expected {env: NAME}; a key is not written in the policy, and what was found is not shown",
        ),
        line(
            "data: {key: {env: TOLLGATE_KEY, previous: {env: TOLLGATE_KEY_OLD}}}",
            "data.key.previous: expected a list like [{env: NAME}]; a key is not written in the policy, and what was found is not shown",
        ),
        line("data: {restore: 'yes'}", r#"data.restore: unknown value "yes"; expected one of true, false"#),
        line(
            "data: {classes: [{name: c, found: [emal], retention: zero}]}",
            r#"data.classes[0].found[0]: unknown type "emal"; expected one of person, email, phone, credit_card, iban, bank_account, national_id, passport, driver_license, medical_id, tax_id, ip_address, mac_address, address, date_of_birth, secret, crypto, username, url (did you mean "email"?)"#,
        ),
        line(
            "data: {classes: [{name: c}]}",
            "data.classes[0]: expected found, header or both: nothing puts a request into this class\ndata.classes[0]: expected retention, region or both: the class limits nothing",
        ),
        // Budgets.
        line(
            "budgets: [{name: b, limit: {usd: 50}, window: 5 min}]",
            r#"budgets[0].window: unknown window "5 min"; expected one of minute, hour, day, week, month"#,
        ),
        line(
            "budgets: [{name: b, limit: {usd: 50, tokens: 1}, window: hour}]",
            "budgets[0].limit: expected exactly one of usd, tokens",
        ),
        line(
            "budgets: [{name: b, limit: {usd: 0}, window: hour}]",
            "budgets[0].limit: is nothing: every request would be over it",
        ),
        line(
            "budgets: [{name: b, limit: 50, window: hour}]",
            "budgets[0].limit: expected a map with usd, tokens, found 50",
        ),
        line(
            "budgets: [{name: b, per: [user], limit: {usd: 1}, window: hour}]",
            r#"budgets[0].per[0]: unknown scope "user"; expected one of caller, model, provider, route, header:<name>"#,
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour, at: [{percent: 80, reject: true}, {percent: 50, report: true}]}]",
            "budgets[0].at[1].percent: 50 is not above 80, the one before; list thresholds in ascending order",
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour, at: [{percent: 0, reject: true}]}]",
            "budgets[0].at[0].percent: 0 is out of bounds; expected 1 to 1000",
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour, at: [{percent: 80, downgrade: econmy}]}]\nchains: {economy: {targets: [openai/m]}}",
            r#"budgets[0].at[0].downgrade: unknown chain "econmy"; expected economy (did you mean "economy"?)"#,
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour, at: [{percent: 80}]}]",
            "budgets[0].at[0]: expected exactly one of downgrade, reject, report beside percent",
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour, at: [{percent: 80, reject: false}]}]",
            "budgets[0].at[0].reject: can only be true; leave the threshold out instead",
        ),
        line(
            "budgets: [{name: b, limit: {usd: 1}, window: hour}, {name: b, limit: {usd: 1}, window: hour}]",
            r#"budgets[1].name: "b" is the name of an earlier budget too"#,
        ),
        line(
            "budget_store: {rls: {cluster: ratelimit}}",
            r#"budget_store: only "local" is supported by this version"#,
        ),
        // Serving.
        line(
            "endpoints: {allow: [v1/audio]}",
            r#"endpoints.allow[0]: "v1/audio" is not a path; write it like "/v1/audio/*""#,
        ),
        line(
            "limits: {body: 32 MB}",
            r#"limits.body: "32 MB" is not a size; write it like "64KiB", "32MiB", or in bytes"#,
        ),
        line("limits: {body: 4GiB}", r#"limits.body: "4GiB" is out of bounds; expected 1KiB to 256MiB"#),
        line(
            "retention: {opt_out: alway}",
            r#"retention.opt_out: unknown opt_out "alway"; expected one of always, if_unset, never (did you mean "always"?)"#,
        ),
        line("timeouts: {total: 30}", r#"timeouts.total: 30 has no unit; write it like "30s", "5m", "24h""#),
        line("timeouts: {total: 0s}", r#"timeouts.total: "0s" is out of bounds; expected 1ms to 7d"#),
        line("output_reserve: 1.5", "output_reserve: 1.5 has too many decimals; expected a whole number"),
        line(
            "recovery: {context_length: {then: bigger}}",
            r#"recovery.context_length.then: unknown answer "bigger"; expected one of next, larger, fail"#,
        ),
        line(
            "recovery: {overloaded: {then: larger}}",
            r#"recovery.overloaded.then: "larger" is an answer to context_length only"#,
        ),
        line(
            "recovery: {auth: {then: next, rest: 10}}",
            r#"recovery.auth.rest: 10 has no unit; write it like "30s", "5m", "24h""#,
        ),
        line(
            "recovery: {content_filter: {chain: lenient}}",
            r#"recovery.content_filter.chain: unknown chain "lenient"; the policy defines no chain, name a target like "openai/gpt-5.4""#,
        ),
        line(
            "recovery: {content_filter: {then: next, chain: openai/gpt-5.4}}",
            "recovery.content_filter: has then and chain: one of them decides",
        ),
        line(
            "recovery: {content_filter: {truncate: {keep: [last: 4]}}}",
            r#"recovery.content_filter.truncate: "truncate" is an answer to context_length only"#,
        ),
        line(
            "recovery: {context_length: {truncate: {keep: [system]}}}",
            "recovery.context_length.truncate.keep: names no last: N, the turns at the end that are always kept",
        ),
        line(
            "recovery: {context_length: {truncate: {keep: [first, last: 4]}}}",
            r#"recovery.context_length.truncate.keep[0]: expected system or last: N, found "first""#,
        ),
        line("health: {failures: 0%}", r#"health.failures: "0%" is out of bounds; expected 1 to 100"#),
        line("health: {at_least: 0}", "health.at_least: 0 is out of bounds; expected 1 to 1000000"),
        line(
            "experiments: [{name: a}]\nevaluation: {sample: 1%}",
            "experiments: not supported by this version\nevaluation: not supported by this version",
        ),
        line(
            "record: {content: redacted}",
            r#"record.content: content "redacted" is not supported by this version; expected never"#,
        ),
    ]
}

#[test]
fn every_fault_is_named_with_its_place_and_its_repair() {
    let cases = bad();
    assert!(cases.len() >= 90);
    for (text, expected) in cases {
        let errors = read(&text).map(|_| ()).expect_err(&text);
        assert_eq!(errors.to_string(), expected, "{text}");
    }
}

#[test]
fn all_faults_of_a_document_are_reported_at_once() {
    let errors = read(
        "version: 1\nmode: x\nproviders: {a: {dialect: b}}\nchains: {c: {targets: [d/e, a/m]}}\nlimits: {body: -1}\n",
    );
    let errors = errors.map(|_| ()).expect_err("faults").0;
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["mode", "providers.a.dialect", "chains.c.targets[0]", "limits.body"]);
}

#[test]
fn what_is_legal_but_hardly_meant_is_a_warning() {
    for (text, expected) in [
        (
            with("chains: {c: {targets: [openai/a, anthropic/b]}}"),
            "chains.c: anthropic, openai have credential passthrough, but a caller's key goes only to the provider that it is for: the others answer nobody; give them envoy or {env: NAME}",
        ),
        (
            with("routes: [{name: a, use: openai/m}, {name: b, use: openai/m}]"),
            "routes[0]: matches every request, so no later route is ever used",
        ),
        (with("data: {key: {env: SHORT}}"), "data.key: a key has fewer than 16 bytes and can be guessed"),
        (
            with("data: {custom: [{name: a, pattern: b, confidence: 40}]}"),
            "data.custom[0].confidence: is below the least confidence, 50: nothing is ever found",
        ),
        (
            with("data: {classes: [{name: c, found: [email], retention: zero}]}"),
            "data.classes[0]: no provider may receive \"c\": every such request is refused",
        ),
        (
            with("timeouts: {total: 1s}"),
            "timeouts: total is shorter than first_token or answer, so it ends them early",
        ),
    ] {
        assert_eq!(good(&text).warnings, [expected], "{text}");
    }
}

#[test]
fn no_secret_is_echoed_wherever_it_was_written() {
    let secret = "sk-live-0123456789abcdef";
    let mut said = String::new();
    for text in [
        provider(&format!("credential: {secret}")),
        provider(&format!("credential: [{secret}]")),
        provider(&format!("credential: {{env: {secret}}}")),
        provider(&format!("credential: {{{secret}: x}}")),
        provider(&format!("credential: {{value: {secret}}}")),
        provider(&format!("opt_out: {{headers: {{authorization: \"{secret}\\n\"}}}}")),
        provider(&format!("opt_out: {{headers: \"authorization: {secret}\"}}")),
        provider("credential: {env: WITH_LINE_BREAK}"),
        with(&format!("data: {{key: {secret}}}")),
        with(&format!("data: {{key: {{env: {secret}}}}}")),
        with(&format!("data: {{key: {{env: TOLLGATE_KEY, previous: [{secret}]}}}}")),
        with(&format!("data: {{key: {{env: TOLLGATE_KEY, previous: {secret}}}}}")),
        with(&format!("data: {{key: {{env: TOLLGATE_KEY, {secret}: 1}}}}")),
    ] {
        let errors = read(&text).map(|_| ()).expect_err(&text);
        said.push_str(&format!("{errors}\n{errors:?}\n"));
    }
    said.push_str(&format!("{:?}", good(WHOLE)));
    assert!(!said.contains(secret) && !said.contains("0123456789"), "{said}");
}

/// As Envoy does it: fractions and large integers of YAML become strings, small integers doubles.
fn to_struct(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(number) => match number.as_i64().filter(|number| number.unsigned_abs() < 1 << 31) {
            Some(small) => Kind::NumberValue(small as f64),
            None => Kind::StringValue(number.to_string()),
        },
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(to_struct).collect() }),
        Json::Object(map) => {
            let fields = map.iter().map(|(key, value)| (key.clone(), to_struct(value))).collect();
            Kind::StructValue(Struct { fields })
        }
    };
    Value { kind: Some(kind) }
}

/// The same document as JSON and as the bytes of a Struct.
fn other_forms(json: &serde_json::Value) -> (String, Vec<u8>) {
    let Some(Kind::StructValue(message)) = to_struct(json).kind else { panic!("not a map") };
    (serde_json::to_string_pretty(json).expect("JSON"), message.encode_to_vec())
}

#[test]
fn a_struct_json_and_yaml_are_one_policy() {
    let json = serde_json::json!({
        "version": 1,
        "providers": {"openai": {"dialect": "openai", "credential": {"env": "OPENAI_API_KEY"}}},
        "models": {"gpt-5.4": {"input_usd_per_mtok": 2.5, "output_usd_per_mtok": 15, "context": 123_456_789}},
        "chains": {"c": {"targets": ["openai/gpt-5.4"]}},
        "budgets": [{"name": "b", "limit": {"tokens": 123_456_789_012_u64}, "window": "hour"}],
        "output_reserve": 4096,
        "data": {"restore": true, "find": {"email": "block"}, "key": null},
    });
    let yaml = "
version: 1
providers: {openai: {dialect: openai, credential: {env: OPENAI_API_KEY}}}
models: {gpt-5.4: {input_usd_per_mtok: '2.50', output_usd_per_mtok: 15.0, context: 123456789}}
chains:
  c: {targets: [openai/gpt-5.4]}
budgets:
- {name: b, limit: {tokens: 123456789012}, window: hour}
output_reserve: '4096'
data: {restore: 'true', find: {email: block}}
";
    let (text, bytes) = other_forms(&json);
    let yaml = format!("{:?}", good(yaml));
    assert_eq!(format!("{:?}", good(&text)), yaml);
    assert_eq!(format!("{:?}", load(&bytes, &env).expect("a policy")), yaml);
}

#[test]
fn a_changed_policy_has_another_hash() {
    assert_ne!(good(&with("")).hash, good(&with("mode: observe")).hash);
    assert_eq!(good(&with("")).hash, good(&format!("# a comment\n{}", with("mode: "))).hash);
}

#[test]
fn an_allowed_pattern_is_held_to_the_whole_value() {
    let policy = good(&with("data: {allow: [{pattern: 'a|b'}]}"));
    let tollgate::config::AllowedValue::Pattern(pattern) = &policy.data.allow[0].value else {
        panic!("not a pattern")
    };
    assert!(
        pattern.is_match("a") && pattern.is_match("b") && !pattern.is_match("ab") && !pattern.is_match("a\n")
    );
}

#[test]
fn a_document_with_thousands_of_faults_does_not_fill_the_log() {
    let keys: String = (0..5000).map(|n| format!("k{n}: 1\n")).collect();
    let said = read(&with(&keys)).map(|_| ()).expect_err("faults").to_string();
    assert_eq!(said.lines().count(), 101);
    assert!(said.ends_with("and 4900 more"));
}

fn some_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[[], {a: b}, null]".to_owned()),
        Just("~".to_owned()),
        Just("{env: [x]}".to_owned()),
        "-?[0-9]{0,25}(\\.[0-9]{0,9})?(e[0-9]{1,3})?",
        "[a-z0-9%*:/]{0,12}",
        "\\PC{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = load(&bytes, &env);
        let _ = load(&[b"\x0a".as_slice(), &bytes].concat(), &env);
        let _ = tollgate::config::find(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_to_a_policy_makes_it_panic(
        from in 0..WHOLE.len(), length in 0_usize..30, put in prop_oneof![some_value(), Just("\n".to_owned())],
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        bytes.splice(from..(from + length).min(WHOLE.len()), put.bytes());
        let _ = load(&bytes, &env);
        let _ = tollgate::config::find(&String::from_utf8_lossy(&bytes));
    }

    /// Whatever stands in a key's place, the rest is still checked and nothing panics.
    #[test]
    fn no_value_in_any_place_makes_it_panic(line in 1..WHOLE.lines().count(), put in some_value()) {
        let mut lines: Vec<String> = WHOLE.lines().map(str::to_owned).collect();
        if let Some((key, _)) = lines[line].clone().split_once(": ") {
            lines[line] = format!("{key}: {put}");
        }
        let _ = read(&lines.join("\n"));
    }

    #[test]
    fn no_struct_makes_it_panic(cut in 0_usize..400, flip in any::<u8>()) {
        let json = serde_json::json!({"version": 1, "providers": {"openai": {"dialect": "openai", "opt_out": {"body": {"a": [1, 2.5]}}}}, "output_reserve": 1e300});
        let (_, mut bytes) = other_forms(&json);
        let at = cut % bytes.len();
        bytes[at] ^= flip;
        let _ = load(&bytes, &env);
        let _ = load(&bytes[..at], &env);
    }

    #[test]
    fn dollars_are_exact(micro in 1..10_000_000_000_u64) {
        let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        for written in [text.clone(), format!("'{text}'")] {
            let policy = good(&with(&format!("budgets: [{{name: b, limit: {{usd: {written}}}, window: hour}}]")));
            prop_assert_eq!(policy.budgets[0].limit, BudgetLimit::MicroUsd(micro));
        }
    }
}
