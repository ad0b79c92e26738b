/** Inside the decoder: a query that is answered with an error of this number. */
export class BadQuery extends Error {
  override readonly name = 'BadQuery'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
