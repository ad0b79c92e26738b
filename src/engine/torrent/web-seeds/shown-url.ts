// URLs of web seeds in messages: without what may be a key (RFC 3986: what stands before the @, and the query).

/** Cut where it would fill the screen. A stranger's text all the same: clean it before you print it. */
export function withoutSecrets(url: string): string {
  const text = URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : url
  return text.slice(0, 200)
}
