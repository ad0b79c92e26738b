// Local sockets as files, by which the processes of one machine ask each other something: a line there, a word back. The file of
// a process that has ended stays behind and refuses connections. It refuses none before: a socket gets its name only once it
// listens, so that whoever finds one dead may remove it.
import fs from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { StateError } from '../../base/errors.ts'
import { isMissing, systemCode } from './storage-error.ts'

/** Removes the socket. */
export type StopListening = () => void

/** Bytes of a socket's path that every system takes; a longer one would be cut without a word. */
const LONGEST_PATH = 100
/** Until a socket has its name. */
const UNNAMED = '.new'
/** Beyond this, a question is none. */
const LONGEST_QUESTION = 64
const ATTEMPTS = 10
/** How long a process may take to answer, and to ask. */
const ANSWER_MS = 2000
/** Whoever begins with a thousand torrents may ask that many at once; the system allows fewer. */
const BACKLOG = 4096

/** `nobody`: the process has ended, or there is no file. `gone`: it does not listen any more. `busy`: it does not answer in time. */
export type Answer = { readonly word: string } | 'nobody' | 'gone' | 'busy'

/** Listens on `folder/name`, and keeps no process alive. Rejects with the system's error, with StateError `name_too_long`. */
export async function listenIn(
  folder: string,
  name: string,
  answer: (question: string) => string,
): Promise<StopListening> {
  const path = join(folder, name)
  for (let attempt = 1; ; attempt++) {
    const server = await withShortPath(folder, name + UNNAMED, (short) => listen(short, answer))
    try {
      fs.renameSync(path + UNNAMED, path)
      return () => {
        removeFile(path)
        server.close()
      }
    } catch (error) {
      server.close()
      // Somebody took it for dead before it listened.
      if (!isMissing(error) || attempt === ATTEMPTS) throw error
    }
  }
}

/** Listens on a path that is no file: a named pipe. Rejects with the system's error. */
export async function listenOn(path: string, answer: (question: string) => string): Promise<StopListening> {
  const server = await listen(path, answer)
  return () => void server.close()
}

/** Asks whoever listens on `folder/name`. Rejects with StateError `name_too_long`. */
export function askIn(folder: string, name: string, question: string): Promise<Answer> {
  return withShortPath(folder, name, (path) => ask(path, question))
}

/** Whether the process that listened on `folder/name` has ended. Waits for nobody. Rejects with StateError `name_too_long`. */
export function isDeadIn(folder: string, name: string): Promise<boolean> {
  return withShortPath(
    folder,
    name,
    (path) =>
      new Promise((resolve) => {
        const socket = connect(path, () => {
          resolve(false)
          socket.destroy()
        })
        socket.on('error', (error) => resolve(isNobody(error)))
      }),
  )
}

/** Removes what may be gone already, or stay. */
export function removeFile(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // It means nothing any more.
  }
}

function ask(path: string, question: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write(`${question}\n`))
    socket.setTimeout(ANSWER_MS, () => {
      resolve('busy')
      socket.destroy()
    })
    socket.on('data', (bytes) => resolve({ word: bytes.toString('latin1') }))
    socket.on('error', (error) => {
      if (isNobody(error)) resolve('nobody')
      // With others, which it has more of than it can take, it will have time later.
      else if (!['ECONNRESET', 'EPIPE', 'EAGAIN'].includes(systemCode(error))) resolve('busy')
    })
    socket.on('close', () => resolve('gone'))
  })
}

function isNobody(error: unknown): boolean {
  return systemCode(error) === 'ECONNREFUSED' || isMissing(error)
}

function listen(path: string, answer: (question: string) => string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => answerOn(socket, answer))
    server.on('error', reject)
    server.listen({ path, backlog: BACKLOG }, () => {
      server.unref()
      resolve(server)
    })
  })
}

function answerOn(socket: Socket, answer: (question: string) => string): void {
  let question = ''
  socket.unref()
  socket.setTimeout(ANSWER_MS, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    question += bytes.toString('latin1')
    if (question.endsWith('\n')) socket.end(answer(question.slice(0, -1)))
    else if (question.length > LONGEST_QUESTION) socket.destroy()
  })
}

/** Calls `use` with a path of the file that is short enough, which is good until it has settled. */
async function withShortPath<Result>(
  folder: string,
  name: string,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= LONGEST_PATH) return use(path)
  if (process.platform !== 'linux') {
    throw new StateError('name_too_long', `Cannot lock ${folder}: its path is too long; choose a shorter one`, folder)
  }
  const fd = fs.openSync(folder, 'r')
  try {
    return await use(`/proc/self/fd/${fd}/${name}`)
  } finally {
    fs.closeSync(fd)
  }
}
