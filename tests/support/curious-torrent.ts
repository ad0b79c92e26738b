// The same content, for everybody and for some.
import { makeTorrent, Payload } from './payload.ts'

const payload = Payload.file('curious', 1 << 20)

export const CURIOUS_TORRENT = {
  private: makeTorrent(payload, 1 << 16, { isPrivate: true }),
  public: makeTorrent(payload, 1 << 16),
}
