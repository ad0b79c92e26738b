// What fetching parts of files from web servers needs of HTTP/1.1 (RFC 9110, 9112): the client's side.
export { type ContentRange, parseContentRange, parseRetryAfter, parseUnsatisfiedRange } from './fields.ts'
export { type HttpHead } from './http-head.ts'
export { encodeGet } from './request.ts'
export { ResponseDecoder, type ResponseHandler } from './response-decoder.ts'
