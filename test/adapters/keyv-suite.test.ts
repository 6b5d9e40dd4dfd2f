/**
 * Upstream's own suite of Keyv stores, all of it, over `thermocline/keyv`: on each pair in the long run, on the
 * embedded pair each time. keyv.test.ts has what it leaves open, always on both.
 */
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import * as vitest from 'vitest'
import { KeyvThermocline } from '../../src/adapters/keyv/keyv-thermocline.ts'
import { describePairs, embeddedPair, type Pair, shareStore } from '../flow/stores.ts'
import { isThorough } from '../tools/budget.ts'

function runSuite(pair: Pair): void {
  const { store } = shareStore(pair)
  const adapter = () => new KeyvThermocline(store().namespace('keyv'))
  keyvTestSuite(vitest, Keyv, adapter)
  keyvIteratorTests(vitest, Keyv, adapter)
}

if (isThorough) describePairs('the suite of Keyv', runSuite)
else vitest.describe('the suite of Keyv', () => runSuite(embeddedPair))
