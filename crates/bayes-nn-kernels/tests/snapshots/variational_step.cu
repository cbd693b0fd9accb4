// batch [50]
PASS(0) {
    for (place i = f.thread; i < 50u; i += f.threads) {
        f.indices[i] = batch_row(f.control, 9u, 500ull, f.control->step * 50ull + i);
    }
}
KERNEL(0, pass_0(f);)

// gather [50, 2]
PASS(1) {
    for (place i = f.thread; i < 100u; i += f.threads) {
        const place k = i / 2u % 50u;
        f.arena[2880u + i] = f.arena[(i / 100u * 500u + f.indices[k]) * 2u + i % 2u];
    }
}
KERNEL(1, pass_1(f);)

// gather [50]
PASS(2) {
    for (place i = f.thread; i < 50u; i += f.threads) {
        const place k = i / 1u % 50u;
        f.arena[3008u + i] = f.arena[1024u + (i / 50u * 500u + f.indices[k]) * 1u + i % 1u];
    }
}
KERNEL(2, pass_2(f);)

// 6 operations on 1x40
PASS(3) {
    for (place piece = f.block; piece < 1u; piece += f.blocks) {
        real s0 = (real)Sum::identity();
        real s1 = (real)Sum::identity();
        for (place i = piece * 16u + threadIdx.x; i < (piece + 1u) * 16u; i += blockDim.x) {
            const place row = 0u;
            const place counter = i;
            const Words w0 = noise_words(f.control, 0u, row, counter);
#pragma unroll
            for (int word = 0; word < 4; ++word) {
                const place column = counter / 16u * 64u + word * 16u + counter % 16u;
                if (column >= 40u) break;
                const real r0 = normal(w0, word);
                const real r1 = f.arena[1600u + column];
                const real r2 = softplus(r1);
                const real r3 = r0 * r2;
                const real r4 = f.arena[1536u + column];
                const real r5 = r4 + r3;
                const real r6 = r5 * r5;
                const real r7 = MATH(log)(r2);
                f.arena[3456u + column] = r0;
                f.arena[3392u + column] = r2;
                f.arena[3072u + column] = r5;
                s0 = Sum::join(s0, r6);
                s1 = Sum::join(s1, r7);
            }
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.arena[3264u + piece] = total0;
        const double total1 = block_reduce<Sum>(s1);
        if (threadIdx.x == 0) f.arena[3328u + piece] = total1;
    }
}
KERNEL(3, pass_3(f);)

// matmul 5x2x50
PASS(4) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u, column = i % 50u;
        real sum = 0;
        for (place k = 0; k < 2u; k += 1) sum += f.arena[3072u + row * 2u + k] * f.arena[2880u + k + column * 2u];
        f.arena[1920u + row * 64u + column] = sum;
    }
}
KERNEL(4, pass_4(f);)

// 1 operations on 5x50
PASS(5) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u;
        const place column = i % 50u;
        const real r0 = f.arena[1920u + row * 64u + column];
        const real r1 = MATH(tanh)(r0);
        f.arena[2240u + row * 64u + column] = r1;
    }
}
KERNEL(5, pass_5(f);)

// matmul 5x5x50
PASS(6) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u, column = i % 50u;
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[3082u + row * 5u + k] * f.arena[2240u + k * 64u + column];
        f.arena[1920u + row * 64u + column] = sum;
    }
}
KERNEL(6, pass_6(f);)

// 1 operations on 5x50
PASS(7) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u;
        const place column = i % 50u;
        const real r0 = f.arena[1920u + row * 64u + column];
        const real r1 = MATH(tanh)(r0);
        f.arena[2560u + row * 64u + column] = r1;
    }
}
KERNEL(7, pass_7(f);)

// matmul 1x5x50
PASS(8) {
    for (place i = f.thread; i < 50u; i += f.threads) {
        const place row = 0u, column = i;
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[3107u + row * 5u + k] * f.arena[2560u + k * 64u + column];
        f.arena[1920u + row * 50u + column] = sum;
    }
}
KERNEL(8, pass_8(f);)

