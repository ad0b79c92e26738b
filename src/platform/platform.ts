// The outside world as the engine sees it. Node implements it for users (`platform/node`), a simulator for tests.
// Everything that the engine learns of time, chance, network, disk and its own past comes through these five interfaces.
import type { Address } from '../base/address.ts'

export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly disk: Disk
  /** Null: nothing is remembered from one run to the next. */
  readonly state: StateStore | null
}

/** Stops what it was returned for; calling it again does nothing. */
export type Stop = () => void

export interface Clock {
  /** Monotonic milliseconds, with fractions: for all logic. */
  now(): number
  /** Unix milliseconds: for display and for dates in files only. */
  wall(): number
  /** Calls `tick` each `intervalMs`. The session has one; nothing below it starts another. */
  every(intervalMs: number, tick: () => void): Stop
  /** Calls `callback` once. For rare things (a tracker's time limit), never per peer or per request. */
  after(delayMs: number, callback: () => void): Stop
}

export interface Random {
  /** `length` unpredictable bytes: keys, ids, tokens. */
  bytes(length: number): Uint8Array
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
}

// ---------------------------------------------------------------- network

export interface Network {
  /**
   * Listens for TCP. `onConnection` returns who handles the new connection, or null to refuse it (it is then closed).
   * Rejects with NetworkError `address_in_use`, `address_not_available` or the system's code in lower case.
   */
  listen(
    options: ListenOptions,
    onConnection: (connection: Connection) => ConnectionHandler | null,
  ): Promise<TcpListener>
  /** Dials. Returns at once; `handler.onOpen` or `handler.onClose` follows. */
  connect(remote: Address, options: ConnectOptions, handler: ConnectionHandler): Connection
  /** Opens a UDP socket. The datagram handed to `onMessage` is valid during the call only. */
  openUdp(options: ListenOptions, onMessage: (datagram: Uint8Array, from: Address) => void): Promise<UdpSocket>
  /** One HTTP or HTTPS GET, without following redirects: the caller decides about those. */
  httpGet(request: HttpRequest): Promise<HttpResponse>
  /** Canonical IPs of a name (or of an IP as it is); empty never: it rejects with NetworkError `name_not_found`. */
  lookup(host: string, family: 4 | 6 | 'any'): Promise<readonly string[]>
  /** Canonical IPs of this machine's interfaces, loopback included; of those, the ones that it is bound to. */
  ownAddresses(): readonly string[]
  /** Set when nothing may leave but from a certain address, or those of a certain interface: `BoundNetwork` sees to it. */
  readonly binding?: Binding
}

/** What a network is bound to. Errors of what cannot be, for it is not there: NetworkError `address_gone`, or `no_address`. */
export interface Binding {
  /** As it was asked for: an IP, or the name of an interface. */
  readonly name: string
  /** What everything leaves from now: one IP for each family that is there. Empty: it is gone, and nothing leaves at all. */
  readonly ips: readonly string[]
  /** Calls `listener` when `ips` has changed, before what is open at others is closed: with `address_gone`. */
  onChange(listener: () => void): Stop
}

export interface ListenOptions {
  /** Local IP; `0.0.0.0` or `::` for all of that family (a listener on `::` takes IPv6 only). */
  readonly ip: string
  /** 0 for any free port. */
  readonly port: number
  /** UDP only: a multicast group to join. The port is shared with other programs, and this machine hears what it sends itself. */
  readonly group?: string
  /** UDP only: the interface on which groups are joined and spoken to, by its IP, or `::%NAME`. Default: the system's choice. */
  readonly interfaceIp?: string | undefined
}

export interface ConnectOptions {
  /** Local IP to dial from; the system chooses when it is absent. */
  readonly localIp?: string
  /**
   * Speak TLS: the bytes of the connection are those within it. The other side must prove to be this server, a name or an IP, or
   * the connection fails. A simulated network passes the bytes on as they are.
   */
  readonly tlsServer?: string
}

export interface TcpListener {
  readonly ip: string
  readonly port: number
  /** Takes no more connections; those that are open stay. */
  close(): Promise<void>
}

/**
 * A byte pipe. Contract, the same for every transport:
 * - `write` takes all it is given, in order, and queues what the system does not take at once;
 * - written bytes must not change until their `onTaken` was called (or `onClose`); they are not copied;
 * - handler calls never nest inside a call to this object, except `onTaken`/`onDrain`, which never run inside `write`;
 * - after `close()` returns only `onClose` is still called, exactly once, later; a handler that throws closes its connection.
 */
