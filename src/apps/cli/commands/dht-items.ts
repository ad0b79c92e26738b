// What `shoal dht` keeps in the DHT, and gets (BEP 44): texts that never change, and those that their owner can change.
import { open, readFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { decodeUtf8Strict, fromHex, toHex } from '../../../base/bytes.ts'
import { formatCount } from '../../../base/format.ts'
import { CommandError, EXIT_FAILED } from '../command-error.ts'
import { printable, printableJson } from '../view/printable.ts'
import type { DhtAction } from './dht-action.ts'

const SECRET_BYTES = 32

export async function getItem({ dht, context, flags }: DhtAction, target?: string): Promise<number> {
  const { key, salt, json = false } = flags
  const item = await dht.get(key === undefined ? target! : { key, ...(salt === undefined ? {} : { salt }) })
  if (item === null) {
    if (json) context.stdout.write(`${printableJson({ item: null })}\n`)
    else context.stderr.write('Nobody has it\n')
    return EXIT_FAILED
  }
  const text = item.content && decodeUtf8Strict(item.content)
  if (json) {
    const { target, seq, key, copies, bencoded } = item
    const facts = { target, text, bencoded: toHex(bencoded), seq: jsonOf(seq), key, copies }
    context.stdout.write(`${printableJson({ item: facts })}\n`)
  } else {
    // What is no text is shown as it is kept.
    context.stdout.write(`${text === null ? toHex(item.bencoded) : printable(text)}\n`)
    if (item.copies !== null) context.stderr.write(`Version ${item.seq}, ${formatCount(item.copies, 'node')} had it\n`)
  }
  return 0
}

export async function putItem({ dht, context, flags }: DhtAction, text?: string): Promise<number> {
  const { keyFile, salt, seq, file, json = false } = flags
  const content = file === undefined ? text! : new Uint8Array(await readFile(file))
  const put = await dht.put(content, {
    ...(keyFile === undefined ? {} : { secret: await readSecret(keyFile) }),
    ...(salt === undefined ? {} : { salt }),
    ...(seq === undefined ? {} : { seq: BigInt(seq) }),
  })
  const { target, key, storedBy, refusal } = put
  if (json) {
    const facts = { target, key, seq: jsonOf(put.seq), stored_by: storedBy, refusal }
    context.stdout.write(`${printableJson(facts)}\n`)
  } else {
    context.stdout.write(`${target}\n`)
    const how = key === null ? `shoal dht get ${target}` : `shoal dht get --key ${key}${saltOption(salt)}`
    if (storedBy > 0) context.stderr.write(`${formatCount(storedBy, 'node')} will keep it for two hours: ${how}\n`)
    else if (refusal) context.stderr.write(`Nobody keeps it: ${printable(refusal.message)} (${refusal.code})\n`)
    else context.stderr.write('Nobody keeps it\n')
  }
  return storedBy > 0 ? 0 : EXIT_FAILED
}

/** Versions go up to 2^63 - 1: as text where a JSON number is not exact for everybody. */
function jsonOf(seq: bigint | null): number | string | null {
  if (seq === null) return null
  return seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : String(seq)
}

function saltOption(salt: string | undefined): string {
  return salt === undefined ? '' : ` --salt '${printable(salt)}'`
}

/** The owner's secret, 64 hexadecimal digits; a new one where the file is missing, for nobody else to read. */
async function readSecret(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'wx', 0o600)
    const secret = new Uint8Array(randomBytes(SECRET_BYTES))
    await handle.writeFile(`${toHex(secret)}\n`)
    await handle.close()
    return secret
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const secret = fromHex((await readFile(file, 'utf8')).trim())
  if (secret?.length !== SECRET_BYTES)
    throw new CommandError('bad_key_file', `Cannot use ${file}: a key file has 64 hexadecimal digits`)
  return secret
}
