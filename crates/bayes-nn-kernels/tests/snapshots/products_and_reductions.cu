// 1 operations on 100x64
PASS(1) {
    if (halted(f.control, 1)) return;
    for (place i = f.thread; i < 6400u; i += f.threads) {
        const real r0 = f.arena[136768u + i];
        const real r1 = MATH(tanh)(r0);
        f.arena[143168u + i] = r1;
    }
}
KERNEL(1, pass_1(f);)

// reduce [100, 64] to [64]
PASS(2) {
    if (halted(f.control, 2)) return;
    for (place i = f.block; i < 64u; i += f.blocks) {
        real sum = (real)Max::identity();
        for (place k = threadIdx.x; k < 100u; k += blockDim.x) sum = Max::join(sum, f.arena[143168u + i / 64u * 6400u + i % 64u + k * 64u]);
        const double total = block_reduce<Max>(sum);
        if (threadIdx.x == 0) f.arena[136768u + i] = total;
    }
}
KERNEL(2, pass_2(f);)

// 4 operations on 1x64
PASS(3) {
    if (halted(f.control, 3)) return;
    for (place i = f.thread; i < 64u; i += f.threads) {
        const place column = i;
        const real r0 = f.arena[136768u + column];
        const real r1 = r0;
        const real r2 = MATH(fabs)(r1);
        const real r3 = INF;
        const real r4 = (real)(r2 < r3);
        const real r5 = 0.0;
        const real r6 = r4 != 0 ? r1 : r5;
        f.arena[149632u + column] = r6;
    }
}
KERNEL(3, pass_3(f);)

// 2 operations on 100x64
PASS(4) {
    if (halted(f.control, 4)) return;
    for (place i = f.thread; i < 6400u; i += f.threads) {
        const place column = i % 64u;
        const real r0 = f.arena[143168u + i];
        const real r1 = f.arena[149632u + column];
        const real r2 = r0 - r1;
        const real r3 = MATH(exp)(r2);
        f.arena[136768u + i] = r3;
    }
}
KERNEL(4, pass_4(f);)

// reduce [100, 64] to [64]
PASS(5) {
    if (halted(f.control, 5)) return;
    for (place i = f.block; i < 64u; i += f.blocks) {
        real sum = (real)Sum::identity();
        for (place k = threadIdx.x; k < 100u; k += blockDim.x) sum = Sum::join(sum, f.arena[136768u + i / 64u * 6400u + i % 64u + k * 64u]);
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[149568u + i] = total;
    }
}
KERNEL(5, pass_5(f);)

// 5 operations on 1x64
PASS(6) {
    if (halted(f.control, 6)) return;
    for (place piece = f.block; piece < 1u; piece += f.blocks) {
        real s0 = (real)Sum::identity();
        for (place i = piece * 64u + threadIdx.x; i < (piece + 1u) * 64u; i += blockDim.x) {
            const place column = i;
            const real r0 = 0.0;
            const real r1 = f.arena[149568u + column];
            const real r2 = (real)(r0 == r1);
            const real r3 = 1.0;
            const real r4 = r2 != 0 ? r3 : r1;
            const real r5 = MATH(log)(r4);
            const real r6 = f.arena[149632u + column];
            const real r7 = r6 + r5;
            const real r8 = -INF;
            const real r9 = r2 != 0 ? r8 : r7;
            s0 = Sum::join(s0, r9);
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.arena[136640u + piece] = total0;
    }
}
KERNEL(6, pass_6(f);)

// gather [3, 64]
PASS(7) {
    if (halted(f.control, 7)) return;
    for (place i = f.thread; i < 192u; i += f.threads) {
        const place k = i / 64u % 3u;
        f.arena[136448u + i] = f.arena[143168u + (i / 192u * 100u + checked(f, 7u, k, f.indices[k], 100u)) * 64u + i % 64u];
    }
}
KERNEL(7, pass_7(f);)

// 0 operations on 64x784
PASS(8) {
    if (halted(f.control, 8)) return;
    for (place piece = f.block; piece < 49u; piece += f.blocks) {
        const place first = piece / 49u * 50176u + piece % 49u * 1024u;
        const place end = min(first + 1024u, (piece / 49u + 1u) * 50176u);
        real s0 = (real)Max::identity();
        for (place i = first + threadIdx.x; i < end; i += blockDim.x) {
            const place row = i / 784u;
            const place column = i % 784u;
            const real r0 = f.arena[row * 832u + column];
            s0 = Max::join(s0, r0);
        }
        const double total0 = block_reduce<Max>(s0);
        if (threadIdx.x == 0) f.partials[piece] = total0;
    }
}
PASS(8_1) {
    if (halted(f.control, 8)) return;
    for (place result = f.block; result < 1u; result += f.blocks) {
        const double total = join_partials<Max>(f.partials + 0u + result * 49u, 49u);
        if (threadIdx.x == 0) f.arena[136704u + result] = total;
    }
}
KERNEL(8, pass_8(f);)
KERNEL(8_1, pass_8_1(f);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// Product { pass: 0, m: 64, n: 100, k: 784, a: (0, 832, true), b: (53248, 832, false), c: (136768, 64) }
// kernel_1<<<25, 256, 0>>>
// kernel_2<<<64, 128, 1024>>>
// kernel_3<<<1, 64, 0>>>
// kernel_4<<<25, 256, 0>>>
// kernel_5<<<64, 128, 1024>>>
// kernel_6<<<1, 64, 512>>>
// kernel_7<<<1, 256, 0>>>
// kernel_8<<<49, 256, 2048>>>
// kernel_8_1<<<1, 64, 512>>>
// kernel_advance<<<1, 1, 0>>>
