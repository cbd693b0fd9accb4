// batch [40]
PASS(0) {
    for (place i = f.thread; i < 40u; i += f.threads) {
        f.indices[i] = batch_row(f.control, 2u, 300ull, part_of_step(f.control) * 40ull + i);
    }
}
KERNEL(0, pass_0(f);)

// gather [40, 4]
PASS(1) {
    for (place i = f.thread; i < 160u; i += f.threads) {
        const place k = i / 4u % 40u;
        f.arena[1280u + i] = f.arena[(i / 160u * 300u + f.indices[k]) * 4u + i % 4u];
    }
}
KERNEL(1, pass_1(f);)

// reduce [40, 4] to [4]
PASS(2) {
    for (place i = f.block; i < 4u; i += f.blocks) {
        real sum = (real)Sum::identity();
        for (place k = threadIdx.x; k < 40u; k += blockDim.x) sum = Sum::join(sum, f.arena[1280u + i / 4u * 160u + i % 4u + k * 4u]);
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[1472u + i] = total;
    }
}
KERNEL(2, pass_2(f);)

// 1 operations on 1x4
PASS(4) {
    for (place i = f.thread; i < 4u; i += f.threads) {
        const place column = i;
        const real r0 = f.arena[1216u + column];
        const real r1 = f.arena[1280u + column];
        const real r2 = r0 + r1;
        f.arena[1216u + column] = r2;
    }
}
KERNEL(4, pass_4(f);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// kernel_0<<<1, 64, 0>>>
// kernel_1<<<1, 256, 0>>>
// kernel_2<<<4, 64, 512>>>
// AllReduceMean { pass: 3, source: 1472, out: 1280, numbers: 4 }
// kernel_4<<<1, 32, 0>>>
// kernel_advance<<<1, 1, 0>>>
