//! What people read when something is wrong with a server, its keys or its buckets.
