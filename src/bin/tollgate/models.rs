//! `tollgate models`: the price and window table, with its date and its sources.

use std::io::Write;
use std::process::ExitCode;

use tollgate::catalog::{Catalog, Entry};

#[derive(clap::Args)]
pub struct Arguments {
    /// A policy whose models are put over the table's.
    #[arg(short = 'c', long, value_name = "POLICY")]
    config: Option<String>,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let catalog = match arguments.config.as_deref().map(|file| super::policy::load(Some(file))) {
        None => Catalog::default(),
        Some(Ok(config)) => Catalog::with(&config.models),
        Some(Err(fault)) => {
            eprintln!("tollgate models: {fault}");
            return ExitCode::FAILURE;
        }
    };
    match print(&catalog) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(catalog: &Catalog) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "Prices in US dollars per million tokens, as of {}.", Catalog::as_of())?;
    Catalog::sources().try_for_each(|source| writeln!(out, "Source: {source}"))?;
    writeln!(out)?;
    writeln!(
        out,
        "{:<36}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "model", "input", "cached", "output", "context", "max output"
    )?;
    for entry in catalog.entries() {
        let Entry { model, input, cached_input, output, context, max_output, .. } = entry;
        let (input, cached, output) = (usd(*input), usd(*cached_input), usd(*output));
        let (context, max_output) = (count(*context), count(*max_output));
        writeln!(out, "{model:<36}{input:>10}{cached:>10}{output:>10}{context:>12}{max_output:>12}")?;
    }
    out.flush()
}

/// Exact: micro-dollars, without the zeros at the end.
fn usd(micro: Option<u64>) -> String {
    let Some(micro) = micro else { return "?".into() };
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn count(tokens: Option<u64>) -> String {
    tokens.map_or_else(|| "?".into(), |tokens| tokens.to_string())
}
