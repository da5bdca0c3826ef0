//! Links libtorch where the feature `torch` asks for it.

#[path = "../models/link_libtorch.rs"]
mod link_libtorch;

fn main() {
    if std::env::var_os("CARGO_FEATURE_TORCH").is_some() {
        link_libtorch::link();
    }
}
