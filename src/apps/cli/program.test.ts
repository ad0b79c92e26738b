import { expect, test } from 'vitest'
import { FakeCli } from '../../../tests/support/fake-cli.ts'

const COMMANDS = ['download', 'seed', 'info', 'create', 'verify', 'move', 'remove', 'peers', 'piece', 'tracker']

test('--help lists the commands on stdout', async () => {
  const cli = new FakeCli()
  expect(await cli.run('--help')).toBe(0)
  for (const command of COMMANDS) expect(cli.stdout.text).toMatch(new RegExp(`^  ${command} `, 'm'))
  expect(cli.stderr.text).toBe('')
})

test.for(COMMANDS)('%s --help has an example, and says the same as help', async (command) => {
  const cli = new FakeCli()
  expect(await cli.run(command, '--help')).toBe(0)
  expect(cli.stdout.text).toMatch(new RegExp(`^Usage: shoal ${command} `))
  expect(cli.stdout.text).toMatch(new RegExp(`Example:\n  shoal ${command} `))
  const other = new FakeCli()
  expect(await other.run('help', command)).toBe(0)
  expect(other.stdout.text).toBe(cli.stdout.text)
})

test('--version says the version', async () => {
  const cli = new FakeCli()
  expect(await cli.run('--version')).toBe(0)
  expect(cli.stdout.text).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('no command at all: help on stderr, 2', async () => {
  const cli = new FakeCli()
  expect(await cli.run()).toBe(2)
  expect(cli.stdout.text).toBe('')
  expect(cli.stderr.text).toMatch(/^Usage: shoal/)
})

test.for([
  [['dwonload', 'x'], "shoal: unknown command 'dwonload' (Did you mean download?); see shoal --help"],
  [['download'], "shoal: missing required argument 'torrent'; see shoal download --help"],
  [['info', 'a', 'b'], "shoal: too many arguments for 'info'. Expected 1 argument but got 2; see shoal info --help"],
  [
    ['download', 'x', '--prot', '1'],
    "shoal: unknown option '--prot' (Did you mean --port?); see shoal download --help",
  ],
  [
    ['download', 'x', '--port', '99999'],
    "shoal: option '--port <n>' argument '99999' is invalid. Give a port from 0 to 65535; see shoal download --help",
  ],
  [['piece', 'x', '1'], "shoal: required option '-o, --output <file>' not specified; see shoal piece --help"],
  [['seed', 'x', '\u001b[2J', '--\u001b[31m'], "shoal: unknown option '--\ufffd[31m'; see shoal seed --help"],
] as const)('wrong usage is told in one line, and ends with 2: %o', async ([args, line]) => {
  const cli = new FakeCli()
  expect(await cli.run(...args)).toBe(2)
  expect(cli.stderr.text).toBe(`${line}\n`)
  expect(cli.stdout.text).toBe('')
})

test('a torrent that is not there: 1, with what to do', async () => {
  const cli = new FakeCli()
  expect(await cli.run('verify', 'no/such.torrent', '.', '--json')).toBe(1)
  const message = 'Cannot use no/such.torrent: no such file or directory; check the path'
  expect(cli.stderr.text).toBe(`shoal: ${message}\n`)
  expect(JSON.parse(cli.stdout.text)).toEqual({ error: { code: 'not_found', message } })
})

test('a fault of the program itself is told as that', async () => {
  const cli = new FakeCli({
    parseMagnet: () => {
      throw new Error('boom')
    },
  })
  expect(await cli.run('info', 'magnet:?x')).toBe(1)
  expect(cli.stderr.text).toMatch(/^shoal: Internal error: boom at .*; please report it\n$/)
})
