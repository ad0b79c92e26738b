import { expect, test } from 'vitest'
import { replaceTable } from './document.ts'

test('the text between the marks is replaced, nothing else', () => {
  const document = 'Head\n<!-- table:begin -->\nold\n<!-- table:end -->\nFoot\n'
  const expected = 'Head\n<!-- table:begin -->\n\nnew\n\n<!-- table:end -->\nFoot\n'
  expect(replaceTable(document, 'table', 'new')).toBe(expected)
  expect(replaceTable(expected, 'table', 'new')).toBe(expected)
})

test('a document without the marks is left alone', () => {
  expect(() => replaceTable('Head\n', 'table', 'new')).toThrow('has no <!-- table:begin -->')
})
