# The commands that a person uses. `just` lists them.

_list:
    @just --list --unsorted

# Unit and integration tests; they need no server.
test:
    cargo test --workspace

# Everything: real servers, live tests, formatting, lints, documentation.
all:
    scripts/test

# The full counts, for an evening.
long:
    scripts/test-long

# Starts the real servers and builds the stand-in images.
up:
    scripts/services up

# Stops what `up` started.
down:
    scripts/services down

# Formats, and shows what clippy says.
tidy:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features

# Looks at changed snapshots, one by one.
review:
    cargo insta review

# Measures the engine.
bench:
    cargo bench --package sprocket-benches

# The same work through Terraform's engine and through ours; about an hour, on a machine that does nothing else.
against-terraform *options:
    benches/against-terraform/run {{options}}

# Kills a first apply of both N times, and counts what is left.
kills count="200":
    benches/against-terraform/kills {{count}}
