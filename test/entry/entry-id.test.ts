import { expect, test } from 'vitest'
import { idOfKey, newId } from '../../src/entry/entry-id.ts'

test('the id of a key is derived from namespace and key, for ever the same', () => {
  expect(idOfKey('acme', 'intro')).toBe('eadf5350-091c-5710-bac1-c5b1d40b18fb')
  expect(idOfKey('acme', 'intro')).not.toBe(idOfKey('acme2', 'intro'))
})

test('a new id is a UUIDv7, and differs from every other', () => {
  expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(newId()).not.toBe(newId())
})
