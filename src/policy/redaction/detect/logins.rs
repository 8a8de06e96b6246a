//! Names that people log in with, where logs, commands and paths show them. The accounts of services are nobody's.

use super::fields::listed;
use super::table::{Confidence, Hit, Sight};

const LONGEST: usize = 32;

fn in_login(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Whether a person may log in so. Where nothing but its place speaks for it, a plain word is none.
pub(super) fn is_login(name: &str, told: bool) -> bool {
    let (first, letters) = (name.bytes().next(), name.bytes().filter(u8::is_ascii_alphabetic).count());
    let shape = (3..=LONGEST).contains(&name.len())
        && name.bytes().all(in_login)
        && first.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && letters > 1;
    let lower = name.to_ascii_lowercase();
    let plain = lower.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    let service = listed(SERVICES, plain)
        || ["www-", "svc", "test", "user", "admin", "demo", "your", "my_", "my-", "ec2-", "system"]
            .iter()
            .any(|prefix| lower.starts_with(prefix))
        || [
            "name", "-user", "_user", "user", "-bot", "[bot]", "_id", "-admin", "service", ".com", ".py",
            ".js",
        ]
        .iter()
        .any(|ending| lower.ends_with(ending));
    let inner = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
    let digits_behind = name.ends_with(|c: char| c.is_ascii_digit()) && letters > 2;
    let distinct = digits_behind || inner.contains(['.', '_']) && letters > 4;
    shape && !service && (told || distinct)
}

/// Accounts that machines come with, and what stands for an account in examples.
const SERVICES: &str = "root admin administrator ubuntu debian centos fedora guest nobody test tester www-data user username users me \
    you anonymous anon postgres mysql mongodb redis nginx apache git gitlab-runner github jenkins runner ci deploy \
    deployer app application node daemon bin sys sync mail backup operator system service default public shared \
    vagrant docker hadoop spark airflow oracle tomcat elastic kibana grafana prometheus rabbitmq sshd ftp pi foo bar \
    baz example demo dev developer prod stage staging local localhost name string none null true false undefined \
    required optional value login password token key client server owner member everyone all new old current home \
    work workspace project linuxbrew travis circleci jovyan coder nixbld sa dba self this invalid unknown \
    authenticated input info support contact sales help x-access-token oauth bearer appuser not with from for and \
    the";

/// `user=linda_morgan`, `"username": "jdoe42"`, `login: m.okafor`.
pub(super) fn field(sight: &Sight) -> Option<Hit> {
    let end = sight.anchor.end;
    let before = sight.before(sight.anchor.start);
    if before.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"$.-@/".contains(byte)) {
        return None;
    }
    let quotes = sight.run(end, 2, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let at = end + quotes;
    let (gap, assigned) = match sight.after(at) {
        [b'=', b'=', ..] => return None,
        [b'=', ..] => (1, true),
        [b':', ..] => (1 + sight.run(at + 1, 2, |byte| byte == b' '), false),
        [b' ', b'=', b' ', b'"' | b'\'', ..] => (3, false),
        _ => return None,
    };
    let quote = sight.run(at + gap, 2, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let start = at + gap + quote;
    let len = sight.run(start, LONGEST + 1, in_login);
    let value = sight.text.get(start..start + len)?.trim_end_matches(['.', '-']);
    let ends = match sight.after(start + value.len()) {
        [b'(' | b'[' | b'@' | b'/' | b':' | b'$' | b'{' | b'=' | b'<' | b'*', ..] => false,
        [byte, ..] if quote > 0 => matches!(byte, b'"' | b'\'' | b'\\'),
        _ => true,
    };
    // `user=bondcl` in a line of a log; `user=name` in code has none before it.
    let name = sight.text.get(sight.anchor.clone())?;
    let code = quote == 0
        && (value.ends_with("_t")
            || value.starts_with("c_")
            || before.last() == Some(&b'_') && !assigned
            || value.split('.').any(|part| {
                matches!(part, "this" | "self" | "env" | "req" | "ctx" | "config" | "options" | "args")
            })
            || value.contains('.') && value.contains(|c: char| c.is_ascii_uppercase()));
    let explicit = name.len() > 5 || name.eq_ignore_ascii_case("login");
    let told = explicit && quote > 0 || assigned && quote == 0 && before.last() == Some(&b' ') && explicit;
    (ends && !code && is_login(value, told))
        .then_some(Hit { range: start..start + value.len(), confidence: Confidence::LIKELY })
}

/// `Failed password for bondcl from`, `ssh jdoe@`, `/home/jdoe/`: the name right behind the anchor.
pub(super) fn behind(sight: &Sight) -> Option<Hit> {
    let mut start = sight.anchor.end;
    if sight.after(start).starts_with(b"invalid user ") {
        start += 13;
    }
    let path = sight.before(start).last().is_some_and(|byte| matches!(byte, b'/' | b'\\'));
    let len = sight.run(start, LONGEST + 1, in_login);
    let name = sight.text.get(start..start + len)?;
    let after = sight.after(start + len);
    let anchor = sight.text.get(sight.anchor.clone())?;
    let command = anchor.eq_ignore_ascii_case("ssh ");
    let ends = match after {
        [b'@', ..] => command,
        [b'/' | b'\\', ..] => path,
        [b' ' | b'(' | b'\n' | b',', ..] | [] => {
            !command && !path || path && matches!(after, [] | [b' ' | b'\n', ..])
        }
        [b'"' | b'\'' | b'`', ..] => path,
        _ => false,
    };
    // In URLs they are no folders.
    let word = sight.starts_word() && anchor != "/users/";
    (word && ends && is_login(name, true))
        .then_some(Hit { range: start..start + len, confidence: Confidence::LIKELY })
}

/// `Twitter: @jdoe`: a handle behind the place where it is used.
pub(super) fn handle(sight: &Sight) -> Option<Hit> {
    if !sight.starts_word() {
        return None;
    }
    let mut at = sight.anchor.end;
    at += sight.run(at, 12, |byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b':' | b'('));
    if sight.after(at).first() != Some(&b'@') {
        return None;
    }
    let start = at + 1;
    let len = sight.run(start, LONGEST + 1, |byte| in_login(byte) && byte != b'-');
    let name = sight.text.get(start..start + len)?.trim_end_matches('.');
    let whole = !matches!(sight.after(start + name.len()), [b'/' | b'@', ..]);
    (whole && is_login(name, true))
        .then_some(Hit { range: start..start + name.len(), confidence: Confidence::LIKELY })
}
