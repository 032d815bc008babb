//! Docker Swarm for Sprocket.
