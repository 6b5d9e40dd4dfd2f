import { describe, expect, it } from 'vitest'
import { isFromReplica, replyCode } from '../../../src/hot/redis/redis-errors.ts'

function replyOf(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

describe('what Redis answers', () => {
  it.each([
    ['READONLY', "READONLY You can't write against a read only replica. script: 3a5f, on @user_script:2."],
    // As 6.2 answers.
    [
      'READONLY',
      "ERR Error running script (call to f_3a5f): @user_script:2: @user_script: 2: -READONLY You can't write",
    ],
    ['OOM', 'ERR Error running script (call to f_3a5f): @user_script:7: -OOM command not allowed when used memory >'],
    [
      'NOPERM',
      "ERR The user executing the script can't run this command or subcommand script: 3a5f, on @user_script:2.",
    ],
    ['NOPERM', 'NOPERM No permissions to access a key'],
    ['ERR', 'ERR DB index is out of range'],
  ])('is known by its code: %s', (code, message) => {
    expect(replyCode(replyOf(message))).toBe(code)
    expect(isFromReplica(replyOf(message))).toBe(code === 'READONLY')
  })

  it('is no reply where it is an error of ours', () => {
    expect(replyCode(new Error('READONLY'))).toBeUndefined()
  })
})
