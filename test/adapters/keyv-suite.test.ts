/** Upstream's own suite of Keyv stores, all of it, over `thermocline/keyv`. */
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import * as vitest from 'vitest'
import { KeyvThermocline } from '../../src/adapters/keyv/keyv-thermocline.ts'
import { describePairs, shareStore } from '../flow/stores.ts'

describePairs('the suite of Keyv', (pair) => {
  const { store } = shareStore(pair)
  const adapter = () => new KeyvThermocline(store().namespace('keyv'))
  keyvTestSuite(vitest, Keyv, adapter)
  keyvIteratorTests(vitest, Keyv, adapter)
})
