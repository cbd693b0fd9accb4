// The functions that printed passes call. `SINGLE` and `place` come before this text.

typedef unsigned int u32;
typedef unsigned long long u64;

#if SINGLE
typedef float real;
#define MATH(name) name##f
#else
typedef double real;
#define MATH(name) name
#endif

#define DEVICE __device__ __forceinline__

// The compiler of CUDA at run time knows no headers.
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif
#define INF ((real)INFINITY)

// The state of a run: every pass reads it, and the end of a step advances it.
struct Control {
    u64 seed;
    u64 step;
    u64 error;    // pass and position of the first index outside its axis; all ones if there is none
    u64 stopped;  // a step failed: nothing is computed until the host has seen it
};

// Behind the control block of a plan in which ranks meet: which of them this is.
struct Rank {
    u64 number;
    u64 ranks;
};

// Behind both, of a plan with several draws in a step: which of them it is. Of any other plan there
// is memory that nothing reads.
DEVICE u64* draw_of(Control* control) { return (u64*)(control + 1) + 2; }

// After a draw comes the next, and after the last one the first of the next step.
DEVICE void next_draw(Control* control, u64 draws) {
    u64* const draw = draw_of(control);
    *draw = *draw + 1 == draws ? 0 : *draw + 1;
}

// The number of this rank's part of the step, among the parts of all ranks and steps.
DEVICE u64 part_of_step(const Control* control) {
    const Rank* rank = (const Rank*)(control + 1);
    return control->step * rank->ranks + rank->number;
}

// What a pass sees: memory, and its share of the work.
struct Frame {
    real* arena;
    u32* indices;
    double* partials;
    Control* control;
    place thread, threads, block, blocks;
    // Of a block's loop: what no step writes.
    const real* data;
    const u32* data_indices;
    // Which draw of the step it is.
    u64 draw;
};

extern __shared__ double shared[];

#define PASS(number) DEVICE void pass_##number(const Frame& f)
#define ARGUMENTS real *arena, u32 *indices, double *partials, Control *control
#define GRID                                                                               \
    {arena, indices, partials, control, (place)blockIdx.x * blockDim.x + threadIdx.x,      \
     (place)gridDim.x * blockDim.x, (place)blockIdx.x, (place)gridDim.x, 0, 0, *draw_of(control)}
#define KERNEL(number, body)                                                               \
    extern "C" __global__ void __launch_bounds__(256) kernel_##number(ARGUMENTS) {         \
        const Frame f = GRID;                                                              \
        body                                                                               \
    }

// ---- The loop of one block around all passes, for each replica of a tiny program.

// The head of a replica in global memory; what it keeps between launches follows.
struct Replica {
    Control control;
    u64 steps;  // how many to run
};

#define LOOP_ARGUMENTS unsigned char *replicas, real *data, u32 *data_indices, u64 *clocks

// Waits for a pass, and where clocks are asked for adds to its own what it took.
#define AFTER(number, pass)                                                                \
    pass;                                                                                  \
    __syncthreads();                                                                       \
    if (clocks && threadIdx.x == 0) {                                                      \
        const u64 now = clock64();                                                         \
        clocks[number] += now - since;                                                     \
        since = now;                                                                       \
    }

// ---- Failures.

// Whether a pass must not run: an earlier one of this step, or an earlier step, has failed.
DEVICE bool halted(const Control* control, u32 pass) {
    return control->stopped || (control->error >> 32) < pass;
}

DEVICE void advance(Control* control) {
    if (control->error != ~0ull) control->stopped = 1;
    else ++control->step;
}

// An index, or 0 and a note of the failure when it is outside the axis.
DEVICE u32 checked(const Frame& f, u32 pass, u32 position, u32 value, u32 length) {
    if (value < length) return value;
    atomicMin(&f.control->error, (u64)pass << 32 | position);
    return 0;
}

// ---- Reductions: each thread its own terms, then a tree over the threads of the block.

