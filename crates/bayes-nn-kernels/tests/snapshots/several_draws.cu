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
KERNEL(0, pass_0(f);)

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
KERNEL(1, pass_1(f);)
KERNEL(1_1, pass_1_1(f);)

// mean over draws []
PASS(2) {
    for (place i = f.thread; i < 1u; i += f.threads) {
        const real sum = f.draw ? f.arena[20224u + i] + f.arena[20160u + i] : f.arena[20160u + i];
        f.arena[20224u + i] = f.draw == 2ull ? sum * 0.33333334f : sum;
    }
}
KERNEL(2, pass_2(f);)

// mean over draws [10000]
PASS(3) {
    for (place i = f.thread; i < 10000u; i += f.threads) {
        const real sum = f.draw ? f.arena[10112u + i] + f.arena[64u + i] : f.arena[64u + i];
        f.arena[10112u + i] = f.draw == 2ull ? sum * 0.33333334f : sum;
    }
}
KERNEL(3, pass_3(f);)

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
KERNEL(4, pass_4(f);)

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
KERNEL(5, pass_5(f);)

KERNEL(next_draw, if (f.thread == 0) next_draw(f.control, 3ull);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// kernel_0<<<1, 32, 256>>>
// kernel_1<<<3, 256, 2048>>>
// kernel_1_1<<<1, 32, 256>>>
// kernel_2<<<1, 32, 0>>>
// kernel_3<<<40, 256, 0>>>
// kernel_next_draw<<<1, 1, 0>>>
// kernel_1<<<3, 256, 2048>>>
// kernel_1_1<<<1, 32, 256>>>
// kernel_2<<<1, 32, 0>>>
// kernel_3<<<40, 256, 0>>>
// kernel_next_draw<<<1, 1, 0>>>
// kernel_1<<<3, 256, 2048>>>
// kernel_1_1<<<1, 32, 256>>>
// kernel_2<<<1, 32, 0>>>
// kernel_3<<<40, 256, 0>>>
// kernel_next_draw<<<1, 1, 0>>>
// kernel_4<<<1, 32, 0>>>
// kernel_5<<<1, 32, 0>>>
// kernel_advance<<<1, 1, 0>>>
