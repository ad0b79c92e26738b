// The first import of the program. V8 optimises what has run a little, on threads of its own, and takes that decision very
// early: in a transfer of some seconds an eighth of all CPU went into compiling. Waiting four times longer compiles the
// few functions that matter, and costs them nothing that could be measured.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--interrupt-budget=600000')
