/** What the environment says to commands. */
import { expect, test } from 'vitest'
import { optionsFromEnv } from '../../src/cli/environment.ts'

const REDIS = 'redis://cache:hunter2@127.0.0.1:6379/3'
const POSTGRES = 'postgres://app:hunter2@127.0.0.1:5432/app'

test('names both servers and the data folder', () => {
  const env = { REDIS_URL: REDIS, DATABASE_URL: POSTGRES, THERMOCLINE_DIR: '/data' }
  expect(optionsFromEnv(env)).toEqual({ hot: { url: REDIS }, cold: { url: POSTGRES }, dir: '/data' })
})

test('says nothing by what is not set or empty', () => {
  expect(optionsFromEnv({ REDIS_URL: '', DATABASE_URL: '', THERMOCLINE_DIR: '' })).toEqual({})
  expect(optionsFromEnv({})).toEqual({})
})
