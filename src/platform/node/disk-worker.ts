// A disk thread: takes batches of operations, answers in batches. Started by disk-thread.ts.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { assert } from '../../base/assert.ts'
import type { SharedSlabs } from './disk-memory.ts'
import type { Batch, Reply } from './disk-messages.ts'
import { DiskOperations } from './disk-operations.ts'
import { DiskSchedule } from './disk-schedule.ts'

/** Answers wait this long for more, so that many small ones become one message, and large ones go at once. */
const REPLY_DELAY_MS = 1

assert(parentPort, 'disk-worker runs as a worker thread')
const port = parentPort
const operations = new DiskOperations(workerData as SharedSlabs)
let replies: Reply[] = []
let lastSentAt = 0
let closing = false

const schedule = new DiskSchedule(operations, (reply) => {
  replies.push(reply)
  if (performance.now() - lastSentAt >= REPLY_DELAY_MS) sendReplies()
})

port.on('message', (batch: Batch) => {
  take(batch)
  do {
    // What has arrived meanwhile may be more urgent than what is next.
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(next.message as Batch)
  } while (schedule.step())
  sendReplies()
  if (!closing) return
  operations.close()
  port.close()
})

function take(batch: Batch): void {
  if (batch === 'close') closing = true
  else for (const operation of batch) schedule.add(operation)
}

function sendReplies(): void {
  if (replies.length === 0) return
  port.postMessage(replies)
  replies = []
  lastSentAt = performance.now()
}
