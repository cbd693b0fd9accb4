// The parts of CUDA C++ that a host compiler lacks: enough to run the kernels of one program, block after
// block. Threads of a block that wait for one another are fibers.

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#define __device__
#define __global__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(threads)

struct Coordinate {
    unsigned x;
};
static Coordinate threadIdx, blockIdx, blockDim, gridDim;

namespace fibers {
const unsigned MOST = 256;
const size_t STACK = 1 << 16;
struct Fiber {
    ucontext_t context;
    jmp_buf at;
    bool begun, done;
};
static Fiber fiber[MOST];
static char* stacks;
static jmp_buf scheduler;
static void (*body)();

static void start() {
    body();
    fiber[threadIdx.x].done = true;
    _longjmp(scheduler, 1);
}

// Lets a fiber run until it waits or ends. Jumps, unlike contexts, ask nothing of the system.
static __attribute__((noinline)) void resume(Fiber& f) {
    if (_setjmp(scheduler)) return;
    if (f.begun) _longjmp(f.at, 1);
    f.begun = true;
    setcontext(&f.context);
}

static __attribute__((noinline)) void wait(Fiber& f) {
    if (!_setjmp(f.at)) _longjmp(scheduler, 1);
}

// Lets every thread of the block run from barrier to barrier. It is a mistake of the kernel
// if some threads end where others wait.
static bool run_block(bool reversed) {
    if (!stacks) stacks = (char*)malloc(MOST * STACK);
    for (unsigned i = 0; i < blockDim.x; ++i) {
        Fiber& f = fiber[i];
        f.begun = f.done = false;
        getcontext(&f.context);
        f.context.uc_stack.ss_sp = stacks + i * STACK;
        f.context.uc_stack.ss_size = STACK;
        f.context.uc_link = 0;
        makecontext(&f.context, start, 0);
    }
    for (unsigned ended = 0; ended < blockDim.x;) {
        for (unsigned i = 0; i < blockDim.x; ++i) {
            threadIdx.x = reversed ? blockDim.x - 1 - i : i;
            if (!fiber[threadIdx.x].done) resume(fiber[threadIdx.x]);
            ended += fiber[threadIdx.x].done;
        }
        if (ended && ended < blockDim.x) return false;
    }
    return true;
}
}  // namespace fibers

// Time, for a program that measures itself.
static long long clock64() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void __syncthreads() {
    const unsigned self = threadIdx.x;
    fibers::wait(fibers::fiber[self]);
    threadIdx.x = self;
}

static void atomicMin(unsigned long long* at, unsigned long long value) {
    if (value < *at) *at = value;
}

template <class T, class U> static T min(T a, U b) { return a < b ? a : (T)b; }

const size_t MOST_SHARED = 8 << 20;
extern double shared[];
double shared[MOST_SHARED / sizeof(double)];

static void (*kernel)(void*, void*, void*, void*);
static void *first, *second, *third, *fourth;
static void call() { kernel(first, second, third, fourth); }

// Runs a kernel, whose threads wait for one another if they share memory; 0 when those of a
// block did not meet at the same barriers. Shared memory begins as numbers that are none.
extern "C" int launch(void (*function)(void*, void*, void*, void*), unsigned blocks,
                      unsigned threads, unsigned shared_bytes, int reversed, void* a, void* b,
                      void* c, void* d) {
    kernel = function, first = a, second = b, third = c, fourth = d;
    fibers::body = call;
    gridDim.x = blocks;
    blockDim.x = threads;
    for (unsigned block = 0; block < blocks; ++block) {
        blockIdx.x = reversed ? blocks - 1 - block : block;
        if (shared_bytes) {
            memset(shared, 0xff, shared_bytes);
            if (!fibers::run_block(reversed)) return 0;
            continue;
        }
        for (unsigned thread = 0; thread < threads; ++thread) {
            threadIdx.x = reversed ? threads - 1 - thread : thread;
            call();
        }
    }
    return 1;
}
