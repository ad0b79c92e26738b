"""A libtorrent peer for tests.

    libtorrent-peer.py seed|leech TORRENT FOLDER PORT    prints `ready` and `done`; when its input closes, `uploaded BYTES`, and ends
    libtorrent-peer.py infohashes TORRENT...             prints one JSON object per torrent
"""
import json
import select
import sys

import libtorrent as lt

SETTINGS = {
    'outgoing_interfaces': '',
    # Nothing but the tracker and plain TCP on loopback.
    'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'dht_bootstrap_nodes': '',
    'enable_outgoing_utp': False, 'enable_incoming_utp': False, 'enable_ip_notifier': False,
    'out_enc_policy': 2, 'in_enc_policy': 1, 'allowed_enc_level': 1,
    # Every peer of a test has the same IP, and tests do not wait.
    'allow_multiple_connections_per_ip': True, 'ssrf_mitigation': False, 'min_announce_interval': 1,
    'min_reconnect_time': 0, 'max_failcount': 1000, 'connection_speed': 500, 'torrent_connect_boost': 255, 'tick_interval': 100,
    'unchoke_slots_limit': -1, 'active_limit': -1, 'active_downloads': -1, 'active_seeds': -1,
    # Some clients ask for tens of thousands of blocks at once.
    'max_allowed_in_request_queue': 400000, 'max_out_request_queue': 2000,
    'send_buffer_watermark': 3 << 20, 'send_buffer_low_watermark': 1 << 20,
    'alert_mask': lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
}


def transfer(mode, torrent, folder, port):
    session = lt.session({**SETTINGS, 'listen_interfaces': '127.0.0.1:%s' % port})
    is_link = torrent.startswith('magnet:')
    params = lt.parse_magnet_uri(torrent) if is_link else lt.load_torrent_file(torrent)
    params.save_path = folder
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    params.flags |= lt.torrent_flags.disable_dht | lt.torrent_flags.disable_lsd | lt.torrent_flags.disable_pex
    if mode == 'seed':
        params.have_pieces = [True] * params.ti.num_pieces()
    handle = session.add_torrent(params)
    looking, ready, done = ('checking_files', 'checking_resume_data'), False, False
    while True:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            if alert.category() & lt.alert.category_t.error_notification:
                print(alert.what(), alert.message(), flush=True)
        status = handle.status()
        if not ready and str(status.state) not in looking:
            ready = True
            print('ready', flush=True)
        if ready and not done and status.is_seeding:
            done = True
            print('done', flush=True)
        if select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.readline():
            print('uploaded', handle.status().total_payload_upload, flush=True)
            return


def infohashes(paths):
    for path in paths:
        try:
            # The checks of the newest versions refuse some torrents that are odd but sound.
            info = lt.torrent_info(path, {'max_pieces': 1 << 21, 'max_decode_tokens': 1 << 24})
        except RuntimeError as error:
            print(json.dumps({'path': path, 'error': str(error)}))
            continue
        hashes = info.info_hashes()
        print(json.dumps({
            'path': path,
            'infohash_v1': str(hashes.v1) if hashes.has_v1() else None,
            'infohash_v2': str(hashes.v2) if hashes.has_v2() else None,
        }))


if sys.argv[1] == 'infohashes':
    infohashes(sys.argv[2:])
else:
    transfer(*sys.argv[1:])
