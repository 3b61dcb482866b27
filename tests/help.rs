//! What `--help` says of each command, at 100 columns. `INSTA_UPDATE=always cargo test help::`
//! writes it anew; it is read by eye before it is kept.

use assert_cmd::Command;

fn help(arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("oicx").unwrap();
    // A path or a set OICX_CONFIG would stand in the text.
    command.env_remove("OICX_CONFIG").env("COLUMNS", "100").args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_command_says_what_it_does() {
    let top = help(&["--help"]);
    let section = top.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let commands = section.lines().filter_map(|l| {
        let name = l.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    });
    let commands: Vec<String> = commands.collect();
    assert!(commands.len() > 20, "{commands:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/help");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("oicx", top);
        for command in commands {
            let text = help(&[&command, "--help"]);
            insta::assert_snapshot!(command.as_str(), without_global(&text));
        }
    });
}

/// Without the options that every command has: the first help says them.
fn without_global(text: &str) -> String {
    const GLOBAL: [&str; 6] =
        ["--config", "--json", "--quiet", "--progress", "--verbose", "--help"];
    let mut kept: Vec<&str> = Vec::new();
    let mut skips = false;
    for line in text.lines() {
        if line.trim_start().starts_with('-') && !line.trim_start().starts_with("- ") {
            skips = GLOBAL.iter().any(|flag| line.contains(flag));
        } else if !line.starts_with(' ') && !line.is_empty() {
            skips = line.starts_with("Exit codes");
        }
        if !skips {
            kept.push(line);
        }
    }
    kept.join("\n").trim_end().trim_end_matches("Options:").trim_end().to_owned()
}
