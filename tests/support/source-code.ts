// Reads as much of TypeScript as the walls test needs: what a file imports, and its code without comments and texts.

export interface ImportedModule {
  readonly specifier: string
  readonly line: number
  /** `import()`, whose target only the running program knows. */
  readonly dynamic: boolean
  /** `export ... from`. */
  readonly passedOn: boolean
}

/** Every module that a source names. */
export function importsOf(source: string): ImportedModule[] {
  // Texts stay, comments go: a specifier is a text.
  const code = blank(source, { texts: false })
  const found: ImportedModule[] = []
  const statement = /(?<![.\w$])(import|export)\b(?:[^'"`;()]*?\bfrom)?\s*(['"])([^'"\n]+)\2/g
  for (const match of code.matchAll(statement)) {
    found.push({
      specifier: match[3],
      line: lineAt(code, match.index),
      dynamic: false,
      passedOn: match[1] === 'export',
    })
  }
  for (const match of blank(source).matchAll(/(?<![.\w$])import\s*\(/g)) {
    const specifier = /^['"]([^'"]+)['"]/.exec(code.slice(match.index + match[0].length).trimStart())?.[1] ?? ''
    found.push({ specifier, line: lineAt(code, match.index), dynamic: true, passedOn: false })
  }
  return found
}

/** Which of `names` (a global, or `Object.member`) a source uses as such, with the line of the first use. */
export function globalsUsed(source: string, names: readonly string[]): { name: string; line: number }[] {
  const code = blank(source)
  return names.flatMap((name) => {
    // Not a member of something else, and not the key of a property.
    const index = code.search(new RegExp(`(?<![\\w$#]|[^.]\\.)${name.replace('.', '\\.')}\\b(?!\\s*\\??:)`))
    return index < 0 ? [] : [{ name, line: lineAt(code, index) }]
  })
}

export function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length
}

/** The source at its length, with spaces for comments and, unless told otherwise, for what stands in quotes. */
function blank(source: string, { texts = true } = {}): string {
  let code = ''
  /** Open braces within each `${` that we are in. */
  const templates: number[] = []
  let at = 0
  const copy = (length: number): void => {
    code += source.slice(at, at + length)
    at += length
  }
  const hide = (length: number): void => {
    code += source.slice(at, at + length).replace(/[^\n]/g, ' ')
    at += length
  }
  const lengthOf = (pattern: RegExp): number => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0].length ?? 0
  }
  const templateText = (): void => {
    const length = lengthOf(/(?:\\[^]|\$(?!\{)|[^\\`$])*(?:`|\$\{|$)/y)
    if (source[at + length - 1] === '{') templates.push(0)
    hide(length)
  }
  while (at < source.length) {
    const two = source.slice(at, at + 2)
    const one = two[0]
    if (two === '//') hide(lengthOf(/[^\n]*/y))
    else if (two === '/*') hide(lengthOf(/\/\*[^]*?(?:\*\/|$)/y))
    else if (one === "'" || one === '"') {
      const length = lengthOf(/(['"])(?:\\[^]|(?!\1)[^\\\n])*\1?/y)
      if (texts) hide(length)
      else copy(length)
    } else if (one === '`') {
      hide(1)
      templateText()
    } else if (one === '/' && /(?:^|[=(,:;[!&|?{}+>]|\breturn|\bof|\bin)\s*$/.test(code.slice(-40))) {
      hide(Math.max(1, lengthOf(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y)))
    } else {
      if (templates.length > 0 && one === '{') templates[templates.length - 1]++
      if (templates.length > 0 && one === '}' && templates[templates.length - 1]-- === 0) {
        templates.pop()
        hide(1)
        templateText()
      } else copy(1)
    }
  }
  return code
}
