//! One step of the optimizer. On a CPU the batch goes in parts, each on a thread of its own: threads that share a network's many
//! small operations wait for one another at every one of them, and whole passes do so once.

use std::thread;

use anyhow::{Context, Result, bail};
use byecaptcha_models::{
    decode,
    networks::Alignment,
    preprocess::HEIGHT,
    torch::{Parameters, TorchGraph},
};
use tch::{Device, Tensor};

use crate::{
    checkpoint::State,
    config::Config,
    data::LabelledBatch,
    optimizer::{self, gradients},
};

/// Fewest images of a part: its normalisation goes by their statistics alone.
const LEAST: usize = 32;

/// Changes the parameters by a batch; gives the loss and the gradients' length.
pub fn step(
    config: &Config,
    state: &mut State,
    batch: &LabelledBatch,
    rate: f64,
    device: Device,
) -> Result<(f64, f64)> {
    let (loss, gradients) = match parts(batch.images.count, device) {
        1 => {
            let loss = pass(config, &state.parameters, batch, 0..batch.images.count, device)?;
            (loss, gradients(&state.parameters))
        }
        parts => in_parts(config, &mut state.parameters, batch, parts)?,
    };
    let length = state.optimizer.step(&mut state.parameters, &gradients, rate, state.step);
    optimizer::average(&mut state.averages, &state.parameters, config.average, state.step);
    state.step += 1;
    Ok((loss, length))
}

/// How many parts a batch goes in.
fn parts(count: usize, device: Device) -> usize {
    let threads =
        if device == Device::Cpu { usize::try_from(tch::get_num_threads()).unwrap_or(1) } else { 1 };
    threads.min(count / LEAST).max(1)
}

