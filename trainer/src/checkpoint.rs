//! All of a run's state in one safetensors file, replaced whole: a stop at any moment leaves the old or the new one.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use byecaptcha_models::{Charset, load, torch::Parameters};
use tch::{Device, Tensor};

use crate::{grow::grown, optimizer::Optimizer, whole};

/// What a run is made of.
pub struct State {
    /// Steps done.
    pub step: u64,
    /// What is trained.
    pub parameters: Parameters,
    /// Their running average.
    pub averages: Parameters,
    /// The optimizer's memory.
    pub optimizer: Optimizer,
}

/// What tells characters apart: a row for each label.
const CLASSIFIER: [&str; 2] = ["classify.weight", "classify.bias"];

/// What belongs to a convolution beside its kernel.
const NORM: &str = ".norm.";
/// What mixes kernels, which a plain network lacks.
const GATES: &str = ".gates.";
/// How far apart experts start that come of one kernel, against the spread of its values: alike ones would stay alike.
const APART: f64 = 0.25;

/// The name of the step counter in the file.
const STEP: &str = "step";

impl State {
    fn groups(&mut self) -> [(&'static str, &mut Parameters); 4] {
        [
            ("model", &mut self.parameters),
            ("average", &mut self.averages),
            ("first", &mut self.optimizer.first),
            ("second", &mut self.optimizer.second),
        ]
    }

    /// Writes the file.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        let step = i64::try_from(self.step)?;
        let mut tensors = vec![(STEP.to_owned(), Tensor::from_slice(&[step]))];
        for (group, parameters) in self.groups() {
            let cpu = |tensor: &Tensor| tensor.detach().to_device(Device::Cpu).contiguous();
            tensors.extend(parameters.iter().map(|(name, tensor)| (format!("{group}.{name}"), cpu(tensor))));
        }
        whole::with(path, |partial| Ok(Tensor::write_safetensors(&tensors, partial)?))
    }

