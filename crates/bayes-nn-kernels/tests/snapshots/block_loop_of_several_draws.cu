// 1 operations on 1x4
PASS(0) {
    for (place piece = f.block; piece < 1u; piece += f.blocks) {
        real s0 = (real)Sum::identity();
        for (place i = piece * 4u + threadIdx.x; i < (piece + 1u) * 4u; i += blockDim.x) {
            const place column = i;
            const real r0 = f.arena[column];
            const real r1 = MATH(exp)(r0);
            s0 = Sum::join(s0, r1);
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.arena[20288u + piece] = total0;
    }
}

// 4 operations on 1x10000
PASS(1) {
    for (place piece = f.block; piece < 3u; piece += f.blocks) {
        const place first = piece / 3u * 2512u + piece % 3u * 1024u;
        const place end = min(first + 1024u, (piece / 3u + 1u) * 2512u);
        real s0 = (real)Sum::identity();
        for (place i = first + threadIdx.x; i < end; i += blockDim.x) {
            const place row = 0u;
            const place counter = i;
            const Words w0 = noise_words(f.control, 2u + (u32)f.draw, row, counter);
#pragma unroll
            for (int word = 0; word < 4; ++word) {
                const place column = counter / 16u * 64u + word * 16u + counter % 16u;
                if (column >= 10000u) break;
                const real r0 = normal(w0, word);
                const real r1 = f.arena[20288u];
                const real r2 = r0 + r1;
                const real r3 = MATH(tanh)(r2);
                const real r4 = MATH(cos)(r2);
                f.arena[64u + column] = r4;
                s0 = Sum::join(s0, r3);
            }
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.partials[piece] = total0;
    }
}
PASS(1_1) {
    for (place result = f.block; result < 1u; result += f.blocks) {
        const double total = join_partials<Sum>(f.partials + 0u + result * 3u, 3u);
        if (threadIdx.x == 0) f.arena[20160u + result] = total;
    }
}

// mean over draws []
PASS(2) {
    for (place i = f.thread; i < 1u; i += f.threads) {
        const real sum = f.draw ? f.arena[20224u + i] + f.arena[20160u + i] : f.arena[20160u + i];
        f.arena[20224u + i] = f.draw == 2ull ? sum * 0.33333334f : sum;
    }
}

// mean over draws [10000]
PASS(3) {
    for (place i = f.thread; i < 10000u; i += f.threads) {
        const real sum = f.draw ? f.arena[10112u + i] + f.arena[64u + i] : f.arena[64u + i];
        f.arena[10112u + i] = f.draw == 2ull ? sum * 0.33333334f : sum;
    }
}

// 1 operations on 1x1
PASS(4) {
    for (place i = f.thread; i < 1u; i += f.threads) {
        const place column = i;
        const real r0 = 0.1f;
        const real r1 = f.arena[20224u];
        const real r2 = r0 * r1;
        f.arena[64u + column] = r2;
    }
}

// 1 operations on 1x4
PASS(5) {
    for (place i = f.thread; i < 4u; i += f.threads) {
        const place column = i;
        const real r0 = f.arena[column];
        const real r1 = f.arena[64u];
        const real r2 = r0 + r1;
        f.arena[column] = r2;
    }
}

extern "C" __global__ void __launch_bounds__(256) block_loop(LOOP_ARGUMENTS) {
    Replica* const replica = (Replica*)(replicas + (u64)blockIdx.x * 40752ull);
    const u64 steps = replica->steps;
    if (!steps) return;
    Control* const control = (Control*)(shared + 256);
    double* const partials = shared + 260;
    real* const arena = (real*)(shared + 263);
    u32* const indices = (u32*)(arena + 20416);
    Frame f = {arena, indices, partials, control, threadIdx.x, 256u, 0, 1, data, data_indices};
    real* const kept = (real*)(replica + 1);
    u32* const kept_indices = (u32*)(kept + 10176);
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) arena[i] = kept[i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) arena[20224u + i] = kept[64u + i];
    for (place i = threadIdx.x; i < 10048u; i += blockDim.x) arena[10112u + i] = kept[128u + i];
    if (threadIdx.x == 0) *control = replica->control;
    __syncthreads();
    u64 since = clock64();
    for (u64 step = 0; step < steps && !control->stopped; ++step) {
        AFTER(0, pass_0(f))
        for (f.draw = 0; f.draw < 3ull; ++f.draw) {
        AFTER(1, pass_1(f))
        AFTER(1, pass_1_1(f))
        AFTER(2, pass_2(f))
        AFTER(3, pass_3(f))
        }
        f.draw = 0;
        AFTER(4, pass_4(f))
        AFTER(5, pass_5(f))
        if (threadIdx.x == 0) advance(control);
        __syncthreads();
    }
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept[i] = arena[i];
    for (place i = threadIdx.x; i < 64u; i += blockDim.x) kept[64u + i] = arena[20224u + i];
    for (place i = threadIdx.x; i < 10048u; i += blockDim.x) kept[128u + i] = arena[10112u + i];
    if (threadIdx.x == 0) replica->control = *control;
}
