"""Nodes of libtorrent's DHT for tests, each at an address of its own on loopback.

    libtorrent-dht.py PORT BOOTSTRAP_IP BOOTSTRAP_PORT IP...

Prints `ready` when all of them know somebody. Then takes a line each of, and answers with a line:

    announce NODE INFOHASH    announced (soon, with the node's own port)
    peers NODE INFOHASH       peers IP:PORT...
    put NODE TEXT             put TARGET
    get NODE TARGET           got TEXT
    seed NODE FILE FOLDER     announced (soon)
    leech NODE LINK FOLDER    done
    remove NODE LINK FOLDER   done

It ends when its input closes.
"""
import sys
import time

import libtorrent as lt

SETTINGS = {
    'enable_dht': True, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False, 'dht_bootstrap_nodes': '',
    'enable_ip_notifier': False, 'dht_announce_interval': 1,
    # All nodes of a test are on loopback.
    'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_ignore_dark_internet': False,
    'dht_prefer_verified_node_ids': False, 'dht_enforce_node_id': False, 'dht_block_ratelimit': 1000,
    'alert_mask': lt.alert.category_t.dht_notification | lt.alert.category_t.dht_operation_notification
    | lt.alert.category_t.status_notification,
}
PATIENCE = 150


def main(port, bootstrap, ips):
    sessions = [lt.session({**SETTINGS, 'listen_interfaces': '%s:%d' % (ip, port)}) for ip in ips]
    for session in sessions:
        session.add_dht_node(bootstrap)
    for session in sessions:
        wait(lambda: nodes_of(session) > 0, 'a node without a neighbour')
    print('ready', flush=True)
    for line in sys.stdin:
        command, node, *rest = line.rstrip().split(' ', 3)
        act = transfer if command in ('seed', 'leech', 'remove') else answer
        print(act(sessions[int(node)], command, *rest), flush=True)


def nodes_of(session):
    session.post_dht_stats()
    buckets = next_alert(session, 'dht_stats_alert').routing_table
    return sum(bucket['num_nodes'] for bucket in buckets)


def answer(session, command, what):
    if command == 'announce':
        params = lt.parse_magnet_uri('magnet:?xt=urn:btih:' + what)
        params.save_path = '/nowhere'
        params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
        session.add_torrent(params).force_dht_announce()
        return 'announced'
    if command == 'peers':
        found = set()
        for _ in range(20):
            session.dht_get_peers(sha1(what))
            found |= {'%s:%d' % peer for peer in next_alert(session, 'dht_get_peers_reply_alert').peers()}
            if found:
                break
        return 'peers ' + ' '.join(sorted(found))
    if command == 'put':
        target = session.dht_put_immutable_item(what)
        next_alert(session, 'dht_put_alert')
        return 'put %s' % target
    session.dht_get_immutable_item(sha1(what))
    item = next_alert(session, 'dht_immutable_item_alert').item
    value = item['value'] if isinstance(item, dict) and 'value' in item else item
    return 'got %s' % (value.decode() if isinstance(value, bytes) else value)


def transfer(session, command, torrent, folder):
    if command == 'remove':
        session.remove_torrent(session.get_torrents()[0])
        return 'done'
    params = lt.load_torrent_file(torrent) if command == 'seed' else lt.parse_magnet_uri(torrent)
    params.save_path = folder
    params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    handle = session.add_torrent(params)
    handle.force_dht_announce()
    wait(lambda: handle.status().is_seeding, 'a torrent that is not complete')
    return 'announced' if command == 'seed' else 'done'


def next_alert(session, name):
    found = []

    def arrived():
        found.extend(alert for alert in session.pop_alerts() if alert.what() == name.replace('_alert', ''))
        return found

    wait(arrived, 'no ' + name)
    return found[0]


def wait(holds, complaint):
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            sys.exit('libtorrent-dht: ' + complaint)
        time.sleep(0.05)


def sha1(text):
    return lt.sha1_hash(bytes.fromhex(text))


main(int(sys.argv[1]), (sys.argv[2], int(sys.argv[3])), sys.argv[4:])
