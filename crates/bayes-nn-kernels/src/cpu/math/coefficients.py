"""Makes `coefficients.rs` and `fixtures.txt`, which stand beside this file.

    pip install mpmath==1.4.1
    python coefficients.py            # needs rustfmt on the path

Polynomials are interpolants at Chebyshev nodes in 60 digits, which is within a factor of two of minimax, with the
lowest degree whose remainder is far below one rounding. Nothing here is taken from another library.
"""

import random
import subprocess
from pathlib import Path

import mpmath as mp

mp.mp.dps = 60
HERE = Path(__file__).parent
ONE = mp.mpf(1)

FORMATS = {  # name: (mantissa digits, smallest exponent)
    "f32": (24, -149),
    "f64": (53, -1074),
}


def rounded(x, fmt):
    """x rounded to nearest in the format, as an exact mpf."""
    digits, lowest = FORMATS[fmt]
    x = mp.mpf(x)
    if x == 0 or not mp.isfinite(x):
        return x
    quantum = mp.mpf(2) ** max(int(mp.floor(mp.log(abs(x), 2))) - digits + 1, lowest)
    return mp.nint(x / quantum) * quantum


def truncated(x, bits):
    """x cut to that many leading bits: products with small integers are then exact."""
    quantum = mp.mpf(2) ** (int(mp.floor(mp.log(abs(x), 2))) - bits + 1)
    return mp.floor(abs(x) / quantum) * quantum * mp.sign(x)


def literal(x, fmt):
    """Shortest Rust literal that reads back as the rounded x."""
    exact = rounded(x, fmt)
    for digits in range(1, 18):
        text = mp.nstr(exact, digits, strip_zeros=True, min_fixed=-5, max_fixed=6)
        if rounded(mp.mpf(text), fmt) == exact:
            return text
    raise ValueError(x)


def interpolant(f, lo, hi, degree):
    """Coefficients, lowest first, of the polynomial through f at the Chebyshev nodes of [lo, hi]; its largest error."""
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * mp.cos(mp.pi * (i + ONE / 2) / (degree + 1)) for i in range(degree + 1)]
    system = mp.matrix(degree + 1, degree + 1)
    for i, x in enumerate(nodes):
        for j in range(degree + 1):
            system[i, j] = x**j
    c = list(mp.lu_solve(system, mp.matrix([f(x) for x in nodes])))
    grid = [lo + (hi - lo) * i / 997 for i in range(998)]
    return c, max(abs(mp.polyval(c[::-1], x) - f(x)) for x in grid)


def fit(name, f, lo, hi, weight, fmt):
    """Lowest degree whose error, times the weight it has in the final result, is below a sixth of half an ulp."""
    target = mp.mpf(2) ** -FORMATS[fmt][0] / 6
    for degree in range(1, 20):
        c, error = interpolant(f, mp.mpf(lo), mp.mpf(hi), degree)
        if error * weight < target:
            print(f"{fmt} {name}: degree {degree}, relative error {mp.nstr(error * weight, 3)}")
            return c
    raise ValueError(name)


def series(f, taylor):
    """f away from zero, its Taylor sum near zero, where f as written is 0/0."""
    return lambda x: f(x) if abs(x) > mp.mpf("1e-12") else mp.polyval(taylor[::-1], x)


def exp_tail(r):
    return (mp.expm1(r) - r) / r**2


def atanh_tail(z):
    s = mp.sqrt(z)
    return (mp.atanh(s) / s - 1) / z


def sin_tail(z):
    r = mp.sqrt(z)
    return (mp.sin(r) / r - 1) / z


def cos_tail(z):
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def coth_even(z):
    t = mp.sqrt(z)
    return t * mp.coth(t * mp.log(2) / 2)


def tables(fmt):
    """(name, number or list) of every constant of one format."""
    digits = FORMATS[fmt][0]
    ln2_hi = truncated(mp.log(2), digits - 12 if fmt == "f64" else digits - 9)
    half_ln2 = mp.log(2) / 2 * mp.mpf("1.0001")
    s2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.0001")
    quarter = (mp.pi / 4) ** 2 * mp.mpf("1.0001")
    exp_f = series(exp_tail, [1 / mp.factorial(k + 2) for k in range(6)])
    atanh_f = series(atanh_tail, [ONE / (2 * k + 3) for k in range(6)])
    sin_f = series(sin_tail, [(-1) ** (k + 1) / mp.factorial(2 * k + 3) for k in range(6)])
    cos_f = series(cos_tail, [(-1) ** k / mp.factorial(2 * k + 4) for k in range(6)])
    coth_f = series(coth_even, [2 * mp.log(2) ** (2 * k - 1) * mp.bernoulli(2 * k) / mp.factorial(2 * k) for k in range(6)])
    lowest_normal = mp.mpf(2) ** (-126 if fmt == "f32" else -1022)
    exp_lowest = mp.floor(mp.log(mp.mpf(2) ** (FORMATS[fmt][1] - 1)))
    highest = mp.log(mp.mpf(2)) * (128 if fmt == "f32" else 1024)
    return [
        ("ROUND_MAGIC", mp.mpf(2) ** (digits - 1) * mp.mpf("1.5")),
        ("BIASED_MAGIC", mp.mpf(2) ** (digits - 1)),
        ("LN2_HI", ln2_hi),
        ("LN2_LO", mp.log(2) - ln2_hi),
        ("LOG2_E", 1 / mp.log(2)),
        ("SQRT_HALF", mp.sqrt(mp.mpf("0.5"))),
        ("EXP_LOWEST", exp_lowest),
        ("EXP_ZERO", mp.ceil(mp.log(lowest_normal) * 2**16) / 2**16 if fmt == "f32" else exp_lowest),
        ("EXP_NORMAL", mp.ceil(mp.log(lowest_normal)) + 1),
        ("EXP_HIGHEST", mp.ceil(highest)),
        ("EXPM1_LOWEST", mp.mpf(-20 if fmt == "f32" else -40)),
        ("EXP", fit("exp", exp_f, -half_ln2, half_ln2, half_ln2, fmt)),
        ("LOG", fit("log", atanh_f, 0, s2, s2, fmt)),
        ("LOG_UNIT", fit("log on [1, 2]", atanh_f, 0, ONE / 9, ONE / 9, fmt)),
        ("SIN", fit("sin", sin_f, 0, quarter, quarter, fmt)),
        ("COS", fit("cos", cos_f, 0, quarter, quarter**2 / mp.cos(mp.pi / 4), fmt)),
        ("COTH", fit("t coth(t ln(2)/2)", coth_f, 0, mp.mpf("0.5001") ** 2, mp.log(2) / 2, fmt)),
    ]


