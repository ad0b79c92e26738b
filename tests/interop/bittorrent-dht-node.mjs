// A node of the npm package bittorrent-dht for tests: bittorrent-dht-node.mjs IP BOOTSTRAP_IP:PORT
// Prints `listening PORT`, then takes a line each of, and answers with a line:
//
//   announce INFOHASH PORT    announced
//   lookup INFOHASH           peers IP:PORT...
//   put TEXT                  put TARGET
//   sign SEQ SALT TEXT        signed PUBLIC_KEY
//   get TARGET                got TEXT
//   newest PUBLIC_KEY SALT    got TEXT
//
// It ends when its input closes.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { createInterface } from 'node:readline'
import DHT from 'bittorrent-dht'

const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const SECRET = createPrivateKey({
  key: Buffer.concat([PRIVATE_HEAD, Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
})
const PUBLIC = createPublicKey(SECRET).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_HEAD.length)

const [ip, bootstrap] = process.argv.slice(2)
const dht = new DHT({
  bootstrap: [bootstrap],
  host: ip,
  verify: (signature, message, key) => {
    const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, key]), format: 'der', type: 'spki' })
    return verify(null, message, publicKey, signature)
  },
})
dht.on('error', fail)
dht.listen(0, ip, () => console.log(`listening ${dht.address().port}`))

const actions = {
  announce: (infohash, port) => settled((done) => dht.announce(infohash, Number(port), done)).then(() => 'announced'),
  lookup: async (infohash) => {
    const peers = new Set()
    const onPeer = ({ host, port }) => peers.add(`${host}:${port}`)
    dht.on('peer', onPeer)
    await settled((done) => dht.lookup(infohash, done))
    dht.off('peer', onPeer)
    return ['peers', ...peers].join(' ')
  },
  put: async (text) => `put ${(await settled((done) => dht.put({ v: text }, done))).toString('hex')}`,
  sign: async (seq, salt, text) => {
    const item = { k: PUBLIC, seq: Number(seq), salt: Buffer.from(salt), v: Buffer.from(text) }
    await settled((done) => dht.put({ ...item, sign: (bytes) => sign(null, bytes, SECRET) }, done))
    return `signed ${PUBLIC.toString('hex')}`
  },
  get: (target) => got(target, {}),
  newest: (key, salt) => {
    const target = createHash('sha1').update(Buffer.from(key, 'hex')).update(salt).digest('hex')
    return got(target, { salt })
  },
}

async function got(target, options) {
  const item = await settled((done) => dht.get(target, { ...options, cache: false }, done))
  return `got ${item?.v.toString() ?? ''}`
}

function settled(start) {
  return new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))))
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

for await (const line of createInterface({ input: process.stdin })) {
  const [action, ...rest] = line.split(' ')
  console.log(await actions[action](...rest).catch(fail))
}
process.exit(0)
