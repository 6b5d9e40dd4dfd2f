/** Namespaces and ids that stores have taken for one another, by what they have in common. */
import type { NamespacePath } from '../tested-store.ts'

/** Where a value is: two places are the same only where both parts are. */
export interface Place {
  readonly namespace: NamespacePath
  readonly id: string
}

const names = (...segments: readonly string[]): NamespacePath[] => segments.map((segment) => [segment])

/** One value each, and two where it begins. */
const paths = (...namespaces: readonly NamespacePath[]): Place[] =>
  namespaces.flatMap((namespace, nth) => (nth < 2 ? ['1', '2'] : ['1']).map((id) => ({ namespace, id })))

/** Each set is tried by itself. */
export const KINDS: Readonly<Record<string, readonly Place[]>> = {
  'names that begin with one another': paths(
    ...names('a', 'ab', 'abc'),
    ...[
      ['a', 'b'],
      ['a', 'bc'],
      ['ab', 'c'],
      ['a', 'b', 'c'],
    ],
  ),
  'names with separators in them': paths(
    ['a', 'b'],
    ...names('a:b', 'a/b', 'a.b', 'a|b', 'a,b', 'a#b', 'a::b', 'a_b', 'a-b', 'a\u001fb', '["a","b"]'),
    ...[
      ['a:', 'b'],
      ['a', ':b'],
      ['a/', 'b'],
      ['a', '/b'],
    ],
  ),
  'ids that go on where a namespace ends': [
    ...[':', '/', '.', '|', '#', '\u001f'].flatMap((separator) => [
      { namespace: ['a'], id: `b${separator}c` },
      { namespace: [`a${separator}b`], id: 'c' },
    ]),
    { namespace: ['a', 'b'], id: 'c' },
    { namespace: ['ab'], id: 'c' },
    { namespace: ['a'], id: 'bc' },
  ],
  'wildcards and patterns': paths(
    ...names(
      'a',
      'ab',
      'abc',
      '*',
      '**',
      'a*',
      '%',
      'a%',
      '_',
      'a_',
      '?',
      'a?',
      '[a-z]',
      'a[bc]',
      '{a,ab}',
      '.*',
      '^a',
    ),
    ['a', '*'],
    ['a', 'b'],
  ),
  'letters of another case': paths(...names('a', 'A', 'é', 'É', 'ß', 'ss', 'SS', 'i', 'I', 'ı', 'İ', 'σ', 'ς')),
  'letters that look alike': paths(
    ...names('é', 'e\u0301', 'a', 'а', 'ａ', 'a\u200b', 'a\u00ad', 'ﬁ', 'fi', '1', '１', '\u{1d41a}', '\u202ea'),
  ),
  'white space': paths(...names('a', ' a', 'a ', 'a  ', 'a\t', 'a\n', 'a\r', 'a\u00a0', 'a b', 'a  b', ' ')),
  'empty parts': paths(
    [''],
    ...[
      ['', ''],
      ['a', ''],
      ['', 'a'],
      ['a', '', 'b'],
      ['a', 'b'],
      ['', 'a', ''],
    ],
    ...names('a'),
  ),
  'quotes and escapes': paths(
    ...names("a'b", 'a"b', 'a`b', "a''b", 'a\\b', 'a\\\\b', 'a%2Fb', 'a/b', 'a%b', "'; --", '$1', '$a', 'a\\u0062'),
  ),
  'names that code has a meaning for': paths(
    ...names(
      '__proto__',
      'constructor',
      'toString',
      'null',
      'undefined',
      'true',
      'NaN',
      '0',
      '00',
      '-0',
      '1e3',
      '1000',
    ),
  ),
  'names of folders': paths(...names('.', '..', '~', 'a', './a', 'a/.', 'a/../b', 'b', 'CON', 'a.txt'), [
    'a',
    '..',
    'b',
  ]),
  'control characters': paths(
    ...names('a', 'a\u0000', 'a\u0001', '\u0000', 'a\u007f', '\ufeffa', '\uffff', '\u{10ffff}'),
  ),
  'very long names': paths(
    ...[64, 128, 255, 256, 400].flatMap((length) => names('x'.repeat(length), `${'x'.repeat(length - 1)}y`)),
    ...[1_000, 4_000].flatMap((length) => names('x'.repeat(length), `${'x'.repeat(length - 1)}y`)),
  ),
}
