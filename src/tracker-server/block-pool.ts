// Memory for the peers of all torrents: blocks of a few lengths, cut from pages. Torrents grow and shrink all the time; an array buffer for
// each of them, made anew at each step, would take more than its content, and leave the collector to find out what became free.

const PAGE_BYTES = 256 * 1024
/** Longer blocks have a page of their own. */
const LONGEST_CUT = PAGE_BYTES / 8

export interface Page {
  readonly bytes: Uint8Array
  readonly blockLength: number
  /** Blocks in use. */
  used: number
  /** Blocks that were never in use begin here. */
  fresh: number
  /** Where blocks begin that are no longer in use. */
  readonly returned: number[]
}

export class BlockPool {
  /** By length of block, the pages that have room. */
  readonly #pages = new Map<number, Set<Page>>()
  #byteLength = 0

  /** Bytes of all pages. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** A page with room for one more block of this length: take it with `takeBlock`. */
  page(blockLength: number): Page {
    let pages = this.#pages.get(blockLength)
    if (!pages) this.#pages.set(blockLength, (pages = new Set()))
    for (const page of pages) return page
    const page: Page = { bytes: new Uint8Array(pageBytes(blockLength)), blockLength, used: 0, fresh: 0, returned: [] }
    pages.add(page)
    this.#byteLength += page.bytes.length
    return page
  }

  /** Where in the page the block begins. Its bytes may be of whoever had it before. */
  takeBlock(page: Page): number {
    const start = page.returned.pop() ?? page.fresh
    if (start === page.fresh) page.fresh += page.blockLength
    page.used++
    if (!hasRoom(page)) this.#pages.get(page.blockLength)!.delete(page)
    return start
  }

  giveBack(page: Page, start: number): void {
    const pages = this.#pages.get(page.blockLength)!
    page.returned.push(start)
    page.used--
    // One empty page of a length is kept at most: at the border, blocks come and go.
    if (page.used === 0 && (pages.size > (pages.has(page) ? 1 : 0) || page.blockLength > LONGEST_CUT)) {
      pages.delete(page)
      this.#byteLength -= page.bytes.length
    } else pages.add(page)
  }

  /** Less than half of the page is in use, and there is another one to move to: the block that `page` gives is not in this one. */
  isSparse(page: Page): boolean {
    if (2 * page.used * page.blockLength >= page.bytes.length) return false
    for (const first of this.#pages.get(page.blockLength)!) return first !== page
    return false
  }
}

function pageBytes(blockLength: number): number {
  return blockLength > LONGEST_CUT ? blockLength : PAGE_BYTES - (PAGE_BYTES % blockLength)
}

function hasRoom(page: Page): boolean {
  return page.returned.length > 0 || page.fresh < page.bytes.length
}
