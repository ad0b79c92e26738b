export { BencodeDict, isList, keyFromBytes, keyToBytes, type BencodeValue } from './bencode-dict.ts'
export { decode, decodePrefix, type DecodeOptions, type Oddity, type OddityCode } from './decode.ts'
export { encode, type BencodeInput } from './encode.ts'
