"""A libtorrent that serves one torrent in a network of its own, told of by local discovery alone, until its input closes.

    libtorrent-on-network.py TORRENT FOLDER IP PORT
"""
import sys

import libtorrent as lt

torrent, folder, ip, port = sys.argv[1:]
session = lt.session({
    'listen_interfaces': '%s:%s' % (ip, port), 'outgoing_interfaces': '', 'enable_lsd': True, 'enable_dht': False,
    'enable_upnp': False, 'enable_natpmp': False, 'enable_outgoing_utp': False, 'enable_incoming_utp': False,
    'enable_ip_notifier': False, 'min_reconnect_time': 1,
})
params = lt.load_torrent_file(torrent)
params.save_path = folder
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
params.have_pieces = [True] * params.ti.num_pieces()
session.add_torrent(params)
sys.stdin.read()
