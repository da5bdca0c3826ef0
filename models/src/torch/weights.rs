//! Weights on their way from a safetensors file to a device, laid out as serving reads them. Everything here is fallible:
//! a file or a device that is not as expected is an error with a sentence, never a panic out of libtorch.

use safetensors::{Dtype, SafeTensors};
use tch::{Cuda, Device, Kind, TchError, Tensor};

use super::{Parameters, graph, recurrent};
use crate::{device::DeviceChoice, load::LoadError, networks::ParameterSpec};

/// What cuDNN calls an LSTM.
const CUDNN_LSTM: i64 = 2;

/// The device that is meant, if it is there.
pub(super) fn device(choice: DeviceChoice) -> Result<Device, LoadError> {
    // None where CUDA itself has failed, which it says with a negative number.
    let devices = || usize::try_from(Cuda::device_count()).unwrap_or(0);
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto if devices() == 0 => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(Device::Cuda(0)),
        DeviceChoice::Cuda(number) if number < devices() => Ok(Device::Cuda(number)),
        DeviceChoice::Cuda(_) => Err(LoadError::NoDevice { wanted: choice, devices: devices() }),
    }
}

/// Reads the parameters of a network from a safetensors file; each must be there, in 32 bits and with its shape.
pub(super) fn read(
    specs: &[ParameterSpec],
    safetensors: &[u8],
    device: Device,
) -> Result<Parameters, LoadError> {
    let file = SafeTensors::deserialize(safetensors)
        .map_err(|error| LoadError::Network(format!("this is no safetensors file: {error}")))?;
    let parameters =
        specs.iter().map(|spec| read_one(spec, &file, device)).collect::<Result<Parameters, _>>()?;
    if device.is_cuda() && Cuda::cudnn_is_available() {
        join_lstms(specs, &parameters).map_err(failed)?;
    }
    Ok(parameters)
}

fn read_one(
    spec: &ParameterSpec,
    file: &SafeTensors<'_>,
    device: Device,
) -> Result<(String, Tensor), LoadError> {
    let name = &spec.name;
    let view = file.tensor(name).map_err(|_| {
        LoadError::Network(format!("the file holds no parameter {name}: it is another network's"))
    })?;
    if (view.dtype(), view.shape()) != (Dtype::F32, &spec.shape) {
        let (kind, shape) = (view.dtype(), view.shape());
        return Err(LoadError::Network(format!(
            "{name} is {kind:?} {shape:?}, the network wants F32 {:?}",
            spec.shape
        )));
    }
    let shape: Vec<i64> = spec.shape.iter().map(|&size| size as i64).collect();
    let placed = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)
        .and_then(|tensor| tensor.f_to_device(device))
        .map_err(failed)?;
    // Once here, and the graph finds nothing to do at every batch.
    let laid_out = if shape.len() == 4 { graph::weight(&placed, Kind::Float) } else { placed };
    Ok((name.clone(), laid_out))
}

/// Moves the parameters of each LSTM into one piece of memory, as cuDNN wants them. It would gather them anew for every
/// batch otherwise, and say so on standard error every time.
fn join_lstms(specs: &[ParameterSpec], parameters: &Parameters) -> Result<(), TchError> {
    let _no_gradients = tch::no_grad_guard();
    let has = |name: &str| specs.iter().any(|spec| spec.name == name);
    for spec in specs {
        let Some(name) = spec.name.strip_suffix(".forward.input_weight") else { continue };
        let ([gates, inputs], Some(hidden)) = (&spec.shape[..], hidden_width(specs, name)) else { continue };
        // Four gates are an LSTM's, and three a GRU's, which cuDNN gathers for itself.
        if *gates != 4 * hidden {
            continue;
        }
        let bidirectional = has(&format!("{name}.backward.input_weight"));
        let directions: &[&str] = if bidirectional { &["forward", "backward"] } else { &["forward"] };
        let parts = recurrent::parameters(parameters, name, directions);
        let per_direction = (parts.len() / directions.len()) as i64;
        // The parameters become views of what it gives, and keep it.
        let _joined = Tensor::f_internal_cudnn_rnn_flatten_weight(
            &parts,
            per_direction,
            *inputs as i64,
            CUDNN_LSTM,
            hidden as i64,
            0,
            1,
            false,
            bidirectional,
        )?;
    }
    Ok(())
}

/// The width of a layer's state, if it multiplies its state at all.
fn hidden_width(specs: &[ParameterSpec], name: &str) -> Option<usize> {
    let weight = format!("{name}.forward.hidden_weight");
    specs.iter().find(|spec| spec.name == weight)?.shape.last().copied()
}

#[allow(clippy::needless_pass_by_value)] // `map_err` hands it over.
fn failed(error: TchError) -> LoadError {
    LoadError::Network(error.to_string())
}
