//! Parse, dispatch, exit code: nothing else.

fn main() {
    std::process::exit(oicx::cli::main().code());
}
