//! Panics of a program's closures and of providers: caught by the engine, and told without their message.
//!
//! The engine catches them, but Rust's panic hook prints the message before that. A closure that unwraps the error of a
//! parser would print the secret that it parsed. [`silence_foreign_panics`] keeps such messages out of the output.

use std::panic;

use crate::value::is_foreign;

/// Installs a panic hook that prints nothing for panics that the engine catches: those of closures that make outputs, and of
/// calls of providers. All other panics go to the hook that was there before.
///
/// `sprocket::run` calls it. A program that embeds an [`Engine`](crate::engine::Engine) by itself calls it once, at its start; if it
/// does not, the messages of such panics are printed, and may quote secrets. With `panic = "abort"`, and for threads and tasks
/// that a provider starts, it has no effect.
///
/// ```
/// sprocket_core::engine::silence_foreign_panics();
/// ```
pub fn silence_foreign_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_foreign() {
            before(info);
        }
    }));
}
