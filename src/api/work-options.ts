/** Of long work on the disk. */
export interface WorkOptions {
  /** Threads; 0 works on the main thread. Default: as many as there are cores. */
  readonly workers?: number
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  /** Ends the work early: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
}
