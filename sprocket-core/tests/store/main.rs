//! State stores, through what a program sees of them.

mod conformance;
