/** What becomes of the folder that an option names, be it new, somebody's, open to others or none at all. */
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { inspectStore } from '../../src/admin/inspect-store.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { ReleaseStack } from '../../src/kernel/release-stack.ts'
import type { MemoryStoreOptions } from '../../src/options.ts'
import { openFolder } from '../../src/store/open-folder.ts'
import { resolveOptions } from '../../src/store/resolve-options.ts'
import { LockedLog } from '../../src/wal/locked-log.ts'
import { describeWherePermitted } from '../tools/services.ts'
import { FolderChild } from './folder-child.ts'

const NOBODY = 65_534
const DEPLOYER = 54_321

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'thermocline-folder-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Opens the folder as a store does, writes to a log in it, and lets go of it; answers the warnings. */
async function use(options: MemoryStoreOptions): Promise<string[]> {
  const warn = vi.fn((_: object, message: string) => void message)
  const logger = { debug: () => {}, info: () => {}, warn, error: () => {} }
  await ReleaseStack.within(silentLogger, async (releases) => {
    const folder = await openFolder(resolveOptions({ ...options, logger }), releases)
    const log = await LockedLog.create(folder.wal, { lockTimeout: 0 })
    await log.release()
  })
  // The disks of the machine that tests run on are its own business.
  return warn.mock.calls.map(([, message]) => message).filter((message) => !/file system/.test(message))
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o7777).toString(8)
}

/** A file that nobody may touch, and a check that nobody did. */
async function makeVictim(): Promise<{ path: string; expectUntouched(): Promise<void> }> {
  const path = join(await temporaryFolder(), 'victim')
  await writeFile(path, 'precious')
  return { path, expectUntouched: async () => expect(await readFile(path, 'utf8')).toBe('precious') }
}

function unusable(option: string, path: string, reason: RegExp) {
  return {
    code: 'ERR_INVALID_OPTIONS',
    retryable: false,
    details: { option },
    message: expect.toSatisfy(
      (text: string) => text.includes(`\`${option}\``) && text.includes(path) && reason.test(text),
    ),
  }
}

describe('a data folder', () => {
  test('that is made is closed to others, with those above it', async () => {
    const root = await temporaryFolder()
    const dir = join(root, 'deep', 'er')
    expect(await use({ dir })).toEqual([])
    for (const path of [dir, join(root, 'deep'), join(dir, 'wal'), join(dir, 'lock')])
      expect(await modeOf(path)).toBe('700')
    expect(await modeOf(join(dir, 'thermocline.json'))).toBe('600')
  })

  test.each([
    ['700', undefined],
    ['770', undefined],
    ['755', /others may look into/],
    ['2777', /everybody may write/],
  ])('that was there keeps its permissions %s', async (mode, warning) => {
    const dir = await temporaryFolder()
    await writeFile(join(dir, 'index.html'), 'of somebody else')
    await chmod(dir, Number.parseInt(mode, 8))
    const warnings = await use({ dir })
    expect(warnings).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)])
    expect(await modeOf(dir)).toBe(mode)
    expect(await readFile(join(dir, 'index.html'), 'utf8')).toBe('of somebody else')
    expect((await modeOf(join(dir, 'wal'))).slice(-3)).toBe('700')
  })

  test('closes the folders in it again that a copy has left open', async () => {
    const dir = await temporaryFolder()
    await use({ dir })
    for (const name of ['wal', 'lock']) await chmod(join(dir, name), 0o775)
    await mkdir(join(dir, 'cold'), { mode: 0o755 })
    await use({ dir })
    expect(await modeOf(join(dir, 'wal'))).toBe('770')
    for (const name of ['lock', 'cold']) expect((await modeOf(join(dir, name))).at(-1)).toBe('0')
  })

  test('may have its logs on another disk, by a link of its owner', async () => {
    const [dir, disk] = [await temporaryFolder(), await temporaryFolder()]
    await chmod(disk, 0o755)
    await symlink(disk, join(dir, 'wal'))
    await use({ dir })
    expect(await modeOf(disk)).toBe('755')
  })

  test('is where the process was when it was named', async () => {
    const dir = await temporaryFolder()
    const here = process.cwd()
    onTestFinished(() => process.chdir(here))
    process.chdir(dir)
    const options = resolveOptions({ dir: 'data', cold: { dir: relative(dir, join(dir, 'database')) } })
    process.chdir('/')
    // However the system spells the folder for temporary files.
    const spelled = (await stat(dir)).ino
    expect((await stat(join(options.dir, '..'))).ino).toBe(spelled)
    expect(options.cold).toMatchObject({ dir: join(options.dir, '..', 'database') })
  })
})

