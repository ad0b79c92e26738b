// A fingerprint of everything that was delivered to anybody, in order: two runs that agree in it did the same.

export interface Delivery {
  readonly timeUs: number
  readonly from: string
  readonly to: string
  readonly kind: 'stream' | 'datagram' | 'control'
  readonly bytes: number
}

export class Trace {
  #low = 0x811c9dc5 | 0
  #high = 0x9e3779b9 | 0
  #deliveries = 0
  readonly #onDelivery: ((delivery: Delivery) => void) | null

  /** `onDelivery` is told of each delivery as well: for looking closely at a short run. */
  constructor(onDelivery: ((delivery: Delivery) => void) | null) {
    this.#onDelivery = onDelivery
  }

  get deliveries(): number {
    return this.#deliveries
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
    return hex(this.#high) + hex(this.#low)
  }

  /** `sample`: something of the content. */
  add(timeUs: number, from: TracedHost, to: TracedHost, kind: Delivery['kind'], bytes: number, sample: number): void {
    this.#deliveries++
    this.#mix(timeUs % 0x1_0000_0000)
    this.#mix(from.index * 65_537 + to.index)
    this.#mix(bytes * 256 + sample)
    this.#onDelivery?.({ timeUs, from: from.ip, to: to.ip, kind, bytes })
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193)
    this.#low ^= this.#low >>> 15
    this.#high = Math.imul(this.#high ^ this.#low, 0x85ebca6b)
    this.#high ^= this.#high >>> 13
  }
}

export interface TracedHost {
  readonly index: number
  readonly ip: string
}
