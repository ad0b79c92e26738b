// Where to remember what is verified, as applications say it: a folder, true for that of the system, false for nowhere.
import { defaultStateFolder } from '../platform/node/default-state-folder.ts'

/** For `createNodePlatform`. */
export function stateOption(state: string | boolean): { readonly state?: string } {
  if (state === false) return {}
  return { state: state === true ? defaultStateFolder() : state }
}