struct Sum {
    static __device__ __forceinline__ double identity() { return 0.0; }
    template <class T> static __device__ __forceinline__ T join(T a, T b) { return a + b; }
};

struct Max {
    static __device__ __forceinline__ double identity() { return -INFINITY; }
    template <class T> static __device__ __forceinline__ T join(T a, T b) {
        return a > b || a != a ? a : b;
    }
};

// The value of the whole block, for every thread of it. The block is a power of two wide.
template <class R> DEVICE double block_reduce(double value) {
    shared[threadIdx.x] = value;
    for (u32 width = blockDim.x / 2; width > 0; width /= 2) {
        __syncthreads();
        if (threadIdx.x < width)
            shared[threadIdx.x] = R::join(shared[threadIdx.x], shared[threadIdx.x + width]);
    }
    __syncthreads();
    const double result = shared[0];
    __syncthreads();
    return result;
}

// The value of `count` partial ones that lie side by side.
template <class R> DEVICE double join_partials(const double* partials, place count) {
    double value = R::identity();
    for (place i = threadIdx.x; i < count; i += blockDim.x) value = R::join(value, partials[i]);
    return block_reduce<R>(value);
}

// ---- Square matrices, stored by rows; each by one block or thread.

// The Cholesky factor by the lower triangle, column after column; NaN in the rows of the triangle
// from the first pivot on that is not positive and finite.
DEVICE void cholesky(const real* matrix, place from_stride, real* out, place stride, place n) {
    for (place i = threadIdx.x; i < n * n; i += blockDim.x) {
        const place row = i / n, column = i % n;
        out[row * stride + column] = column <= row ? matrix[row * from_stride + column] : (real)0;
    }
    __syncthreads();
    place k = 0;
    for (; k < n; ++k) {
        const real pivot = out[k * stride + k];
        __syncthreads();
        if (!(pivot > 0 && pivot < INF)) break;
        const real root = MATH(sqrt)(pivot);
        for (place i = k + threadIdx.x; i < n; i += blockDim.x)
            out[i * stride + k] = i == k ? root : out[i * stride + k] / root;
        __syncthreads();
        const place left = n - k - 1;
        for (place i = threadIdx.x; i < left * left; i += blockDim.x) {
            const place row = k + 1 + i / left, column = k + 1 + i % left;
            if (column <= row)
                out[row * stride + column] -= out[row * stride + k] * out[column * stride + k];
        }
        __syncthreads();
    }
    for (place i = k * n + threadIdx.x; i < n * n; i += blockDim.x)
        if (i % n <= i / n) out[i / n * stride + i % n] = (real)NAN;
}

// One column of the solution of L X = B, or of L^T X = B.
template <bool transposed>
DEVICE void triangular_solve(const real* triangle, place stride, const real* right,
                             place right_stride, real* out, place out_stride, place n) {
    for (place step = 0; step < n; ++step) {
        const place i = transposed ? n - 1 - step : step;
        real x = right[i * right_stride];
        for (place j = 0; j < step; ++j) {
            const place k = transposed ? n - 1 - j : j;
            x -= triangle[transposed ? k * stride + i : i * stride + k] * out[k * out_stride];
        }
        out[i * out_stride] = x / triangle[i * stride + i];
    }
}

// ---- Random numbers: the counters of `bayes_nn_autodiff::noise`.

struct Words {
    u32 word[4];
};

DEVICE Words philox(u32 c0, u32 c1, u32 c2, u32 c3, u64 key) {
    u32 k0 = (u32)key, k1 = (u32)(key >> 32);
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const u64 p0 = (u64)0xD2511F53u * c0, p1 = (u64)0xCD9E8D57u * c2;
        c0 = (u32)(p1 >> 32) ^ c1 ^ k0;
        c2 = (u32)(p0 >> 32) ^ c3 ^ k1;
        c1 = (u32)p1;
        c3 = (u32)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    const Words words = {{c0, c1, c2, c3}};
    return words;
}

