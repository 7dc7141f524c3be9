//! What was typed, and nothing that is computed.
//!
//! [`Args`] become the library's settings in `settings.rs`; the commands in `commands.rs` call the library, one call
//! each, and say what came of it. Declared in `main.rs`, so the library cannot import it.

mod args;
mod commands;
mod explain;
mod judge;
mod layout;
mod plan;
mod progress;
mod say;
mod settings;

pub use args::Args;
pub use commands::run;
pub use say::line;
