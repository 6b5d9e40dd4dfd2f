import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiled } from '../tools/compiled.ts'

test('the testkit says that fast-check is not installed, and how it is', () => {
  const testkit = compiled(join(import.meta.dirname, '../../src/testkit/testkit.ts'))
  const program = `import(${JSON.stringify(testkit)}).catch((error) => console.log(JSON.stringify(error)))`
  const preload = ['--import', join(import.meta.dirname, 'without-fast-check.mjs')]
  const printed = execFileSync(process.execPath, [...preload, '--input-type=module', '--eval', program])
  expect(JSON.parse(printed.toString())).toMatchObject({
    code: 'ERR_UNSUPPORTED',
    message: '`thermocline/testkit` needs the package `fast-check`: run `npm install fast-check`',
    details: { packages: ['fast-check'] },
  })
})
