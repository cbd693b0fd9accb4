// <<<replicas, 256, 4896>>>
// batch [40]
PASS(0) {
    if (halted(f.control, 0)) return;
    for (place i = f.thread; i < 40u; i += f.threads) {
        f.indices[i] = batch_row(f.control, 2u, 300ull, f.control->step * 40ull + i);
    }
}

// gather [40, 4]
PASS(1) {
    if (halted(f.control, 1)) return;
    for (place i = f.thread; i < 160u; i += f.threads) {
        const place k = i / 4u % 40u;
        f.arena[64u + i] = f.data[(i / 160u * 300u + f.indices[k]) * 4u + i % 4u];
    }
}

// 3 operations on 1x4
PASS(2) {
    if (halted(f.control, 2)) return;
    for (place i = f.thread; i < 16u; i += f.threads) {
        const place row = 0u;
        const place counter = i;
        const Words w0 = noise_words(f.control, 0u, row, counter);
#pragma unroll
        for (int word = 0; word < 4; ++word) {
            const place column = counter / 16u * 64u + word * 16u + counter % 16u;
            if (column >= 4u) break;
            const real r0 = normal(w0, word);
            const real r1 = 0.1f;
            const real r2 = r1 * r0;
            const real r3 = f.arena[column];
            const real r4 = r3 + r2;
            f.arena[448u + column] = r4;
        }
    }
}

// 2 operations on 40x4
PASS(3) {
    if (halted(f.control, 3)) return;
    for (place piece = f.block; piece < 1u; piece += f.blocks) {
        real s0 = (real)Sum::identity();
        for (place i = piece * 160u + threadIdx.x; i < (piece + 1u) * 160u; i += blockDim.x) {
            const place column = i % 4u;
            const real r0 = f.arena[column];
            const real r1 = f.arena[64u + i];
            const real r2 = r0 * r1;
            const real r3 = MATH(tanh)(r2);
            s0 = Sum::join(s0, r3);
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.arena[384u + piece] = total0;
    }
}

// gather [1]
PASS(4) {
    if (halted(f.control, 4)) return;
    for (place i = f.thread; i < 1u; i += f.threads) {
        const place k = i / 1u % 1u;
        f.arena[256u + i] = f.arena[(i / 1u * 4u + checked(f, 4u, k, f.data_indices[k], 4u)) * 1u + i % 1u];
    }
}

// reduce [40, 4] to [4]
PASS(5) {
    if (halted(f.control, 5)) return;
    for (place i = f.block; i < 4u; i += f.blocks) {
        real sum = (real)Sum::identity();
        for (place k = threadIdx.x; k < 40u; k += blockDim.x) sum = Sum::join(sum, f.arena[64u + i / 4u * 160u + i % 4u + k * 4u]);
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[320u + i] = total;
    }
}

// 1 operations on 1x4
PASS(6) {
    if (halted(f.control, 6)) return;
    for (place i = f.thread; i < 4u; i += f.threads) {
        const place column = i;
        const real r0 = f.arena[448u + column];
        const real r1 = f.arena[320u + column];
        const real r2 = r0 + r1;
        f.arena[column] = r2;
    }
}

extern "C" __global__ void __launch_bounds__(256) block_loop(LOOP_ARGUMENTS) {
    Replica* const replica = (Replica*)(replicas + (u64)blockIdx.x * 1072ull);
    const u64 steps = replica->steps;
    if (!steps) return;
    Control* const control = (Control*)(shared + 256);
    double* const partials = shared + 260;
    real* const arena = (real*)(shared + 260);
    u32* const indices = (u32*)(arena + 576);
    const Frame f = {arena, indices, partials, control, threadIdx.x, 256u, 0, 1, data, data_indices};
    real* const kept = (real*)(replica + 1);
    u32* const kept_indices = (u32*)(kept + 192);
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) arena[i] = kept[i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) arena[256u + i] = kept[64u + i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) arena[384u + i] = kept[128u + i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) indices[i] = kept_indices[i];
    if (threadIdx.x == 0) *control = replica->control;
    __syncthreads();
    u64 since = clock64();
    for (u64 step = 0; step < steps && !control->stopped; ++step) {
        AFTER(0, pass_0(f))
        AFTER(1, pass_1(f))
        AFTER(2, pass_2(f))
        AFTER(3, pass_3(f))
        AFTER(4, pass_4(f))
        AFTER(5, pass_5(f))
        AFTER(6, pass_6(f))
        if (threadIdx.x == 0) advance(control);
        __syncthreads();
    }
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept[i] = arena[i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept[64u + i] = arena[256u + i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept[128u + i] = arena[384u + i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept_indices[i] = indices[i];
    if (threadIdx.x == 0) replica->control = *control;
}