describe('a planted link', () => {
  test('where a file is written aside leads nowhere', async () => {
    const dir = await temporaryFolder()
    const victim = await makeVictim()
    await symlink(victim.path, join(dir, 'thermocline.json.new'))
    await use({ dir })
    await victim.expectUntouched()
    expect(JSON.parse(await readFile(join(dir, 'thermocline.json'), 'utf8'))).toEqual({ format: 1 })
  })

  test.each(['thermocline.json', 'lock'])('in place of %s is refused', async (name) => {
    const [dir, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
    const victim = name === 'lock' ? join(elsewhere, 'a.flag') : join(elsewhere, 'marker.json')
    await writeFile(victim, '{"format":1}')
    await symlink(name === 'lock' ? elsewhere : victim, join(dir, name))
    await expect(use({ dir })).rejects.toMatchObject(unusable('dir', join(dir, name), /link/))
    expect(await readFile(victim, 'utf8')).toBe('{"format":1}')
  })

  test('in a log is refused, and what it leads to is left alone', async () => {
    const dir = await temporaryFolder()
    await use({ dir })
    const victim = await makeVictim()
    const log = await LockedLog.create(join(dir, 'wal'), { lockTimeout: 0 })
    await log.release()
    await rm(join(log.path, 'owner'))
    await symlink(victim.path, join(log.path, 'owner'))
    await expect(LockedLog.lock(join(dir, 'wal'), log.walId, { lockTimeout: 0 })).rejects.toMatchObject({
      code: 'ERR_WAL_FAILED',
      message: expect.stringMatching(/ELOOP/),
    })
    await victim.expectUntouched()
  })
})

describe('a folder that cannot be used', () => {
  const FAULTS: [string, RegExp, (root: string) => Promise<string>][] = [
    ['a file', /a file or a link stands/, async (root) => fileIn(root)],
    ['below a file', /a file or a link stands/, async (root) => join(await fileIn(root), 'sub')],
    ['too long a name', /too long/, async (root) => join(root, 'x'.repeat(300))],
    ['a name no file can have', /no file can have/, async (root) => join(root, 'a\0b')],
    ['a link in a circle', /circle/, async (root) => linkIn(root, join(root, 'link'))],
    ['a link that leads nowhere', /leads nowhere/, async (root) => linkIn(root, join(root, 'nothing'))],
  ]

  async function fileIn(root: string): Promise<string> {
    await writeFile(join(root, 'file'), '')
    return join(root, 'file')
  }

  async function linkIn(root: string, target: string): Promise<string> {
    await symlink(target, join(root, 'link'))
    return join(root, 'link')
  }

  test.each(FAULTS)('is refused by the name of the option: %s', async (_, reason, make) => {
    const root = await temporaryFolder()
    const path = await make(root)
    await expect(use({ dir: path })).rejects.toMatchObject(unusable('dir', path, reason))
    const error: unknown = await use({ dir: join(root, 'data'), cold: { dir: path } }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject(unusable('cold.dir', path, reason))
    expect(Object.keys((error as { cause: object }).cause).sort()).toEqual(['code', 'name'])
  })

  test.each(['wal', 'lock', 'cold'])('is one with a file in place of its %s', async (name) => {
    const dir = await temporaryFolder()
    await writeFile(join(dir, name), '')
    await expect(use({ dir })).rejects.toMatchObject(unusable('dir', join(dir, name), /a file or a link stands/))
  })

  test('is one with a folder in place of its thermocline.json', async () => {
    const dir = await temporaryFolder()
    await mkdir(join(dir, 'thermocline.json'))
    await expect(use({ dir })).rejects.toMatchObject(unusable('dir', dir, /a folder stands/))
  })

  test('is refused as such to whoever only looks', async () => {
    const dir = await temporaryFolder()
    await writeFile(join(dir, 'wal'), '')
    await expect(inspectStore(dir)).rejects.toMatchObject(unusable('dir', dir, /a file or a link stands/))
  })
})

describeWherePermitted(['sh', '-c', 'test "$(id -u)" = 0'], 'with users apart', () => {
  test('root does not use a folder of another user that everybody may write in', async () => {
    const dir = await temporaryFolder()
    const victim = await makeVictim()
    await symlink(victim.path, join(dir, 'thermocline.json.new'))
    await chown(dir, NOBODY, NOBODY)
    for (const mode of [0o777, 0o1777, 0o2777]) {
      await chmod(dir, mode)
      const refusal = unusable('dir', dir, /belongs to user 65534.*chmod o-w/)
      await expect(use({ dir })).rejects.toMatchObject(refusal)
      await expect(use({ dir: join(dir, '..', 'other'), cold: { dir } })).rejects.toMatchObject(
        unusable('cold.dir', dir, /chmod o-w/),
      )
      expect(await modeOf(dir)).toBe(mode.toString(8))
    }
    await victim.expectUntouched()
    await rm(join(dir, '..', 'other'), { recursive: true })
    await chmod(dir, 0o755)
    expect(await use({ dir })).toContainEqual(expect.stringMatching(/belongs to another user/))
    await victim.expectUntouched()
  })

  test.each(['wal', 'cold', 'lock'])('a link of another user in place of %s is refused', async (name) => {
    const [dir, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
    const link = join(dir, name)
    await chown(dir, NOBODY, NOBODY)
    FolderChild.run(NOBODY, ['ln', '-s', elsewhere, link])
    await expect(use({ dir })).rejects.toMatchObject(unusable('dir', link, /a link that user 65534 made/))
  })

  test.each(['wal', 'cold', 'lock'])(
    'a folder of another user in place of %s is refused where everybody may write',
    async (name) => {
      const dir = await temporaryFolder()
      await chmod(dir, 0o777)
      FolderChild.run(NOBODY, ['mkdir', join(dir, name)])
      const refused = use({ dir })
      await expect(refused).rejects.toMatchObject(unusable('dir', join(dir, name), /was made by user 65534.*chown/))
      // It may hold writes that are nowhere else.
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('remove') })
    },
  )

  test('what root made where it counts as nobody is refused with what can be done about it there', async () => {
    const dir = await temporaryFolder()
    await chmod(dir, 0o777)
    await mkdir(join(dir, 'wal'))
    await chown(join(dir, 'wal'), NOBODY, NOBODY)
    const remedy = /counts as nobody.*a folder in it that others may not write in/
    await expect(use({ dir })).rejects.toMatchObject(unusable('dir', join(dir, 'wal'), remedy))
    // As root leaves it there.
    const own = join(dir, 'own')
    for (const path of [own, join(own, 'wal')]) {
      await mkdir(path, { mode: 0o700 })
      await chown(path, NOBODY, NOBODY)
    }
    await use({ dir: own })
  })

  test('a volume that is given to the group of the process opens, and stays as it is', async () => {
    const dir = await temporaryFolder()
    await chown(dir, 0, NOBODY)
    await chmod(dir, 0o2775)
    expect(FolderChild.open(dir, NOBODY)).toBe('opened')
    expect(await modeOf(dir)).toBe('2775')
    // A link of root is the operator's.
    const disk = await temporaryFolder()
    await chown(disk, NOBODY, NOBODY)
    await rm(join(dir, 'wal'), { recursive: true })
    await symlink(disk, join(dir, 'wal'))
    expect(FolderChild.open(dir, NOBODY)).toBe('opened')
  })

  test('one that is named by a link of whoever deploys the program opens, where not everybody could have made that link', async () => {
    const [place, disk] = [await temporaryFolder(), await temporaryFolder()]
    await chown(disk, NOBODY, NOBODY)
    await chown(place, DEPLOYER, DEPLOYER)
    await chmod(place, 0o755)
    const link = join(place, 'data')
    FolderChild.run(DEPLOYER, ['ln', '-s', disk, link])
    expect(FolderChild.open(link, NOBODY)).toBe('opened')
    await chmod(place, 0o1777)
    expect(FolderChild.open(link, NOBODY)).toBe('opened')
    await chown(place, 0, 0)
    expect(FolderChild.open(link, NOBODY)).toMatch(/^ERR_INVALID_OPTIONS .*a link that user 54321 made/)
    await chmod(place, 0o755)
    // Root could be led anywhere.
    await expect(use({ dir: link })).rejects.toMatchObject(unusable('dir', link, /a link that user 54321 made/))
  })

  test('one that the process may not write to is refused by name', async () => {
    const dir = await temporaryFolder()
    await chmod(dir, 0o755)
    expect(FolderChild.open(dir, NOBODY)).toMatch(/^ERR_INVALID_OPTIONS option `dir`: .*chown, chmod/)
    expect(FolderChild.open(join(dir, 'below'), NOBODY)).toMatch(/^ERR_INVALID_OPTIONS option `dir`: .*chown, chmod/)
  })
})