// The words of one counter of a row; they belong to four columns that are 16 apart.
DEVICE Words noise_words(const Control* control, u32 stream, place row, place counter) {
    const u32 low = (u32)control->step, high = (u32)(control->step >> 32);
    return philox((u32)counter, (u32)row, low, stream ^ high << 20, control->seed);
}

DEVICE real uniform(const Words& words, int word) {
    return ((real)(words.word[word] >> 9) + (real)0.5) * (real)0x1p-23;
}

DEVICE real normal(const Words& words, int word) {
    const u32 radius = words.word[word & 2], angle = words.word[word & 2 | 1];
    // From sqrt(1/2) on the logarithm is taken from the complement, which loses no digits.
    const bool near_one = radius >= 0xB504F334u;
    const real part = ((real)(near_one ? ~radius : radius) + (real)0.5) * (real)0x1p-32;
    const real length = MATH(sqrt)((real)-2 * (near_one ? MATH(log1p)(-part) : MATH(log)(part)));
    // The nearest quarter turn is taken off as an integer.
    const real rest = (real)((int)(angle << 2) >> 2) * (real)(6.283185307179586 * 0x1p-32);
    const u32 turned = (angle + (1u << 29) >> 30) + (word & 1 ? 0u : 1u);
    const real wave = turned & 1 ? MATH(cos)(rest) : MATH(sin)(rest);
    return turned & 2 ? -length * wave : length * wave;
}

DEVICE u32 mixed(u32 x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

// Position `position` of the endless sequence of permutations of `0..rows`.
DEVICE u32 batch_row(const Control* control, u32 stream, u64 rows, u64 position) {
    u32 bits = 6;
    while ((rows - 1) >> bits) ++bits;
    const u32 low_bits = (bits + 1) / 2;
    const u32 low_mask = (1u << low_bits) - 1, high_mask = (1u << (bits - low_bits)) - 1;
    const u64 epoch = position / rows;
    u32 keys[8];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const Words words =
            philox(~0u - i, (u32)epoch, (u32)(epoch >> 32), stream, control->seed);
#pragma unroll
        for (int j = 0; j < 4; ++j) keys[4 * i + j] = words.word[j];
    }
    u64 x = position % rows;
    do {
        u32 low = (u32)x & low_mask, high = (u32)(x >> low_bits);
#pragma unroll
        for (int i = 0; i < 8; i += 2) {
            high ^= mixed(low ^ keys[i]) & high_mask;
            low ^= mixed(high ^ keys[i + 1]) & low_mask;
        }
        x = (u64)high << low_bits | low;
    } while (x >= rows);
    return (u32)x;
}

// ---- Functions of one number.

DEVICE real sign(real x) { return x > 0 ? (real)1 : x < 0 ? (real)-1 : x; }
DEVICE real relu(real x) { return x < 0 ? (real)0 : x; }

DEVICE real sigmoid(real x) {
    const real e = MATH(exp)(-MATH(fabs)(x));
    return (x < 0 ? e : (real)1) / ((real)1 + e);
}

DEVICE real softplus(real x) {
    return (x < 0 ? (real)0 : x) + MATH(log1p)(MATH(exp)(-MATH(fabs)(x)));
}

DEVICE real log_sigmoid(real x) { return -softplus(-x); }

// ln(1 + x) - x: with s = x / (2 + x), it is -s x + 2 s (s^2/3 + s^4/5 + ...).
DEVICE real log1pmx(real x) {
    if (!(x >= (real)-0.55 && x <= (real)1)) return x == INF ? -x : MATH(log1p)(x) - x;
    const real s = x / ((real)2 + x), z = s * s;
    real tail = 0;
#pragma unroll
    for (int k = 19; k > 0; --k) tail = z * (tail + (real)1 / (real)(2 * k + 1));
    return (real)2 * s * tail - s * x;
}

