export const HIDE_CURSOR = '\u001b[?25l'
/** For the end of a live view, and for an end of the process that gives it no time to close. */
export const SHOW_CURSOR = '\u001b[?25h'