export interface Connection {
  readonly remote: Address
  /** Local IP of this connection; empty until it is open. */
  readonly localIp: string
  /** Bytes written and not yet taken by the system. */
  readonly queuedBytes: number
  readonly bytesReceived: number
  readonly bytesSent: number
  write(bytes: Uint8Array, onTaken?: () => void): void
  /** Between `cork` and `uncork`, writes are gathered into one system call. They nest. */
  cork(): void
  uncork(): void
  /** Half-close: what is queued is still sent, receiving goes on. */
  end(): void
  /** Closes at once; what is queued is lost. */
  close(): void
}

export interface ConnectionHandler {
  /** An outgoing connection is established. Not called for incoming ones. */
  onOpen(): void
  /** The chunk is a view of a buffer that is shared by all connections: valid during this call only. */
  onBytes(chunk: Uint8Array): void
  /** All that was queued has been taken. */
  onDrain(): void
  /** The other side sends no more; writing still works. */
  onEnd(): void
  /** The end, once. `error` is null when either side closed in order. */
  onClose(error: Error | null): void
}

export interface UdpSocket {
  readonly ip: string
  readonly port: number
  /** Copies the datagram; errors of single datagrams are dropped, as the network drops datagrams. */
  send(datagram: Uint8Array, to: Address): void
  close(): void
}

export interface HttpRequest {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Local IP to use. */
  readonly localIp?: string
  /** Connect to this IP instead of looking the name up (the name still goes into Host and TLS). */
  readonly remoteIp?: string
  /** Whole exchange, in milliseconds. */
  readonly timeoutMs: number
  /** Body after decompression, in bytes; more is NetworkError `response_too_large`. */
  readonly maxBytes: number
  /** Ends the request early with NetworkError `aborted`. */
  readonly signal?: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; repeated headers joined by ', '. */
  readonly headers: Readonly<Record<string, string>>
  /** Decompressed (gzip, deflate). */
  readonly body: Uint8Array
}

// ---------------------------------------------------------------- disk

/** A run of bytes of one file. */
export interface FileSpan {
  /** Absolute path. Empty: zeros that are stored nowhere (pad files, BEP 47): read as zeros, never written. */
  readonly path: string
  /** First byte within the file. */
  readonly offset: number
  /** Bytes; above 0. */
  readonly length: number
}

/** Index of an extent of shared memory. */
export type Slot = number
/** Index of a buffer of blocks ready to be sent. */
export type Frame = number

/**
 * Memory for blocks on their way, and the hands that hash, write and read. It owns two bounded pools:
 * - *slots*: extents of `slotBytes`, where arriving blocks of a piece gather;
 * - *frames*: buffers of `frameBlocks` blocks, each with room for its 13-byte wire header before it, from which uploads are sent.
 */
export interface Disk {
  /** Bytes that slots, frames and the work on them take at most. */
  readonly memoryBudget: number
  /** Bytes of a slot: 262,144, a multiple of the block size. */
  readonly slotBytes: number
  readonly slotCount: number
  readonly freeSlots: number
  /** A slot, or -1 when all are taken. */
  takeSlot(): Slot
  returnSlot(slot: Slot): void
  /** Copies bytes into a slot: the one copy on a block's way from socket to disk. */
  fillSlot(slot: Slot, offset: number, bytes: Uint8Array): void

  readonly frameBlocks: number
  readonly frameCount: number
  readonly freeFrames: number
  takeFrame(): Frame
  returnFrame(frame: Frame): void
  /** The frame's memory: `frameBlocks` x (13 + 16,384) bytes. */
  frameMemory(frame: Frame): Uint8Array

  /**
   * The device that holds `path` (or will: its nearest existing parent decides). Work of one volume never waits for another's.
   * Rejects with StorageError.
   */
  openVolume(path: string): Promise<Volume>
  /** Waits for what is under way, at most 5 s, and frees everything. */
  close(): Promise<void>
}

export interface CommitRequest {
  /** One entry per extent of `slotBytes` of the piece, in order; -1: that extent is on disk already (spilled). */
  readonly slots: readonly Slot[]
  /** Bytes of the piece. */
  readonly length: number
  /** SHA-1 that the piece must have. */
  readonly expected: Uint8Array
  /** Where the piece belongs; lengths add up to `length`. */
  readonly spans: readonly FileSpan[]
  /** Answer with the blocks' digests even if the piece is right (for finding out who sent wrong ones earlier). */
  readonly wantBlockDigests: boolean
  /** Appended once the piece is written, and before the answer. */
  readonly journal?: JournalEntry
}