// 7 operations on 1x50
PASS(9) {
    for (place piece = f.block; piece < 1u; piece += f.blocks) {
        real s0 = (real)Sum::identity();
        for (place i = piece * 50u + threadIdx.x; i < (piece + 1u) * 50u; i += blockDim.x) {
            const place column = i;
            const real r0 = f.arena[3008u + column];
            const real r1 = f.arena[1920u + column];
            const real r2 = r0 * r1;
            const real r3 = softplus(r1);
            const real r4 = r2 - r3;
            const real r5 = sigmoid(r1);
            const real r6 = -10.0f;
            const real r7 = r6 * r5;
            const real r8 = 10.0f;
            const real r9 = r0 * r8;
            const real r10 = r7 + r9;
            f.arena[3136u + column] = r10;
            s0 = Sum::join(s0, r4);
        }
        const double total0 = block_reduce<Sum>(s0);
        if (threadIdx.x == 0) f.arena[1984u + piece] = total0;
    }
}
KERNEL(9, pass_9(f);)

// 12 operations on 1x1
PASS(10) {
    for (place i = f.thread; i < 1u; i += f.threads) {
        const place column = i;
        const real r0 = 10.0f;
        const real r1 = f.arena[1984u];
        const real r2 = r0 * r1;
        const real r3 = -0.5f;
        const real r4 = f.arena[3264u];
        const real r5 = r3 * r4;
        const real r6 = r2 + r5;
        const real r7 = f.arena[3328u];
        const real r8 = r7 + r6;
        const real r9 = 1.0f;
        const real r10 = (real)f.control->step;
        const real r11 = r9 + r10;
        const real r12 = 0.999f;
        const real r13 = MATH(pow)(r12, r11);
        const real r14 = r9 - r13;
        const real r15 = MATH(sqrt)(r14);
        const real r16 = 0.01f;
        const real r17 = r16 * r15;
        const real r18 = 0.9f;
        const real r19 = MATH(pow)(r18, r11);
        const real r20 = r9 - r19;
        const real r21 = r17 / r20;
        f.arena[3200u + column] = r8;
        f.arena[3520u + column] = r21;
    }
}
KERNEL(10, pass_10(f);)

// matmul 1x50x5
PASS(11) {
    for (place i = f.thread; i < 5u; i += f.threads) {
        const place row = 0u, column = i;
        real sum = 0;
        for (place k = 0; k < 50u; k += 1) sum += f.arena[3136u + row * 50u + k] * f.arena[2560u + k + column * 64u];
        f.arena[3043u + row * 5u + column] = sum;
    }
}
KERNEL(11, pass_11(f);)

// 4 operations on 5x50
PASS(12) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u;
        const place column = i % 50u;
        const real r0 = f.arena[3136u + column];
        const real r1 = f.arena[3107u + row];
        const real r2 = r0 * r1;
        const real r3 = f.arena[2560u + row * 64u + column];
        const real r4 = r3 * r3;
        const real r5 = 1.0f;
        const real r6 = r5 - r4;
        const real r7 = r2 * r6;
        f.arena[1920u + row * 64u + column] = r7;
    }
}
KERNEL(12, pass_12(f);)

// matmul 5x50x5
PASS(13) {
    for (place i = f.thread; i < 25u; i += f.threads) {
        const place row = i / 5u, column = i % 5u;
        real sum = 0;
        for (place k = 0; k < 50u; k += 1) sum += f.arena[1920u + row * 64u + k] * f.arena[2240u + k + column * 64u];
        f.arena[3018u + row * 5u + column] = sum;
    }
}
KERNEL(13, pass_13(f);)

// matmul 5x5x50
PASS(14) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u, column = i % 50u;
        real sum = 0;
        for (place k = 0; k < 5u; k += 1) sum += f.arena[3082u + row + k * 5u] * f.arena[1920u + k * 64u + column];
        f.arena[2560u + row * 64u + column] = sum;
    }
}
KERNEL(14, pass_14(f);)

// 3 operations on 5x50
PASS(15) {
    for (place i = f.thread; i < 250u; i += f.threads) {
        const place row = i / 50u;
        const place column = i % 50u;
        const real r0 = f.arena[2240u + row * 64u + column];
        const real r1 = r0 * r0;
        const real r2 = 1.0f;
        const real r3 = r2 - r1;
        const real r4 = f.arena[2560u + row * 64u + column];
        const real r5 = r4 * r3;
        f.arena[1920u + row * 64u + column] = r5;
    }
}
KERNEL(15, pass_15(f);)