// ln(1 - erf(x)), in double precision for both; from 16 on by the asymptotic series (DLMF 7.12.1).
DEVICE real log_erfc(real argument) {
    const double x = argument;
    if (x < 0.5) return (real)log1p(-erf(x));
    if (x < 16) return (real)log(erfc(x));
    const double series[8] = {1, -1, 3, -15, 105, -945, 10395, -135135}, t = 0.5 / (x * x);
    double sum = 0;
    for (int i = 7; i >= 0; --i) sum = sum * t + series[i];
    return (real)(-(x * x) - log(x * 1.7724538509055161 / sum));
}

// B_2, B_4, ..., B_20.
#define BERNOULLI                                                                          \
    {1.0 / 6,  -1.0 / 30,     1.0 / 42,    -1.0 / 30,      5.0 / 66,                       \
     -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798, -174611.0 / 330}

// Recurrence up to 12 (DLMF 5.5.2), then the asymptotic series (DLMF 5.11.2).
DEVICE double digamma(double x) {
    const double bernoulli[10] = BERNOULLI;
    double sum = 0;
    while (x < 12) {
        sum -= 1 / x;
        x += 1;
    }
    const double z = 1 / (x * x);
    double tail = 0;
    for (int i = 9; i >= 0; --i) tail = z * (tail + bernoulli[i] / (2 * i + 2));
    return sum + (log(x) - 0.5 / x - tail);
}

// n! zeta(n + 1, x) by the Euler-Maclaurin formula (DLMF 25.11.5).
DEVICE double zeta_sum(int n, double x) {
    const double bernoulli[10] = BERNOULLI;
    if (x == INFINITY) return 0;
    const double s = n + 1.0;
    double shifted = x, sum = 0;
    while (shifted < s + 12) {
        sum += pow(x / shifted, s);
        shifted += 1;
    }
    double rising = s / shifted / 2, tail = 0.5;
    for (int j = 1; j <= 10; ++j) {
        tail += bernoulli[j - 1] * rising;
        const double k = 2 * j;
        rising *= (s + k - 1) / shifted / (k + 1) * ((s + k) / shifted / (k + 2));
    }
    const double rest = pow(x / shifted, s);
    double result = sum / x + rest * (shifted / x / n + tail / x);
    for (int i = 1; i <= n; ++i) result *= i / x;
    return result;
}

// Derivative of order n of cot(pi x), a polynomial in the cotangent.
template <int n> DEVICE double cotangent_derivative(double x) {
    const double pi = 3.141592653589793, angle = pi * (x - round(x));
    const double c = cos(angle) / sin(angle);
    double coefficients[n + 3] = {0, 1};
    for (int order = 1; order <= n; ++order) {
        double next[n + 3] = {0};
        for (int power = 1; power <= order; ++power) {
            const double slope = -pi * power * coefficients[power];
            next[power - 1] += slope;
            next[power + 1] += slope;
        }
        for (int power = 0; power <= order + 1; ++power) coefficients[power] = next[power];
    }
    double sum = 0;
    for (int power = n + 1; power >= 0; --power) sum = sum * c + coefficients[power];
    return sum;
}

// The derivative of order n + 1 of ln Gamma, in double precision for both.
template <int n> DEVICE real polygamma(real argument) {
    const double x = argument;
    const bool odd = n % 2 == 1;
    if (x != x || x == -INFINITY) return (real)NAN;
    if (x == 0) return odd || signbit(x) ? INF : -INF;
    if (x < 0 && x == floor(x)) return odd ? INF : (real)NAN;
    const double positive = x < 0 ? 1 - x : x;
    double value;
    if (n == 0) value = digamma(positive);
    else value = odd ? zeta_sum(n, positive) : -zeta_sum(n, positive);
    if (x > 0) return (real)value;
    const double cotangent = 3.141592653589793 * cotangent_derivative<n>(x);
    return (real)((odd ? -value : value) - cotangent);
}

// ---- Functions of two numbers.

DEVICE real maximum(real a, real b) { return a > b || a != a ? a : b; }
DEVICE real minimum(real a, real b) { return a < b || a != a ? a : b; }
