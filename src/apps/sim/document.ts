// The part of a document that a program writes, between two marks.

/** Puts a table between `<!-- name:begin -->` and `<!-- name:end -->`. Throws RangeError when they are not there. */
export function replaceTable(document: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const from = document.indexOf(begin)
  const to = document.indexOf(end, from)
  if (from < 0 || to < 0) throw new RangeError(`Cannot write the table: the document has no ${begin} and ${end}`)
  return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`
}
