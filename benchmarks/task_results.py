"""Every task with its defaults and three seeds: `python -m benchmarks.task_results [TASK …] [--out out/tasks]`.

Each run is `jconv train TASK --seed SEED` in a process of its own, so that none profits from what another compiled; it
leaves its folder under --out, and is not repeated while its metrics.json lies there. Prints the table of docs/tasks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

FIGURES = {
    "digits": {"test_accuracy": ("accuracy", 0.99)},
    "segmentation": {"mean_iou": ("mean IoU, 11 classes", 0.90)},
    "detection": {"map_at_50": ("mAP@0.5", 0.90), "map_at_50_to_95": ("mAP@[.5:.95]", 0.60)},
    "deblurring": {
        "psnr_gain": ("gain over the blurred picture, dB", 4),
        "kernel_relative_error": ("kernel's error in L2", 0.05),
    },
    "denoising": {"psnr_gain": ("gain over the noisy picture, dB", None)},
    "spectrograms": {"test_accuracy": ("accuracy, ten classes at 0 dB", 0.97)},
    "video": {"test_accuracy": ("digit and direction right", 0.95)},
}
"""For each task the figures that count, by their keys in metrics.json: what they are, and what is wanted."""


def run(task: str, seed: int, folder: Path, options: list[str]) -> dict:
    """The metrics of one run, with the seconds of its whole process."""
    out = folder / f"{task}-{seed}"
    if not (out / "metrics.json").is_file():
        begin = time.perf_counter()
        command = [sys.executable, "-m", "jconv", "train", task, "--seed", str(seed), "--out", str(out)]
        subprocess.run([*command, "--checkpoint-every", "0", *options], check=True)
        (out / "wall.json").write_text(json.dumps(round(time.perf_counter() - begin, 1)))
    metrics = json.loads((out / "metrics.json").read_text())
    return {**metrics, "wall": json.loads((out / "wall.json").read_text())}


def table(runs: dict[str, list[dict]]) -> str:
    """Markdown: a row for each figure of each task, a column for each seed."""
    count = max(map(len, runs.values()))
    lines = [
        "| task | figure | wanted | mean | " + " | ".join(f"seed {s}" for s in range(count)) + " | seconds |",
        "|---|---|---|---|" + "---|" * count + "---|",
    ]
    for task, rows in runs.items():
        seconds = " / ".join(f"{row['wall']:.0f}" for row in rows)
        for key, (label, wanted) in FIGURES[task].items():
            values = [row[key] for row in rows]
            cells = " | ".join([*(f"{v:.3f}" for v in values), *["–"] * (count - len(values))])
            aim = "–" if wanted is None else f"{wanted:g}"
            mean = f"**{sum(values) / len(values):.3f}**"
            lines.append(f"| `{task}` | {label} | {aim} | {mean} | {cells} | {seconds} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", metavar="TASK", nargs="*", help=f"of {', '.join(FIGURES)} (default: all)")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--out", type=Path, default=Path("out/tasks"))
    parser.add_argument("--steps", type=int, help="instead of each task's own, for a trial")
    args = parser.parse_args()
    if unknown := set(args.tasks) - set(FIGURES):
        parser.error(f"unknown task {', '.join(sorted(unknown))}; known: {', '.join(FIGURES)}")
    options = [] if args.steps is None else ["--steps", str(args.steps)]
    runs: dict[str, list[dict]] = {}
    for task in args.tasks or FIGURES:
        runs[task] = [run(task, seed, args.out, options) for seed in range(args.seeds)]
    print(table(runs))


if __name__ == "__main__":
    main()
