// What we call ourselves towards other programs. A test holds it against package.json.

/** BEP 10 `v`, and the start of the HTTP user agent. */
export const CLIENT_NAME = 'Shoal 0.1.0'
/** BEP 20: the first 8 bytes of a peer id, our code and the version in four digits (two of them for the major one). */
export const PEER_ID_PREFIX = '-SH0010-'
