"""``python -m tools.bench_hub``: memory and seconds per learner of the hub, and from them how many a machine holds.

A learner's own memory is what no other process has (USS); what processes share, such as TensorFlow's libraries, is
there once for all learners, and told apart. As root, each learner has an account, and is known by it. Processor time
tells more than seconds where the machine has other work. Of each machine a tenth is left free.
"""

import argparse
import concurrent.futures
import contextlib
import json
import statistics
import threading
import time
from pathlib import Path

import psutil

from tools import hub_room

NOTEBOOKS = ["03_attach_new_head", "05_train_the_head", "06_fine_tune"]
MACHINES = (4, 8, 16, 32, 64)  # GB
FOR_THE_SYSTEM = 500  # MB that the system needs beside the hub


class Sampler(threading.Thread):
    """Notes twice a second what the processes of each learner have for themselves, in MB, until it is stopped."""

    def __init__(self, users):
        super().__init__(daemon=True)
        self.users, self.samples, self._end = users, {user: [] for user in users}, threading.Event()

    def run(self):
        """Note, until `stop`."""
        while not self._end.wait(0.5):
            for user, (own, _) in by_user(self.users).items():
                self.samples[user].append(own)

    def stop(self):
        """Return the peak and the mean of each learner, averaged over learners."""
        self._end.set()
        self.join()
        peaks = [max(values) for values in self.samples.values()]
        return statistics.mean(peaks), statistics.mean(statistics.mean(values) for values in self.samples.values())


def memory(processes):
    """Return the memory in MB that only these processes have, each for itself, and what they share with any others."""
    own = shared = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found = process.memory_full_info()
            own, shared = own + found.uss / 1e6, max(shared, (found.rss - found.uss) / 1e6)
    return own, shared


def by_user(users):
    """Return the memory of each user in MB, own and shared."""
    processes = {user: [] for user in users}
    for process in psutil.process_iter(["username"]):
        processes.get(process.info["username"], []).append(process)
    return {user: memory(found) for user, found in processes.items()}


def mean_own(users):
    """Return what one of the users has for itself, in MB, on average."""
    return statistics.mean(own for own, _ in by_user(users).values())


def of_the_hub(room):
    """Return the memory of the hub, its proxy and its services in MB."""
    found = {"hub": [], "proxy": [], "services": []}
    for process in [psutil.Process(room.process.pid), *psutil.Process(room.process.pid).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.cmdline())
            kind = "services" if "service" in line or "culler" in line else "proxy" if "http-proxy" in line else "hub"
            if "learner.py" not in line and "ipykernel" not in line:
                found[kind].append(process)
    return {kind: memory(processes)[0] for kind, processes in found.items()}


def processor_seconds(users):
    """Return the seconds of processor time that each user's processes have taken so far."""
    spent = dict.fromkeys(users, 0.0)
    for process in psutil.process_iter(["username", "cpu_times"]):
        if process.info["username"] in spent:
            spent[process.info["username"]] += sum(process.info["cpu_times"][:2])
    return spent


def run_at_once(visitors, notebook):
    """Run a notebook for all visitors at the same time; return what one of them took."""
    users = [visitor.user for visitor in visitors]
    sampler, before, started = Sampler(users), processor_seconds(users), time.monotonic()
    sampler.start()

    def run(visitor):
        kernel = visitor.kernel(f"{notebook}.ipynb")
        kernel.run_all(visitor.read(f"{notebook}.ipynb"))
        return kernel, time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
        kernels, seconds = zip(*pool.map(run, visitors), strict=True)
    after, (peak, mean) = processor_seconds(users), sampler.stop()
    rest, shared = mean_own(users), max(shared for _, shared in by_user(users).values())
    for visitor, kernel in zip(visitors, kernels, strict=True):
        kernel.close()
        visitor.call("DELETE", f"kernels/{kernel.id}")
    time.sleep(3)
    spent = statistics.mean(after[user] - before[user] for user in users)
    found = {"peak": peak, "mean": mean, "after": rest, "shared": shared, "seconds": max(seconds), "processor": spent}
    print(f"{notebook}, {len(visitors)} at once:", {name: round(value) for name, value in found.items()}, flush=True)
    return found


def measure(notebooks, sizes):
    """Start a hub, and return what it and its learners take."""
    names = [f"Hubbench {number}" for number in range(max(sizes))]
    with hub_room.room(names, ["--features", *notebooks]) as room:
        visitors = [room.visitor(user) for user in sorted(room.passwords) if user != "teacher"]
        results = {"empty hub": of_the_hub(room), "runs": {}}
        for visitor in visitors:
            visitor.log_in()
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
            list(pool.map(lambda visitor: visitor.start(), visitors))
        results["start"] = time.monotonic() - started
        results["idle learner"] = mean_own([visitor.user for visitor in visitors])
        results["hub"] = of_the_hub(room)
        for notebook in notebooks:
            for size in sizes:
                results["runs"][f"{notebook} {size}"] = run_at_once(visitors[:size], notebook)
        return results


def tables(results):
    """Return what was measured, and how many learners a machine holds, as Markdown."""
    hub, idle, runs = sum(results["hub"].values()), results["idle learner"], results["runs"]
    parts = ", ".join(f"{name} {value:.0f}" for name, value in results["hub"].items())
    shared = max(found["shared"] for found in runs.values())
    lines = [
        f"Hub {hub:.0f} MB ({parts}). A learner with JupyterLab and no kernel: {idle:.0f} MB. "
        f"Shared by all kernels, once: {shared:.0f} MB.",
        "",
        "| notebook | learners at once | own MB of each: peak | mean | at the end | seconds | processor seconds each |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, found in runs.items():
        notebook, size = key.split()
        numbers = (found[name] for name in ("peak", "mean", "after", "seconds", "processor"))
        lines.append(f"| {notebook} | {size} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
    most = {key.split()[0]: found for key, found in runs.items()}.values()  # with the most learners at once
    worst, one = max(found["peak"] for found in most), statistics.mean(found["after"] for found in most)
    ways = {
        f"all at the peak of the heaviest ({worst:.0f} MB)": worst,
        f"each with one notebook open ({one:.0f} MB)": one,
        f"each with two open ({2 * one - idle:.0f} MB)": 2 * one - idle,
    }
    lines += ["", f"| memory of the machine | {' | '.join(ways)} |", "|---|---|---|---|"]
    for size in MACHINES:
        free = size * 900 - FOR_THE_SYSTEM - hub - shared
        lines.append(f"| {size} GB | {' | '.join(str(max(0, int(free // each))) for each in ways.values())} |")
    return "\n".join(lines)


def main():
    """Measure, print the tables, and keep the numbers where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_hub", description=__doc__)
    parser.add_argument("--notebooks", nargs="+", default=NOTEBOOKS)
    parser.add_argument("--learners", nargs="+", type=int, default=[1, 2, 4], help="how many at once")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    given = parser.parse_args()
    results = measure(given.notebooks, given.learners)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    print(tables(results))


if __name__ == "__main__":
    main()
