//! Part of the build scripts of the crates whose programs, tests and benches link libtorch.

use std::{env, path::Path};

/// Lets them find libtorch at run time without LD_LIBRARY_PATH, where the build found it, and keeps its CUDA part.
pub(crate) fn link() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Ok(libtorch) = env::var("LIBTORCH") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    // torch-sys names this library to the linker, which drops it again since no symbol in it is called: it registers
    // itself as it is loaded. Without it libtorch knows no CUDA device.
    let cuda = Path::new(&libtorch).join("lib/libtorch_cuda.so");
    if cuda.exists() {
        println!("cargo:rustc-link-arg=-Wl,--push-state,--no-as-needed,{},--pop-state", cuda.display());
    }
}
