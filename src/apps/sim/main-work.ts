// What it takes to know so many addresses: node --no-opt main-work.js SEED ADDRESSES
// Code counts its runs from the start only when it is loaded after counting began, and loses some when it is optimized.
import { EngineWork } from './engine-work.ts'

const [seed, addresses] = process.argv.slice(2).map(Number)
const work = await EngineWork.start()
const { addressBurden } = await import('./address-burden.ts')
process.stdout.write(`${JSON.stringify(await addressBurden(seed, addresses, work))}\n`)
process.exit(0)