    /// Takes the file's state in place of this one, which must be of the same network.
    pub fn restore(&mut self, path: &Path) -> Result<()> {
        let stored =
            Tensor::read_safetensors(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut stored: BTreeMap<String, Tensor> = stored.into_iter().collect();
        let step = stored.remove(STEP).with_context(|| format!("{} is no checkpoint", path.display()))?;
        self.step = u64::try_from(step.int64_value(&[0]))?;
        let of_another = || format!("the checkpoint {} is not of this network", path.display());
        for (group, parameters) in self.groups() {
            take(&mut stored, &format!("{group}."), parameters).with_context(of_another)?;
        }
        all_taken(&stored).with_context(of_another)
    }
}

/// Reads weights from a safetensors file that `export` wrote, with its card beside it. Where the file's charset is another
/// one, what tells its characters apart goes to the same characters of `charset`, and those that are new to it keep what
/// they have. Where the file's network is the same but for a channel more or plain kernels in place of mixed ones, it gives
/// what it has: its first channels, and the same kernel to each expert, a little off. Where it is the same but narrower, and
/// of the same charset, it is [`grown`].
pub fn read_weights(path: &Path, charset: &Charset, parameters: &mut Parameters) -> Result<()> {
    let stored = Tensor::read_safetensors(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut stored: BTreeMap<String, Tensor> = stored.into_iter().collect();
    let theirs = load::read_card(path)?.charset;
    if theirs != *charset {
        for name in CLASSIFIER {
            let (Some(from), Some(to)) = (stored.get(name), parameters.get(name)) else { continue };
            // What differs in more than its rows, or has rows for each position, stays, for the error to name it.
            let rows = [(from, &theirs), (to, charset)];
            let of_labels = rows.iter().all(|(tensor, of)| tensor.size()[0] == of.labels() as i64);
            if of_labels && from.size()[1..] == to.size()[1..] {
                let mapped = relabelled(from, &theirs, to, charset);
                stored.insert(name.to_owned(), mapped);
            }
        }
    }
    for (name, parameter) in &*parameters {
        let convolution = parameter.dim() >= 4 || name.contains(NORM);
        match stored.get(name) {
            Some(tensor) if convolution => {
                // What does not fit stays, for the error to name it.
                if let Some(fitted) = fitted(tensor, &parameter.size()) {
                    stored.insert(name.clone(), fitted);
                }
            }
            None if name.contains(GATES) => {
                stored.insert(name.clone(), parameter.detach().copy());
            }
            _ => {}
        }
        // A classifier's rows stand for characters: those of another charset are not this one's first.
        let grows = theirs == *charset || !CLASSIFIER.contains(&name.as_str());
        if let Some(tensor) = stored.get(name).filter(|_| grows)
            && let Some(grown) = grown(name, tensor, parameter)
        {
            stored.insert(name.clone(), grown);
        }
    }
    take(&mut stored, "", parameters)
        .and_then(|()| all_taken(&stored))
        .with_context(|| format!("{} does not fit", path.display()))
}

/// The rows of `to`, those of characters that both know taken from `from`; the blank's is the first.
fn relabelled(from: &Tensor, theirs: &Charset, to: &Tensor, ours: &Charset) -> Tensor {
    tch::no_grad(|| {
        let rows = to.detach().copy();
        rows.get(0).copy_(&from.get(0));
        for (place, symbol) in ours.characters().iter().enumerate() {
            if let Some(there) = theirs.characters().iter().position(|known| known == symbol) {
                rows.get(place as i64 + 1).copy_(&from.get(there as i64 + 1));
            }
        }
        rows
    })
}

/// A parameter in a shape of as many axes and nowhere longer, or of that once for each expert; none for any other shape.
fn fitted(tensor: &Tensor, shape: &[i64]) -> Option<Tensor> {
    let mixed = shape.len() == tensor.dim() + 1;
    let kernel = if mixed { &shape[1..] } else { shape };
    let sizes = tensor.size();
    if sizes.len() != kernel.len() || sizes.iter().zip(kernel).any(|(size, wanted)| size < wanted) {
        return None;
    }
    tch::no_grad(|| {
        let axes = kernel.iter().zip(0..);
        let first = axes.fold(tensor.shallow_clone(), |tensor, (&size, axis)| tensor.narrow(axis, 0, size));
        if !mixed {
            return Some(first);
        }
        let apart = Tensor::randn(shape, (first.kind(), first.device())) * first.std(false) * APART;
        // Together they are still the kernel that they come from.
        let apart = &apart - apart.mean_dim([0_i64].as_slice(), true, first.kind());
        Some(first + apart)
    })
}

/// Moves what a file holds under a prefix into the parameters.
fn take(stored: &mut BTreeMap<String, Tensor>, prefix: &str, parameters: &mut Parameters) -> Result<()> {
    for (name, parameter) in parameters {
        let name = format!("{prefix}{name}");
        let tensor = stored.remove(&name).with_context(|| format!("it lacks {name}"))?;
        ensure!(tensor.size() == parameter.size(), "it has another shape for {name}");
        tch::no_grad(|| parameter.copy_(&tensor));
    }
    Ok(())
}

fn all_taken(stored: &BTreeMap<String, Tensor>) -> Result<()> {
    ensure!(stored.is_empty(), "it is of another network: it holds {:?}", stored.keys().next());
    Ok(())
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn experts_start_around_the_kernel_that_they_come_of() {
        tch::manual_seed(1);
        let kernel = Tensor::randn([4, 3, 3, 3], (Kind::Float, Device::Cpu));
        let experts = fitted(&kernel, &[8, 4, 2, 3, 3]).unwrap();
        assert_eq!(experts.size(), [8, 4, 2, 3, 3]);
        let mean = experts.mean_dim([0_i64].as_slice(), false, Kind::Float);
        let off = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        assert!(off(&mean, &kernel.narrow(1, 0, 2)) < 1e-5, "its first channels");
        assert!(off(&experts.get(0), &experts.get(7)) > 0.1, "alike ones would stay alike");
    }

    #[test]
    fn nothing_is_made_up() {
        let kernel = Tensor::zeros([4, 3, 3, 3], (Kind::Float, Device::Cpu));
        assert_eq!(fitted(&kernel, &[3, 3, 3, 3]).unwrap().size(), [3, 3, 3, 3]);
        for shape in [&[5, 3, 3, 3][..], &[8, 4, 4, 3, 3], &[4, 3], &[2, 8, 4, 3, 3, 3]] {
            assert!(fitted(&kernel, shape).is_none(), "{shape:?}");
        }
    }
}
