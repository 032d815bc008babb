//! S3 for Sprocket.
