import { expect, test } from 'vitest'
import { WireLog } from '../../../../tests/support/wire-log.ts'
import { ipAddress } from '../../../base/address.ts'
import {
  decodeExtensionHandshake,
  encodeHandshake,
  UT_PEX,
  WireDecoder,
  WireEncoder,
} from '../../../protocol/wire/index.ts'
import { PeerExtensions } from './peer-extensions.ts'

class Listener extends WireLog {
  ids: ReadonlyMap<string, number> = new Map()
  override onExtended(_id: number, payload: Uint8Array): void {
    this.ids = decodeExtensionHandshake(payload).extensions
  }
}

/** What a peer hears of peer exchange; undefined: nothing. */
function saidOfPex(isExchanging: boolean, isFirst: boolean): number | undefined {
  const encoder = new WireEncoder()
  const onPex = isExchanging ? (): void => {} : null
  const extensions = new PeerExtensions(encoder, { metadata: new Uint8Array(1), onPex })
  const listener = new Listener()
  const decoder = new WireDecoder(listener, 100_000)
  decoder.push(encodeHandshake(new Uint8Array(20), new Uint8Array(20), { extensions: true, fast: true }))
  extensions.sendHandshake(ipAddress('1.2.3.4', 5), 6881, false, isFirst)
  decoder.push(encoder.take())
  return listener.ids.get(UT_PEX)
}

test('that peers are not exchanged is left unsaid at first, and taken back where it may have been said', () => {
  expect([saidOfPex(true, true), saidOfPex(true, false)]).toEqual([1, 1])
  expect([saidOfPex(false, true), saidOfPex(false, false)]).toEqual([undefined, 0])
})