/** Bytes for the end of a file that is there already: in one write, so that the entries of several threads never mix. */
export interface JournalEntry {
  /** Absolute. */
  readonly path: string
  readonly record: Uint8Array
}

/** What a file looks like from outside: whoever changes it changes this. */
export interface FileState {
  /** Bytes. */
  readonly size: number
  /** Unix time of the last change, in nanoseconds. */
  readonly mtimeNs: bigint
}

export interface CommitResult {
  readonly result: 'stored' | 'corrupt'
  /** SHA-1 of each 16 KiB block, 20 bytes each, when the piece is corrupt or they were asked for. */
  readonly blockDigests: Uint8Array | null
}

/** Bytes that get another place. */
export interface MovedRun {
  readonly from: FileSpan
  /** Where they come to lie, from the first byte of the file on. */
  readonly offset: number
}

/** What a torrent says of its files beside their content (BEP 47). Paths are absolute. */
export interface FileAttributes {
  /** Files that may be executed. */
  readonly executables: readonly string[]
  readonly links: readonly FileLink[]
}

/** A symbolic link. */
export interface FileLink {
  readonly path: string
  /** Where it leads, from its own folder on: `../folder/file`. */
  readonly target: string
}

/** What is at a path, without following a symbolic link that is there. */
export type PathKind = 'file' | 'folder' | 'link' | 'other'

/** What a removal has done. */
export interface RemovedTree {
  /** Files that were deleted, symbolic links among them. */
  readonly files: number
  /** Bytes of the device that these files took. */
  readonly bytes: number
  /** What stays: folders with something else in them, and what is no file, or no folder, where one was to be removed. */
  readonly kept: readonly string[]
}

/**
 * Errors of all operations are StorageError with the code `disk_full`, `permission_denied`, `read_only`, `not_found`, `io_error`,
 * `too_many_open_files`, `name_too_long`, `not_a_file`, `exists`, `drive_gone`, `truncated` (a file ends too early), `changed` (it was replaced
 * or deleted while it was held open), or `disk_closed`. Folders are made as needed, for writing only.
 */
