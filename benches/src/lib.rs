//! The benches of Sprocket.
