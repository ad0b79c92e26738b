import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { knownIps, parseHosts, readHostsFile } from './hosts-file.ts'

const names = parseHosts(`
# 10.0.0.9 nobody
127.0.0.1\tlocalhost
10.0.0.1  Router.example router   # the box
fd00::1   router.example
not-an-ip thing
::1%lo0   odd`)

test('names have all the addresses that the file gives them, in order', () => {
  expect([...names]).toEqual([
    ['localhost', ['127.0.0.1']],
    ['router.example', ['10.0.0.1', 'fd00::1']],
    ['router', ['10.0.0.1']],
  ])
})

test('a name is known in any spelling', () => {
  expect(knownIps('ROUTER.example.', names)).toEqual(['10.0.0.1', 'fd00::1'])
  expect(knownIps('nobody', names)).toEqual([])
})

test('localhost is this machine, whatever the file says', () => {
  expect(knownIps('localhost', parseHosts('8.8.8.8 localhost'))).toEqual(['127.0.0.1', '::1'])
  expect(knownIps('tracker.localhost', new Map())).toEqual(['127.0.0.1', '::1'])
})

test('the file is read; where there is none, nothing is known', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-hosts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'hosts'), '10.0.0.1 a\n10.0.0.2 b')
  expect([...(await readHostsFile(join(folder, 'hosts'))).keys()]).toEqual(['a', 'b'])
  expect([...(await readHostsFile(join(folder, 'none')))]).toEqual([])
})
