//! The composed styles by name; each is a file in `dataset/styles`.

macro_rules! styles {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../styles/", $name, ".toml")))),*]
    };
}

/// Names and files, in alphabetical order.
pub(super) const STYLES: &[(&str, &str)] = styles![
    "arcs-and-dots",
    "bent-lines",
    "bezier-ovals",
    "crowded",
    "curved-stretch",
    "dotted-digits",
    "faded",
    "fenced",
    "hollow",
    "implode",
    "many-colours",
    "night",
    "perturbed",
    "photograph",
    "plain-blue",
    "rings",
    "ripple",
    "shadowed",
    "sheared",
    "sine-and-letters",
    "single-turned",
    "slime",
    "small-forms",
    "smooth-warp",
    "speckled-digits",
    "sums",
    "textured-paper",
    "thicket",
    "wavy-words",
];
