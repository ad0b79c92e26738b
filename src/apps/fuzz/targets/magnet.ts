// Magnet links (BEP 9, 53): what is read can be written, and read again as the same.
import { decodeUtf8, encodeUtf8 } from '../../../base/bytes.ts'
import { FormatError } from '../../../base/errors.ts'
import { describeMagnet, encodeMagnet, type Magnet, parseMagnet } from '../../../protocol/metainfo/index.ts'
import { expectSame } from '../expect.ts'
import { fixtureTexts } from '../fixtures.ts'
import type { Target } from '../target.ts'

const HASH = 'xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd'
/** A link that is written has escapes where the one that was read had none; beyond this it might be refused. */
const LONGEST_WRITTEN = 1024 * 1024

export const magnet: Target<Magnet> = {
  name: 'magnet',
  seeds: [
    ...fixtureTexts('magnets.json', 'uri'),
    `magnet:?${HASH}&xl=1000&x.pe=127.0.0.1:6881&x.pe=[::1]:1&x.pe=a.example:2&dht=b.example:3&so=0,2,4-6,5-9&kt=a+b%20c`,
    `magnet:?${HASH}&tr.1=udp://127.0.0.1:1&ws=http://127.0.0.1/a&xs=anything&as=http://127.0.0.1/b&dn=a+name%zz`,
    `magnet:?xt=urn:btmh:1220${'ab'.repeat(32)}&dn=%ff%fe&xl=99999999999999999999&so=7-3,999999`,
    `magnet:?xt=urn:ed2k:1&xt=urn:btih:none`,
    `magnet:?xt=urn:ed2k:1`,
    'no link',
    'n'.repeat(100),
  ].map((text) => encodeUtf8(text)),
  words: [
    'magnet:?', 'xt=urn:btih:', 'xt=urn:btmh:1220', '&dn=', '&tr=', '&tr.1=', '&ws=', '&xs=', '&as=', '&x.pe=', '&dht=', '&so=', '&kt=',
    '&xl=', '0-199999', ',', '-', '%', '%00', '%ff', '%F0%9F%98%80', '%2', '+', '[::1]:1', ':65536', 'http://', 'udp://a', '\u{1f600}',
    '\ud800', `&${HASH}`, '&xt=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYLC',
  ], // prettier-ignore
  refusals: [FormatError],
  parse: (input) => parseMagnet(decodeUtf8(input)),
  check(magnet) {
    const link = encodeMagnet(magnet)
    if (link.length < LONGEST_WRITTEN) expectSame(parseMagnet(link), magnet, 'a link survives its writing')
    expectSame(describeMagnet(magnet).name, magnet.name, 'the name is told as it is')
  },
  sources: [{ path: 'protocol/metainfo/magnet.ts' }],
}
