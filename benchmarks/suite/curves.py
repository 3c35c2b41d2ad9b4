"""Cost against the size of the work: points, and the exponents of the power laws through them."""
import math
import os
import statistics

from . import models, running


def exponent(points):
    """The slope of the line through the logarithms of (x, y), by least squares; None for fewer than two different x above 0."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    mean_x, mean_y = (sum(one[i] for one in logs) / len(logs) for i in (0, 1))
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def curve(name, x, y, works, sizes, rounds):
    """One curve for each engine of works {engine: function of a size, that gives (x, y)}; all points of all engines take turns."""
    found = running.in_turn(rounds, {(engine, size): (lambda work=work, size=size: work(size)) for size in sizes for engine, work in works.items()})
    lines = {}
    for (engine, _), runs in found.items():
        lines.setdefault(engine, []).append([runs[0][0], statistics.median(run[1] for run in runs)])
    return {"name": name, "x": x, "y": y,
            "lines": [{"name": engine, "points": points, "exponent": exponent(points), "last_exponent": exponent(points[-2:])}
                      for engine, points in lines.items()]}


def measure(options):
    quick, curves = options.quick, []
    generate, rounds = 8 if quick else 32, max(1, options.rounds - 1)  # a curve has many points
    for file in options.curve_model or options.model:
        name, large = os.path.basename(file).removesuffix(".gguf"), os.path.getsize(file) > models.LARGE

        def works(ours, peer):
            return {"tfm": ours, **({"llama.cpp": peer} if options.llama_bench else {})}

        # A point's context is that of the middle token.
        curves.append(curve(f"decode against context, {name}", "context, tokens", "tokens/s", works(
            lambda held, file=file: (held + generate / 2, models.tfm_bench(options, file, 1, generate, held)["decode_tokens_per_second"]),
            lambda held, file=file: (held + generate / 2, models.llama_bench(options, file, 0, generate, held)[1])),
            [0, 64, 256] if quick else [0, 256, 1024, 2048] if large else [0, 128, 256, 512, 1024, 2048, 4096], rounds))
        curves.append(curve(f"prefill against length, {name}", "tokens of the prompt", "tokens/s", works(
            lambda tokens, file=file: (tokens, models.tfm_bench(options, file, tokens, 1)["prefill_tokens_per_second"]),
            lambda tokens, file=file: (tokens, models.llama_bench(options, file, tokens, 0)[0])),
            [16, 64, 128] if quick else [16, 64, 256, 1024] if large else [16, 32, 64, 128, 256, 512, 1024], rounds))
        most = 2 * options.threads
        counts = sorted({n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, options.threads, most) if n <= most})
        for place, what in enumerate(("prefill", "decode")):
            sizes = (128 if what == "prefill" else 1, generate if what == "decode" else 1)
            curves.append(curve(f"{what} against threads, {name}", "threads", "tokens/s", works(
                lambda n, file=file, what=what, sizes=sizes: (n, models.tfm_bench(options, file, *sizes, threads=n)[f"{what}_tokens_per_second"]),
                lambda n, file=file, place=place, sizes=sizes: (n, models.llama_bench(options, file, *sizes, threads=n)[place])),
                counts, rounds))

    def step(width, sentences):
        found = running.file_json([running.program(options, "transformer"), "--threads", options.threads, *options.held, "--rounds", 1 if quick else 3,
                                   "--width", width, "--sentences", sentences, "--tokens", 32])
        return next(one["milliseconds"] for one in found if "backward" in one["name"])

    batch, width = (4, 128) if quick else (16, 256)
    curves.append(curve(f"training step against width, {batch} sentences x 32 tokens", "width", "ms", {"tfm": lambda n: (n, step(n, batch))},
                        [64, 128] if quick else [128, 256, 512, 1024], rounds))
    curves.append(curve(f"training step against batch, width {width}", "sentences of 32 tokens", "ms", {"tfm": lambda n: (n, step(width, n))},
                        [2, 4] if quick else [1, 2, 4, 8, 16, 32, 64], rounds))
    return curves


def text(curves):
    lines = []
    for one in curves:
        for line in one["lines"]:
            points = "  ".join(f"{x:g}: {y:.4g}" for x, y in line["points"])
            slope = "" if line["exponent"] is None else f"   {one['y']} ~ {one['x'].split(',')[0].split(' ')[0]}^{line['exponent']:.2f}"
            end = "" if line["last_exponent"] is None else f" (between the last two ^{line['last_exponent']:.2f})"
            lines.append(f"{line['name']}: {one['name']}, {one['y']}: {points}{slope}{end}")
    return "\n".join(lines)