def write_coefficients():
    half_pi = mp.pi / 2
    parts = []
    for bits in (26, 26, 26, 53):
        parts.append(truncated(half_pi, bits) if bits < 53 else rounded(half_pi, "f64"))
        half_pi -= parts[-1]
    out = [
        "//! Constants of the elementary functions; made by `coefficients.py`, which says how.",
        "",
        "use super::real::Real;",
        "",
        "/// pi/2 in three parts of 26 bits and a rest: a product with an integer below 2^26 is exact.",
        f"pub(super) const HALF_PI: [f64; 4] = [{', '.join(literal(x, 'f64') for x in parts)}];",
    ]
    for fmt in FORMATS:
        out += ["", "#[rustfmt::skip]", "#[allow(clippy::approx_constant, clippy::excessive_precision)]"]
        out.append(f"impl Real for {fmt} {{")
        for name, value in tables(fmt):
            if isinstance(value, list):
                body = "".join(f"        {literal(c, fmt)},\n" for c in value)
                out.append(f"    const {name}: &'static [Self] = &[\n{body}    ];" if body else f"    const {name}: &'static [Self] = &[];")
            else:
                text = literal(value, fmt)
                out.append(f"    const {name}: Self = {text};")
        out.append("}")
    path = HERE / "coefficients.rs"
    path.write_text("\n".join(out) + "\n")
    subprocess.run(["rustfmt", "--edition", "2024", "--config", "skip_children=true", path], check=False)


def fixtures():
    """Function name, argument, value: about a hundred arguments a function, spread over its whole domain."""
    rng = random.Random(20240607)

    def spread(lo, hi, count):
        """Both signs where the range has them: half uniform, half with a uniform exponent."""
        xs = [rng.uniform(lo, hi) for _ in range(count // 2)]
        while len(xs) < count:
            x = rng.choice([-1, 1]) * 2.0 ** rng.uniform(-60, 11)
            if lo <= x <= hi:
                xs.append(x)
        return xs

    log_sigmoid = lambda x: -mp.log1p(mp.exp(-x))
    reference = {
        "exp": (mp.exp, spread(-744, 709, 90)),
        "expm1": (mp.expm1, spread(-50, 709, 50) + spread(-3, 3, 50)),
        "ln": (mp.log, [abs(x) + 1e-300 for x in spread(-1e4, 1e4, 50)] + [2.0 ** rng.uniform(-1060, 1020) for _ in range(40)] + spread(0.5, 2, 30)),
        "log1p": (mp.log1p, spread(-1, 3, 80) + [2.0 ** rng.uniform(-60, 1000) for _ in range(30)]),
        "log1pmx": (lambda x: mp.log1p(x) - x, spread(-0.999, 3, 80) + [2.0 ** rng.uniform(-60, 60) for _ in range(30)]),
        "tanh": (mp.tanh, spread(-22, 22, 60) + spread(-1, 1, 60)),
        "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), spread(-740, 40, 60) + spread(-5, 5, 60)),
        "softplus": (lambda x: -log_sigmoid(-x), spread(-740, 800, 60) + spread(-5, 5, 60)),
        "log_sigmoid": (log_sigmoid, spread(-800, 740, 60) + spread(-5, 5, 60)),
        "sin": (mp.sin, spread(-10, 10, 60) + spread(-1e8, 1e8, 40) + [float(k * mp.pi / 2) for k in range(1, 3000, 150)]),
        "cos": (mp.cos, spread(-10, 10, 60) + spread(-1e8, 1e8, 40) + [float(k * mp.pi / 2) for k in range(1, 3000, 150)]),
        "lgamma": (lambda x: mp.re(mp.loggamma(x)), [2.0 ** rng.uniform(-60, 1000) for _ in range(40)] + spread(0.01, 30, 40) + spread(-30, 0, 20)),
        "erf": (mp.erf, spread(-6, 6, 60)),
        "erfc": (mp.erfc, spread(-6, 26, 60)),
    }
    for n, count in ((0, 60), (1, 60), (2, 40), (3, 30), (5, 30), (12, 20), (40, 20)):
        xs = [2.0 ** rng.uniform(-20, 30 if n else 300) for _ in range(count // 2)]
        xs += [rng.uniform(0.1, 20) for _ in range(count // 4)] + [rng.uniform(-20, 0) for _ in range(count // 4)]
        reference[f"polygamma{n}"] = (lambda x, n=n: mp.psi(n, x), xs)
    lines = []
    for name, (f, xs) in reference.items():
        for x in xs:
            value = f(mp.mpf(x))
            if value == 0 or abs(value) < mp.mpf("1e-307") or abs(value) > mp.mpf("1e308"):
                continue
            lines.append(f"{name} {x!r} {float(mp.nstr(value, 40))!r}")
    (HERE / "fixtures.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_coefficients()
    fixtures()
