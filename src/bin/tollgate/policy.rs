//! The policy that a subcommand works with: a file's, or the default.

use tollgate::config::{self, Config};

/// Enough for detection: everything else has its default.
const DEFAULT: &str = "version: 1\nproviders: {default: {dialect: openai}}\n";

/// Variables that the policy takes from the VM's environment may be absent here: the tool sends nothing.
fn env(name: &str) -> Option<String> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the tool reads the environment for the policy that it loads"
    )]
    let set = std::env::var(name).ok();
    Some(set.unwrap_or_else(|| format!("the value of {name} in the VM")))
}

/// # Errors
///
/// What is wrong with the file, or with the policy in it, as lines.
pub fn load(file: Option<&str>) -> Result<Config, String> {
    let Some(file) = file else {
        return config::load(DEFAULT.as_bytes(), &env).map_err(|errors| errors.to_string());
    };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let survey = config::find(&text);
    if let Some(error) = survey.errors.first() {
        return Err(format!("{file}: {error}"));
    }
    match survey.policies.as_slice() {
        [policy] => policy.load(&env).map_err(|errors| format!("{file}:\n{errors}")),
        [] => Err(format!("{file}: holds no policy")),
        several => Err(format!("{file}: holds {} policies; give a file with one", several.len())),
    }
}
