/** Ships once, makes fsync fail, and says how each call ended. */
import { writeFileSync } from 'node:fs'
import { openPgliteCold } from '../../../src/cold/pglite/pglite-driver.ts'
import { isThermoclineError } from '../../../src/errors.ts'
import { chunkOf, keyOf } from '../../../src/testkit/contract/cold-records.ts'
import { OPTIONS } from './pglite-template.ts'

const tier = await openPgliteCold({ ...OPTIONS, dir: process.argv[2] })
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isThermoclineError(error) ? error.code : String(error)),
  )
const outcomes = [await outcome(tier.upsert([chunkOf('ns', 1, 1)]))]
writeFileSync(String(process.env.FAIL_FSYNC), '')
outcomes.push(await outcome(tier.upsert([chunkOf('ns', 2, 2)])))
outcomes.push(await outcome(tier.read([keyOf('ns', 1)])))
outcomes.push(await outcome(tier.close()))
console.log(outcomes.join(' '))
