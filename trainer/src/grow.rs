//! A network's parameters in a wider one of the same layers, which reads what the narrow one reads until it is trained (after
//! Net2Net, Chen et al. 2016, arXiv:1511.05641): what is new starts at random, and what was there does not listen to it yet.

use tch::Tensor;

/// Gates of an LSTM, stacked in each of its parameters.
const GATES: i64 = 4;

/// `stored` in the shape and with the rest of `fresh`; none where it is in that shape, or has other axes or a longer one.
pub(crate) fn grown(name: &str, stored: &Tensor, fresh: &Tensor) -> Option<Tensor> {
    let (old, new) = (stored.size(), fresh.size());
    if old == new || old.len() != new.len() || old.iter().zip(&new).any(|(old, new)| old > new) {
        return None;
    }
    let stacked = stacked(name, old.len());
    // Each axis in two: which of the stacked parts, and where in it.
    let apart = |sizes: &[i64]| -> Vec<i64> {
        sizes.iter().zip(&stacked).flat_map(|(size, parts)| [*parts, size / parts]).collect()
    };
    let (old, new) = (apart(&old), apart(&new));
    tch::no_grad(|| {
        let grown = fresh.detach().copy();
        let whole = grown.view(new.as_slice());
        let first = |tensor: Tensor, axis: usize| tensor.narrow(axis as i64, 0, old[axis]);
        if let Some((outputs, inputs)) = channels(stacked.len()) {
            let heard = first(whole.shallow_clone(), 2 * outputs + 1);
            let unheard = new[2 * inputs + 1] - old[2 * inputs + 1];
            drop(heard.narrow(2 * inputs as i64 + 1, old[2 * inputs + 1], unheard).zero_());
        }
        (0..old.len()).fold(whole, first).copy_(&stored.reshape(old.as_slice()));
        Some(grown)
    })
}

/// The axes of outputs and inputs; none of what has but one axis.
fn channels(axes: usize) -> Option<(usize, usize)> {
    match axes {
        0 | 1 => None,
        // A kernel for each expert.
        5 => Some((1, 2)),
        _ => Some((0, 1)),
    }
}

/// Of how many parts one behind the other each axis is: of an LSTM's gates, of a classifier's two directions.
fn stacked(name: &str, axes: usize) -> Vec<i64> {
    let mut stacked = vec![1; axes];
    if name.contains(".forward.") || name.contains(".backward.") {
        stacked[0] = GATES;
    } else if name == "classify.weight" {
        stacked[1] = 2;
    }
    stacked
}

#[cfg(test)]
mod tests {
    use byecaptcha_models::{
        networks::{Network, Outline},
        preprocess::{HEIGHT, WIDTH},
        torch::{Precision, TorchGraph, initialize},
    };
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn a_grown_network_reads_as_before_and_listens_to_what_is_new() {
        tch::manual_seed(5);
        let network = |network, labels| {
            initialize(&Outline::of(network, HEIGHT, WIDTH, labels).parameters, Device::Cpu)
        };
        let narrow = network(Network::LeanConditional, 63);
        let mut wide = network(Network::LeanConditionalLarge, 63);
        for (name, parameter) in &mut wide {
            let grown = grown(name, &narrow[name], parameter);
            tch::no_grad(|| parameter.copy_(grown.as_ref().unwrap_or(&narrow[name])));
        }
        let images = Tensor::rand([3, 1, HEIGHT as i64, WIDTH as i64], (Kind::Float, Device::Cpu));
        let read = |network: Network, parameters, training| {
            network.build(&mut TorchGraph::new(parameters, training, Precision::Float32), &images, 63)
        };
        let before = read(Network::LeanConditional, &narrow, false);
        let after = read(Network::LeanConditionalLarge, &wide, false);
        let off = (&before - &after).abs().max().double_value(&[]);
        assert!(off < 1e-4, "{off}");

        let trained = read(Network::LeanConditionalLarge, &wide, true);
        trained.get(0).get(0).get(1).backward();
        for name in ["conv1.weight", "conv5.weight", "narrow.weight", "classify.weight"] {
            let gradient = wide[name].grad();
            let inputs = channels(gradient.dim()).unwrap().1;
            let newest = gradient.select(inputs as i64, gradient.size()[inputs] - 1);
            assert!(newest.abs().max().double_value(&[]) > 0.0, "{name}");
        }
    }

    #[test]
    fn only_what_is_wider_is_grown() {
        let of = |shape: &[i64]| Tensor::ones(shape, (Kind::Float, Device::Cpu));
        let grown = |old: &[i64], new: &[i64]| grown("conv.weight", &of(old), &(of(new) * 2.0));
        assert_eq!(grown(&[2], &[3]).unwrap(), Tensor::from_slice(&[1_f32, 1.0, 2.0]));
        let square = grown(&[1, 1], &[2, 2]).unwrap().flatten(0, 1);
        assert_eq!(square, Tensor::from_slice(&[1_f32, 0.0, 2.0, 2.0]));
        for (old, new) in [(&[3][..], &[2][..]), (&[2, 3], &[3, 2]), (&[2], &[2, 2]), (&[2, 2], &[2, 2])] {
            assert!(grown(old, new).is_none());
        }
    }
}
