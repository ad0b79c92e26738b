"""Two machines and the line between them, of network namespaces: nothing in them can reach anything else.

    a --veth-- middle: [tbf] tun_a == relay.py == tun_b [tbf] --veth-- b

The queues are in the middle, not with the machines: a system holds its own packets back rather than overfill its own queue
(TCP small queues), and then nothing would ever be dropped. Each direction is limited where it enters the distance.
TCP is as the system has it, but for congestion control, which is Reno.
"""

import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
IP_A = '10.99.1.2'
IP_B = '10.99.2.2'
QUEUE_BYTES = 65_536
# Less than two packets: what systems hand over in bundles goes on the line packet by packet.
BURST_BYTES = 2_900


class Line:
    """Use with `with`: everything it made is gone at the end, however it ends."""

    def __init__(self, mbit, rtt_ms, loss, seed, name):
        self.mbit = mbit
        self.rtt_ms = rtt_ms
        self.loss = loss
        self.seed = seed
        self.a, self.b, self.middle = (f'{name}-{part}' for part in ('a', 'b', 'middle'))
        self.namespaces = []
        self.programs = []
        self.is_ended = False
        self.relay = None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.end()
        for program in self.programs:
            program.wait()
        # Their devices go with them.
        for namespace in reversed(self.namespaces):
            subprocess.run(['ip', 'netns', 'del', namespace], check=False)
        self.namespaces = []

    def end(self):
        """Ends all programs; whoever waits for what they say learns that nothing comes. For other threads, too."""
        self.is_ended = True
        for program in reversed(self.programs):
            if program.poll() is None:
                program.kill()

    def start(self, namespace, command, priority=1, **options):
        """Starts a program in a namespace; it ends at the latest with the line."""
        # Before everything else on the machine: who reads late acknowledges late, and in bursts.
        command = ['chrt', '--rr', str(priority), 'ip', 'netns', 'exec', namespace, *command]
        program = subprocess.Popen(command, text=True, **options)
        self.programs.append(program)
        if self.is_ended:
            program.kill()
        return program

    def finish(self):
        """Ends the relay and returns what it and the queues did."""
        dropped = [self._dropped('tun_a'), self._dropped('tun_b')]
        self.relay.send_signal(signal.SIGTERM)
        ways = json.loads(self.relay.stdout.readline())
        return [{**way, 'dropped': count} for way, count in zip(ways, dropped)]

    def _build(self):
        for namespace in (self.a, self.b, self.middle):
            run('ip', 'netns', 'add', namespace)
            self.namespaces.append(namespace)
            self._set(namespace, 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1')
            self._in(namespace, 'ip', 'link', 'set', 'lo', 'up')
        self._set(self.middle, 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0')
        self._set(self.middle, 'net.ipv4.conf.default.rp_filter=0')
        for namespace, own, gateway, veth in (
            (self.a, IP_A, '10.99.1.1', 'veth_a'),
            (self.b, IP_B, '10.99.2.1', 'veth_b'),
        ):
            self._set(namespace, 'net.ipv4.tcp_congestion_control=reno', 'net.ipv4.tcp_no_metrics_save=1')
            run('ip', 'link', 'add', veth, 'netns', self.middle, 'type', 'veth', 'peer', 'name', 'eth', 'netns', namespace)
            self._in(namespace, 'ip', 'link', 'set', 'eth', 'up')
            self._in(self.middle, 'ip', 'link', 'set', veth, 'up')
            self._in(namespace, 'ip', 'addr', 'add', f'{own}/24', 'dev', 'eth')
            self._in(self.middle, 'ip', 'addr', 'add', f'{gateway}/24', 'dev', veth)
            self._in(namespace, 'ip', 'route', 'add', 'default', 'via', gateway)
        relay = [sys.executable, os.path.join(HERE, 'relay.py'), 'tun_a', 'tun_b']
        relay += [str(self.rtt_ms / 2), str(self.loss), str(self.seed)]
        # The line waits for nobody, not for the programs at its ends either.
        self.relay = self.start(self.middle, relay, priority=2, stdout=subprocess.PIPE)
        if self.relay.stdout.readline().strip() != 'ready':
            raise RuntimeError('the relay does not start')
        for tun, veth, table in (('tun_a', 'veth_a', '101'), ('tun_b', 'veth_b', '102')):
            self._set(self.middle, f'net.ipv4.conf.{tun}.rp_filter=0', f'net.ipv4.conf.{veth}.rp_filter=0')
            self._in(self.middle, 'ip', 'link', 'set', tun, 'up')
            limit = ['rate', f'{self.mbit}mbit', 'burst', str(BURST_BYTES), 'limit', str(QUEUE_BYTES)]
            self._in(self.middle, 'tc', 'qdisc', 'add', 'dev', tun, 'root', 'tbf', *limit)
            # What comes from a machine goes through the distance; what comes out of it takes the usual way.
            self._in(self.middle, 'ip', 'route', 'add', 'default', 'dev', tun, 'table', table)
            self._in(self.middle, 'ip', 'rule', 'add', 'iif', veth, 'lookup', table)

    def _dropped(self, device):
        text = self._in(self.middle, 'tc', '-s', '-j', 'qdisc', 'show', 'dev', device)
        return json.loads(text)[0]['drops']

    def _set(self, namespace, *settings):
        self._in(namespace, 'sysctl', '-qw', *settings)

    def _in(self, namespace, *command):
        return run('ip', 'netns', 'exec', namespace, *command)


def run(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
