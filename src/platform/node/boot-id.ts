// Which start of the machine this is: as long as it is the same, the system still holds what was written and not synced.
import { readFileSync } from 'node:fs'

const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id'

/** Empty where the system does not tell exactly: a time since the start would be off by what the calendar was corrected by. */
export function readBootId(file = LINUX_BOOT_ID): string {
  try {
    return readFileSync(file, 'latin1').trim().slice(0, 64)
  } catch {
    return ''
  }
}
