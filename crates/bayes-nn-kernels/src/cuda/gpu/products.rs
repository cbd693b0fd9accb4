//! Products of matrices by cuBLAS.

use std::sync::Arc;

use cudarc::cublas::result::CublasError;
use cudarc::cublas::{self, CudaBlas};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr};

use super::Products;
use super::memory::zeros;
use crate::cuda::emit::Product;
use crate::element::Precision;
use crate::error::DeviceError;

/// Bytes that cuBLAS may work with: what NVIDIA recommends for Hopper, more than enough before.
const WORKSPACE: usize = 32 << 20;

/// A handle of cuBLAS with memory of its own, so that it allocates nothing while a graph is
/// captured, and its results do not depend on what else the GPU does.
pub(super) struct Blas {
    handle: CudaBlas,
    _workspace: CudaSlice<u8>,
    precision: Precision,
    products: Products,
}

impl Blas {
    pub fn new(
        stream: &Arc<CudaStream>,
        precision: Precision,
        products: Products,
    ) -> Result<Blas, DeviceError> {
        let workspace = zeros(stream, WORKSPACE)?;
        let handle = CudaBlas::new(stream.clone()).map_err(library("cublasCreate"))?;
        let start = workspace.device_ptr(stream).0 as *mut std::ffi::c_void;
        // SAFETY: the memory lives in the same struct as the handle, and longer.
        let set = unsafe { cublas::sys::cublasSetWorkspace_v2(*handle.handle(), start, WORKSPACE) };
        set.result().map_err(library("cublasSetWorkspace"))?;
        Ok(Blas {
            handle,
            _workspace: workspace,
            precision,
            products,
        })
    }

    /// Begins a product of matrices in an arena at this address.
    pub fn multiply(&self, product: &Product, arena: u64) -> Result<(), DeviceError> {
        use cublas::sys::cublasComputeType_t as Compute;
        use cublas::sys::cublasGemmAlgo_t::CUBLAS_GEMM_DFALT;
        use cublas::sys::cublasOperation_t as Operation;
        use cublas::sys::cudaDataType_t as Type;
        let (kind, compute) = match (self.precision, self.products) {
            (Precision::F64, _) => (Type::CUDA_R_64F, Compute::CUBLAS_COMPUTE_64F),
            (_, Products::Single) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F),
            (_, Products::Tf32) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F_FAST_TF32),
            (_, Products::Bf16) => (Type::CUDA_R_32F, Compute::CUBLAS_COMPUTE_32F_FAST_16BF),
        };
        let size = self.precision.bytes();
        let operation = |transposed| match transposed {
            true => Operation::CUBLAS_OP_T,
            false => Operation::CUBLAS_OP_N,
        };
        let at = |offset: usize| (arena + (offset * size) as u64) as *mut std::ffi::c_void;
        // Factors are of the type of the sums.
        let (single, double) = ([1f32, 0.0], [1f64, 0.0]);
        let factor = |i: usize| -> *const std::ffi::c_void {
            match self.precision {
                Precision::F32 => (&raw const single[i]).cast(),
                Precision::F64 => (&raw const double[i]).cast(),
            }
        };
        // SAFETY: the plan placed all three matrices inside the arena, whose lengths fit 31 bits
        // where a library multiplies; the factors live until the call returns.
        let done = unsafe {
            cublas::result::gemm_ex(
                *self.handle.handle(),
                operation(product.a.2),
                operation(product.b.2),
                product.m as i32,
                product.n as i32,
                product.k as i32,
                factor(0),
                at(product.a.0),
                kind,
                product.a.1 as i32,
                at(product.b.0),
                kind,
                product.b.1 as i32,
                factor(1),
                at(product.c.0),
                kind,
                product.c.1 as i32,
                compute,
                CUBLAS_GEMM_DFALT,
            )
        };
        done.map_err(library("cublasGemmEx"))
    }
}

fn library(call: &'static str) -> impl Fn(CublasError) -> DeviceError {
    move |error| DeviceError::Call {
        call,
        message: format!("{error:?}"),
    }
}
