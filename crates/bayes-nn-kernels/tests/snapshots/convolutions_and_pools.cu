// convolution [4, 6, 7, 70], [4, 2, 3, 6]
PASS(0) {
    for (place i = f.thread; i < 10500u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 5u; const place y = i / 70u / 5u % 5u; const place o = i / 70u / 5u / 5u % 6u; 
        real sum = 0;
        for (place k = 0; k < 24u; k += 1) { const place u = k % 3u; const place v = k / 3u % 2u; const place own = k / 3u / 2u % 4u; const place c = o / 6u * 4u + own; const place row = y * 1u + v * 1u - 0u; const place column = x * 1u + u * 1u - 0u; if (row < 6u && column < 7u) sum += f.arena[21504u + (((own) * 2u + v) * 3u + u) * 6u + o] * f.arena[((((c) * 6u + row) * 7u + column) * 70u + n) / 70u * 128u + ((((c) * 6u + row) * 7u + column) * 70u + n) % 70u]; };
        f.arena[21696u + i / 70u * 128u + i % 70u] = sum;
    }
}
KERNEL(0, pass_0(f);)

// 1 operations on 150x70
PASS(1) {
    for (place i = f.thread; i < 10500u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[21696u + row * 128u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(1, pass_1(f);)

// convolution by images [4, 6, 7, 70], [4, 2, 3, 6]
PASS(2) {
    for (place i = f.thread; i < 11760u; i += f.threads) {
        const place n = i % 70u; const place column = i / 70u % 7u; const place row = i / 70u / 7u % 6u; const place c = i / 70u / 7u / 6u % 4u; const place own = c % 4u; 
        real sum = 0;
        for (place k = 0; k < 36u; k += 1) { const place u = k % 3u; const place v = k / 3u % 2u; const place of_group = k / 3u / 2u % 6u; const place o = c / 4u * 6u + of_group; const place down = row + 0u - v * 1u; const place across = column + 0u - u * 1u; const place y = down / 1u, x = across / 1u; if (down % 1u == 0u && across % 1u == 0u && y < 5u && x < 5u) sum += f.arena[21504u + (((own) * 2u + v) * 3u + u) * 6u + o] * f.arena[158848u + ((((o) * 5u + y) * 5u + x) * 70u + n) / 70u * 128u + ((((o) * 5u + y) * 5u + x) * 70u + n) % 70u]; };
        f.arena[40896u + i / 70u * 128u + i % 70u] = sum;
    }
}
KERNEL(2, pass_2(f);)

// convolution by weights [4, 6, 7, 70], [4, 2, 3, 6]
PASS(3) {
    for (place i = f.block; i < 144u; i += f.blocks) {
        const place o = i % 6u; const place u = i / 6u % 3u; const place v = i / 6u / 3u % 2u; const place own = i / 6u / 3u / 2u % 4u; const place c = o / 6u * 4u + own; 
        real sum = 0;
        for (place k = threadIdx.x; k < 1750u; k += blockDim.x) { const place n = k % 70u; const place x = k / 70u % 5u; const place y = k / 70u / 5u % 5u; const place row = y * 1u + v * 1u - 0u; const place column = x * 1u + u * 1u - 0u; if (row < 6u && column < 7u) sum += f.arena[((((c) * 6u + row) * 7u + column) * 70u + n) / 70u * 128u + ((((c) * 6u + row) * 7u + column) * 70u + n) % 70u] * f.arena[158848u + ((((o) * 5u + y) * 5u + x) * 70u + n) / 70u * 128u + ((((o) * 5u + y) * 5u + x) * 70u + n) % 70u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[62400u + i] = total;
    }
}
KERNEL(3, pass_3(f);)

// convolution [4, 6, 7, 70], [2, 2, 3, 6]
PASS(4) {
    for (place i = f.thread; i < 4200u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 2u; const place y = i / 70u / 2u % 5u; const place o = i / 70u / 2u / 5u % 6u; 
        real sum = 0;
        for (place k = 0; k < 12u; k += 1) { const place u = k % 3u; const place v = k / 3u % 2u; const place own = k / 3u / 2u % 2u; const place c = o / 3u * 2u + own; const place row = y * 2u + v * 1u - 2u; const place column = x * 3u + u * 2u - 1u; if (row < 6u && column < 7u) sum += f.arena[84096u + (((own) * 2u + v) * 3u + u) * 6u + o] * f.arena[62592u + ((((c) * 6u + row) * 7u + column) * 70u + n) / 70u * 128u + ((((c) * 6u + row) * 7u + column) * 70u + n) % 70u]; };
        f.arena[84224u + i / 70u * 128u + i % 70u] = sum;
    }
}
KERNEL(4, pass_4(f);)

// 1 operations on 60x70
PASS(5) {
    for (place i = f.thread; i < 4200u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[84224u + row * 128u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(5, pass_5(f);)

// convolution by images [4, 6, 7, 70], [2, 2, 3, 6]
PASS(6) {
    for (place i = f.thread; i < 11760u; i += f.threads) {
        const place n = i % 70u; const place column = i / 70u % 7u; const place row = i / 70u / 7u % 6u; const place c = i / 70u / 7u / 6u % 4u; const place own = c % 2u; 
        real sum = 0;
        for (place k = 0; k < 18u; k += 1) { const place u = k % 3u; const place v = k / 3u % 2u; const place of_group = k / 3u / 2u % 3u; const place o = c / 2u * 3u + of_group; const place down = row + 2u - v * 1u; const place across = column + 1u - u * 2u; const place y = down / 2u, x = across / 3u; if (down % 2u == 0u && across % 3u == 0u && y < 5u && x < 2u) sum += f.arena[84096u + (((own) * 2u + v) * 3u + u) * 6u + o] * f.arena[158848u + ((((o) * 5u + y) * 2u + x) * 70u + n) / 70u * 128u + ((((o) * 5u + y) * 2u + x) * 70u + n) % 70u]; };
        f.arena[91904u + i / 70u * 128u + i % 70u] = sum;
    }
}
KERNEL(6, pass_6(f);)

// convolution by weights [4, 6, 7, 70], [2, 2, 3, 6]
PASS(7) {
    for (place i = f.block; i < 72u; i += f.blocks) {
        const place o = i % 6u; const place u = i / 6u % 3u; const place v = i / 6u / 3u % 2u; const place own = i / 6u / 3u / 2u % 2u; const place c = o / 3u * 2u + own; 
        real sum = 0;
        for (place k = threadIdx.x; k < 700u; k += blockDim.x) { const place n = k % 70u; const place x = k / 70u % 2u; const place y = k / 70u / 2u % 5u; const place row = y * 2u + v * 1u - 2u; const place column = x * 3u + u * 2u - 1u; if (row < 6u && column < 7u) sum += f.arena[62592u + ((((c) * 6u + row) * 7u + column) * 70u + n) / 70u * 128u + ((((c) * 6u + row) * 7u + column) * 70u + n) % 70u] * f.arena[158848u + ((((o) * 5u + y) * 2u + x) * 70u + n) / 70u * 128u + ((((o) * 5u + y) * 2u + x) * 70u + n) % 70u]; };
        const double total = block_reduce<Sum>(sum);
        if (threadIdx.x == 0) f.arena[113408u + i] = total;
    }
}
KERNEL(7, pass_7(f);)

// pool [2, 6, 5, 70]
PASS(8) {
    for (place i = f.thread; i < 840u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 2u; const place y = i / 70u / 2u % 3u; const place c = i / 70u / 2u / 3u % 2u; 
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 2u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 0u; const place column = x * 2u + u * 1u - 0u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[121216u + i / 70u * 128u + i % 70u] = f.arena[113536u + first / 70u * 128u + first % 70u];
    }
}
KERNEL(8, pass_8(f);)

// 1 operations on 12x70
PASS(9) {
    for (place i = f.thread; i < 840u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[121216u + row * 128u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(9, pass_9(f);)

// unpool [2, 6, 5, 70]
PASS(10) {
    for (place i = f.thread; i < 140u; i += f.threads) {
        const place n = i % 70u, c = i / 70u;
        for (place p = 0; p < 30u; ++p) f.arena[122752u + ((c * 30u + p) * 70u + n) / 70u * 128u + ((c * 30u + p) * 70u + n) % 70u] = 0;
        for (place y = 0; y < 3u; ++y)
        for (place x = 0; x < 2u; ++x) {
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 2u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 0u; const place column = x * 2u + u * 1u - 0u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[122752u + first / 70u * 128u + first % 70u] += f.arena[158848u + ((((c) * 3u + y) * 2u + x) * 70u + n) / 70u * 128u + ((((c) * 3u + y) * 2u + x) * 70u + n) % 70u]; }
    }
}
KERNEL(10, pass_10(f);)

// 4 operations on 60x70
PASS(11) {
    for (place i = f.thread; i < 4200u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[122752u + row * 128u + column];
        const real r1 = r0 * r0;
        const real r2 = 2.0f;
        const real r3 = r2 * r0;
        const real r4 = r0 * r3;
        const real r5 = r1 + r4;
        f.arena[158848u + row * 128u + column] = r5;
    }
}
KERNEL(11, pass_11(f);)

// pool [2, 6, 5, 70]
PASS(12) {
    for (place i = f.thread; i < 840u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 2u; const place y = i / 70u / 2u % 3u; const place c = i / 70u / 2u / 3u % 2u; 
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 2u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 0u; const place column = x * 2u + u * 1u - 0u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[166528u + i / 70u * 128u + i % 70u] = f.arena[158848u + first / 70u * 128u + first % 70u];
    }
}
KERNEL(12, pass_12(f);)

// 1 operations on 12x70
PASS(13) {
    for (place i = f.thread; i < 840u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = 2.0f;
        const real r1 = f.arena[166528u + row * 128u + column];
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(13, pass_13(f);)

// unpool [2, 6, 5, 70]
PASS(14) {
    for (place i = f.thread; i < 140u; i += f.threads) {
        const place n = i % 70u, c = i / 70u;
        for (place p = 0; p < 30u; ++p) f.arena[130432u + ((c * 30u + p) * 70u + n) / 70u * 128u + ((c * 30u + p) * 70u + n) % 70u] = 0;
        for (place y = 0; y < 3u; ++y)
        for (place x = 0; x < 2u; ++x) {
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 2u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 0u; const place column = x * 2u + u * 1u - 0u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[130432u + first / 70u * 128u + first % 70u] += f.arena[158848u + ((((c) * 3u + y) * 2u + x) * 70u + n) / 70u * 128u + ((((c) * 3u + y) * 2u + x) * 70u + n) % 70u]; }
    }
}
KERNEL(14, pass_14(f);)

// pool [2, 6, 5, 70]
PASS(15) {
    for (place i = f.thread; i < 2940u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 7u; const place y = i / 70u / 7u % 3u; const place c = i / 70u / 7u / 3u % 2u; 
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 3u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 1u; const place column = x * 1u + u * 1u - 2u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[138112u + i / 70u * 128u + i % 70u] = f.arena[113536u + first / 70u * 128u + first % 70u];
    }
}
KERNEL(15, pass_15(f);)

// 1 operations on 42x70
PASS(16) {
    for (place i = f.thread; i < 2940u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[138112u + row * 128u + column];
        const real r1 = 2.0f;
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(16, pass_16(f);)

// unpool [2, 6, 5, 70]
PASS(17) {
    for (place i = f.thread; i < 140u; i += f.threads) {
        const place n = i % 70u, c = i / 70u;
        for (place p = 0; p < 30u; ++p) f.arena[143488u + ((c * 30u + p) * 70u + n) / 70u * 128u + ((c * 30u + p) * 70u + n) % 70u] = 0;
        for (place y = 0; y < 3u; ++y)
        for (place x = 0; x < 7u; ++x) {
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 3u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 1u; const place column = x * 1u + u * 1u - 2u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[143488u + first / 70u * 128u + first % 70u] += f.arena[158848u + ((((c) * 3u + y) * 7u + x) * 70u + n) / 70u * 128u + ((((c) * 3u + y) * 7u + x) * 70u + n) % 70u]; }
    }
}
KERNEL(17, pass_17(f);)

// 4 operations on 60x70
PASS(18) {
    for (place i = f.thread; i < 4200u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = f.arena[143488u + row * 128u + column];
        const real r1 = r0 * r0;
        const real r2 = 2.0f;
        const real r3 = r2 * r0;
        const real r4 = r0 * r3;
        const real r5 = r1 + r4;
        f.arena[158848u + row * 128u + column] = r5;
    }
}
KERNEL(18, pass_18(f);)

// pool [2, 6, 5, 70]
PASS(19) {
    for (place i = f.thread; i < 2940u; i += f.threads) {
        const place n = i % 70u; const place x = i / 70u % 7u; const place y = i / 70u / 7u % 3u; const place c = i / 70u / 7u / 3u % 2u; 
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 3u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 1u; const place column = x * 1u + u * 1u - 2u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[166528u + i / 70u * 128u + i % 70u] = f.arena[158848u + first / 70u * 128u + first % 70u];
    }
}
KERNEL(19, pass_19(f);)

// 1 operations on 42x70
PASS(20) {
    for (place i = f.thread; i < 2940u; i += f.threads) {
        const place row = i / 70u;
        const place column = i % 70u;
        const real r0 = 2.0f;
        const real r1 = f.arena[166528u + row * 128u + column];
        const real r2 = r0 * r1;
        f.arena[158848u + row * 128u + column] = r2;
    }
}
KERNEL(20, pass_20(f);)

// unpool [2, 6, 5, 70]
PASS(21) {
    for (place i = f.thread; i < 140u; i += f.threads) {
        const place n = i % 70u, c = i / 70u;
        for (place p = 0; p < 30u; ++p) f.arena[151168u + ((c * 30u + p) * 70u + n) / 70u * 128u + ((c * 30u + p) * 70u + n) % 70u] = 0;
        for (place y = 0; y < 3u; ++y)
        for (place x = 0; x < 7u; ++x) {
        place first = 0; real largest = -INF; bool some = false; for (place v = 0; v < 3u; ++v) for (place u = 0; u < 3u; ++u) { const place row = y * 2u + v * 1u - 1u; const place column = x * 1u + u * 1u - 2u;  if (row < 6u && column < 5u) { const place at = (((c) * 6u + row) * 5u + column) * 70u + n; const real key = f.arena[113536u + at / 70u * 128u + at % 70u]; if (!some || key > largest || (key != key && largest == largest)) { some = true; largest = key; first = at; } } }
        f.arena[151168u + first / 70u * 128u + first % 70u] += f.arena[158848u + ((((c) * 3u + y) * 7u + x) * 70u + n) / 70u * 128u + ((((c) * 3u + y) * 7u + x) * 70u + n) % 70u]; }
    }
}
KERNEL(21, pass_21(f);)

KERNEL(advance, if (f.thread == 0) advance(f.control);)

// ---- Launches
// kernel_0<<<42, 256, 0>>>
// kernel_1<<<42, 256, 0>>>
// kernel_2<<<46, 256, 0>>>
// kernel_3<<<144, 256, 2048>>>
// kernel_4<<<17, 256, 0>>>
// kernel_5<<<17, 256, 0>>>
// kernel_6<<<46, 256, 0>>>
// kernel_7<<<72, 256, 2048>>>
// kernel_8<<<4, 256, 0>>>
// kernel_9<<<4, 256, 0>>>
// kernel_10<<<1, 256, 0>>>
// kernel_11<<<17, 256, 0>>>
// kernel_12<<<4, 256, 0>>>
// kernel_13<<<4, 256, 0>>>
// kernel_14<<<1, 256, 0>>>
// kernel_15<<<12, 256, 0>>>
// kernel_16<<<12, 256, 0>>>
// kernel_17<<<1, 256, 0>>>
// kernel_18<<<17, 256, 0>>>
// kernel_19<<<12, 256, 0>>>
// kernel_20<<<12, 256, 0>>>
// kernel_21<<<1, 256, 0>>>
// kernel_advance<<<1, 1, 0>>>
