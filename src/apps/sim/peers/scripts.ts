// Ways to hold pieces and be of no use. Each is a script for a `ScriptedPeer`.
import type { Script } from './scripted-peer.ts'

/** Welcomes everybody, takes every request, and answers none. */
export const silent: Script = {
  request: () => {},
}

/** Never lets anybody ask. */
export const choking: Script = {
  interested: () => {},
}