export interface Volume {
  /** The same for all volumes of one storage device, and for no others. */
  readonly device: object
  /**
   * Names the file system that the volume was on when it was opened: another one has another name. When `path` leads to
   * another one meanwhile, because a drive was pulled out or unmounted, no file is made there: that is `drive_gone`.
   */
  readonly fileSystem: string
  /** Hashes the piece in order, compares, and writes it: one positioned write per file touched. Slots stay the caller's, but belong to the disk until the answer. */
  commit(request: CommitRequest): Promise<CommitResult>
  /** Writes part of a slot, unverified (spilling), then the journal's entry. Lengths of `spans` add up to `length`. */
  write(slot: Slot, offset: number, length: number, spans: readonly FileSpan[], journal?: JournalEntry): Promise<void>
  /** SHA-1 of what is on disk, or null where a file is missing or too short. */
  hash(spans: readonly FileSpan[]): Promise<Uint8Array | null>
  /** Reads the spans into a frame from block position 0: 13 bytes are left free before each 16 KiB. Missing bytes are `truncated`. */
  read(spans: readonly FileSpan[], frame: Frame): Promise<void>
  /** Size in bytes of each file, or -1 where there is none. */
  sizes(paths: readonly string[]): Promise<readonly number[]>
  /** Size and time of the last change of each file, or null where there is none. */
  states(paths: readonly string[]): Promise<readonly (FileState | null)[]>
  /** What is at each path; null where nothing is. */
  kinds(paths: readonly string[]): Promise<readonly (PathKind | null)[]>
  /** Bytes that may still be written to the device; null where the system does not tell. */
  room(): Promise<number | null>
  /** Bytes of the device that these files take: less than their sizes where they have holes. */
  taken(paths: readonly string[]): Promise<number>
  /**
   * Makes what was written to these files before safe from a power cut, with its size and time of change; and their names,
   * where this volume syncs them for the first time. Answers with the files' states, as they were just before: at least what
   * is safe now. Goes on beside other work. After an error nothing of it is certain, and asking again makes nothing certain.
   */
  sync(paths: readonly string[]): Promise<readonly FileState[]>
  /** Makes empty files, and files at least this long (sparse), where they are missing or shorter; never shortens one. */
  ensureFiles(files: readonly { readonly path: string; readonly length: number }[]): Promise<void>
  /**
   * Takes the space of a part of a file, which is made, or made longer, as needed: where there is a hole, zeros are written. What
   * is there stays as it is, if nobody writes to this part meanwhile. Makes way for all other work.
   */
  reserve(path: string, offset: number, length: number): Promise<void>
  /**
   * Makes a file out of runs of others, with holes between: whole, and safe from a power cut, before it has its name. Runs
   * whose bytes are not there are left out; without any there is no file. One that is there already gets the runs as it is.
   * @param through its name until then, best on the same file system; what is there is replaced
   */
  assemble(path: string, through: string, runs: readonly MovedRun[]): Promise<void>
  /**
   * Gives a file or a folder another name, once what is under way has ended; makes the folders that lead there. Nothing is ever
   * replaced: rejects with `exists`, and with `not_found` when there is nothing. False: there is another file system.
   */
  rename(from: string, to: string): Promise<boolean>
  /** Makes the names in these folders safe from a power cut. */
  syncFolders(folders: readonly string[]): Promise<void>
  /**
   * Copies bytes of a file, which may be on another volume, into one that has nothing there yet: runs of zeros become holes, as
   * far as the file is made longer by what follows. Missing bytes are `truncated`. Makes way for all other work.
   */
  copy(from: FileSpan, path: string, offset: number): Promise<void>
  /** Deletes files, once what is under way has ended. There may be none. */
  remove(paths: readonly string[]): Promise<void>
  /**
   * Deletes these files, once what is under way has ended, and then each folder of theirs, `root` among them, that is empty.
   * There may be none. No symbolic link is followed from `root` on: one in the place of a file is deleted itself, one in the
   * place of a folder stays, and nothing below it is touched. Goes on after an error, and rejects with the first at the end.
   * @param paths `root` itself, or below it
   */
  removeTree(root: string, paths: readonly string[]): Promise<RemovedTree>
  /**
   * Lets files be executed by whoever may read them, if they belong to this user, and makes symbolic links where nothing is, with
   * their folders. What is not there, or something else, is left alone. No link is followed from `root` on, as with `removeTree`.
   * Does nothing on systems that have no such things (Windows).
   */
  applyAttributes(root: string, attributes: FileAttributes): Promise<void>
  /** Waits for what is under way and closes the files it holds open under `root`. */
  release(root: string): Promise<void>
}

// ---------------------------------------------------------------- state

/** What is remembered from one run to the next: a folder of small files for each content. */
export interface StateStore {
  /**
   * Names this start of the machine: while it is the same, what was written and not synced is still there. Empty when the
   * system does not tell.
   */
  readonly bootId: string
  /**
   * Opens what is kept about the torrent `name` with its content at `path`, for this process alone: until `close`, or until
   * the process ends in whatever way. Two paths that lead to the same place are one.
   * Rejects with StateError `in_use` when it is open already, here or elsewhere; with StorageError when the disk refuses.
   */
  open(name: string, path: string): Promise<StateFolder>
}

/** A small file, as it was when it was read. */
export interface StateFile {
  readonly bytes: Uint8Array
  /** Unix time of the last change, in nanoseconds. */
  readonly mtimeNs: bigint
}

/** All methods reject with StorageError. */
export interface StateFolder {
  /** The path of the content, made absolute. */
  readonly contentPath: string
  /** The absolute path of a file here: for journal entries and messages. */
  path(name: string): string
  /** The whole file, or null where there is none. More than `maxBytes` is an error `too_large`. */
  read(name: string, maxBytes: number): Promise<StateFile | null>
  /** Replaces the file, or makes it, so that even after a power cut there is the old content or the new one. */
  replace(name: string, bytes: Uint8Array): Promise<void>
  /** Adds to the end of a file that is there, in one write; `sync`: safe from a power cut when this resolves. */
  append(name: string, bytes: Uint8Array, options?: { readonly sync: boolean }): Promise<void>
  /** Renames a file that is of no use, for whoever wants to look at it; resolves to its new path. */
  setAside(name: string): Promise<string>
  close(): Promise<void>
  /** Forgets all that is kept here. It is closed then, whether that went well or not. */
  remove(): Promise<void>
}