// matmul 5x50x2
PASS(16) {
    for (place i = f.thread; i < 10u; i += f.threads) {
        const place row = i / 2u, column = i % 2u;
        real sum = 0;
        for (place k = 0; k < 50u; k += 1) sum += f.arena[1920u + row * 64u + k] * f.arena[2880u + k * 2u + column];
        f.arena[3008u + row * 2u + column] = sum;
    }
}
KERNEL(16, pass_16(f);)

// concat [40]
PASS(17) {
}
KERNEL(17, pass_17(f);)

// 31 operations on 1x40
PASS(18) {
    for (place i = f.thread; i < 40u; i += f.threads) {
        const place column = i;
        const real r0 = f.arena[3392u + column];
        const real r1 = (real)1 / r0;
        const real r2 = f.arena[3072u + column];
        const real r3 = -r2;
        const real r4 = f.arena[3008u + column];
        const real r5 = r3 + r4;
        const real r6 = f.arena[3456u + column];
        const real r7 = r6 * r5;
        const real r8 = r1 + r7;
        const real r9 = f.arena[1600u + column];
        const real r10 = sigmoid(r9);
        const real r11 = r8 * r10;
        const real r12 = 0.9f;
        const real r13 = f.arena[1664u + column];
        const real r14 = r12 * r13;
        const real r15 = 0.1f;
        const real r16 = r15 * r5;
        const real r17 = r14 + r16;
        const real r18 = 0.999f;
        const real r19 = f.arena[1728u + column];
        const real r20 = r18 * r19;
        const real r21 = 0.001f;
        const real r22 = r21 * r5;
        const real r23 = r5 * r22;
        const real r24 = r20 + r23;
        const real r25 = f.arena[3520u];
        const real r26 = r17 * r25;
        const real r27 = MATH(sqrt)(r24);
        const real r28 = 1e-8f;
        const real r29 = r28 + r27;
        const real r30 = r26 / r29;
        const real r31 = f.arena[1536u + column];
        const real r32 = r31 + r30;
        const real r33 = f.arena[1792u + column];
        const real r34 = r12 * r33;
        const real r35 = r15 * r11;
        const real r36 = r34 + r35;
        const real r37 = f.arena[1856u + column];
        const real r38 = r18 * r37;
        const real r39 = r21 * r11;
        const real r40 = r11 * r39;
        const real r41 = r38 + r40;
        const real r42 = r25 * r36;
        const real r43 = MATH(sqrt)(r41);
        const real r44 = r28 + r43;
        const real r45 = r42 / r44;
        const real r46 = r9 + r45;
        f.arena[1664u + column] = r17;
        f.arena[1728u + column] = r24;
        f.arena[1536u + column] = r32;
        f.arena[1792u + column] = r36;
        f.arena[1856u + column] = r41;
        f.arena[1600u + column] = r46;
    }
}
KERNEL(18, pass_18(f);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// kernel_0<<<1, 64, 0>>>
// kernel_1<<<1, 128, 0>>>
// kernel_2<<<1, 64, 0>>>
// kernel_3<<<1, 32, 256>>>
// kernel_4<<<1, 256, 0>>>
// kernel_5<<<1, 256, 0>>>
// kernel_6<<<1, 256, 0>>>
// kernel_7<<<1, 256, 0>>>
// kernel_8<<<1, 64, 0>>>
// kernel_9<<<1, 64, 512>>>
// kernel_10<<<1, 32, 0>>>
// kernel_11<<<1, 32, 0>>>
// kernel_12<<<1, 256, 0>>>
// kernel_13<<<1, 32, 0>>>
// kernel_14<<<1, 256, 0>>>
// kernel_15<<<1, 256, 0>>>
// kernel_16<<<1, 32, 0>>>
// kernel_17<<<1, 32, 0>>>
// kernel_18<<<1, 64, 0>>>
// kernel_advance<<<1, 1, 0>>>
