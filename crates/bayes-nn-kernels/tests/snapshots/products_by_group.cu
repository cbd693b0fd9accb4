// products by group 3x5x4, 150 rows
PASS(0) {
    if (halted(f.control, 0)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place n = i % 150u; const place o = i / 150u % 5u; const place g = i / 150u / 5u % 3u; const place group = f.indices[192u + n]; 
        real sum = 0;
        for (place k = 0; k < 4u; k += 1) sum += f.arena[((group) * 5u + o) * 4u + k] * f.arena[64u + (((0u) * 4u + k) * 150u + n) / 150u * 192u + (((0u) * 4u + k) * 150u + n) % 150u];
        f.arena[832u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(0, pass_0(f);)

// 1 operations on 5x150
PASS(1) {
    if (halted(f.control, 1)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place row = i / 150u;
        const place column = i % 150u;
        const real r0 = f.arena[832u + row * 192u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[11968u + row * 192u + column] = r2;
    }
}
KERNEL(1, pass_1(f);)

// products by group, by inputs 3x5x4, 150 rows
PASS(2) {
    if (halted(f.control, 2)) return;
    for (place i = f.thread; i < 600u; i += f.threads) {
        const place n = i % 150u; const place c = i / 150u % 4u; const place g = i / 150u / 4u % 3u; const place group = f.indices[192u + n]; 
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[((group) * 5u + k) * 4u + c] * f.arena[11968u + (((0u) * 5u + k) * 150u + n) / 150u * 192u + (((0u) * 5u + k) * 150u + n) % 150u];
        f.arena[1792u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(2, pass_2(f);)

// products by group, by weights 3x5x4, 150 rows
PASS(3) {
    if (halted(f.control, 3)) return;
    for (place i = f.block; i < 60u; i += f.blocks) {
        const place c = i % 4u; const place o = i / 4u % 5u; const place g = i / 4u / 5u % 3u; 
        real sum = 0;
        for (place k = threadIdx.x; k < 150u; k += blockDim.x) { if (f.indices[192u + k] == g) sum += f.arena[64u + (((0u) * 4u + c) * 150u + k) / 150u * 192u + (((0u) * 4u + c) * 150u + k) % 150u] * f.arena[11968u + (((0u) * 5u + o) * 150u + k) / 150u * 192u + (((0u) * 5u + o) * 150u + k) % 150u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[2560u + i] = total;
    }
}
KERNEL(3, pass_3(f);)

// products by group 3x5x4, 150 rows
PASS(4) {
    if (halted(f.control, 4)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place n = i % 150u; const place o = i / 150u % 5u; const place g = i / 150u / 5u % 3u; const place group = checked(f, 4u, n, f.indices[n], 3u); 
        real sum = 0;
        for (place k = 0; k < 4u; k += 1) sum += f.arena[((group) * 5u + o) * 4u + k] * f.arena[64u + (((0u) * 4u + k) * 150u + n) / 150u * 192u + (((0u) * 4u + k) * 150u + n) % 150u];
        f.arena[2624u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(4, pass_4(f);)

// 1 operations on 5x150
PASS(5) {
    if (halted(f.control, 5)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place row = i / 150u;
        const place column = i % 150u;
        const real r0 = 2.0f;
        const real r1 = f.arena[2624u + row * 192u + column];
        const real r2 = r0 * r1;
        f.arena[11968u + row * 192u + column] = r2;
    }
}
KERNEL(5, pass_5(f);)

// products by group, by inputs 3x5x4, 150 rows
PASS(6) {
    if (halted(f.control, 6)) return;
    for (place i = f.thread; i < 600u; i += f.threads) {
        const place n = i % 150u; const place c = i / 150u % 4u; const place g = i / 150u / 4u % 3u; const place group = checked(f, 6u, n, f.indices[n], 3u); 
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[((group) * 5u + k) * 4u + c] * f.arena[11968u + (((0u) * 5u + k) * 150u + n) / 150u * 192u + (((0u) * 5u + k) * 150u + n) % 150u];
        f.arena[3584u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(6, pass_6(f);)

// products by group, by weights 3x5x4, 150 rows
PASS(7) {
    if (halted(f.control, 7)) return;
    for (place i = f.block; i < 60u; i += f.blocks) {
        const place c = i % 4u; const place o = i / 4u % 5u; const place g = i / 4u / 5u % 3u; 
        real sum = 0;
        for (place k = threadIdx.x; k < 150u; k += blockDim.x) { if (checked(f, 7u, k, f.indices[k], 3u) == g) sum += f.arena[64u + (((0u) * 4u + c) * 150u + k) / 150u * 192u + (((0u) * 4u + c) * 150u + k) % 150u] * f.arena[11968u + (((0u) * 5u + o) * 150u + k) / 150u * 192u + (((0u) * 5u + o) * 150u + k) % 150u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[4352u + i] = total;
    }
}
KERNEL(7, pass_7(f);)

// products by group 3x5x4, 150 rows
PASS(8) {
    if (halted(f.control, 8)) return;
    for (place i = f.thread; i < 2250u; i += f.threads) {
        const place n = i % 150u; const place o = i / 150u % 5u; const place g = i / 150u / 5u % 3u; const place group = g; 
        real sum = 0;
        for (place k = 0; k < 4u; k += 1) sum += f.arena[((group) * 5u + o) * 4u + k] * f.arena[4416u + (((g) * 4u + k) * 150u + n) / 150u * 192u + (((g) * 4u + k) * 150u + n) % 150u];
        f.arena[6720u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(8, pass_8(f);)

// 1 operations on 15x150
PASS(9) {
    if (halted(f.control, 9)) return;
    for (place i = f.thread; i < 2250u; i += f.threads) {
        const place row = i / 150u;
        const place column = i % 150u;
        const real r0 = f.arena[6720u + row * 192u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[11968u + row * 192u + column] = r2;
    }
}
KERNEL(9, pass_9(f);)

// products by group, by inputs 3x5x4, 150 rows
PASS(10) {
    if (halted(f.control, 10)) return;
    for (place i = f.thread; i < 1800u; i += f.threads) {
        const place n = i % 150u; const place c = i / 150u % 4u; const place g = i / 150u / 4u % 3u; const place group = g; 
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[((group) * 5u + k) * 4u + c] * f.arena[11968u + (((g) * 5u + k) * 150u + n) / 150u * 192u + (((g) * 5u + k) * 150u + n) % 150u];
        f.arena[9600u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(10, pass_10(f);)

// products by group, by weights 3x5x4, 150 rows
PASS(11) {
    if (halted(f.control, 11)) return;
    for (place i = f.block; i < 60u; i += f.blocks) {
        const place c = i % 4u; const place o = i / 4u % 5u; const place g = i / 4u / 5u % 3u; 
        real sum = 0;
        for (place k = threadIdx.x; k < 150u; k += blockDim.x) { sum += f.arena[4416u + (((g) * 4u + c) * 150u + k) / 150u * 192u + (((g) * 4u + c) * 150u + k) % 150u] * f.arena[11968u + (((g) * 5u + o) * 150u + k) / 150u * 192u + (((g) * 5u + o) * 150u + k) % 150u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[11904u + i] = total;
    }
}
KERNEL(11, pass_11(f);)

// batch [150]
PASS(12) {
    if (halted(f.control, 12)) return;
    for (place i = f.thread; i < 150u; i += f.threads) {
        f.indices[384u + i] = batch_row(f.control, 1u, 150ull, f.control->step * 150ull + i);
    }
}
KERNEL(12, pass_12(f);)

// gather [150]
PASS(13) {
    if (halted(f.control, 13)) return;
    for (place i = f.thread; i < 150u; i += f.threads) {
        const place k = i / 1u % 150u;
        f.indices[576u + i] = f.indices[(i / 150u * 150u + f.indices[384u + k]) * 1u + i % 1u];
    }
}
KERNEL(13, pass_13(f);)

// products by group 3x5x4, 150 rows
PASS(14) {
    if (halted(f.control, 14)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place n = i % 150u; const place o = i / 150u % 5u; const place g = i / 150u / 5u % 3u; const place group = checked(f, 14u, n, f.indices[576u + n], 3u); 
        real sum = 0;
        for (place k = 0; k < 4u; k += 1) sum += f.arena[((group) * 5u + o) * 4u + k] * f.arena[64u + (((0u) * 4u + k) * 150u + n) / 150u * 192u + (((0u) * 4u + k) * 150u + n) % 150u];
        f.arena[11968u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(14, pass_14(f);)

// 1 operations on 5x150
PASS(15) {
    if (halted(f.control, 15)) return;
    for (place i = f.thread; i < 750u; i += f.threads) {
        const place row = i / 150u;
        const place column = i % 150u;
        const real r0 = 2.0f;
        const real r1 = f.arena[11968u + row * 192u + column];
        const real r2 = r0 * r1;
        f.arena[12928u + row * 192u + column] = r2;
    }
}
KERNEL(15, pass_15(f);)

// products by group, by inputs 3x5x4, 150 rows
PASS(16) {
    if (halted(f.control, 16)) return;
    for (place i = f.thread; i < 600u; i += f.threads) {
        const place n = i % 150u; const place c = i / 150u % 4u; const place g = i / 150u / 4u % 3u; const place group = checked(f, 16u, n, f.indices[576u + n], 3u); 
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[((group) * 5u + k) * 4u + c] * f.arena[12928u + (((0u) * 5u + k) * 150u + n) / 150u * 192u + (((0u) * 5u + k) * 150u + n) % 150u];
        f.arena[13888u + i / 150u * 192u + i % 150u] = sum;
    }
}
KERNEL(16, pass_16(f);)

// products by group, by weights 3x5x4, 150 rows
PASS(17) {
    if (halted(f.control, 17)) return;
    for (place i = f.block; i < 60u; i += f.blocks) {
        const place c = i % 4u; const place o = i / 4u % 5u; const place g = i / 4u / 5u % 3u; 
        real sum = 0;
        for (place k = threadIdx.x; k < 150u; k += blockDim.x) { if (checked(f, 17u, k, f.indices[576u + k], 3u) == g) sum += f.arena[64u + (((0u) * 4u + c) * 150u + k) / 150u * 192u + (((0u) * 4u + c) * 150u + k) % 150u] * f.arena[12928u + (((0u) * 5u + o) * 150u + k) / 150u * 192u + (((0u) * 5u + o) * 150u + k) % 150u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[14656u + i] = total;
    }
}
KERNEL(17, pass_17(f);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// kernel_0<<<3, 256, 0>>>
// kernel_1<<<3, 256, 0>>>
// kernel_2<<<3, 256, 0>>>
// kernel_3<<<60, 256, 2048>>>
// kernel_4<<<3, 256, 0>>>
// kernel_5<<<3, 256, 0>>>
// kernel_6<<<3, 256, 0>>>
// kernel_7<<<60, 256, 2048>>>
// kernel_8<<<9, 256, 0>>>
// kernel_9<<<9, 256, 0>>>
// kernel_10<<<8, 256, 0>>>
// kernel_11<<<60, 256, 2048>>>
// kernel_12<<<1, 256, 0>>>
// kernel_13<<<1, 256, 0>>>
// kernel_14<<<3, 256, 0>>>
// kernel_15<<<3, 256, 0>>>
// kernel_16<<<3, 256, 0>>>
// kernel_17<<<60, 256, 2048>>>
// kernel_advance<<<1, 1, 0>>>