/// The loss and the gradients of a batch that goes in parts. Running statistics become the mean of what each part makes of them.
fn in_parts(
    config: &Config,
    parameters: &mut Parameters,
    batch: &LabelledBatch,
    parts: usize,
) -> Result<(f64, Parameters)> {
    let count = batch.images.count;
    let threads = tch::get_num_threads() / parts as i32;
    let replicas: Vec<Parameters> = (0..parts).map(|_| replica(parameters)).collect();
    let passed: Vec<Result<(f64, Parameters)>> = thread::scope(|scope| {
        let running: Vec<_> = replicas
            .into_iter()
            .enumerate()
            .map(|(part, replica)| {
                let range = count * part / parts..count * (part + 1) / parts;
                scope.spawn(move || {
                    // Of this thread alone.
                    tch::set_num_threads(threads.max(1));
                    Ok((pass(config, &replica, batch, range, Device::Cpu)?, replica))
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread of the network failed")))
            .collect()
    });
    let (mut loss, mut together) = (0.0, Parameters::new());
    let mut statistics = Parameters::new();
    for (part, passed) in passed.into_iter().enumerate() {
        let (of_part, replica) = passed?;
        let share = (count * (part + 1) / parts - count * part / parts) as f64 / count as f64;
        loss += of_part * share;
        let running = replica.iter().filter(|(_, tensor)| !tensor.requires_grad());
        let running = running.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        add(&mut together, gradients(&replica), share);
        add(&mut statistics, running, share);
    }
    tch::no_grad(|| {
        for (name, statistic) in &statistics {
            let parameter = parameters.get_mut(name).context("a part has a parameter of its own")?;
            parameter.f_copy_(statistic)?;
        }
        Ok((loss, together))
    })
}

/// Adds tensors in a fixed order, each by a share.
fn add(to: &mut Parameters, what: Parameters, share: f64) {
    tch::no_grad(|| {
        for (name, tensor) in what {
            let part = tensor * share;
            let sum = to.remove(&name).map_or_else(|| part.shallow_clone(), |sum| sum + &part);
            to.insert(name, sum);
        }
    });
}

/// The same parameters, in the same memory, for gradients of their own; but for running statistics, which a pass changes.
fn replica(parameters: &Parameters) -> Parameters {
    let replica = |tensor: &Tensor| match tensor.requires_grad() {
        true => tensor.detach().set_requires_grad(true),
        false => tensor.copy(),
    };
    parameters.iter().map(|(name, tensor)| (name.clone(), replica(tensor))).collect()
}

/// Forwards and backwards over some images of a batch; gives their loss.
fn pass(
    config: &Config,
    parameters: &Parameters,
    batch: &LabelledBatch,
    range: std::ops::Range<usize>,
    device: Device,
) -> Result<f64> {
    let width = batch.images.width;
    let of_one = HEIGHT * width;
    let shape = [range.len() as i64, 1, HEIGHT as i64, width as i64];
    let pixels = &batch.images.pixels[range.start * of_one..range.end * of_one];
    let images = Tensor::f_from_slice(pixels)?.f_reshape(shape)?.to_device(device);
    let mut graph = TorchGraph::new(parameters, true, config.precision.on(device));
    let log_probabilities = config.network.build(&mut graph, &images, config.charset.labels());
    let loss = loss(config.network.alignment(), &log_probabilities, &batch.labels[range], device)?;
    loss.f_backward()?;
    Ok(loss.double_value(&[]))
}

/// How far the texts are from certain: of each position in the mean, or, by CTC, of each text for one of its characters, and of
/// these the mean.
fn loss(
    alignment: Alignment,
    log_probabilities: &Tensor,
    labels: &[Vec<i64>],
    device: Device,
) -> Result<Tensor> {
    let targets = Tensor::from_slice(&labels.concat()).to_device(device);
    if alignment == Alignment::Positions {
        // Cross-entropy at each position; the blanks between them are certain whatever the network says.
        let positions = log_probabilities.f_slice(0, 0, None, 2)?.f_transpose(0, 1)?.f_flatten(0, 1)?;
        return Ok(positions.f_nll_loss::<Tensor>(&targets, None, tch::Reduction::Mean, -100)?);
    }
    let lengths: Vec<i64> = labels.iter().map(|labels| labels.len() as i64).collect();
    let input_lengths = vec![log_probabilities.size()[0]; labels.len()];
    Ok(Tensor::f_ctc_loss(
        log_probabilities,
        &targets,
        input_lengths.as_slice(),
        lengths.as_slice(),
        decode::BLANK as i64,
        tch::Reduction::Mean,
        // A text that cannot fit its steps would make the whole batch's loss infinite.
        true,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Source, train};

    /// Thirty-two images twice: each part's statistics are those of the whole, so all else is the same, too.
    #[test]
    fn parts_together_are_the_whole() {
        let config = Config::small("hku", 32);
        let once = Source::new(&config, 3).unwrap().window(0, 32).unwrap().remove(0);
        let mut images = once.images.clone();
        images.pixels.extend_from_slice(&once.images.pixels);
        images.count = 64;
        let twice = |all: &[Vec<i64>]| [all, all].concat();
        let batch = LabelledBatch {
            images,
            labels: twice(&once.labels),
            texts: [once.texts.clone(), once.texts.clone()].concat(),
        };
        let mut state = train::start(&config, Device::Cpu).unwrap();
        let (loss, parts) = in_parts(&config, &mut state.parameters, &batch, 2).unwrap();
        let alone = train::start(&config, Device::Cpu).unwrap();
        let whole = pass(&config, &alone.parameters, &batch, 0..64, Device::Cpu).unwrap();
        assert!((loss - whole).abs() < 1e-4 * whole, "{loss} and {whole}");
        let same = |name: &str, whole: &Tensor, parts: &Tensor| {
            let far = (whole - parts).abs().max().double_value(&[]);
            let long = whole.abs().max().double_value(&[]);
            assert!(far <= 1e-3 * long + 1e-6, "{name}: {far} of {long}");
        };
        for (name, gradient) in gradients(&alone.parameters) {
            same(&name, &gradient, &parts[&name]);
        }
        let statistics = alone.parameters.iter().filter(|(_, tensor)| !tensor.requires_grad());
        let compared = statistics.map(|(name, whole)| same(name, whole, &state.parameters[name])).count();
        assert!(compared >= 2, "a network with normalisation has running statistics");
    }

    #[test]
    fn no_part_is_too_small() {
        tch::set_num_threads(4);
        assert_eq!([1, 32, 64, 100, 128, 512].map(|count| parts(count, Device::Cpu)), [1, 1, 2, 3, 4, 4]);
        assert_eq!(parts(512, Device::Cuda(0)), 1);
    }
}
