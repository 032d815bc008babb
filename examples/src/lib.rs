//! The examples of Sprocket.
