/** What a disk thread does in steps: at each pause, something more urgent may step in. */
export type Work<Result> = Generator<undefined, Result, undefined>
