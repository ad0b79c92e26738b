// Where a file is that was asked for last: at its URL, or where the redirects of its server have led. Where a redirect may lead
// is judged here, but for the IP: whoever dials has to judge that. Pure.
import { ipScope } from '../../base/address.ts'
import type { RangeFailure } from './range-answer.ts'
import { parseHttpUrl, type WebTarget } from './web-target.ts'

/** From one URL to its file. */
const MAX_STEPS = 5

export class WebRedirects {
  readonly #isTrusted: boolean
  #from = ''
  /** Null: the file is where its URL says. */
  #to: WebTarget | null = null
  /** That have brought nothing but the next one. */
  #steps = 0
  #hasContent = false
  /** Once for each range. */
  #wasAskedAnew = false

  /** @param isTrusted a person named the server; a stranger's URL with a query must not lead into the local network */
  constructor(isTrusted: boolean) {
    this.#isTrusted = isTrusted
  }

  /** Where to ask for a file. Null for anything but http and https. */
  targetOf(url: string): WebTarget | null {
    if (this.hasLed(url)) return this.#to
    const parsed = parseHttpUrl(url)
    return parsed && { url: parsed, mustBeGlobal: !this.#isTrusted && parsed.search !== '' }
  }

  /** The file is somewhere else than its URL says. */
  hasLed(url: string): boolean {
    return this.#to !== null && this.#from === url
  }

  /**
   * The answer for a file leads elsewhere. Returns what speaks against going there, or null.
   * @param ip who has answered
   */
  follow(url: string, location: string, ip: string): RangeFailure | null {
    const target = this.targetOf(url)!
    if (!this.hasLed(url)) this.#steps = 0
    if (++this.#steps > MAX_STEPS) return failure('too_many_redirects', `it redirects more than ${MAX_STEPS} times`)
    const next = parseHttpUrl(location, target.url)
    if (!next) return failure('unsupported_url', 'it redirects to no http or https URL')
    this.#from = url
    this.#to = { url: next, mustBeGlobal: target.mustBeGlobal || ipScope(ip) === 'global' }
    this.#hasContent = false
    return null
  }

  /** Content of the file comes. */
  onContent(url: string): void {
    if (!this.hasLed(url)) return
    this.#hasContent = true
    this.#steps = 0
  }

  onRangeDone(): void {
    this.#wasAskedAnew = false
  }

  /** The file cannot be had where it was. What a redirect led to may hold for a while only: shall its URL be asked anew? */
  isToBeAskedAnew(url: string): boolean {
    const isToBe = this.hasLed(url) && this.#hasContent && !this.#wasAskedAnew
    this.forget()
    this.#wasAskedAnew = isToBe
    return isToBe
  }

  forget(): void {
    this.#to = null
    this.#hasContent = false
    this.#wasAskedAnew = false
  }
}

function failure(code: string, reason: string): RangeFailure {
  return { scope: 'for-good', code, reason, retryAfterMs: null }
}
