"""Is the simulated network fair? Two real processes between network namespaces, and the same pair in the simulator.

    npm run build && python3 bench/fairness/run.py [--case 8,20,0] [--repeat N] [--at-once N] [--write docs/swarm.md]

As root, on Linux. Prints a table; `--write` puts it between the markers of the given file. What it makes (namespaces,
devices, processes, files) is gone at the end, and nothing leaves the namespaces. Exit code 1 when a case is off by more
than 15 %.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

sys.dont_write_bytecode = True
from line import IP_A, QUEUE_BYTES, Line

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOAL = ['node', os.path.join(ROOT, 'dist', 'apps', 'cli', 'main.js')]
SIMULATED = os.path.join('bench', 'fairness', 'simulated.ts')
BEGIN, END = '<!-- fairness:begin -->', '<!-- fairness:end -->'
PORT = '6881'
TOLERANCE = 0.15
PIECE_BYTES = 262_144
# A run that takes longer hangs.
LIMIT_S = 300
# Of as many runs as are wanted so many times as many may be spoilt by what else the machine does.
PATIENCE = 5

open_lines = set()
ended = threading.Event()


@dataclass(frozen=True)
class Case:
    mbit: int
    rtt_ms: int
    loss: float

    @property
    def mebibytes(self):
        """Enough for ten seconds and more, where it can be: 1 % of loss lets through little on a long line."""
        if self.loss == 0:
            return 32 if self.mbit > 8 else 16
        return 16 if self.rtt_ms < 100 else 4

    @property
    def latest_ms(self):
        """How late a packet may be. Later, and half a queue comes at once: that is this machine's doing, not the line's."""
        return QUEUE_BYTES / 2 * 8 / self.mbit / 1000

    @property
    def name(self):
        return f'{self.mbit} Mbit/s, {self.rtt_ms} ms, {self.loss * 100:g} % loss'


CASES = [Case(mbit, rtt_ms, loss) for loss in (0, 0.01) for mbit in (8, 40) for rtt_ms in (20, 200)]


class Content:
    """A file of noise and its torrent, for all runs of its size."""

    def __init__(self, folder, mebibytes):
        self.folder = os.path.join(folder, str(mebibytes))
        os.mkdir(self.folder)
        self.file = os.path.join(self.folder, 'content')
        self.torrent = os.path.join(self.folder, 'content.torrent')
        with open(self.file, 'wb') as file:
            for _ in range(mebibytes):
                file.write(os.urandom(1 << 20))
        create = [*SHOAL, 'create', self.file, '-o', self.torrent, '--piece-length', str(PIECE_BYTES), '--quiet']
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)


def real_seconds(case, content, name, seed):
    """From being ready to dial until the content is complete, and what the line did meanwhile."""
    line = Line(case.mbit, case.rtt_ms, case.loss, seed, name)
    limit = threading.Timer(LIMIT_S, line.end)
    open_lines.add(line)
    try:
        with line, tempfile.TemporaryDirectory() as target:
            limit.start()
            seed_command = [*SHOAL, 'seed', content.torrent, content.folder, '--port', PORT, '--no-state', '--json']
            event(line.start(line.a, seed_command, stdout=subprocess.PIPE), 'seeding')
            download_command = [*SHOAL, 'download', content.torrent, '-o', target, '--port', PORT]
            download_command += ['--peer', f'{IP_A}:{PORT}', '--no-state', '--json']
            download = line.start(line.b, download_command, stdout=subprocess.PIPE)
            began = event(download, 'listening')
            done = event(download, 'done')
            return (done['time'] - began['time']) / 1000, line.finish()
    finally:
        limit.cancel()
        open_lines.discard(line)


def event(program, name):
    for text in program.stdout:
        told = json.loads(text)
        if told['event'] == name:
            return told
        if told['event'] == 'error':
            raise RuntimeError(told['message'])
    raise RuntimeError(f'it ended before it was {name}')


def counted_runs(case, content, repeat):
    """Runs until as many as wanted were not disturbed by the machine."""
    seconds = []
    for number in range(1, PATIENCE * repeat + 1):
        if ended.is_set():
            raise RuntimeError('ended')
        name = f'fair-{os.getpid()}-{case.mbit}-{case.rtt_ms}-{case.loss * 100:g}'
        took, (there, back) = real_seconds(case, content, name, number)
        latest = max(there['latest_ms'], back['latest_ms'])
        is_counted = latest <= case.latest_ms
        print(
            f'  {case.name}: {took:.2f} s; {there["packets"]} packets there, {back["packets"]} back, '
            f'{there["lost"]} lost, {there["dropped"]} dropped; the latest {latest:.1f} ms late'
            f'{"" if is_counted else ": not counted"}',
            file=sys.stderr,
            flush=True,
        )
        if is_counted:
            seconds.append(took)
        if len(seconds) == repeat:
            return seconds
    raise RuntimeError(f'{case.name}: the machine is too busy to measure')


def simulated_seconds(case, seeds):
    pair = {'mbit': case.mbit, 'rttMs': case.rtt_ms, 'loss': case.loss, 'mebibytes': case.mebibytes, 'seeds': seeds}
    command = ['node', '--import', 'tsx', SIMULATED, json.dumps(pair)]
    text = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [float(line) for line in text.split()]


def rate(case, seconds):
    return case.mebibytes * (1 << 20) * 8 / 1e6 / seconds


def summary(case, all_seconds):
    rates = sorted(rate(case, seconds) for seconds in all_seconds)
    if rates[-1] - rates[0] < 0.005:
        return f'{rates[0]:.2f}'
    return f'{statistics.median(rates):.2f} [{rates[0]:.2f}-{rates[-1]:.2f}]'


def row(case, real, simulated):
    ratio = statistics.median(real) / statistics.median(simulated)
    cells = [f'{case.mbit} Mbit/s', f'{case.rtt_ms} ms', f'{case.loss * 100:g} %', f'{case.mebibytes} MiB']
    cells += [f'{summary(case, real)} ({len(real)})', f'{summary(case, simulated)} ({len(simulated)})']
    return f'| {" | ".join(cells)} | {ratio:.2f} |', abs(ratio - 1) <= TOLERANCE


def table(rows):
    head = ['rate', 'round trip', 'loss each way', 'content', 'namespaces, Mbit/s (runs)']
    head += ['simulator, Mbit/s (seeds)', 'ratio']
    return '\n'.join([f'| {" | ".join(head)} |', '|---' * len(head) + '|', *rows])


def write_between_markers(path, text):
    with open(path, encoding='utf-8') as file:
        before, _, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise RuntimeError(f'{path} has no {BEGIN} ... {END}')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'{before}{BEGIN}\n\n{text}\n\n{END}{after}')


def end_all(*_):
    """Whoever ends this ends it in order: each run gives back what it took."""
    ended.set()
    for line in list(open_lines):
        line.end()
    sys.exit('ended from outside')


def parsed_case(text):
    mbit, rtt_ms, loss = text.split(',')
    return Case(int(mbit), int(rtt_ms), float(loss) / 100)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--case', type=parsed_case, action='append', help='MBIT,RTT_MS,LOSS_PERCENT; default: all eight')
    parser.add_argument('--repeat', type=int, help='counted runs of a case; default 5, with loss 9')
    parser.add_argument('--seeds', type=int, default=25, help='simulated runs of a case with loss')
    parser.add_argument('--at-once', type=int, default=2, help='cases that run at the same time, each on its own line')
    parser.add_argument('--write', metavar='FILE')
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    cases = list(dict.fromkeys(options.case or CASES))
    folder = tempfile.mkdtemp(prefix='fairness-')
    try:
        contents = {size: Content(folder, size) for size in {case.mebibytes for case in cases}}
        with ThreadPoolExecutor(options.at_once) as pool:
            repeats = [options.repeat or (9 if case.loss else 5) for case in cases]
            real = list(pool.map(counted_runs, cases, [contents[case.mebibytes] for case in cases], repeats))
        simulated = [simulated_seconds(case, options.seeds if case.loss else 1) for case in cases]
    finally:
        shutil.rmtree(folder)
    rows = [row(*each) for each in zip(cases, real, simulated)]
    text = table([line for line, _ in rows])
    print(text)
    if options.write:
        write_between_markers(options.write, text)
    return 0 if all(is_fair for _, is_fair in rows) else 1


if __name__ == '__main__':
    sys.exit(main())
